"""What lapses, what is not covered, and telling it once."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.providers.enums import CertificateState
from apps.providers.models import (
    Certificate,
    CertificateFlag,
    CertificateGame,
    CertificateJurisdiction,
    CertificateRtpVariant,
    Document,
    Game,
    GameOffer,
    Lab,
    Provider,
)
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.selectors.coverage import cover_for, coverage_on, games_without_cover
from apps.providers.selectors.remarks import remarks_on
from apps.providers.services.check_certificates import (
    CertificateReport,
    check_certificates,
    threshold_for,
)
from apps.providers.services.import_register import ImportRequest, import_folder
from apps.providers.tasks import check_certificates as check_task
from tests.factories import MADE_AT, make_cover, make_game, make_provider
from tests.providers.certificate_files import SAMPLES, sample_games

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 22)


@pytest.fixture
def samples_on_file(evidence: Path, now: datetime, vetter: PdfVetter) -> None:
    provider = make_provider()
    for row in sample_games():
        game = Game.objects.create(
            provider=provider,
            game_code=row["game_code"],
            name=row["name"],
            category=row["category"],
            theoretical_rtp=Decimal(row["theoretical_rtp"]),
        )
        for jurisdiction in row["offered_in"].split(";"):
            GameOffer.objects.create(game=game, jurisdiction=jurisdiction)
    request = ImportRequest(folder=SAMPLES, trust=(), acting_user=None, now=now)
    import_folder(request, lambda _done, _total: None, vetter=vetter)


def report_on(day: date, now: datetime) -> CertificateReport:
    return check_certificates(on=day, now=now, is_recorded=False)


UNCOVERED_IN_BOTH = [
    "aurora-blackjack-03",
    "aurora-live-01",
    "aurora-live-02",
    "aurora-slot-12",
    "aurora-slot-13",
    "aurora-slot-14",
]
UNCOVERED_IN_AU_NT = [
    "aurora-blackjack-01",
    "aurora-blackjack-02",
    "aurora-roulette-01",
    "aurora-roulette-02",
    "aurora-roulette-03",
    *(f"aurora-slot-{number:02}" for number in range(6, 12)),
]


def test_the_samples_are_flagged_as_a_careful_officer_would(
    samples_on_file: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("check_certificates", "--on", "2026-11-22", "--json")
    uncovered = [(game, "AU-NT") for game in UNCOVERED_IN_AU_NT]
    uncovered += [(game, place) for game in UNCOVERED_IN_BOTH for place in ("AU-NT", "MT")]
    assert json.loads(capsys.readouterr().out) == {
        "on": "2026-11-22",
        "expired": [
            {"report_number": "STL-GAM-24-0099", "revision": 0, "expires_on": "2026-10-01"}
        ],
        "expiring": [
            {
                "report_number": "BLT/2025/7781",
                "revision": 2,
                "expires_on": "2026-11-30",
                "days_left": 8,
            },
            {
                "report_number": "STL-RNG-25-0117",
                "revision": 0,
                "expires_on": "2026-12-15",
                "days_left": 23,
            },
            {
                "report_number": "STL-PLT-26-0008",
                "revision": 0,
                "expires_on": "2027-01-19",
                "days_left": 58,
            },
        ],
        "review_due": [
            {
                "report_number": "STL-GAM-25-0512",
                "revision": 0,
                "review_due_on": "2026-12-20",
                "days_left": 28,
            }
        ],
        "superseded": [{"report_number": "STL-GAM-24-0099", "revision": 0, "superseded_by": 1}],
        "invalid_signature": [
            {
                "report_number": "STL-LIV-26-0031",
                "revision": 0,
                "detail": "The document was altered after it was signed.",
            }
        ],
        "uncovered": [{"game": game, "jurisdiction": place} for game, place in sorted(uncovered)],
    }


def test_the_samples_on_other_days(samples_on_file: None, now: datetime) -> None:
    before_renewal = report_on(date(2026, 9, 13), now)
    assert [str(c.expires_on) for c in before_renewal.expiring] == [
        "2026-10-01",
        "2026-11-30",
    ]
    assert ("aurora-slot-12", "MT") not in _pairs(before_renewal)
    # The renewal replaces the whole report: the game it drops is uncovered from that day on.
    renewed = report_on(date(2026, 9, 14), now)
    assert ("aurora-slot-12", "MT") in _pairs(renewed)
    assert ("aurora-slot-11", "MT") not in _pairs(renewed)
    assert [c.revision for c in renewed.superseded] == [0]
    assert "STL-GAM-24-0099" not in {c.report_number for c in renewed.expiring}
    last_day = report_on(date(2026, 11, 30), now)
    assert last_day.expiring[0].report_number == "BLT/2025/7781"
    assert ("aurora-roulette-01", "MT") not in _pairs(last_day)
    day_after = report_on(date(2026, 12, 1), now)
    assert ("aurora-roulette-01", "MT") in _pairs(day_after)
    assert "BLT/2025/7781" in {c.report_number for c in day_after.expired}


def _pairs(report: CertificateReport) -> set[tuple[str, str]]:
    return {(item.game_code, item.jurisdiction) for item in report.uncovered}


def test_the_remarks_on_the_samples(samples_on_file: None) -> None:
    remarks = {(r.report_number, r.code) for r in remarks_on(DAY)}
    assert {
        ("", "accreditation_shared"),
        ("STL-GAM-24-0099", "scope_narrowed"),
        ("BLT/2025/7781", "not_signed"),
        ("STL-GAM-25-0441", "rtp_not_certified"),
        ("STL-RNG-25-0117", "untrusted_signature"),
    } <= remarks


@pytest.mark.parametrize("days", [0, 1, 2, 7, 8, 14, 15, 30, 31, 60, 61, 90, 91, -1])
def test_the_horizon_and_each_threshold_are_exact(days: int, now: datetime) -> None:
    game = make_game(make_provider())
    make_cover(game, expires_on=DAY + timedelta(days=days))
    report = report_on(DAY, now)
    assert len(report.expiring) == (0 <= days <= 90)
    assert len(report.expired) == (days < 0)
    assert len(report.uncovered) == (days < 0)
    expected = {0: 1, 1: 1, 2: 7, 7: 7, 8: 14, 14: 14, 15: 30, 30: 30, 31: 60, 60: 60, 61: 90}
    assert threshold_for(days) == {**expected, 90: 90, 91: None, -1: None}[days]


def test_each_threshold_is_told_once_however_often_the_check_runs(now: datetime) -> None:
    make_cover(make_game(make_provider()), expires_on=DAY)
    told = []
    for days in range(100, -3, -1):
        for _repeat in range(2):
            report = check_certificates(on=DAY - timedelta(days=days), now=now, is_recorded=True)
            told += [days] * report.new_flags
    assert told == [90, 60, 30, 14, 7, 1, -1]
    assert CertificateFlag.objects.count() == 7


@pytest.mark.parametrize(
    ("places", "midnight"),
    [
        # The first moment of 1 December there, by UTC: Malta, New Jersey, New Zealand (+13).
        (("MT",), datetime(2026, 11, 30, 23, tzinfo=UTC)),
        (("US-NJ",), datetime(2026, 12, 1, 5, tzinfo=UTC)),
        (("NZ",), datetime(2026, 11, 30, 11, tzinfo=UTC)),
        # Of several, the report ends first where the clock is ahead.
        (("US-NJ", "NZ", "MT"), datetime(2026, 11, 30, 11, tzinfo=UTC)),
    ],
)
def test_a_threshold_is_told_from_the_jurisdictions_own_midnight_on(
    places: tuple[str, ...], midnight: datetime
) -> None:
    first, *others = places
    certificate = make_cover(make_game(make_provider()), first, expires_on=date(2026, 12, 31))
    for place in others:
        CertificateJurisdiction.objects.create(certificate=certificate, jurisdiction=place)

    def told(at: datetime) -> list[tuple[int | None, date]]:
        check_certificates(on=at.astimezone(UTC).date(), now=at, is_recorded=True)
        found = CertificateFlag.objects.order_by("pk")
        return [(flag.threshold_days, flag.flagged_on) for flag in found]

    before = [(60, date(2026, 11, 30))]
    assert told(midnight - timedelta(microseconds=1)) == before
    assert told(midnight) == [*before, (30, date(2026, 12, 1))]
    later = midnight + timedelta(days=30)
    assert told(later)[2:] == [(1, date(2026, 12, 31))]
    end = later + timedelta(days=1)
    assert told(end - timedelta(microseconds=1))[3:] == []
    assert told(end)[3:] == [(None, date(2027, 1, 1))]


def test_a_check_that_starts_late_tells_only_the_tightest_threshold(now: datetime) -> None:
    make_cover(make_game(make_provider()), expires_on=DAY + timedelta(days=20))
    assert check_certificates(on=DAY, now=now, is_recorded=True).new_flags == 1
    assert CertificateFlag.objects.get().threshold_days == 30


def test_a_look_at_another_day_uses_up_no_reminder(
    time_machine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    make_cover(make_game(make_provider()), expires_on=date(2026, 12, 1))
    time_machine.move_to("2026-11-22T22:59:00Z", tick=False)
    call_command("check_certificates", "--on", "2026-11-30")
    assert CertificateFlag.objects.count() == 0
    check_task()
    check_task()
    assert [flag.threshold_days for flag in CertificateFlag.objects.all()] == [14]
    assert CertificateFlag.objects.get().flagged_on == DAY


def test_the_database_refuses_to_tell_twice(now: datetime) -> None:
    certificate = make_cover(make_game(make_provider()))
    for threshold in (None, 30):
        values = {
            "certificate": certificate,
            "kind": "expiring",
            "threshold_days": threshold,
            "ends_on": certificate.expires_on,
            "flagged_on": DAY,
            "created_at": now,
        }
        CertificateFlag.objects.create(**values)
        with (
            pytest.raises(IntegrityError, match="providers_flag_once_per_threshold"),
            transaction.atomic(),
        ):
            CertificateFlag.objects.create(**values)


def test_with_no_game_on_offer_coverage_is_unknown_and_not_good(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("check_certificates", "--on", "2026-11-22")
    assert "Coverage: unknown. No game is on offer anywhere" in capsys.readouterr().out
    call_command("check_certificates", "--on", "2026-11-22", "--json")
    assert "Coverage: unknown" in capsys.readouterr().err


def _set(**fields: Any) -> Callable[[Certificate], None]:
    return lambda certificate: _update(certificate, **fields)


def _update(certificate: Certificate, **fields: Any) -> None:
    Certificate.objects.filter(pk=certificate.pk).update(**fields)


def _invalid(certificate: Certificate) -> None:
    Document.objects.filter(pk=certificate.document_id).update(signature_state="invalid")


def _superseded(certificate: Certificate) -> None:
    make_revision(certificate, revision=2, effective_on=DAY)


def make_revision(certificate: Certificate, *, revision: int, effective_on: date) -> Certificate:
    copy = Certificate.objects.get(pk=certificate.pk)
    copy.pk = None
    copy._state.adding = True
    copy.revision, copy.effective_on = revision, effective_on
    copy.save()
    return copy


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_set(state="withdrawn"), "withdrawn"),
        (_set(result="does_not_comply"), "does_not_comply"),
        (_set(expires_on=DAY - timedelta(days=1)), "expired"),
        (_set(effective_on=DAY + timedelta(days=1)), "not_yet_effective"),
        (_invalid, "invalid_signature"),
        (_superseded, "superseded"),
        (_set(kind="rng"), "no_certificate"),
        (_set(provider_code="borealis"), "no_certificate"),
    ],
    ids=[
        "withdrawn",
        "failed",
        "expired",
        "early",
        "tampered",
        "superseded",
        "rng only",
        "other provider",
    ],
)
def test_the_gate_says_no_and_why(change: Callable[[Certificate], None], code: str) -> None:
    game = make_game(make_provider())
    certificate = make_cover(game)
    allowed = cover_for(game.pk, "MT", DAY)
    assert allowed.allowed
    assert allowed.certificate is not None
    assert allowed.certificate.report_number == certificate.report_number
    change(certificate)
    refused = cover_for(game.pk, "MT", DAY)
    assert (refused.allowed, refused.certificate) == (False, None)
    assert code in [reason.code for reason in refused.reasons]
    assert [item.game_code for item in games_without_cover(DAY)] == [game.game_code]


def test_the_gate_refuses_the_unknown() -> None:
    assert cover_for(999, "MT", DAY).reasons[0].code == "unknown_game"
    game = make_game(make_provider())
    assert cover_for(game.pk, "MT", DAY).reasons[0].code == "no_certificate"
    make_cover(game, "IM")
    assert cover_for(game.pk, "MT", DAY).reasons[0].code == "other_jurisdiction"


def test_an_unsigned_or_untrusted_document_covers() -> None:
    game = make_game(make_provider())
    certificate = make_cover(game)
    for state in ("none", "untrusted", "valid"):
        Document.objects.filter(pk=certificate.document_id).update(signature_state=state)
        assert cover_for(game.pk, "MT", DAY).allowed


def test_a_withdrawn_revision_gives_its_forerunner_back() -> None:
    game = make_game(make_provider())
    later = make_revision(make_cover(game), revision=2, effective_on=DAY)
    assert not cover_for(game.pk, "MT", DAY).allowed
    _update(later, state=CertificateState.WITHDRAWN)
    assert cover_for(game.pk, "MT", DAY).allowed


def test_what_nobody_offers_needs_no_cover() -> None:
    provider = make_provider()
    game = make_game(provider)
    assert len(games_without_cover(DAY)) == 1
    Game.objects.filter(pk=game.pk).update(is_active=False)
    assert games_without_cover(DAY) == []
    Game.objects.filter(pk=game.pk).update(is_active=True)
    Provider.objects.filter(pk=provider.pk).update(is_active=False)
    assert games_without_cover(DAY) == []


def test_reading_cover_takes_a_fixed_number_of_queries() -> None:
    provider = make_provider()
    games = [make_game(provider, f"game-{number}") for number in range(6)]
    for game in games[:4]:
        make_cover(game)
    for call, limit in (
        (lambda: games_without_cover(DAY), 4),
        (lambda: cover_for(games[0].pk, "MT", DAY), 1),
        (lambda: cover_for(games[5].pk, "MT", DAY), 1),
        (lambda: coverage_on(DAY), 4),
        (lambda: remarks_on(DAY), 8),
    ):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            call()
        assert len(queries) <= limit


_DAYS = [DAY + timedelta(days=offset) for offset in range(-3, 4)]
_CERTIFICATES = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.sampled_from(["A", "B", "C"]),
            "kind": st.sampled_from(["game", "game", "live", "rng"]),
            "state": st.sampled_from(["registered", "registered", "registered", "withdrawn"]),
            "result": st.sampled_from(["complies", "not_stated", "complies", "does_not_comply"]),
            "signature": st.sampled_from(["valid", "none", "untrusted", "invalid"]),
            "effective_on": st.sampled_from(_DAYS),
            "expires_on": st.sampled_from([None, *_DAYS]),
            "games": st.sets(st.sampled_from(["g1", "g2", "g3"])),
            "jurisdictions": st.sets(st.sampled_from(["MT", "IM"])),
            "lab": st.sampled_from(["North", "South"]),
            "provider_code": st.sampled_from(["aurora", "aurora", "borealis"]),
        }
    ),
    max_size=8,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(certificates=_CERTIFICATES)
def test_coverage_is_what_a_plain_reading_of_the_rules_says(
    certificates: list[dict[str, Any]],
) -> None:
    with transaction.atomic():
        provider = make_provider()
        games = {
            code: make_game(provider, code, offered_in=("MT", "IM")) for code in ("g1", "g2", "g3")
        }
        for index, facts in enumerate(certificates):
            facts["revision"] = index
            _write(index, facts)
        for day in _DAYS:
            expected = {
                (game, place)
                for game in games
                for place in ("MT", "IM")
                if not any(_covers(c, certificates, game, place, day) for c in certificates)
            }
            found = {(item.game_code, item.jurisdiction) for item in games_without_cover(day)}
            assert found == expected
            cells = {
                (cell.game_code, cell.jurisdiction)
                for cell in coverage_on(day)
                if not cell.cover.allowed
            }
            assert cells == expected
            for code, place in [(code, place) for code in games for place in ("MT", "IM")]:
                cover = cover_for(games[code].pk, place, day)
                assert cover.allowed == ((code, place) not in expected)
                assert bool(cover.reasons) != cover.allowed
        transaction.set_rollback(True)


def _covers(
    facts: dict[str, Any], everything: list[dict[str, Any]], game: str, place: str, day: date
) -> bool:
    replaced = any(
        (other["lab"], other["number"]) == (facts["lab"], facts["number"])
        and other["revision"] > facts["revision"]
        and other["state"] == "registered"
        and other["effective_on"] <= day
        for other in everything
    )
    return (
        facts["kind"] in {"game", "live"}
        and facts["provider_code"] == "aurora"
        and game in facts["games"]
        and place in facts["jurisdictions"]
        and facts["state"] == "registered"
        and facts["result"] != "does_not_comply"
        and facts["signature"] != "invalid"
        and facts["effective_on"] <= day
        and (facts["expires_on"] is None or day <= facts["expires_on"])
        and not replaced
    )


def _write(index: int, facts: dict[str, Any]) -> None:
    lab, _ = Lab.objects.get_or_create(name=facts["lab"], defaults={"created_at": MADE_AT})
    document = Document.objects.create(
        sha256=f"{index:064x}",
        size_bytes=1,
        storage_key=f"certificates/{index}",
        original_name="x.pdf",
        page_count=1,
        link_count=0,
        signature_state=facts["signature"],
        signature_checked_at=MADE_AT,
        created_at=MADE_AT,
    )
    certificate = Certificate.objects.create(
        lab=lab,
        report_number=facts["number"],
        revision=index,
        kind=facts["kind"],
        provider_code=facts["provider_code"],
        issued_on=DAY - timedelta(days=9),
        effective_on=facts["effective_on"],
        expires_on=facts["expires_on"],
        review_due_on=DAY,
        result=facts["result"],
        state=facts["state"],
        document=document,
        created_at=MADE_AT,
    )
    for code in facts["games"]:
        CertificateGame.objects.create(certificate=certificate, game_code=code)
    for place in facts["jurisdictions"]:
        CertificateJurisdiction.objects.create(certificate=certificate, jurisdiction=place)
    CertificateRtpVariant.objects.create(certificate=certificate, rtp_percent=Decimal("96.10"))
