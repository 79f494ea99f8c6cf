"""What is asked of the services, and what the database refuses on its own."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction

from apps.core.models import AuditEntry
from apps.players import services, statements
from apps.players.contracts import (
    ExclusionRequest,
    LimitRequest,
    PlayerUpdate,
    RealityCheckClock,
    RealityCheckRecord,
)
from apps.players.enums import ExclusionKind, LimitKind, PlayerStatus
from apps.players.errors import (
    ExclusionAlreadyEndedError,
    ExclusionIsForeverError,
    ExclusionNotOverError,
    ExclusionPeriodError,
    ExclusionTooShortError,
    LimitAmountError,
    LimitUnchangedError,
    NoExclusionError,
    NoPendingLimitError,
    NoSuchLimitError,
    PlayerMismatchError,
    ProtectedStandingError,
    RealityCheckAnsweredError,
    RealityCheckError,
    RuleCheckDateError,
    UnknownPlayerError,
    UnknownRuleError,
)
from apps.players.models import (
    Exclusion,
    ExclusionEnd,
    HourTally,
    Limit,
    Player,
    ProtectionCheck,
    RealityCheck,
    RefusalTally,
    RuleCheck,
)
from apps.players.selectors import limit_use, player_by_id, protection_of, protection_reasons
from apps.players.selectors.reality_checks import reality_check_clock
from tests.big_rows import fill
from tests.factories import make_player, make_user
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def ask_limit(player: Player, amount: int | None, kind: str = "wager_24h", **more: Any) -> Any:
    at = more.pop("now", NOW)
    is_time = LimitKind(kind).is_in_minutes
    values = {
        "player_id": player.pk,
        "kind": kind,
        "source": "player",
        "asked_by": player.player_ref,
        "reason": "Asked in the app.",
        "minutes" if is_time else "amount_minor": amount,
        **more,
    }
    return services.set_limit(LimitRequest(**values), now=at)


def allowed(player: Player, at: datetime) -> list[int]:
    return [term.amount for term in protection_of(player.pk, at).limits if term.holds_at(at)]


def ask_exclusion(player: Player, kind: str, ends_at: datetime | None = None, **more: Any) -> Any:
    at = more.pop("now", NOW)
    request = ExclusionRequest(
        player_id=player.pk,
        kind=kind,
        source="player",
        asked_by=player.player_ref,
        reason="Asked in the app.",
        ends_at=ends_at,
    )
    return services.exclude(request, now=at)


def end(exclusion: Exclusion, at: datetime) -> ExclusionEnd:
    return services.end_exclusion(
        exclusion.pk, source="player", asked_by="p", reason="Wants to play again.", now=at
    )


def codes(player: Player, at: datetime) -> list[str]:
    return [reason.code for reason in protection_reasons(player_by_id(player.pk), at)]


def refusal_codes(player_id: int, amount_minor: int, at: datetime) -> list[str]:
    return [reason.code for reason in services.deposit_refusal(player_id, amount_minor, at)]


def nothing_moved() -> tuple[int, ...]:
    models = (Limit, Exclusion, ExclusionEnd, AuditEntry, RuleCheck, RealityCheck)
    return tuple(model.objects.count() for model in models)


def refused(error: type[Exception], run: Callable[[], object]) -> None:
    before = nothing_moved()
    with pytest.raises(error):
        run()
    assert nothing_moved() == before


@pytest.mark.parametrize(("place", "delay"), [("GB", DAY), ("AU-NT", 7 * DAY), ("MT", DAY)])
def test_a_limit_is_lowered_at_once_and_raised_after_the_delay(
    place: str, delay: timedelta
) -> None:
    player = make_player(jurisdiction=place)
    assert ask_limit(player, 1_000).effective_at == NOW
    lowered = ask_limit(player, 500, now=NOW + DAY)
    assert (lowered.effective_at, lowered.is_pending) == (NOW + DAY, False)
    assert allowed(player, NOW + DAY) == [500]
    asked = NOW + 2 * DAY
    raised = ask_limit(player, 2_000, now=asked)
    assert (raised.effective_at, raised.is_pending) == (asked + delay, True)
    assert allowed(player, asked + delay - timedelta(microseconds=1)) == [500]
    assert allowed(player, asked + delay) == [2_000]


def test_removing_a_limit_waits_like_raising_it() -> None:
    player = make_player(jurisdiction="GB")
    ask_limit(player, 1_000)
    assert ask_limit(player, None).effective_at == NOW + DAY
    assert allowed(player, NOW + DAY - timedelta(seconds=1)) == [1_000]
    assert allowed(player, NOW + DAY) == []
    refused(NoSuchLimitError, lambda: ask_limit(player, None, now=NOW + DAY))


def test_a_raise_can_be_cancelled_and_shows_until_then() -> None:
    player = make_player(jurisdiction="GB")
    ask_limit(player, 1_000)
    ask_limit(player, 2_000)
    pending = [use for use in limit_use(player.pk, NOW) if use.effective_from > NOW]
    assert [(use.allowed, use.effective_from) for use in pending] == [(2_000, NOW + DAY)]
    services.cancel_pending_limit(
        player.pk, "wager_24h", source="player", reason="Thought again.", now=NOW
    )
    assert allowed(player, NOW + 30 * DAY) == [1_000]
    refused(
        NoPendingLimitError,
        lambda: services.cancel_pending_limit(
            player.pk, "wager_24h", source="player", reason="Again.", now=NOW
        ),
    )


def move(player: Player, place: str, at: datetime) -> None:
    update = PlayerUpdate(player.player_ref, player.currency, place, "verified")
    services.save_player(update, reason="Moved.", now=at)


@pytest.mark.parametrize(("old", "new"), [("GB", "AU-NT"), ("AU-NT", "GB")])
@pytest.mark.parametrize("wanted", [2_000, None])
def test_what_waits_when_a_player_moves_keeps_the_stricter_delay(
    old: str, new: str, wanted: int | None
) -> None:
    player = make_player(jurisdiction=old)
    ask_limit(player, 1_000)
    ask_limit(player, wanted)
    move(player, new, NOW + timedelta(hours=1))
    assert allowed(player, NOW + 7 * DAY - timedelta(microseconds=1)) == [1_000]
    assert allowed(player, NOW + 7 * DAY) == ([] if wanted is None else [wanted])


def test_lowering_cancels_a_raise_that_waits_and_asking_again_starts_the_delay_anew() -> None:
    player = make_player(jurisdiction="GB")
    ask_limit(player, 1_000)
    ask_limit(player, 2_000)
    later = NOW + timedelta(hours=12)
    assert ask_limit(player, 3_000, now=later).effective_at == later + DAY
    assert allowed(player, NOW + DAY) == [1_000]
    ask_limit(player, 800, now=later + timedelta(hours=1))
    assert allowed(player, NOW + 30 * DAY) == [800]


def test_the_same_limit_again_is_refused_but_ends_what_waits() -> None:
    player = make_player(jurisdiction="GB")
    ask_limit(player, 1_000)
    refused(LimitUnchangedError, lambda: ask_limit(player, 1_000))
    ask_limit(player, 2_000)
    ask_limit(player, 1_000)
    assert allowed(player, NOW + 30 * DAY) == [1_000]


def test_limits_of_two_sources_stand_side_by_side_and_the_lowest_wins() -> None:
    player = make_player(jurisdiction="GB")
    ask_limit(player, 1_000)
    ask_limit(player, 5_000, source="staff")
    assert sorted(allowed(player, NOW)) == [1_000, 5_000]
    assert allowed(player, NOW + 10 * DAY) == allowed(player, NOW)


def test_a_limit_measures_what_its_kind_says() -> None:
    player = make_player()
    ask_limit(player, 90, kind="time_7d")
    assert Limit.objects.get().minutes == 90
    refused(LimitAmountError, lambda: ask_limit(player, 1, kind="time_24h", amount_minor=5))
    refused(LimitAmountError, lambda: ask_limit(player, 1, kind="loss_24h", minutes=5))
    refused(LimitAmountError, lambda: ask_limit(player, -1))
    refused(
        UnknownPlayerError,
        lambda: services.set_limit(
            LimitRequest(0, "wager_24h", "player", "x", "y", amount_minor=1), now=NOW
        ),
    )


def test_every_change_of_a_limit_is_in_the_audit_chain_and_the_history() -> None:
    player, officer = make_player(jurisdiction="GB"), make_user("officer")
    request = LimitRequest(player.pk, "loss_7d", "staff", "officer", "Signs of harm.", 500)
    services.set_limit(request, actor=officer, now=NOW)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_name, entry.reason) == (
        "players.limit.set",
        "officer",
        "Signs of harm.",
    )
    assert Limit.objects.get().history.count() == 1


def test_a_time_out_lapses_by_itself_and_is_not_shortened() -> None:
    player = make_player()
    time_out = ask_exclusion(player, "time_out", NOW + DAY)
    assert codes(player, NOW) == ["time_out"]
    assert player_by_id(player.pk).status == "active"
    refused(ExclusionNotOverError, lambda: end(time_out, NOW + timedelta(hours=1)))
    assert codes(player, NOW + DAY - timedelta(microseconds=1)) == ["time_out"]
    assert codes(player, NOW + DAY) == []
    refused(NoExclusionError, lambda: end(time_out, NOW + DAY))


@pytest.mark.parametrize(("place", "cooling"), [("GB", DAY), ("MT", DAY), ("SE", 7 * DAY)])
def test_a_self_exclusion_holds_past_its_date_until_it_is_ended_and_cooled_off(
    place: str, cooling: timedelta
) -> None:
    player = make_player(jurisdiction=place)
    until = NOW + 200 * DAY
    exclusion = ask_exclusion(player, "self_exclusion", until)
    assert player_by_id(player.pk).status == "self_excluded"
    refused(ExclusionNotOverError, lambda: end(exclusion, until - timedelta(microseconds=1)))
    assert codes(player, until + DAY) == ["self_excluded"]
    ended = end(exclusion, until)
    assert ended.effective_at == until + cooling
    refused(ExclusionAlreadyEndedError, lambda: end(exclusion, until))
    assert services.lift_ended_exclusions(until + cooling - timedelta(microseconds=1)) == 0
    assert codes(player, until + cooling - timedelta(microseconds=1)) == ["self_excluded"]
    assert services.lift_ended_exclusions(until + cooling) == 1
    assert services.lift_ended_exclusions(until + cooling) == 0
    assert codes(player, until + cooling) == []


def test_an_indefinite_self_exclusion_in_malta_cools_off_for_seven_days() -> None:
    player = make_player(jurisdiction="MT")
    exclusion = ask_exclusion(player, "self_exclusion")
    refused(ExclusionNotOverError, lambda: end(exclusion, NOW + timedelta(hours=23)))
    assert end(exclusion, NOW + DAY).effective_at == NOW + 8 * DAY


def test_where_the_rule_says_so_an_account_is_never_reopened() -> None:
    player = make_player(jurisdiction="AU-NT")
    for exclusion in (
        ask_exclusion(player, "self_exclusion", NOW + 100 * DAY),
        services.close_account(player.pk, source="player", asked_by="p", reason="Bye.", now=NOW),
    ):
        refused(ExclusionIsForeverError, partial(end, exclusion, NOW + 9_000 * DAY))
    assert codes(player, NOW + 9_000 * DAY) == ["self_excluded", "account_closed"]


def test_a_closed_account_reopens_on_request_elsewhere() -> None:
    player = make_player(jurisdiction="GB")
    closure = services.close_account(
        player.pk, source="player", asked_by="p", reason="Bye.", now=NOW
    )
    assert player_by_id(player.pk).status == "closed"
    end(closure, NOW + DAY)
    services.lift_ended_exclusions(NOW + 2 * DAY)
    assert player_by_id(player.pk).status == "active"


def test_an_account_closed_by_hand_is_not_reopened_by_another_exclusions_end() -> None:
    player = make_player(jurisdiction="MT")
    exclusion = ask_exclusion(player, "self_exclusion")
    end(exclusion, NOW + DAY)
    Player.objects.update(status="closed")
    services.lift_ended_exclusions(NOW + 9 * DAY)
    assert player_by_id(player.pk).status == "closed"


def test_a_period_must_make_sense() -> None:
    player = make_player(jurisdiction="GB")
    refused(ExclusionPeriodError, lambda: ask_exclusion(player, "time_out"))
    refused(ExclusionPeriodError, lambda: ask_exclusion(player, "time_out", NOW))
    refused(ExclusionPeriodError, lambda: ask_exclusion(player, "closure", NOW + DAY))
    refused(ExclusionTooShortError, lambda: ask_exclusion(player, "self_exclusion", NOW + DAY))


def test_lifting_one_exclusion_leaves_the_other_and_a_block_stays_a_block() -> None:
    player = make_player(jurisdiction="MT")
    first = ask_exclusion(player, "self_exclusion")
    ask_exclusion(player, "self_exclusion", NOW + 900 * DAY)
    end(first, NOW + DAY)
    assert services.lift_ended_exclusions(NOW + 9 * DAY) == 0
    assert player_by_id(player.pk).status == "self_excluded"
    blocked = make_player(jurisdiction="MT", status="blocked")
    exclusion = ask_exclusion(blocked, "self_exclusion")
    end(exclusion, NOW + DAY)
    services.lift_ended_exclusions(NOW + 9 * DAY)
    assert player_by_id(blocked.pk).status == "blocked"


def test_the_operators_system_can_not_undo_an_exclusion() -> None:
    player = make_player(jurisdiction="GB")
    ask_exclusion(player, "self_exclusion")
    update = PlayerUpdate(player.player_ref, "EUR", "GB", "verified", status="active")
    with pytest.raises(ProtectedStandingError):
        services.save_player(update, reason="Synchronised.", now=NOW)
    assert player_by_id(player.pk).status == "self_excluded"


def test_a_players_mirror_follows_the_operators_system() -> None:
    update = PlayerUpdate("p-new", "GBP", "GB", "pending", date_of_birth=date(2003, 5, 6))
    assert services.save_player(update, reason="New.", now=NOW).status == "active"
    changed = PlayerUpdate("p-new", "GBP", "GB", "verified", status="blocked")
    assert services.save_player(changed, reason="Blocked there.", now=NOW).kyc_status == "verified"
    stored = Player.objects.get(player_ref="p-new")
    assert (stored.status, stored.date_of_birth) == (PlayerStatus.BLOCKED, date(2003, 5, 6))
    with pytest.raises(PlayerMismatchError):
        services.save_player(PlayerUpdate("p-new", "EUR", "GB", "x"), reason="x", now=NOW)


def test_a_launch_check_says_every_reason_and_is_kept_either_way() -> None:
    player = make_player(jurisdiction="GB")
    assert services.launch_check(player_by_id(player.pk), "GB", NOW) == ()
    ask_exclusion(player, "time_out", NOW + DAY)
    ask_limit(player, 0, kind="loss_1m")
    ask_limit(player, 0, kind="time_24h")
    reasons = services.launch_check(player_by_id(player.pk), "GB", NOW)
    assert [reason.code for reason in reasons] == ["time_out", "loss_limit", "time_limit"]
    assert reasons[0].until == NOW + DAY
    kept = ProtectionCheck.objects.order_by("pk").values_list("is_allowed", "codes")
    assert list(kept) == [(True, []), (False, ["time_out", "loss_limit", "time_limit"])]


def test_deposits_stop_at_the_gross_limit_and_count_back_when_taken_back() -> None:
    player = make_player()
    ask_limit(player, 10_000, kind="deposit_24h")
    assert refusal_codes(player.pk, 10_000, NOW) == []
    services.count_deposit(player.pk, 10_000, NOW)
    assert refusal_codes(player.pk, 1, NOW) == ["deposit_limit"]
    hour_end = NOW.replace(minute=0) + timedelta(hours=25)
    assert refusal_codes(player.pk, 1, hour_end - timedelta(seconds=1)) == ["deposit_limit"]
    assert refusal_codes(player.pk, 1, hour_end) == []
    services.count_deposit(player.pk, -4_000, NOW)
    assert refusal_codes(player.pk, 4_000, NOW) == []
    assert refusal_codes(player.pk, 4_001, NOW) == ["deposit_limit"]


def test_who_may_not_play_may_not_pay_in() -> None:
    player = make_player()
    ask_exclusion(player, "time_out", NOW + DAY)
    assert refusal_codes(player.pk, 1, NOW) == ["time_out"]
    assert refusal_codes(player.pk, 1, NOW + DAY) == []


def test_a_used_up_wager_limit_does_not_stop_a_deposit() -> None:
    player = make_player()
    ask_limit(player, 0)
    assert refusal_codes(player.pk, 1, NOW) == []


def reality(player: Player, step: str = "shown", **more: Any) -> RealityCheckRecord:
    values: dict[str, Any] = {
        "player_id": player.pk,
        "session_ref": "s-1",
        "shown_at": NOW,
        "step": step,
        "minutes_played": 60,
        "staked_minor": 5_000,
        "won_minor": 1_200,
    }
    return RealityCheckRecord(**values | more)


def test_a_reality_check_is_kept_once_per_step_and_its_answer_sets_the_next_one() -> None:
    player = make_player(jurisdiction="GB")
    start, hour, grace = NOW - timedelta(hours=1), timedelta(hours=1), timedelta(minutes=5)
    assert reality_check_clock(player.pk, "GB", start) == RealityCheckClock(NOW, NOW + grace)
    refused(
        RealityCheckError,
        lambda: services.record_reality_check(reality(player, "stopped"), now=NOW),
    )
    first = services.record_reality_check(reality(player), now=NOW)
    assert services.record_reality_check(reality(player), now=NOW + DAY).pk == first.pk
    # Only shown, it puts nothing off.
    assert reality_check_clock(player.pk, "GB", start).due_at == NOW
    answered_at = NOW + timedelta(minutes=2)
    services.record_reality_check(reality(player, "continued"), now=answered_at)
    assert RealityCheck.objects.count() == 2
    assert reality_check_clock(player.pk, "GB", start).due_at == answered_at + hour
    refused(
        RealityCheckAnsweredError,
        lambda: services.record_reality_check(reality(player, "stopped"), now=answered_at),
    )
    future = reality(player, shown_at=NOW + DAY)
    refused(RealityCheckError, lambda: services.record_reality_check(future, now=NOW))


def test_the_database_keeps_one_answer_of_a_reality_check() -> None:
    player = make_player()
    services.record_reality_check(reality(player), now=NOW)
    services.record_reality_check(reality(player, "continued"), now=NOW)
    other = RealityCheck.objects.get(step="continued")
    other.pk, other.step = None, "stopped"
    database_refuses("players_realitycheck_answered_once", lambda: other.save(force_insert=True))


def test_a_rule_check_names_a_rule_and_a_day_that_has_come() -> None:
    officer = make_user("officer")

    def check(rule_id: str, on: date) -> RuleCheck:
        return services.record_rule_check(
            rule_id, checked_on=on, actor=officer, note="Read again.", now=NOW
        )

    assert check("GB-LIM-1", NOW.date()).checked_by == "officer"
    refused(UnknownRuleError, lambda: check("GB-NONE", NOW.date()))
    refused(RuleCheckDateError, lambda: check("GB-LIM-1", NOW.date() + DAY))


def database_refuses(name: str, run: Callable[[], object]) -> None:
    with pytest.raises(Error) as refusal, transaction.atomic():
        run()
    assert name in str(refusal.value)


LIMIT: dict[str, Any] = {"kind": "wager_24h", "amount_minor": 5, "effective_from": NOW}
EXCLUSION: dict[str, Any] = {
    "kind": "self_exclusion",
    "starts_at": NOW,
    "ending": "on_request",
    "earliest_end_at": NOW + DAY,
    "source": "player",
    "asked_by": "p",
    "reason": "r",
    "created_at": NOW,
}
TALLY: dict[str, Any] = {"hour": NOW}


@pytest.mark.parametrize(
    ("name", "model", "values"),
    [
        ("players_limit_amount_not_negative", Limit, LIMIT | {"amount_minor": -1}),
        ("players_limit_ends_after_it_starts", Limit, LIMIT | {"effective_until": NOW}),
        ("players_limit_kind_is_known", Limit, LIMIT | {"kind": "luck_24h"}),
        ("players_limit_source_is_known", Limit, LIMIT | {"source": "x"}),
        ("players_limit_measures_money_or_minutes", Limit, LIMIT | {"kind": "time_7d"}),
        ("players_limit_measures_money_or_minutes", Limit, LIMIT | {"minutes": 5}),
        ("players_limit_cancelled_before_it_starts", Limit, LIMIT | {"cancelled_at": NOW}),
        ("players_exclusion_kind_is_known", Exclusion, EXCLUSION | {"kind": "x"}),
        ("players_exclusion_source_is_known", Exclusion, EXCLUSION | {"source": "x"}),
        ("players_exclusion_ends_after_it_starts", Exclusion, EXCLUSION | {"ends_at": NOW}),
        ("players_exclusion_only_a_time_out_lapses", Exclusion, EXCLUSION | {"kind": "time_out"}),
        (
            "players_exclusion_says_when_it_may_end",
            Exclusion,
            EXCLUSION | {"earliest_end_at": NOW - DAY},
        ),
        (
            "players_exclusion_is_not_ended_before_its_date",
            Exclusion,
            EXCLUSION | {"ends_at": NOW + 2 * DAY},
        ),
        ("players_hourtally_stake_not_negative", HourTally, TALLY | {"staked_minor": -1}),
        ("players_hourtally_win_not_negative", HourTally, TALLY | {"won_minor": -1}),
        ("players_hourtally_deposit_not_negative", HourTally, TALLY | {"deposited_minor": -1}),
        ("players_hourtally_has_twelve_slots", HourTally, TALLY | {"slots": 4096}),
        (
            "players_refusaltally_counts_refusals",
            RefusalTally,
            {"hour": NOW, "code": "x", "refused": 0},
        ),
        (
            "players_protectioncheck_refuses_with_a_code",
            ProtectionCheck,
            {"kind": "launch", "checked_at": NOW, "is_allowed": False},
        ),
        (
            "players_protectioncheck_kind_is_known",
            ProtectionCheck,
            {"kind": "x", "checked_at": NOW, "is_allowed": True},
        ),
    ],
)
def test_the_database_refuses_by_name(name: str, model: Any, values: dict[str, Any]) -> None:
    player = make_player()
    database_refuses(name, lambda: model.objects.create(player=player, **values))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("players_realitycheck_step_is_known", {"step": "x"}),
        ("players_realitycheck_amounts_not_negative", {"won_minor": -1}),
        ("players_realitycheck_answered_after_it_is_shown", {"happened_at": NOW - DAY}),
        ("players_realitycheck_step_happens_once", {}),
    ],
)
def test_the_database_refuses_a_wrong_reality_check(name: str, change: dict[str, Any]) -> None:
    player = make_player()
    services.record_reality_check(reality(player), now=NOW)
    values: dict[str, Any] = {
        "player": player,
        "session_ref": "s-1",
        "shown_at": NOW,
        "step": "shown",
        "happened_at": NOW,
        "minutes_played": 1,
        "staked_minor": 1,
        "won_minor": 1,
    }
    database_refuses(name, lambda: RealityCheck.objects.create(**values | change))


@pytest.mark.parametrize(
    ("ending", "earliest", "asked"),
    [("never", None, NOW + 9 * DAY), ("on_request", NOW + 2 * DAY, NOW + DAY)],
)
def test_the_database_never_lets_an_exclusion_be_shortened(
    ending: str, earliest: datetime | None, asked: datetime
) -> None:
    values = EXCLUSION | {"ending": ending, "earliest_end_at": earliest}
    exclusion = Exclusion.objects.create(player=make_player(), **values)
    database_refuses(
        "players_exclusionend_never_shortens_an_exclusion",
        lambda: ExclusionEnd.objects.create(
            exclusion=exclusion,
            requested_at=asked,
            effective_at=asked,
            source="staff",
            asked_by="p",
            reason="r",
        ),
    )
    database_refuses(
        "Cannot update", lambda: Exclusion.objects.filter(pk=exclusion.pk).update(reason="other")
    )
    database_refuses("Cannot update or delete", exclusion.delete)


def test_the_database_keeps_what_an_end_and_a_limit_said() -> None:
    player = make_player(jurisdiction="MT")
    exclusion = ask_exclusion(player, "self_exclusion")
    ended = end(exclusion, NOW + DAY)
    ends = ExclusionEnd.objects.filter(pk=ended.pk)
    database_refuses("Cannot update", lambda: ends.update(effective_at=NOW + DAY))
    database_refuses(
        "players_exclusionend_lifted_after_it_holds", lambda: ends.update(lifted_at=NOW)
    )
    database_refuses("Cannot delete", ended.delete)
    ask_limit(player, 100)
    limits = Limit.objects.filter(player=player)
    database_refuses("Cannot update", lambda: limits.update(amount_minor=10_000))
    database_refuses("Cannot update", lambda: limits.update(effective_from=NOW - DAY))
    database_refuses("Cannot delete", limits.get().delete)


@pytest.mark.parametrize("table", ["exclusion", "exclusionend", "protectioncheck", "realitycheck"])
def test_the_database_never_empties_what_is_kept(table: str) -> None:
    def empty() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE players_{table} CASCADE")

    database_refuses("Cannot truncate", empty)


def test_an_end_is_asked_for_once_in_the_database_too() -> None:
    player = make_player(jurisdiction="MT")
    exclusion = ask_exclusion(player, ExclusionKind.SELF_EXCLUSION)
    end(exclusion, NOW + DAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExclusionEnd.objects.create(
            exclusion=exclusion,
            requested_at=NOW + 2 * DAY,
            effective_at=NOW + 2 * DAY,
            source="staff",
            asked_by="p",
            reason="r",
        )


def test_every_kind_of_limit_can_be_set() -> None:
    player = make_player()
    for kind in LimitKind.values:
        ask_limit(player, 100, kind=kind)
    assert len(limit_use(player.pk, NOW)) == len(LimitKind.values)


def test_every_guard_fires_in_replica_sessions_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'players_%%'"
        )
        guards = cursor.fetchall()
    assert len(guards) > 10
    assert [guard for guard in guards if guard[2] != "A"] == []


def test_a_window_is_read_through_the_key_of_its_hours() -> None:
    # Five hundred players of ten hours each.
    fill([Player], rows=500)
    hour = "timestamptz '2026-11-22 00:00+00' + make_interval(hours => mod(i, 10))"
    fill([HourTally], rows=5_000, values={"player_id": "i / 10 + 1", "hour": hour})
    plan = plan_of(statements.LOAD_TALLIES, [*([NOW] * 6), [1], [1], [7], NOW])
    assert "players_hourtally_pkey" in plan, plan
    assert "Index Cond: ((player_id = ANY" in plan
    assert "hour >" in plan.partition("Index Cond")[2].splitlines()[0]
