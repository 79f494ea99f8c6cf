"""A provider goes live through a checklist that the system itself proves."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any, Final

import pytest
import time_machine
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.test import Client

from apps.core.admin import display_at
from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry, OutboxMessage
from apps.onboarding.enums import ChecklistItem
from apps.onboarding.errors import (
    ChecklistMovedError,
    IncompleteRunError,
    ItemNotWaivableError,
    ItemsNotProvenError,
    PromiseTooShortError,
)
from apps.onboarding.evidence import WORDS, Where, evidence_cell
from apps.onboarding.models import AcceptanceRun, ItemProof, Onboarding, RetentionPromise
from apps.onboarding.selectors import broken_items, standings
from apps.onboarding.services import checklist, going_live, proving
from apps.onboarding.tasks import open_onboarding as open_task
from apps.play.errors import LaunchRefusedError
from apps.play.models import GameSession
from apps.play.services import open_session
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.contracts import ProviderRecord
from apps.providers.errors import AlreadyLiveError, UnknownProviderError
from apps.providers.models import Certificate, Game, Provider, ProviderKey
from apps.providers.services.catalogue import save_provider
from apps.providers.services.standing import take_live
from apps.reconciliation.models import PullCursor
from apps.rounds.ledger_side import ledger_side
from apps.rounds.models import RoundEvent
from apps.rounds.net_position import play_of
from apps.simulator.acceptance.kit import ALL
from apps.simulator.acceptance.scenario import Check, Colour, Result
from apps.staff.enums import Role
from apps.staff.errors import ApprovalVoidError, NotAllowedToDecideError, SelfApprovalError
from apps.staff.models import Approval, User
from apps.staff.services import approve, cancel, sync_roles
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.onboarding.provider_server import TOKEN, PayloadApi, served
from tests.races import race
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

_SECRET = "whsec_" + base64.b64encode(b"0123456789" * 3 + b"01").decode()
_FAILED = Check("It is paid twice", "1", "2", holds=False)
_ASKS = ("onboarding.request_go_live", "onboarding.prove_items", "onboarding.approve_go_live")
_AGREES = ("onboarding.approve_go_live",)


@pytest.fixture(autouse=True)
def _any_speed_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a round trip to ourselves can take longer than a provider may."""
    monkeypatch.setattr(proving, "PROBE_MAX_MS", 60_000)


@dataclass
class Desk:
    """A provider in onboarding with everything in order, and the levers to break each part."""

    provider: Provider
    game: Game
    cover: Certificate
    api: PayloadApi
    engineer: User
    officer: User

    def stands(self, item: str) -> tuple[bool, str]:
        onboarding = Onboarding.objects.get(provider=self.provider)
        found = {one.item: one for one in standings(onboarding.pk)}[item]
        return found.is_green, found.summary


@pytest.fixture
def api(settings: Any) -> Iterator[PayloadApi]:
    settings.PITBOSS_HTTP_ALLOWED_HOSTS = ["127.0.0.1"]
    with served(PayloadApi()) as api:
        yield api


@pytest.fixture
def desk(api: PayloadApi, now: datetime) -> Desk:
    provider = make_provider()
    provider.export_url = api.url
    provider.payload_url = api.url
    provider.export_token = TOKEN
    provider.save()
    for kid, until in (("k0", now - timedelta(days=1)), ("k1", None)):
        ProviderKey.objects.create(
            provider=provider,
            kid=kid,
            secret=_SECRET,
            not_before=now - timedelta(days=9),
            not_after=until,
            created_at=now - timedelta(days=9),
        )
    game = make_game(provider)
    cover = make_cover(game)
    player = make_player("p-1001")
    fund(player, 10_000, now)
    play(provider, [round_event(player, "oldest", now - timedelta(hours=20))], now)
    play(provider, [round_event(player, "newest", now)], now)
    # It was live and is rehearsed with again: what it took from real players is on our books.
    provider.stage = "onboarding"
    provider.save(update_fields=["stage"])
    api.known = {"oldest", "newest"}
    PullCursor.objects.create(
        provider=provider,
        day=date(2026, 11, 21),
        state="complete",
        next_page=2,
        pages=1,
        rows=7,
        started_at=now,
        moved_at=now,
    )
    engineer, officer = make_user(permissions=_ASKS), make_user(permissions=_AGREES)
    checklist.record_promise(
        "aurora", months=12, reference="Contract 4.2", acting_user=engineer, now=now
    )
    checklist.record_acceptance(_report(now), now=now)
    return Desk(provider, game, cover, api, engineer, officer)


def _report(now: datetime, **changes: Any) -> dict[str, Any]:
    return {
        "kit_version": 2,
        "played_at": now.isoformat(),
        "provider": "aurora",
        "protocol": "native",
        "dialect": "native",
        "is_whole": True,
        "is_green": True,
        "counts": {"green": 48, "red": 0, "does not apply": 17},
        "scenarios": [
            Result(ALL[0], Colour.GREEN, [Check("a", "1", "1", holds=True)]).as_json(),
            Result(
                ALL[1], Colour.RED, [Check("It is paid twice", "1", "2", holds=False)]
            ).as_json(),
            Result(ALL[2], Colour.DOES_NOT_APPLY, reason="No such message.").as_json(),
        ],
        **changes,
    }


def _prove(now: datetime, *items: ChecklistItem) -> dict[str, bool]:
    proofs = checklist.prove("aurora", items or tuple(ChecklistItem), acting_user=None, now=now)
    return {proof.item: proof.is_green for proof in proofs}


def _ask(desk: Desk, now: datetime, *waived: str) -> int:
    return going_live.request_go_live(
        "aurora", waived=waived, acting_user=desk.engineer, reason="All proven.", now=now
    )


def _agree(desk: Desk, approval_id: int, now: datetime) -> Approval:
    return approve(approval_id=approval_id, user=desk.officer, reason="Looked at it.", now=now)


def test_a_provider_with_everything_in_order_is_taken_live_by_two_people(
    desk: Desk, now: datetime
) -> None:
    with pytest.raises(LaunchRefusedError) as refused:
        open_session(player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now)
    assert [reason.code for reason in refused.value.reasons] == ["provider_not_live"]

    assert _prove(now) == {item.value: True for item in ChecklistItem}
    assert desk.api.asked == ["newest", "oldest"] + ["newest"] * 5
    approval_id = _ask(desk, now)
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval_id, user=desk.engineer, reason="Me too.", now=now)
    _agree(desk, approval_id, now)

    desk.provider.refresh_from_db()
    assert (desk.provider.stage, desk.provider.live_since) == ("live", now)
    opened = open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )
    assert GameSession.objects.get().pk == opened.session_id
    entry = AuditEntry.objects.get(action="onboarding.went_live")
    assert entry.details == {"approval_id": approval_id, "waived": []}


def test_a_rehearsal_may_be_launched_where_nobody_lives(desk: Desk, now: datetime) -> None:
    game = make_game(desk.provider, "kit-game", offered_in=(REHEARSAL_JURISDICTION,))
    make_cover(game, REHEARSAL_JURISDICTION)
    make_player("acceptance-1", jurisdiction=REHEARSAL_JURISDICTION)
    open_session(player_ref="acceptance-1", provider_code="aurora", game_code="kit-game", now=now)
    assert GameSession.objects.count() == 1


def test_a_loaded_provider_is_in_onboarding_and_gets_its_checklist_once(now: datetime) -> None:
    record = ProviderRecord(
        code="nova",
        name="Nova",
        protocol="native",
        wallet_model="hold",
        webhook_secret=_SECRET,
        reporting_timezone="UTC",
        past_seconds=172_800,
        future_seconds=300,
        retention_months=12,
        settlement_hours=48,
        export_url="",
        payload_url="",
        export_token="",
    )
    save_provider(record, now=now)
    save_provider(record, now=now)
    assert Provider.objects.get().stage == "onboarding"
    message = OutboxMessage.objects.get(topic="providers.provider_added")
    for _ in range(2):
        open_task(outbox_id=message.pk, **message.payload)
    assert Onboarding.objects.get().provider.code == "nova"


def test_a_provider_that_answers_too_late_is_red(
    desk: Desk, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "PROBE_MAX_MS", -1)
    assert _prove(now, ChecklistItem.PROBES) == {"probes": False}
    assert "at most -1 ms in the median" in desk.stands("probes")[1]


def _no_run(desk: Desk, now: datetime) -> None:
    report = _report(now, is_green=False, counts={"green": 47, "red": 1, "does not apply": 17})
    checklist.record_acceptance(report, now=now)


def _other_policy(desk: Desk, now: datetime) -> None:
    desk.provider.wallet_model = "sub_wallet"
    desk.provider.save()


def _failed_pull(desk: Desk, now: datetime) -> None:
    PullCursor.objects.update(last_error="it is not JSON")


def _old_pull(desk: Desk, now: datetime) -> None:
    PullCursor.objects.update(moved_at=now - timedelta(days=4))


def _half_pull(desk: Desk, now: datetime) -> None:
    PullCursor.objects.update(state="pulling")


def _forgotten_payload(desk: Desk, now: datetime) -> None:
    desk.api.known.remove("oldest")


def _wrong_token(desk: Desk, now: datetime) -> None:
    desk.provider.export_token = "another"
    desk.provider.save()


def _withdrawn(desk: Desk, now: datetime) -> None:
    Certificate.objects.filter(pk=desk.cover.pk).update(state="withdrawn")


def _longer_contract(desk: Desk, now: datetime) -> None:
    desk.provider.retention_months = 24
    desk.provider.save()


def _never_rotated(desk: Desk, now: datetime) -> None:
    ProviderKey.objects.filter(kid="k0").update(not_after=None)


def _unused_key(desk: Desk, now: datetime) -> None:
    ProviderKey.objects.filter(kid="k1").update(kid="k2")


@pytest.mark.parametrize(
    ("break_it", "item", "said"),
    [
        (_no_run, "acceptance", "47 green, 1 red, 17 does not apply"),
        (_other_policy, "acceptance", "changed since the run"),
        (_failed_pull, "export_pull", "it is not JSON"),
        (_old_pull, "export_pull", "The last complete pull is of 2026-11-18"),
        (_half_pull, "export_pull", "not complete"),
        (_forgotten_payload, "payload_by_id", "oldest of 2026-11-21"),
        (_wrong_token, "payload_by_id", "newest of 2026-11-22"),
        (_wrong_token, "probes", "No answer"),
        (_withdrawn, "certificates", "1 of 1 offers are not covered: aurora-reef in MT"),
        (_longer_contract, "retention", "12 months promised (Contract 4.2), 24 needed"),
        (_never_rotated, "key_rotation", "No key was ever ended"),
        (_unused_key, "key_rotation", "No delivery was signed"),
    ],
)
def test_what_breaks_turns_its_item_red_and_is_told_once(
    desk: Desk,
    now: datetime,
    break_it: Callable[[Desk, datetime], None],
    item: str,
    said: str,
) -> None:
    assert all(_prove(now).values())
    break_it(desk, now)
    for _ in range(2):
        _prove(now + timedelta(minutes=1))
    is_green, summary = desk.stands(item)
    assert not is_green
    assert said in summary
    told = OutboxMessage.objects.filter(topic="onboarding.item_broke", payload__item=item)
    assert told.count() == 1


def test_an_item_that_holds_again_turns_green_again(desk: Desk, now: datetime) -> None:
    _failed_pull(desk, now)
    assert not _prove(now, ChecklistItem.EXPORT_PULL)["export_pull"]
    PullCursor.objects.update(last_error="")
    assert _prove(now, ChecklistItem.EXPORT_PULL)["export_pull"]


def test_a_live_provider_that_lost_a_proof_is_on_the_home_page(desk: Desk, now: datetime) -> None:
    _prove(now)
    _agree(desk, _ask(desk, now), now)
    assert broken_items(limit=9) == []
    _withdrawn(desk, now)
    _prove(now)
    assert [proof.item for proof in broken_items(limit=9)] == ["certificates"]


def test_what_is_not_proven_is_not_taken_live(desk: Desk, now: datetime) -> None:
    _failed_pull(desk, now)
    _prove(now)
    with pytest.raises(ItemsNotProvenError, match="Round log export"):
        _ask(desk, now)
    with pytest.raises(ItemNotWaivableError):
        _ask(desk, now, "export_pull")
    assert not Approval.objects.exists()


def test_uncovered_games_may_be_waived_and_stay_closed(desk: Desk, now: datetime) -> None:
    make_game(desk.provider, "uncovered")
    _prove(now)
    with pytest.raises(ItemsNotProvenError):
        _ask(desk, now)
    approval = Approval.objects.get(pk=_ask(desk, now, "certificates"))
    assert approval.title == "Take Aurora live, 1 waived"
    assert approval.payload["items"]["certificates"]["holds"] is False
    _agree(desk, approval.pk, now)
    with pytest.raises(LaunchRefusedError) as refused:
        open_session(player_ref="p-1001", provider_code="aurora", game_code="uncovered", now=now)
    assert [reason.code for reason in refused.value.reasons] == ["no_certificate"]


def test_an_approval_is_void_where_the_checklist_moved(desk: Desk, now: datetime) -> None:
    _prove(now)
    approval_id = _ask(desk, now)
    _failed_pull(desk, now)
    _prove(now)
    with pytest.raises((ApprovalVoidError, ChecklistMovedError)):
        _agree(desk, approval_id, now)
    desk.provider.refresh_from_db()
    assert desk.provider.stage == "onboarding"


_CHANGED_SINCE: Final = [
    (_other_policy, "Acceptance kit"),
    (_half_pull, "Round log export"),
    (_withdrawn, "Certificates cover the catalogue"),
    (_longer_contract, "Retention promise"),
    (_never_rotated, "Webhook keys rotated"),
]


@pytest.mark.parametrize(("change", "item"), _CHANGED_SINCE)
def test_what_changed_since_the_last_look_is_not_taken_live_on_it(
    desk: Desk, now: datetime, change: Any, item: str
) -> None:
    _prove(now)
    approval_id = _ask(desk, now)
    change(desk, now)
    with pytest.raises(ItemsNotProvenError, match=item):
        _agree(desk, approval_id, now)
    desk.provider.refresh_from_db()
    assert desk.provider.stage == "onboarding"
    # Nor is it asked for: the checklist still says green, the tables do not.
    approval = Approval.objects.get(pk=approval_id)
    assert approval.state == "pending"
    cancel(approval_id=approval_id, user=desk.engineer, reason="Look again.", now=now)
    with pytest.raises(ItemsNotProvenError, match=item):
        _ask(desk, now)
    assert Approval.objects.count() == 1


def test_what_both_waived_is_not_looked_at_again(desk: Desk, now: datetime) -> None:
    _prove(now)
    approval_id = _ask(desk, now, "certificates")
    _withdrawn(desk, now)
    _agree(desk, approval_id, now)
    desk.provider.refresh_from_db()
    assert desk.provider.stage == "live"


def test_who_may_not_decide_does_not(desk: Desk, now: datetime) -> None:
    _prove(now)
    with pytest.raises(NotAllowedToDecideError):
        approve(approval_id=_ask(desk, now), user=make_user(), reason="Fine.", now=now)
    desk.provider.refresh_from_db()
    assert desk.provider.stage == "onboarding"


def test_a_provider_is_taken_live_once(desk: Desk, now: datetime) -> None:
    take_live("aurora", reason="First.", now=now)
    with pytest.raises(AlreadyLiveError):
        take_live("aurora", reason="Again.", now=now)
    with pytest.raises(AlreadyLiveError):
        _ask(desk, now)
    with pytest.raises(UnknownProviderError):
        take_live("nobody", reason="Who?", now=now)


def test_a_partial_run_proves_nothing(desk: Desk, now: datetime) -> None:
    before = AcceptanceRun.objects.count()
    with pytest.raises(IncompleteRunError):
        checklist.record_acceptance(_report(now, is_whole=False), now=now)
    assert AcceptanceRun.objects.count() == before


def test_a_promise_is_long_enough_and_says_where_it_is_written(desk: Desk, now: datetime) -> None:
    def record(months: int, reference: str) -> None:
        checklist.record_promise(
            "aurora", months=months, reference=reference, acting_user=desk.engineer, now=now
        )

    with pytest.raises(PromiseTooShortError):
        record(11, "Contract")
    with pytest.raises(ReasonRequiredError):
        record(12, " ")
    assert RetentionPromise.objects.count() == 1


def test_the_database_refuses_it_too(desk: Desk, now: datetime) -> None:
    onboarding = Onboarding.objects.get()
    with (
        pytest.raises(IntegrityError, match="onboarding_promise_is_a_year_at_least"),
        transaction.atomic(),
    ):
        RetentionPromise.objects.create(
            onboarding=onboarding,
            months=11,
            reference="x",
            recorded_at=now,
            recorded_by=desk.engineer,
        )
    with (
        pytest.raises(IntegrityError, match="onboarding_proof_item_is_known"),
        transaction.atomic(),
    ):
        ItemProof.objects.create(
            onboarding=onboarding,
            item="luck",
            is_green=True,
            summary="x",
            evidence={},
            proved_at=now,
        )
    for rows in (ItemProof.objects, AcceptanceRun.objects, RetentionPromise.objects):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            rows.update(onboarding=onboarding)
    with (
        pytest.raises(IntegrityError, match="providers_provider_live_since_only_when_live"),
        transaction.atomic(),
    ):
        Provider.objects.update(live_since=now)


def test_the_command_says_what_is_open_and_ends_with_one(desk: Desk, now: datetime) -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("onboarding", "--provider", "aurora", stdout=out)
    assert ended.value.code == 1
    assert "Nobody has looked yet." in out.getvalue()


def test_every_figure_of_the_evidence_has_words_whether_it_holds_or_not(
    desk: Desk, now: datetime
) -> None:
    _prove(now)
    _withdrawn(desk, now)
    desk.api.known = set()
    _prove(now)
    where = Where(desk.provider.pk, "aurora", None)
    seen = set()
    for proof in ItemProof.objects.all():
        unnamed = proof.evidence.keys() - WORDS[ChecklistItem(proof.item)].keys()
        assert not unnamed, (proof.item, unnamed)
        seen.add((proof.item, proof.is_green))
        assert "<dl" in evidence_cell(proof, where)
    assert {(item.value, True) for item in ChecklistItem} <= seen
    assert {("certificates", False), ("payload_by_id", False), ("probes", False)} <= seen
    old = ItemProof(item="probes", evidence={"took_ms": [3], "<odd>": "<b>"})
    assert "<dt>&lt;odd&gt;</dt><dd>&lt;b&gt;</dd>" in evidence_cell(old, where)


def test_the_page_shows_each_item_and_offers_the_next_step(
    desk: Desk, now: datetime, client: Client
) -> None:
    sync_roles(now=now)
    engineer = make_user("inga", roles=(Role.INTEGRATION_ENGINEER,))
    client.force_login(engineer)
    _prove(now)
    page = f"/admin/onboarding/onboarding/{Onboarding.objects.get().pk}/change/"
    text = client.get(page).content.decode()
    for item in ChecklistItem:
        assert str(item.label) in text
    assert "Ask to go live" in text
    assert "It is paid twice" in text
    assert "No such message." in text
    assert ALL[0].sentence not in text
    run = AcceptanceRun.objects.get().pk
    newest = "newest</a>, played <span"
    for words in (
        f'<a class="pb-link" href="#acceptance-run">Run {run}, shown above</a>',
        "48 green, 0 red, 17 does not apply",
        "7 rows",
        "1 offers",
        "12 months",
        "Contract 4.2",
        display_at(now),
        f"/admin/reconciliation/pullcursor/?provider_id={desk.provider.pk}&amp;day=2026-11-21",
        f"/admin/rounds/roundevent/?provider_id={desk.provider.pk}&amp;q=newest",
        newest,
    ):
        assert words in text, words
    assert "took_ms" not in text
    assert "{&quot;" not in text
    asks = f"{page.removesuffix('change/')}do/go-live/"
    # What was pulled is looked at once more, as of the moment of asking.
    with time_machine.travel(now, tick=False):
        client.force_login(engineer)
        assert client.post(asks, {"reason": "All proven."}).status_code == 302
    client.force_login(engineer)
    assert Approval.objects.get().requested_by == engineer
    looks = f"{page.removesuffix('change/')}do/prove/"
    assert client.post(looks, {"reason": "They mended the export."}).status_code == 302
    entry = AuditEntry.objects.get(action="onboarding.items_looked_at")
    assert (entry.actor_id, entry.reason) == (engineer.pk, "They mended the export.")
    assert set(entry.details) == set(ChecklistItem.values)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_looks_at_once_tell_of_a_broken_item_once(desk: Desk, now: datetime) -> None:
    _prove(now)
    _withdrawn(desk, now)
    race([lambda: _prove(now, ChecklistItem.CERTIFICATES)] * 4)
    told = OutboxMessage.objects.filter(topic="onboarding.item_broke")
    assert told.count() == 1


def test_what_a_rehearsal_plays_is_no_break_and_no_revenue(desk: Desk, now: datetime) -> None:
    game = make_game(desk.provider, "kit-game", offered_in=(REHEARSAL_JURISDICTION,))
    player = make_player("acceptance-1", jurisdiction=REHEARSAL_JURISDICTION)
    fund(player, 10_000, now)
    start, end = now - timedelta(hours=1), now + timedelta(hours=1)
    before = play_of(provider_id=desk.provider.pk, start=start, end=end)
    play(desk.provider, [round_event(player, "kit-1", now, game_code=game.game_code)], now)
    assert RoundEvent.objects.get(event_id="kit-1").money_state == "settled"
    assert play_of(provider_id=desk.provider.pk, start=start, end=end) == before
    copied = ledger_side(provider_id=desk.provider.pk, start=start, end=end)
    ours = b"".join(copied).decode().splitlines()
    assert [line.split(",")[0] for line in ours] == ["newest"]
