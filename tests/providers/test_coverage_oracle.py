"""Cover over time is what a plain reading of the rules says, over any register one can draw."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, override

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.providers.models import (
    Certificate,
    CertificateGame,
    CertificateJurisdiction,
    CertificateRtpVariant,
    CertifiedBuild,
    Deployment,
    Document,
    Game,
    GameBuild,
    Lab,
    LabAccreditation,
    RtpVariant,
    SupplierChange,
)
from apps.providers.selectors.coverage import (
    cover,
    cover_periods,
    coverage_on,
    games_without_cover,
)
from tests.factories import MADE_AT, make_cover, make_game, make_provider

pytestmark = pytest.mark.django_db

type Facts = dict[str, Any]

PLACES = ("MT", "US-NJ", "NZ", "AU-SA", "QQ")
GAMES = ("g1", "g2")
VERSIONS = ("1.0", "1.1", "2.0")
DIGESTS = ("", "a" * 64, "b" * 64)


# When the clocks of 2026 turn, by hand, not by the library that the product asks, each with the
# hours ahead of UTC from then on. South Australia's day begins at half past an hour.
CLOCKS = {
    "MT": [
        (datetime(2025, 10, 26, 1, tzinfo=UTC), 1.0),
        (datetime(2026, 3, 29, 1, tzinfo=UTC), 2.0),
        (datetime(2026, 10, 25, 1, tzinfo=UTC), 1.0),
    ],
    "US-NJ": [
        (datetime(2025, 11, 2, 6, tzinfo=UTC), -5.0),
        (datetime(2026, 3, 8, 7, tzinfo=UTC), -4.0),
        (datetime(2026, 11, 1, 6, tzinfo=UTC), -5.0),
    ],
    "NZ": [
        (datetime(2025, 9, 27, 14, tzinfo=UTC), 13.0),
        (datetime(2026, 4, 4, 14, tzinfo=UTC), 12.0),
        (datetime(2026, 9, 26, 14, tzinfo=UTC), 13.0),
    ],
    "AU-SA": [
        (datetime(2025, 10, 4, 16, 30, tzinfo=UTC), 10.5),
        (datetime(2026, 4, 4, 16, 30, tzinfo=UTC), 9.5),
        (datetime(2026, 10, 3, 16, 30, tzinfo=UTC), 10.5),
    ],
}


def offset_hours(place: str, at: datetime) -> float:
    return [hours for turn, hours in CLOCKS[place] if turn <= at][-1]


def local_day(place: str, at: datetime) -> date:
    return (at.replace(tzinfo=None) + timedelta(hours=offset_hours(place, at))).date()


class Window:
    """Eleven days, and the moments on both sides of each midnight in them, anywhere."""

    def __init__(self, first_day: date) -> None:
        self.first_day = first_day
        self.days = [first_day + timedelta(days=count) for count in range(11)]
        self.moments = sorted(
            {at + step for at in self._midnights() for step in (-timedelta(seconds=1), timedelta())}
        )

    def _midnights(self) -> Iterator[datetime]:
        for place in CLOCKS:
            for day in self.days:
                naive = datetime(day.year, day.month, day.day, tzinfo=UTC)
                for half_hours in range(-28, 29):
                    at = naive + timedelta(minutes=30 * half_hours)
                    before = at - timedelta(seconds=1)
                    if local_day(place, at) == day and local_day(place, before) < day:
                        yield at

    @override
    def __repr__(self) -> str:
        return f"Window({self.first_day})"


# Each change of a clock lies within one: New Jersey's forward; Malta's forward and the southern
# ones back; the southern ones forward; Malta's and New Jersey's back.
WINDOWS = [
    Window(date(2026, 3, 4)),
    Window(date(2026, 3, 27)),
    Window(date(2026, 9, 25)),
    Window(date(2026, 10, 23)),
]
FIGURES = {"V1": "96.5", "V2": "94.0"}


class Draw:
    """Draws a register from a seed: one in which most is right, so that each single fault shows."""

    def __init__(self, seed: int, window: Window) -> None:
        self.dice = random.Random(seed)
        self.window = window

    def seldom(self, usual: Any, *others: Any, share: float = 0.1) -> Any:
        return self.dice.choice(others) if self.dice.random() < share else usual

    def some(self, items: Sequence[Any], least: int = 1) -> list[Any]:
        return self.dice.sample(items, self.dice.randint(least, len(items)))

    def moments(self, count: int) -> list[datetime]:
        return sorted(self.dice.sample(self.window.moments, count))

    def register(self) -> Facts:
        builds = [*self.builds("g1", self.dice.randint(0, 4)), *self.builds("g2", 1)]
        return {
            "first_day": self.window.first_day,
            "certificates": [self.certificate(index) for index in range(self.dice.randint(1, 4))],
            "builds": builds,
            "changes": self.changes(builds),
            "deployments": [
                run
                for game in GAMES
                for place in PLACES
                for channel in ("any", "mobile")
                if self.dice.random() < (0.6 if channel == "any" else 0.1)
                for run in self.runs(game, place, channel, builds)
            ],
            "terms": [
                (self.dice.choice(["North", "South"]), *term)
                for term in self.some([(-400, 309), (-91, 3), (-60, 500)], 0)
                if self.dice.random() < 0.5
            ],
        }

    def certificate(self, index: int) -> Facts:
        days = self.window.days
        issued_on = self.seldom(days[0] - timedelta(days=90), days[1], share=0.2)
        effective_on = self.seldom(issued_on, *days[2:], share=0.2)
        return {
            "index": index,
            "revision": index,
            "lab": self.seldom("North", "South", share=0.3),
            "number": self.dice.choice("ABC"),
            "kind": self.seldom("game", "live", "platform"),
            "provider": self.seldom("aurora", "borealis", share=0.05),
            "state": self.seldom("registered", "withdrawn"),
            "result": self.seldom("complies", "not_stated", "does_not_comply"),
            "signature": self.seldom("valid", "none", "untrusted", "invalid"),
            "issued_on": issued_on,
            "effective_on": effective_on,
            "expires_on": self.seldom(None, *days[2:], share=0.5),
            "invalidated_on": self.seldom(None, *days, share=0.2),
            "recalled_on": self.seldom(None, *(day for day in days if day >= issued_on), share=0.2),
            "supersedes": self.seldom(None, self.dice.randrange(index), share=0.4)
            if index
            else None,
            "games": self.some(GAMES),
            "places": self.some(PLACES, 4),
            "builds": self.claims() if self.dice.random() < 0.5 else [],
            "variants": [
                (self.seldom("", *GAMES, share=0.5), *variant)
                for variant in self.some([("", "96.5"), ("V1", "96.5"), ("V2", "94.0")], 0)
                if self.dice.random() < 0.5
            ],
        }

    def claims(self) -> list[Facts]:
        return [
            {
                "game": game,
                "version": version,
                "channel": self.seldom("any", "mobile"),
                "is_read": self.dice.random() < 0.5,
                "engine": self.seldom("", "e1"),
                "digest": self.seldom("", *DIGESTS[1:], share=0.3),
            }
            for game in self.some(GAMES)
            for version in self.some(VERSIONS)
        ]

    def builds(self, game: str, count: int) -> list[Facts]:
        pairs = [(version, channel) for version in VERSIONS for channel in ("any", "mobile")]
        usual = [(version, "any") for version in VERSIONS]
        return [
            {
                "game": game,
                "version": version,
                "channel": channel,
                "engine": self.seldom("", "e1", "e2"),
                "digest": self.seldom("", *DIGESTS[1:]),
            }
            for version, channel in [*usual, *pairs[1::2]][:count]
        ]

    def changes(self, builds: list[Facts]) -> list[tuple[int, int, bool, datetime]]:
        count = sum(build["game"] == "g1" for build in builds)
        found = []
        for target in range(1, count):
            for _again in range(self.dice.choice([0, 1, 1, 1, 2])):
                source = self.seldom(target - 1, self.dice.randrange(target), share=0.3)
                at = self.seldom(
                    self.window.moments[0] - timedelta(days=9), *self.moments(5), share=0.6
                )
                found.append((source, target, self.dice.random() < 0.75, at))
        return list({change[:2] + change[3:]: change for change in found}.values())

    def runs(self, game: str, place: str, channel: str, builds: list[Facts]) -> Iterator[Facts]:
        made = [index for index, build in enumerate(builds) if build["game"] == game]
        turns = self.moments(self.dice.randint(1, 3))
        for start, end in zip(turns, [*turns[1:], None], strict=True):
            if made and self.dice.random() < 0.8:
                yield {
                    "game": game,
                    "place": place,
                    "channel": channel,
                    "build": self.dice.choice(made),
                    "variant": self.seldom("V1", "V2", None, share=0.3),
                    "start": start,
                    "end": end,
                    "digest": self.seldom("", *DIGESTS[1:]),
                }
        if made and self.dice.random() < 0.3:
            yield {
                "game": game,
                "place": place,
                "channel": channel,
                "build": self.dice.choice(made),
                "variant": None,
                "start": turns[0] - timedelta(days=30),
                "end": turns[0],
                "digest": "",
            }


class Oracle:
    """Reads the rules as an officer would, over lists of facts, one question at a time."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def is_covered(self, game: str, place: str, at: datetime) -> bool:
        if place == "QQ":
            return False
        here = [
            run
            for run in self.facts["deployments"]
            if (run["game"], run["place"]) == (game, place) and run["start"] <= at
        ]
        runs: list[Facts | None] = [run for run in here if run["end"] is None or at < run["end"]]
        if not runs and here:
            return False
        return all(
            any(self.covers(one, game, place, run, at) for one in self.facts["certificates"])
            for run in runs or [None]
        )

    def covers(self, one: Facts, game: str, place: str, run: Facts | None, at: datetime) -> bool:
        day = local_day(place, at)
        return (
            one["kind"] in {"game", "live"}
            and one["provider"] == "aurora"
            and game in one["games"]
            and place in one["places"]
            and one["state"] == "registered"
            and one["result"] != "does_not_comply"
            and one["signature"] != "invalid"
            and one["effective_on"] <= day
            and (one["expires_on"] is None or day <= one["expires_on"])
            and (one["invalidated_on"] is None or day < one["invalidated_on"])
            and (one["recalled_on"] is None or day < one["recalled_on"])
            and self.was_accredited(one)
            and not any(
                self.replaces(other, one) and other["effective_on"] <= day
                for other in self.facts["certificates"]
            )
            and self.fits_build(one, game, run, at)
            and self.fits_variant(one, game, run)
        )

    def was_accredited(self, one: Facts) -> bool:
        first_day = self.facts["first_day"]
        spans = [
            (first_day + timedelta(days=start), first_day + timedelta(days=start + length))
            for lab, start, length in self.facts["terms"]
            if lab == one["lab"]
        ]
        if any(start <= one["issued_on"] <= end for start, end in spans):
            return True
        return not any(end < one["issued_on"] for _start, end in spans)

    def replaces(self, other: Facts, one: Facts) -> bool:
        is_later = (other["lab"], other["number"]) == (one["lab"], one["number"]) and other[
            "revision"
        ] > one["revision"]
        is_replacing = bool(is_later or other["supersedes"] == one["index"])
        return is_replacing and other["state"] == "registered"

    def fits_build(self, one: Facts, game: str, run: Facts | None, at: datetime) -> bool:
        claims = [claim for claim in one["builds"] if claim["game"] == game]
        if not claims:
            return run is None or run["build"] not in self.builds_on_their_own(at)
        if run is None:
            return all(claim["is_read"] for claim in claims)
        return any(
            self.is_named(claim, heir, run)
            for claim in claims
            for heir in self.forebears(run["build"], at)
        )

    def is_named(self, claim: Facts, heir: int, run: Facts) -> bool:
        build = self.facts["builds"][heir]
        channel = run["channel"] if build["channel"] == "any" else build["channel"]
        if claim["version"] != build["version"] or claim["channel"] not in ("any", channel):
            return False
        for name in ("engine", "digest"):
            if claim[name] and build[name] and claim[name] != build[name]:
                return False
        is_measured = heir == run["build"] and claim["digest"] and run["digest"]
        return not is_measured or claim["digest"] == run["digest"]

    def is_minor(self, source: int, target: int, at: datetime) -> bool:
        decided = [c for c in self.facts["changes"] if c[:2] == (source, target) and c[3] <= at]
        return bool(decided) and bool(max(decided, key=lambda change: change[3])[2])

    def forebears(self, build: int, at: datetime) -> set[int]:
        found = {build}
        for _round in self.facts["builds"]:
            found |= {
                source
                for source, target, *_rest in self.facts["changes"]
                if target in found and self.is_minor(source, target, at)
            }
        return found

    def builds_on_their_own(self, at: datetime) -> set[int]:
        made, pairs = self.facts["builds"], {c[:2] for c in self.facts["changes"]}
        found = set()
        for index, build in enumerate(made):
            sources = [source for source, target in pairs if target == index]
            is_first = not any(
                (other["game"], other["channel"]) == (build["game"], build["channel"])
                for other in made[:index]
            )
            if any(not self.is_minor(source, index, at) for source in sources):
                found.add(index)
            if not sources and not is_first:
                found.add(index)
        for _round in made:
            found |= {t for s, t in pairs if s in found and self.is_minor(s, t, at)}
        return found

    def fits_variant(self, one: Facts, game: str, run: Facts | None) -> bool:
        claims = [claim for claim in one["variants"] if claim[0] in ("", game)]
        coded = [claim for claim in claims if claim[1]]
        code = None if run is None else run["variant"]
        if code is None:
            return not coded
        if coded:
            return any(claim[1:] == (code, FIGURES[code]) for claim in coded)
        return not claims or any(claim[2] == FIGURES[code] for claim in claims)


@contextmanager
def written(facts: Facts) -> Iterator[dict[str, Game]]:
    with transaction.atomic():
        provider = make_provider()
        games = {code: make_game(provider, code, offered_in=PLACES) for code in GAMES}
        _write(facts, games)
        yield games
        transaction.set_rollback(True)


def _write(facts: Facts, games: dict[str, Game]) -> None:
    labs = {name: Lab.objects.create(name=name, created_at=MADE_AT) for name in ("North", "South")}
    for lab, start, length in facts["terms"]:
        LabAccreditation.objects.create(
            lab=labs[lab],
            body="UKAS",
            number="1",
            valid_from=facts["first_day"] + timedelta(days=start),
            valid_until=facts["first_day"] + timedelta(days=start + length),
            created_at=MADE_AT,
        )
    made = GameBuild.objects.bulk_create(
        GameBuild(
            game=games[build["game"]],
            version=build["version"],
            channel=build["channel"],
            engine_version=build["engine"],
            digest=build["digest"],
            created_at=MADE_AT + timedelta(seconds=index),
        )
        for index, build in enumerate(facts["builds"])
    )
    SupplierChange.objects.bulk_create(
        SupplierChange(
            from_build=made[source],
            to_build=made[target],
            classification="minor" if is_minor else "major",
            rationale="drawn",
            decided_at=at,
        )
        for source, target, is_minor, at in facts["changes"]
    )
    variants = {
        (code, name): RtpVariant.objects.create(
            game=game,
            code=name,
            rtp_percent=Decimal(figure),
            source="PAR sheet",
            created_at=MADE_AT,
        )
        for code, game in games.items()
        for name, figure in FIGURES.items()
    }
    Deployment.objects.bulk_create(
        Deployment(
            game=games[run["game"]],
            jurisdiction=run["place"],
            channel=run["channel"],
            build=made[run["build"]],
            variant=variants.get((run["game"], run["variant"])),
            starts_at=run["start"],
            ends_at=run["end"],
            digest=run["digest"],
            created_at=MADE_AT,
        )
        for run in facts["deployments"]
    )
    _write_certificates(facts["certificates"], labs, _ending_change(games["g1"]))


def _ending_change(game: Game) -> SupplierChange:
    """Make the major change that ended reports name; of builds that nothing else looks at."""
    late = MADE_AT + timedelta(days=3000)
    old, new = (
        GameBuild.objects.create(game=game, version=name, channel="app", created_at=late)
        for name in ("x", "y")
    )
    return SupplierChange.objects.create(
        from_build=old, to_build=new, classification="major", rationale="drawn", decided_at=late
    )


def _write_certificates(drawn: list[Facts], labs: dict[str, Lab], change: SupplierChange) -> None:
    rows: list[Certificate] = []
    for one in drawn:
        expires_on, is_ended = one["expires_on"], one["invalidated_on"] is not None
        document = Document.objects.create(
            sha256=f"{one['index']:064x}",
            size_bytes=1,
            storage_key=f"certificates/oracle-{one['index']}",
            original_name="drawn.pdf",
            page_count=1,
            link_count=0,
            signature_state=one["signature"],
            signature_checked_at=MADE_AT,
            created_at=MADE_AT,
        )
        row = Certificate.objects.create(
            lab=labs[one["lab"]],
            report_number=one["number"],
            revision=one["revision"],
            kind=one["kind"],
            provider_code=one["provider"],
            issued_on=one["issued_on"],
            effective_on=one["effective_on"],
            expires_on=expires_on,
            review_due_on=None if expires_on else one["issued_on"] + timedelta(days=1),
            result=one["result"],
            state=one["state"],
            supersedes=None if one["supersedes"] is None else rows[one["supersedes"]],
            invalidated_on=one["invalidated_on"],
            invalidated_by=change if is_ended else None,
            recalled_on=one["recalled_on"],
            document=document,
            created_at=MADE_AT,
        )
        rows.append(row)
        CertificateGame.objects.bulk_create(
            CertificateGame(certificate=row, game_code=code) for code in one["games"]
        )
        CertificateJurisdiction.objects.bulk_create(
            CertificateJurisdiction(certificate=row, jurisdiction=place) for place in one["places"]
        )
        CertifiedBuild.objects.bulk_create(
            CertifiedBuild(
                certificate=row,
                game_code=claim["game"],
                build_version=claim["version"],
                channel=claim["channel"],
                engine_version=claim["engine"],
                digest=claim["digest"],
                is_from_document=claim["is_read"],
                created_at=MADE_AT,
            )
            for claim in one["builds"]
        )
        CertificateRtpVariant.objects.bulk_create(
            CertificateRtpVariant(
                certificate=row, game_code=game, variant_code=code, rtp_percent=Decimal(figure)
            )
            for game, code, figure in one["variants"]
        )


PROPERTY = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@PROPERTY
@given(seed=st.integers(0, 2**32), window=st.sampled_from(WINDOWS))
def test_cover_at_a_moment_is_what_a_plain_reading_of_the_rules_says(
    seed: int, window: Window
) -> None:
    draw = Draw(seed, window)
    facts, asked = draw.register(), draw.moments(8)
    oracle = Oracle(facts)
    with written(facts) as games:
        for at in asked:
            expected = {
                (code, place): oracle.is_covered(code, place, at)
                for code in GAMES
                for place in PLACES
            }
            cells = {(c.game_code, c.jurisdiction): c.cover.allowed for c in coverage_on(at)}
            assert cells == expected
            gaps = {(gap.game_code, gap.jurisdiction) for gap in games_without_cover(at)}
            assert gaps == {pair for pair, is_covered in expected.items() if not is_covered}
            for (code, place), is_covered in expected.items():
                answer = cover(games[code].pk, place, at)
                assert answer.allowed == is_covered, (code, place, at, answer)
                assert (answer.certificate is not None) == is_covered
                assert bool(answer.reasons) != is_covered


@PROPERTY
@given(seed=st.integers(0, 2**32), window=st.sampled_from(WINDOWS))
def test_the_spans_of_cover_turn_where_a_plain_reading_turns(seed: int, window: Window) -> None:
    draw = Draw(seed, window)
    facts, asked = draw.register(), draw.moments(8)
    oracle = Oracle(facts)
    start, end = window.moments[0], window.moments[-1] + timedelta(days=1)
    with written(facts) as games:
        for code in GAMES:
            for place in PLACES:
                spans = cover_periods(games[code].pk, place, start, end)
                assert (spans[0].start, spans[-1].end) == (start, end)
                assert all(one.end == other.start for one, other in pairwise(spans))
                for at in asked:
                    span = next(span for span in spans if span.start <= at < span.end)
                    assert span.cover.allowed == oracle.is_covered(code, place, at)
                for span in spans:
                    before_end = span.end - timedelta(microseconds=1)
                    assert oracle.is_covered(code, place, span.start) == span.cover.allowed
                    assert oracle.is_covered(code, place, before_end) == span.cover.allowed


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}:00+00:00")


@pytest.mark.parametrize(
    ("place", "day", "start", "end", "hours"),
    [
        ("US-NJ", date(2026, 3, 8), "03-08T05:00", "03-09T04:00", 23),
        ("MT", date(2026, 3, 29), "03-28T23:00", "03-29T22:00", 23),
        ("NZ", date(2026, 4, 5), "04-04T11:00", "04-05T12:00", 25),
        ("AU-SA", date(2026, 4, 5), "04-04T13:30", "04-05T14:30", 25),
        ("NZ", date(2026, 9, 27), "09-26T12:00", "09-27T11:00", 23),
        ("AU-SA", date(2026, 10, 4), "10-03T14:30", "10-04T13:30", 23),
        ("MT", date(2026, 10, 25), "10-24T22:00", "10-25T23:00", 25),
        ("US-NJ", date(2026, 11, 1), "11-01T04:00", "11-02T05:00", 25),
    ],
)
def test_a_report_of_the_day_on_which_the_clock_turns_covers_that_day_and_no_other(
    place: str, day: date, start: str, end: str, hours: int
) -> None:
    game = make_game(make_provider(), offered_in=(place,))
    make_cover(game, place, expires_on=day)
    Certificate.objects.update(effective_on=day)
    opens, closes, tick = utc(start), utc(end), timedelta(microseconds=1)
    assert closes - opens == timedelta(hours=hours)
    moments = (opens - tick, opens, closes - tick, closes)
    asked = [cover(game.pk, place, at).allowed for at in moments]
    assert asked == [False, True, True, False]
    spans = cover_periods(game.pk, place, opens - timedelta(days=2), closes + timedelta(days=2))
    turns = [(span.start, span.end) for span in spans if span.cover.allowed]
    assert turns == [(opens, closes)]
