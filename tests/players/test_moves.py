"""A move to another jurisdiction is no way round the delay of the place that is left."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import Error, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.models import OutboxMessage
from apps.core.services import record_audit
from apps.players import services
from apps.players.contracts import ExclusionRequest, LimitRequest, PlayerUpdate
from apps.players.enums import RecordKind
from apps.players.errors import NoPendingLimitError, RehearsalPlaceError
from apps.players.models import Limit, Move, Player
from apps.players.selectors import player_by_id, protection_of
from apps.players.selectors.records import RecordFilter, protection_records
from tests.factories import make_player
from tests.older_schema import schema_at

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DELAYS = {"GB": DAY, "MT": DAY, "AU-NT": 7 * DAY, "SE": 7 * DAY}


def ask(player: Player, amount: int | None, at: datetime, *, source: str = "player") -> datetime:
    request = LimitRequest(
        player.pk, "wager_24h", source, player.player_ref, "Asked in the app.", amount
    )
    return services.set_limit(request, now=at).effective_at


def cancel(player: Player, at: datetime) -> None:
    services.cancel_pending_limit(
        player.pk, "wager_24h", source="player", reason="Thought again.", now=at
    )


def move(player: Player, place: str, at: datetime) -> None:
    update = PlayerUpdate(player.player_ref, player.currency, place, "verified")
    services.save_player(update, reason="Moved.", now=at)


def allowed(player: Player, at: datetime) -> list[int]:
    return [term.amount for term in protection_of(player.pk, at).limits if term.holds_at(at)]


@pytest.mark.parametrize("wanted", [2_000, None])
def test_cancelling_and_asking_again_after_a_move_brings_nothing_forward(
    wanted: int | None,
) -> None:
    player = make_player(jurisdiction="AU-NT")
    ask(player, 1_000, NOW)
    assert ask(player, wanted, NOW) == NOW + 7 * DAY
    moved = NOW + HOUR
    move(player, "GB", moved)
    cancel(player, moved + HOUR)
    assert ask(player, wanted, moved + 2 * HOUR) == moved + 7 * DAY
    assert allowed(player, moved + 7 * DAY - timedelta(microseconds=1)) == [1_000]
    assert allowed(player, moved + 7 * DAY) == ([] if wanted is None else [wanted])


def test_a_move_holds_what_was_never_asked_for_at_the_old_place_and_not_for_longer() -> None:
    player = make_player(jurisdiction="AU-NT")
    ask(player, 1_000, NOW)
    move(player, "GB", NOW)
    assert ask(player, 2_000, NOW + DAY) == NOW + 7 * DAY
    cancel(player, NOW + 2 * DAY)
    # Six days on, the delay of the new place is the later one.
    assert ask(player, 2_000, NOW + 6 * DAY + HOUR) == NOW + 7 * DAY + HOUR


def test_two_moves_hold_by_the_stricter_of_the_places_left() -> None:
    player = make_player(jurisdiction="AU-NT")
    ask(player, 1_000, NOW)
    move(player, "GB", NOW)
    move(player, "MT", NOW + HOUR)
    assert ask(player, 2_000, NOW + 2 * HOUR) == NOW + 7 * DAY


def test_a_moved_player_still_lowers_at_once() -> None:
    player = make_player(jurisdiction="AU-NT")
    ask(player, 1_000, NOW)
    move(player, "GB", NOW + HOUR)
    assert ask(player, 400, NOW + 2 * HOUR) == NOW + 2 * HOUR
    assert allowed(player, NOW + 2 * HOUR) == [400]


def test_the_database_refuses_to_raise_or_remove_a_limit_that_a_move_holds() -> None:
    player = make_player(jurisdiction="AU-NT")
    ask(player, 1_000, NOW)
    ask(player, 300, NOW, source="staff")
    move(player, "GB", NOW + HOUR)
    held = NOW + HOUR + 7 * DAY
    limits = Limit.objects.filter(player=player, source="player")
    # The lower limit of another source takes over from nobody.
    with pytest.raises(Error) as refusal, transaction.atomic():
        limits.update(effective_until=held - timedelta(microseconds=1))
    assert "players_limit_raised_no_sooner_than_a_move_allows" in str(refusal.value)
    assert limits.get().effective_until is None
    assert limits.update(effective_until=held) == 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("players_move_goes_somewhere_else", {"entered": "AU-NT"}),
        ("players_move_holds_raises_from_the_move_on", {"raises_held_until": NOW - HOUR}),
    ],
)
def test_the_database_refuses_a_move_that_makes_no_sense(
    name: str, change: dict[str, object]
) -> None:
    values = {"left": "AU-NT", "entered": "GB", "moved_at": NOW, "raises_held_until": NOW}
    with pytest.raises(Error) as refusal, transaction.atomic():
        Move.objects.create(player=make_player(), **{**values, **change})
    assert name in str(refusal.value)
    assert not Move.objects.exists()


def test_ending_an_exclusion_after_a_move_cools_off_by_the_stricter_place() -> None:
    player = make_player(jurisdiction="SE")
    request = ExclusionRequest(player.pk, "closure", "player", "p", "Bye.")
    closure = services.exclude(request, now=NOW)
    move(player, "GB", NOW + HOUR)
    end = services.end_exclusion(
        closure.pk, source="player", asked_by="p", reason="Back.", now=NOW + 2 * HOUR
    )
    assert end.effective_at == NOW + HOUR + 7 * DAY


def test_a_move_is_one_of_the_records_of_protection() -> None:
    player = make_player(jurisdiction="AU-NT")
    move(player, "GB", NOW)
    wanted = RecordFilter(NOW, NOW + DAY, player.player_ref, RecordKind.MOVE.value)
    (row,) = protection_records(wanted, limit=10)
    assert (row.what, row.who) == (
        "From AU-NT to GB, no limit is raised before 2026-11-29 10:30:00 UTC",
        "The operator's system",
    )


def test_history_of_limits_and_standing_is_told_by_the_clock_of_the_service() -> None:
    player = make_player(jurisdiction="GB")
    ask(player, 1_000, NOW)
    ask(player, 2_000, NOW + HOUR)
    cancel(player, NOW + 2 * HOUR)
    versions = Limit.history.order_by("history_id").values_list("history_date", flat=True)
    assert list(versions) == [NOW, NOW + HOUR, NOW + HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR]
    move(player, "MT", NOW + 3 * HOUR)
    request = ExclusionRequest(player.pk, "self_exclusion", "player", "p", "Needs a rest.")
    services.exclude(request, now=NOW + 4 * HOUR)
    versions = player.history.order_by("history_id").values_list("history_date", flat=True)
    assert list(versions)[-2:] == [NOW + 3 * HOUR, NOW + 4 * HOUR]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 100),
        st.sampled_from(["raise", "remove", "cancel", *DELAYS]),
    ),
    max_size=12,
)


@given(start=st.sampled_from(sorted(DELAYS)), steps=STEPS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_order_of_moves_and_requests_raises_a_limit_before_any_place_lived_in_would(
    start: str, steps: list[tuple[int, str]]
) -> None:
    with transaction.atomic():
        _live(start, steps)
        transaction.set_rollback(True)


def _live(start: str, steps: list[tuple[int, str]]) -> None:
    """Do the steps until the limit of 1,000 gives way; then ask when that was allowed."""
    player, now = make_player(jurisdiction=start), NOW
    ask(player, 1_000, now)
    stays, asked = [(start, now)], now
    for hours, step in steps:
        now += hours * HOUR
        if allowed(player, now) != [1_000]:
            break
        if step in DELAYS:
            move(player, step, now)
            stays.append((step, now))
        elif step == "cancel":
            with suppress(NoPendingLimitError):
                cancel(player, now)
        else:
            asked = now
            ask(player, 2_000 if step == "raise" else None, now)
    gave_way = Limit.objects.filter(player=player).order_by("pk")[0].effective_until
    ends = [entered for _, entered in stays[1:]] + [now]
    for (lived, entered), left in zip(stays, ends, strict=True):
        # The last moment there at which it could be asked for; what waits there was asked before.
        last_moment = asked if entered > asked else min(max(left, entered), asked)
        assert gave_way is None or gave_way >= last_moment + DELAYS[lived]


@pytest.mark.django_db(transaction=True)
def test_moves_from_before_their_table_hold_raises_by_the_longest_delay() -> None:
    player = make_player(jurisdiction="AU-NT")
    services.launch_check(player_by_id(player.pk), "AU-NT", NOW)
    with schema_at("players", "0005_protection_records"):
        for hours, place in ((1, "GB"), (2, "MT")):
            record_audit(
                action="players.player.mirrored",
                actor=None,
                subject=f"players.player:{player.pk}",
                details={"changed": ["jurisdiction"], "jurisdiction": place},
                now=NOW + hours * HOUR,
            )
    moves = Move.objects.order_by("moved_at")
    assert [(one.left, one.entered, one.moved_at, one.raises_held_until) for one in moves] == [
        ("AU-NT", "GB", NOW + HOUR, NOW + HOUR + 7 * DAY),
        ("GB", "MT", NOW + 2 * HOUR, NOW + 2 * HOUR + 7 * DAY),
    ]


@pytest.mark.parametrize(("left", "entered"), [("MT", "ZZ"), ("ZZ", "MT")])
def test_nobody_moves_from_or_to_the_place_of_the_rehearsals(left: str, entered: str) -> None:
    player = make_player(jurisdiction=left)
    with pytest.raises(RehearsalPlaceError):
        move(player, entered, NOW)
    assert player_by_id(player.pk).jurisdiction == left
    assert not Move.objects.exists()


def test_nobody_is_added_at_the_place_of_the_rehearsals_from_outside() -> None:
    update = PlayerUpdate("p-new", "EUR", "ZZ", "verified")
    with pytest.raises(RehearsalPlaceError):
        services.save_player(update, reason="New.", now=NOW)
    assert not Player.objects.exists()


def test_reality_checks_put_off_by_a_move_are_told_to_the_sessions_that_run() -> None:
    player = make_player(jurisdiction="MT")
    for minutes in (30, 60):
        request = LimitRequest(
            player.pk, "reality_check", "player", player.player_ref, "Asked.", minutes=minutes
        )
        services.set_limit(request, now=NOW)
    told = OutboxMessage.objects.filter(topic="players.reality_checks_moved")
    before = told.count()
    move(player, "GB", NOW)
    assert told.count() == before
    ask(player, 1_000, NOW)
    ask(player, 2_000, NOW)
    move(player, "SE", NOW + HOUR)
    assert told.count() == before + 1
    last = told.order_by("-pk")[0]
    assert last.payload["player_id"] == player.pk
