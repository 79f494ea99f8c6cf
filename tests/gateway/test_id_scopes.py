"""What a provider's ids mean is fixed by its first event, for idempotency keys are made of it."""

from datetime import UTC, datetime, timedelta
from html import unescape
from importlib import import_module

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.gateway.errors import OpenMoneyError
from apps.gateway.services.id_scopes import change_id_scopes
from apps.gateway.services.intake import apply_unjudged, take_in
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.providers.errors import IdScopesMovedError, IdsFixedError, SameIdScopesError
from apps.providers.models import IdScopes, Provider, ProviderPolicy
from apps.providers.selectors.id_scopes import Scopes
from apps.providers.services.policy import give_default_policy
from apps.providers.services.standing import take_live
from apps.rounds.models import RoundEvent
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_user
from tests.gateway.builders import NOW, Casino, everything, later, open_casino
from tests.gateway.operations_makers import ask, ask_one, stake
from tests.races import race

AT_PROVIDER = Scopes("provider", "provider")
PER_PLAYER = Scopes("player", "provider")
PER_GAME = Scopes("provider", "game")


def rehearse(casino: Casino) -> None:
    Provider.objects.filter(pk=casino.provider.pk).update(stage="onboarding", live_since=None)
    Player.objects.update(jurisdiction=REHEARSAL_JURISDICTION)


def policy_of(casino: Casino) -> ProviderPolicy:
    return give_default_policy(Provider.objects.get(pk=casino.provider.pk), now=NOW)


def change(casino: Casino, scopes: Scopes, *, at: float = 5) -> None:
    change_id_scopes(
        policy_id=policy_of(casino).pk,
        scopes=scopes,
        acting_user=make_user(),
        reason="their contract, annex 2",
        now=later(at),
    )


def scopes_now(casino: Casino) -> Scopes:
    stored = policy_of(casino)
    return Scopes(stored.transaction_scope, stored.round_scope)


def test_before_the_first_event_they_may_change_and_the_chain_says_who(casino: Casino) -> None:
    change(casino, PER_PLAYER)
    assert scopes_now(casino) == PER_PLAYER
    entry = AuditEntry.objects.get(action="gateway.id_scopes.changed")
    assert entry.details["to"] == {"transaction_scope": "player", "round_scope": "provider"}
    newest = ProviderPolicy.history.latest()
    assert newest.history_change_reason == "their contract, annex 2"


def test_the_first_stored_event_fixes_them_for_ever_at_a_live_provider(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    fixed = IdScopes.objects.get(provider=casino.provider)
    assert (fixed.protocol, fixed.transaction_scope, fixed.round_scope, fixed.fixed_at) == (
        "native",
        "provider",
        "provider",
        NOW,
    )
    with pytest.raises(IdsFixedError, match=r"since 2026-11-18 10:00 UTC"):
        change(casino, PER_PLAYER)
    assert scopes_now(casino) == AT_PROVIDER
    assert casino.profile.are_ids_fixed


def test_the_refusal_names_what_is_open(casino: Casino) -> None:
    casino.send(casino.tentative("e-1", bet_amount="2.00", win_amount="3.50"))
    with pytest.raises(IdsFixedError, match=r"1 open round, 2\.00 AUD held \(1x\), 3\.50 AUD"):
        change(casino, PER_GAME)


def test_a_message_that_stores_nothing_fixes_nothing(casino: Casino) -> None:
    casino.send(casino.event("e-1", game_code="nobody-knows"))
    assert not RoundEvent.objects.exists()
    assert not IdScopes.objects.exists()


def test_in_rehearsal_they_may_change_once_nothing_is_open(casino: Casino) -> None:
    rehearse(casino)
    casino.send(casino.tentative("e-1", bet_amount="2.00", win_amount="0.00"))
    with pytest.raises(OpenMoneyError, match=r"1 open round, 2\.00 AUD held"):
        change(casino, PER_GAME)
    assert scopes_now(casino) == AT_PROVIDER
    casino.send(casino.event("f-1", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    change(casino, PER_GAME)
    assert scopes_now(casino) == PER_GAME
    assert not IdScopes.objects.exists()
    casino.send(casino.event("e-2"))
    assert IdScopes.objects.get().round_scope == "game"


def test_what_was_fixed_in_rehearsal_is_fixed_for_ever_once_live(casino: Casino) -> None:
    rehearse(casino)
    casino.send(casino.event("e-1"))
    assert not casino.profile.are_ids_fixed
    take_live("aurora", reason="checklist", now=later(1))
    with pytest.raises(IdsFixedError):
        change(casino, PER_PLAYER)


def test_the_same_scopes_are_no_change(casino: Casino) -> None:
    with pytest.raises(SameIdScopesError):
        change(casino, AT_PROVIDER)


@pytest.mark.parametrize("change_to", [{"transaction_scope": "player"}, {"round_scope": "game"}])
def test_the_database_refuses_other_scopes_while_events_follow_these(
    casino: Casino, change_to: dict[str, str]
) -> None:
    casino.send(casino.event("e-1"))
    with (
        pytest.raises(IntegrityError, match="providers_fixed_scopes_are_set"),
        transaction.atomic(),
    ):
        ProviderPolicy.objects.update(**change_to)
    assert scopes_now(casino) == AT_PROVIDER


def test_the_database_refuses_another_protocol_while_events_follow_this(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    with (
        pytest.raises(IntegrityError, match="providers_fixed_protocol_is_spoken"),
        transaction.atomic(),
    ):
        Provider.objects.update(protocol="swipe")
    assert casino.profile.protocol == "native"


def test_the_database_lets_a_live_providers_ids_not_be_released(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    with pytest.raises(ProgrammingError, match="mean for ever"), transaction.atomic():
        IdScopes.objects.all().delete()
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        IdScopes.objects.update(round_scope="game")
    assert IdScopes.objects.get().round_scope == "provider"


def test_a_provider_that_sent_events_before_this_was_kept_has_its_ids_fixed_as_they_are(
    casino: Casino,
) -> None:
    rehearse(casino)
    casino.send(casino.event("e-1"))
    IdScopes.objects.all().delete()
    migration = import_module("apps.gateway.migrations.0002_fix_ids_of_stored_events")
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute(migration.FIX)
    assert list(IdScopes.objects.values_list("provider__code", "protocol", "round_scope")) == [
        ("aurora", "native", "provider")
    ]


def test_another_flag_of_the_policy_still_changes(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    ProviderPolicy.objects.update(late_stake="refuse")
    assert policy_of(casino).late_stake == "refuse"


def test_messages_read_by_scopes_that_are_not_in_force_write_nothing(casino: Casino) -> None:
    before = everything()
    with pytest.raises(IdScopesMovedError):
        ask(casino, stake("b-1"), transaction_scope="player")
    assert everything() == before
    assert not RoundEvent.objects.exists()
    assert ask_one(casino, stake("b-1")) == ("accepted", "", 9_800)


@pytest.mark.django_db(transaction=True)
def test_a_callback_read_by_old_scopes_is_kept_and_applied_by_the_new_ones() -> None:
    casino = open_casino()
    # What is swept is found by the database's own clock.
    casino.now = datetime.now(UTC)
    inbound = casino.inbound(casino.body(casino.event("e-1")))
    change(casino, PER_GAME)
    [judged] = take_in([inbound], casino.games, now=casino.now)
    assert [(one.status, one.code) for one in judged.outcomes] == [("parked", "ledger_unavailable")]
    apply_unjudged(now=casino.now + timedelta(minutes=1))
    assert casino.stored("e-1").status == "accepted"
    assert IdScopes.objects.get().round_scope == "game"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_first_event_and_a_change_at_once_never_leave_an_event_under_other_scopes() -> None:
    casino = open_casino()
    inbound = casino.inbound(casino.body(casino.event("e-1")))
    outcomes = race(
        [
            lambda: take_in([inbound], casino.games, now=NOW),
            lambda: change(casino, PER_GAME),
        ]
    )
    is_changed = scopes_now(casino) == PER_GAME
    is_stored = RoundEvent.objects.filter(event_id="e-1").exists()
    assert is_changed != is_stored, outcomes
    assert IdScopes.objects.filter(round_scope="provider").exists() == is_stored


def test_the_page_says_why_and_an_engineer_may_change_them_while_they_are_free(
    client: Client, casino: Casino
) -> None:
    sync_roles(now=NOW)
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    policy = policy_of(casino)
    page = reverse("admin:providers_providerpolicy_change", args=[policy.pk])
    doing = reverse("admin:providers_providerpolicy_do", args=[policy.pk, "ids"])
    text = unescape(client.get(page).content.decode())
    assert "Its ids are unique at the provider, and so are its rounds." in text
    assert doing not in text
    # In a protocol that asks for them.
    Provider.objects.update(protocol="hub88")
    text = unescape(client.get(page).content.decode())
    assert "Free to change" in text
    assert doing in text
    form = {
        "transaction_scope": "player",
        "round_scope": "provider",
        "reason": "their contract, annex 2",
    }
    client.post(doing, form)
    assert scopes_now(casino) == PER_PLAYER
    Provider.objects.update(protocol="native")
    casino.send(casino.event("e-1"))
    text = unescape(client.get(page).content.decode())
    assert "Fixed for ever" in text
    assert doing not in text
    answer = client.post(doing, form | {"transaction_scope": "provider"}, follow=True)
    assert "would be booked anew under another" in unescape(answer.content.decode())
    assert scopes_now(casino) == PER_PLAYER


def test_who_only_reads_policies_changes_no_scope(client: Client, casino: Casino) -> None:
    sync_roles(now=NOW)
    client.force_login(make_user(roles=(Role.AUDITOR,)))
    doing = reverse("admin:providers_providerpolicy_do", args=[policy_of(casino).pk, "ids"])
    form = {"transaction_scope": "player", "round_scope": "provider", "reason": "just because"}
    assert client.post(doing, form).status_code == 403
    assert scopes_now(casino) == AT_PROVIDER
