"""The pages over rounds, ledger and players open, tell the truth and let nothing slip."""

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.disputes.models import Case
from apps.players.models import Player
from apps.providers.models import Provider, ProviderKey
from apps.rounds.models import BalanceDrift, Delivery, EventAttempt, Round, RoundEvent
from apps.rounds.payloads import readable
from apps.staff.enums import Role
from apps.staff.models import User
from apps.staff.services import sync_roles
from apps.wallet.models import Account, Transfer
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

_HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def player(now: datetime) -> Player:
    provider = make_provider()
    make_cover(make_game(provider))
    player = make_player("p-1001")
    fund(player, 10_000, now)
    body = b'{"event_id": "a-1", "note": "<script>alert(1)</script>", "n": 1.10}'
    play(provider, [round_event(player, "a-1", now)], now, body=body)
    sync_roles(now=now)
    return player


def _enter(client: Client, role: Role | None) -> User:
    user = make_user(roles=(role,) if role else ())
    client.force_login(user)
    return user


_LISTS = [
    "rounds_round",
    "rounds_roundevent",
    "rounds_delivery",
    "rounds_eventattempt",
    "rounds_conflict",
    "rounds_balancedrift",
    "wallet_account",
    "wallet_transfer",
    "wallet_ledgerseal",
    "players_player",
    "players_limit",
    "providers_provider",
    "providers_providerkey",
    "providers_game",
    "gateway_rejection",
    "play_gamesession",
    "play_signingkey",
    "disputes_case",
    "reports_netposition",
]


@pytest.mark.parametrize("name", _LISTS)
@pytest.mark.parametrize("query", ["", "?q=a-1", "?q=99999999999999999999999", "?q=%00", "?p=999"])
def test_every_list_opens_for_an_auditor_whatever_is_searched(
    client: Client, player: Player, name: str, query: str
) -> None:
    _enter(client, Role.AUDITOR)
    answer = client.get(reverse(f"admin:{name}_changelist") + query)
    assert answer.status_code in {200, 302}


@pytest.mark.parametrize("name", _LISTS)
def test_no_list_opens_without_a_role(client: Client, player: Player, name: str) -> None:
    _enter(client, None)
    assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403


def _pages(player: Player) -> list[str]:
    rows: list[Any] = [
        Round.objects.get(),
        RoundEvent.objects.get(),
        Delivery.objects.get(),
        Transfer.objects.order_by("-pk")[0],
        Account.objects.filter(player=player, pot="cash").get(),
        player,
        Provider.objects.get(),
        Provider.objects.get().games.get(),
    ]
    return [
        reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        for row in rows
    ]


def test_findings_say_money_with_its_currency_and_statuses_in_words(
    client: Client, player: Player, now: datetime
) -> None:
    provider = Provider.objects.get()
    drift = BalanceDrift.objects.get()
    BalanceDrift.objects.update(difference_minor=-1_990)
    attempt = EventAttempt.objects.create(
        provider=provider, event_id="a-1", delivery_id=1, received_at=now, status="duplicate"
    )
    _enter(client, Role.AUDITOR)
    page = client.get(reverse("admin:rounds_balancedrift_change", args=[drift.pk])).content.decode()
    assert f"-19.90 {player.currency}" in page
    assert "1990" not in page
    answer = client.get(reverse("admin:rounds_eventattempt_change", args=[attempt.pk]))
    page = answer.content.decode()
    assert "repeat" in page
    assert "duplicate" not in page


def test_a_page_of_what_nobody_edits_offers_no_history(client: Client, player: Player) -> None:
    _enter(client, Role.AUDITOR)
    for row, is_edited in ((Account.objects.filter(player=player)[0], False), (player, True)):
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        page = client.get(reverse(f"{name}_change", args=[row.pk])).content.decode()
        link = reverse(f"{name}_history", args=[row.pk])
        assert (f'href="{link}"' in page) is is_edited


def test_every_detail_page_opens_and_shows_no_markup_that_was_sent(
    client: Client, player: Player
) -> None:
    _enter(client, Role.AUDITOR)
    for page in _pages(player):
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert _HOSTILE not in answer.content.decode(), page


def test_an_auditor_changes_nothing(client: Client, player: Player) -> None:
    _enter(client, Role.AUDITOR)
    for page in _pages(player):
        assert client.post(page, {"status": "closed"}).status_code == 403, page
    player.refresh_from_db()
    assert player.status == "active"


def test_the_event_page_shows_its_ledger_lines_and_its_answer(
    client: Client, player: Player
) -> None:
    _enter(client, Role.CS_AGENT)
    event = RoundEvent.objects.get()
    text = client.get(reverse("admin:rounds_roundevent_change", args=[event.pk])).content.decode()
    for expected in ("2.00 EUR", "3.50 EUR", "gaming:aurora", "msg-a-1", "this one"):
        assert expected in text, expected


def test_raw_bytes_come_as_a_file_and_only_to_who_may_see_deliveries(
    client: Client, player: Player
) -> None:
    delivery = Delivery.objects.get()
    url = reverse("admin:rounds_delivery_raw", args=[delivery.pk])
    assert client.get(url).status_code == 302
    _enter(client, Role.PROMO_MANAGER)
    assert client.get(url).status_code == 403
    _enter(client, Role.CS_AGENT)
    answer = client.get(url)
    assert answer.content == bytes(delivery.body)
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    missing = reverse("admin:rounds_delivery_raw", args=[2**63])
    assert client.get(missing).status_code == 404


def test_a_dispute_is_opened_from_the_event_page(client: Client, player: Player) -> None:
    agent = _enter(client, Role.CS_AGENT)
    event = RoundEvent.objects.get()
    url = reverse("admin:rounds_roundevent_do", args=[event.pk, "dispute"])
    assert client.get(url).status_code == 200
    sent = {
        "case_type": "settlement",
        "reason": f"I won more. {_HOSTILE}",
        "state": "resolved",
        "event_id": "a-2",
        "opened_by": "1",
    }
    assert client.post(url, sent).status_code == 302
    case = Case.objects.get()
    assert (case.event_id, case.state, case.opened_by) == ("a-1", "open", agent)
    page = client.get(reverse("admin:disputes_case_change", args=[case.pk]))
    assert page.status_code == 200
    assert _HOSTILE not in page.content.decode()
    assert "shown as received" in page.content.decode().lower()


def test_a_case_form_with_rubbish_says_so_and_opens_nothing(client: Client, player: Player) -> None:
    _enter(client, Role.CS_AGENT)
    url = reverse("admin:disputes_case_add")
    rubbish: list[dict[str, str]] = [
        {},
        {"player_ref": "p-x", "case_type": "settlement", "claim": "I won more."},
        {"player_ref": "p-1001", "case_type": "weather", "claim": "I won more."},
        {
            "player_ref": "p-1001",
            "case_type": "settlement",
            "claim": "I won more.",
            "provider_code": "aurora",
            "event_id": "no-such-event",
        },
        {"player_ref": "p\x00", "case_type": "settlement", "claim": "I won more."},
    ]
    for sent in rubbish:
        assert client.post(url, sent).status_code == 200
    assert not Case.objects.exists()


def test_a_promo_manager_neither_opens_nor_sees_disputes(client: Client, player: Player) -> None:
    _enter(client, Role.PROMO_MANAGER)
    assert client.get(reverse("admin:disputes_case_add")).status_code == 403
    event = RoundEvent.objects.get()
    url = reverse("admin:rounds_roundevent_do", args=[event.pk, "dispute"])
    assert client.post(url, {"case_type": "settlement", "reason": "I won more."}).status_code == 403
    assert not Case.objects.exists()


def test_a_players_kyc_changes_with_a_reason_only_and_the_status_never_here(
    client: Client, player: Player
) -> None:
    _enter(client, Role.CS_SUPERVISOR)
    url = reverse("admin:players_player_change", args=[player.pk])
    sent = {"status": "blocked", "kyc_status": "pending", "currency": "USD", "player_ref": "p-2"}
    assert client.post(url, sent).status_code == 200
    player.refresh_from_db()
    assert player.kyc_status == "verified"
    sent["change_reason"] = "The passport has run out."
    assert client.post(url, sent).status_code == 302
    player.refresh_from_db()
    assert (player.kyc_status, player.currency, player.player_ref) == ("pending", "EUR", "p-1001")
    assert player.status == "active"
    assert AuditEntry.objects.filter(action="players.player.changed").count() == 1


def test_a_key_is_retired_with_a_reason_and_its_secret_is_never_shown(
    client: Client, player: Player, now: datetime
) -> None:
    secret = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0"
    key = ProviderKey.objects.create(
        provider=Provider.objects.get(),
        kid="k-1",
        secret=secret,
        state="active",
        not_before=now,
        created_at=now,
    )
    _enter(client, Role.INTEGRATION_ENGINEER)
    page = reverse("admin:providers_providerkey_change", args=[key.pk])
    assert secret not in client.get(page).content.decode()
    url = reverse("admin:providers_providerkey_do", args=[key.pk, "retire"])
    client.post(url, {"reason": ""})
    key.refresh_from_db()
    assert key.state == "active"
    client.post(url, {"reason": "Rotated by the provider."})
    key.refresh_from_db()
    assert (key.state, key.secret) == ("retired", secret)
    assert AuditEntry.objects.filter(action="providers.key.retired").count() == 1


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_a_home_that_opens(client: Client, player: Player, role: Role) -> None:
    assert Group.objects.filter(name=role).exists()
    _enter(client, role)
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_payload_is_shown_as_received_where_formatting_would_change_it() -> None:
    assert readable(b'{"a":"1"}').text == '{\n  "a": "1"\n}'
    for body in (b'{"a":1.10}', b'{"a":1,"a":2}', b"not json", b'{"a":1e400}'):
        assert readable(body).text == body.decode()
        assert "as received" in readable(body).note
    assert readable(b"\xff\xfe").text == "\\xff\\xfe"
    assert readable(b"[" * 100_000).text.startswith("[[[")
    batch = b'{"events":[{"event_id":"x"},{"event_id":"y"}]}'
    assert readable(batch, "y").text == '{\n  "event_id": "y"\n}'
    assert "Event 2 of 2" in readable(batch, "y").note
