"""What was served and played while no report covered it is kept, to the minute and the cent."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.test import Client

from apps.compliance.models import UncertifiedPlay, UncoveredDay
from apps.compliance.services.uncovered import keep_uncertified_play
from apps.core.models import OutboxMessage
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.providers.enums import ProviderStage
from apps.providers.models import Certificate, Game, Provider
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.races import race
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db


@dataclass
class Floor:
    """One game in MT, covered through 21 November (Malta's day), and one player there."""

    provider: Provider
    game: Game
    player: Player

    def bet(self, event_id: str, at: datetime, **changes: object) -> None:
        play(self.provider, [round_event(self.player, event_id, at, **changes)], at)


@pytest.fixture
def floor(now: datetime) -> Floor:
    provider = make_provider()
    game = make_game(provider)
    make_cover(game, expires_on=date(2026, 11, 21))
    player = make_player("p-1001")
    fund(player, 100_000, now)
    return Floor(provider, game, player)


def rows() -> list[tuple[str, int, str]]:
    found = UncoveredDay.objects.order_by("day", "jurisdiction")
    return [(row.day.isoformat(), row.minutes, row.jurisdiction) for row in found]


def sums() -> list[tuple[str, str, int, int, int, int]]:
    found = UncertifiedPlay.objects.order_by("uncovered__day", "currency")
    return [
        (
            one.uncovered.day.isoformat(),
            one.currency,
            one.rounds,
            one.players,
            one.stake_minor,
            one.win_minor,
        )
        for one in found
    ]


def told() -> int:
    return OutboxMessage.objects.filter(topic="compliance.uncertified_play").count()


def test_minutes_count_from_the_jurisdictions_own_midnight(floor: Floor, now: datetime) -> None:
    # Malta is an hour ahead of UTC: its 22 November begins at 23:00 of the 21st.
    keep_uncertified_play(now=now)
    assert rows() == [("2026-11-21", 60, "MT"), ("2026-11-22", 10 * 60 + 16, "MT")]
    assert "valid through 2026-11-21" in UncoveredDay.objects.order_by("day")[0].reasons
    assert sums() == []
    assert told() == 0


def test_only_what_was_played_without_cover_counts(floor: Floor, now: datetime) -> None:
    lapse = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    floor.bet("covered", lapse - timedelta(microseconds=1))
    floor.bet("first", lapse)
    floor.bet("second", now - timedelta(minutes=5), bet_minor=500, win_minor=0)
    other = make_player("p-1002")
    fund(other, 10_000, now)
    play(floor.provider, [round_event(other, "third", now - timedelta(minutes=4))], now)
    keep_uncertified_play(now=now)
    assert sums() == [
        ("2026-11-21", "EUR", 1, 1, 200, 350),
        ("2026-11-22", "EUR", 2, 2, 700, 350),
    ]
    assert told() == 2


def test_a_round_goes_on_over_another_reason_and_is_one(floor: Floor, now: datetime) -> None:
    make_cover(floor.game)
    old, new = Certificate.objects.order_by("pk")
    Certificate.objects.filter(pk=old.pk).update(expires_on=date(2026, 11, 20))
    day = date(2026, 11, 22)
    Certificate.objects.filter(pk=new.pk).update(effective_on=day, recalled_on=day)
    turn = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    for name, seconds in (("spin", -10), ("again", 10)):
        at = turn + timedelta(seconds=seconds)
        floor.bet(name, at, round_ref="r-1")
    keep_uncertified_play(now=now)
    assert "takes effect on" in UncoveredDay.objects.get(day=turn.date()).reasons
    assert "was recalled from" in UncoveredDay.objects.get(day=turn.date()).reasons
    assert sums() == [("2026-11-21", "EUR", 1, 1, 400, 700)]
    assert UncoveredDay.objects.get(day=turn.date()).minutes == 1440


def test_working_it_out_again_changes_nothing_and_tells_nobody_twice(
    floor: Floor, now: datetime
) -> None:
    floor.bet("one", now - timedelta(minutes=5))
    keep_uncertified_play(now=now)
    before = rows(), sums()
    keep_uncertified_play(now=now)
    assert (rows(), sums()) == before
    assert told() == 1


def test_a_late_event_is_added_to_its_day(floor: Floor, now: datetime) -> None:
    keep_uncertified_play(now=now)
    floor.bet("late", datetime(2026, 11, 21, 23, 30, tzinfo=UTC))
    keep_uncertified_play(now=now)
    assert sums() == [("2026-11-21", "EUR", 1, 1, 200, 350)]


def test_what_was_rolled_back_is_no_play(floor: Floor, now: datetime) -> None:
    at = now - timedelta(minutes=5)
    floor.bet("bet", at, win_minor=0)
    keep_uncertified_play(now=now)
    floor.bet("undo", at, round_type="rollback", reference_event_id="bet", bet_minor=0, win_minor=0)
    keep_uncertified_play(now=now)
    assert sums() == [("2026-11-22", "EUR", 0, 0, 0, 0)]


def test_a_report_that_comes_late_takes_the_minutes_away_and_keeps_the_row(
    floor: Floor, now: datetime
) -> None:
    floor.bet("one", now - timedelta(minutes=5))
    keep_uncertified_play(now=now)
    make_cover(floor.game)
    keep_uncertified_play(now=now + timedelta(minutes=1))
    assert rows() == [("2026-11-21", 0, "MT"), ("2026-11-22", 0, "MT")]
    assert sums() == [("2026-11-22", "EUR", 0, 0, 0, 0)]
    first = UncoveredDay.objects.order_by("day").values_list("first_minutes", flat=True)
    assert list(first) == [60, 616]


def test_what_was_played_without_proof_stays_on_file_when_a_report_covers_it_after_all(
    floor: Floor, now: datetime, client: Client
) -> None:
    floor.bet("one", now - timedelta(minutes=5))
    floor.bet("two", now - timedelta(minutes=4), bet_minor=500, win_minor=0)
    keep_uncertified_play(now=now)
    make_cover(floor.game)
    keep_uncertified_play(now=now + timedelta(minutes=1))
    keep_uncertified_play(now=now + timedelta(minutes=2))
    kept = UncertifiedPlay.objects.get()
    assert (kept.rounds, kept.stake_minor) == (0, 0)
    assert (kept.most_rounds, kept.most_players, kept.most_stake_minor) == (2, 1, 700)
    with pytest.raises(IntegrityError, match="most_is_never_less"), transaction.atomic():
        UncertifiedPlay.objects.update(rounds=3)

    sync_roles(now=now)
    client.force_login(
        make_user("olga", roles=(Role.COMPLIANCE_OFFICER,)),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    listing = "/admin/compliance/uncoveredday/"
    page = client.get(f"{listing}{kept.uncovered_id}/change/").content.decode()
    assert "2 rounds, 1 player, 7.00 EUR" in page
    row = f"{listing}{kept.uncovered_id}/change/"
    assert row in client.get(f"{listing}?play=before").content.decode()
    assert row not in client.get(f"{listing}?play=yes").content.decode()


def test_where_the_law_forbids_the_product_nothing_is_on_offer(floor: Floor, now: datetime) -> None:
    make_game(floor.provider, "aurora-wake", offered_in=("AU-NT", "IM"))
    keep_uncertified_play(now=now, days=0)
    assert rows() == [("2026-11-22", 616, "IM"), ("2026-11-22", 616, "MT")]


def test_a_provider_has_minutes_without_cover_from_its_first_live_moment(
    floor: Floor, now: datetime
) -> None:
    coming = Provider.objects.filter(pk=make_provider("borealis").pk)
    make_game(coming.get(), "borealis-slot", offered_in=("IM",))
    coming.update(stage=ProviderStage.ONBOARDING)
    keep_uncertified_play(now=now, days=0)
    assert rows() == [("2026-11-22", 616, "MT")]
    coming.update(stage=ProviderStage.LIVE, live_since=now - timedelta(minutes=10))
    keep_uncertified_play(now=now)
    borealis = UncoveredDay.objects.filter(game__provider=coming.get())
    assert list(borealis.values_list("minutes", flat=True)) == [10]


def test_play_before_a_provider_was_live_counts_all_the_same(floor: Floor, now: datetime) -> None:
    floor.bet("one", now - timedelta(minutes=5))
    Provider.objects.update(stage=ProviderStage.ONBOARDING, live_since=None)
    keep_uncertified_play(now=now, days=0)
    assert sums() == [("2026-11-22", "EUR", 1, 1, 200, 350)]


def test_play_of_a_game_that_is_not_on_offer_there_counts_too(floor: Floor, now: datetime) -> None:
    make_cover(floor.game)
    stranger = make_player("p-2001", jurisdiction="SE")
    fund(stranger, 10_000, now)
    play(floor.provider, [round_event(stranger, "se", now - timedelta(minutes=1))], now)
    keep_uncertified_play(now=now, days=0)
    assert rows() == [("2026-11-22", 616, "SE")]
    assert sums() == [("2026-11-22", "EUR", 1, 1, 200, 350)]


def test_play_at_a_provider_that_is_switched_off_counts(floor: Floor, now: datetime) -> None:
    floor.bet("one", now - timedelta(minutes=5))
    Provider.objects.update(is_active=False)
    keep_uncertified_play(now=now, days=0)
    assert sums() == [("2026-11-22", "EUR", 1, 1, 200, 350)]


def test_a_rehearsal_is_not_play(floor: Floor, now: datetime) -> None:
    make_cover(floor.game)
    tester = make_player("acceptance-1", jurisdiction=REHEARSAL_JURISDICTION)
    fund(tester, 10_000, now)
    play(floor.provider, [round_event(tester, "kit", now - timedelta(minutes=1))], now)
    keep_uncertified_play(now=now)
    assert rows() == []


def test_the_database_refuses_it_too(floor: Floor, now: datetime) -> None:
    floor.bet("one", now - timedelta(minutes=5))
    keep_uncertified_play(now=now)
    row = UncoveredDay.objects.order_by("-day")[0]
    with pytest.raises(IntegrityError, match="uncovered_once_a_day"), transaction.atomic():
        UncoveredDay.objects.create(
            day=row.day,
            game=floor.game,
            jurisdiction="MT",
            minutes=1,
            first_minutes=1,
            reasons="x",
            first_seen_at=now,
            computed_at=now,
        )
    with pytest.raises(IntegrityError, match="has_1440_minutes"), transaction.atomic():
        UncoveredDay.objects.update(minutes=1441)
    with pytest.raises(IntegrityError, match="not_negative"), transaction.atomic():
        UncertifiedPlay.objects.update(stake_minor=-1)
    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        UncertifiedPlay.objects.all().delete()


def test_the_command_says_what_was_played(floor: Floor, now: datetime) -> None:
    Certificate.objects.update(state="withdrawn")
    out = StringIO()
    call_command("uncertified_play", "--days", "0", stdout=out)
    assert "1 games x jurisdictions x days were without cover." in out.getvalue()
    assert "Nobody played" in out.getvalue()


def test_the_page_shows_money_minutes_and_the_reason(
    floor: Floor, now: datetime, client: Client
) -> None:
    floor.bet("one", now - timedelta(minutes=5))
    keep_uncertified_play(now=now)
    sync_roles(now=now)
    client.force_login(make_user("carla", roles=(Role.COMPLIANCE_OFFICER,)))
    listing = client.get("/admin/compliance/uncoveredday/?play=yes").content.decode()
    assert "10 h 16 min" in listing
    assert "2.00 EUR" in listing.replace("\xa0", " ")
    row = UncoveredDay.objects.order_by("-day")[0]
    text = client.get(f"/admin/compliance/uncoveredday/{row.pk}/change/").content.decode()
    assert "valid through 2026-11-21" in text
    assert "Played without cover" in text


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_write_one_row_and_tell_once(floor: Floor, now: datetime) -> None:
    floor.bet("one", now - timedelta(minutes=5))
    race([lambda: keep_uncertified_play(now=now, days=0)] * 4)
    assert rows() == [("2026-11-22", 616, "MT")]
    assert sums() == [("2026-11-22", "EUR", 1, 1, 200, 350)]
    assert told() == 1
