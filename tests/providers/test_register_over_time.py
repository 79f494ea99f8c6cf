"""Builds, variants, deployments, changes, terms and overrides: each rule twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.db.utils import ProgrammingError

from apps.core.errors import DomainError, ReasonRequiredError
from apps.core.jurisdictions import day_in, start_of_day
from apps.core.models import AuditEntry
from apps.players.errors import RehearsalPlaceError
from apps.providers.enums import (
    CertificateKind,
    CertificateResult,
    ChangeClass,
    DigestAlgorithm,
    EndKind,
)
from apps.providers.errors import (
    CertificateStateError,
    DeploymentOverlapError,
    FairnessChangeError,
    OtherGameError,
    RegisterRowConflictError,
    TimesError,
    UnknownJurisdictionError,
)
from apps.providers.models import (
    Certificate,
    CertifiedBuild,
    CriticalFile,
    Deployment,
    Game,
    GameBuild,
    LabAccreditation,
    RtpVariant,
    SupplierChange,
)
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.entries import CertificateEntry
from apps.providers.selectors.coverage import certificates_in_force, cover, cover_periods
from apps.providers.selectors.ends import remains_of, replaced_since
from apps.providers.selectors.lapses import End
from apps.providers.selectors.proof import proof_at
from apps.providers.services import builds as services
from apps.providers.services import scope
from apps.providers.services.builds import Editing, Judgement, NewBuild, NewDeployment, NewVariant
from apps.providers.services.certificates import (
    Registration,
    register_kept_document,
    withdraw_certificate,
)
from apps.providers.services.scope import FileDigest, NamedBuild, NamedVariant, ReportTerms, Term
from tests.compliance.makers import make_revision
from tests.factories import MADE_AT, make_cover, make_game, make_provider, make_user

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
WHY = Editing(acting_user=None, reason="The supplier's release note 12.", now=AT)
NOBODY_SAID_WHY = replace(WHY, reason="  ")
HOUR = timedelta(hours=1)


@pytest.fixture
def game() -> Game:
    return make_game(make_provider())


def _build(game: Game, version: str = "1.0", **facts: str) -> GameBuild:
    return services.add_build(NewBuild(game_id=game.pk, version=version, **facts), WHY)


def _variant(game: Game, code: str = "V96", rtp: str = "96.10") -> RtpVariant:
    new = NewVariant(game_id=game.pk, code=code, rtp_percent=Decimal(rtp), source="PAR sheet 3")
    return services.add_variant(new, WHY)


def _deploy(build: GameBuild, starts_at: datetime = AT, **facts: Any) -> Deployment:
    variant = facts.pop("variant", None)
    new = NewDeployment(
        jurisdiction=facts.pop("jurisdiction", "MT"),
        build_id=build.pk,
        variant_id=variant.pk if variant else None,
        starts_at=starts_at,
        **facts,
    )
    return services.deploy(new, WHY)


def _judge(old: GameBuild, new: GameBuild, **facts: Any) -> SupplierChange:
    wanted = {"classification": ChangeClass.MINOR, **facts}
    judgement = Judgement(from_build_id=old.pk, to_build_id=new.pk, **wanted)
    return services.judge_change(judgement, WHY)


def _codes(game: Game, at: datetime = AT, jurisdiction: str = "MT") -> list[str]:
    return [reason.code for reason in cover(game.pk, jurisdiction, at).reasons]


def _counts() -> dict[str, int]:
    models = (GameBuild, RtpVariant, Deployment, SupplierChange, CertifiedBuild, CriticalFile)
    others = (LabAccreditation, AuditEntry)
    return {model.__name__: model._default_manager.count() for model in (*models, *others)}


def refused(error: type[DomainError], call: Callable[[], object]) -> None:
    before = _counts()
    with pytest.raises(error):
        call()
    assert _counts() == before


def refused_by_the_database(name: str, call: Callable[[], object]) -> None:
    errors = (IntegrityError, InternalError, ProgrammingError)
    with pytest.raises(errors) as error, transaction.atomic():
        call()
    assert name in str(error.value)


def test_the_same_build_variant_and_deployment_again_return_the_first(game: Game) -> None:
    build, variant = _build(game), _variant(game)
    deployment = _deploy(build, variant=variant)
    before = _counts()
    assert (_build(game), _variant(game)) == (build, variant)
    assert _deploy(build, variant=variant) == deployment
    assert _counts() == before
    refused(RegisterRowConflictError, lambda: _build(game, engine_version="2"))
    refused(RegisterRowConflictError, lambda: _variant(game, rtp="95"))


def test_nothing_is_recorded_without_a_reason(game: Game) -> None:
    build, other = _build(game), _build(game, "1.1")
    lab_id = make_cover(game).lab_id
    judgement = Judgement(build.pk, other.pk, ChangeClass.MAJOR)
    term = Term("UKAS", "1", date(2026, 1, 1), date(2026, 12, 31))
    for call in (
        lambda: services.add_build(NewBuild(game.pk, "9"), NOBODY_SAID_WHY),
        lambda: services.deploy(NewDeployment("MT", build.pk, None, AT), NOBODY_SAID_WHY),
        lambda: services.judge_change(judgement, NOBODY_SAID_WHY),
        lambda: scope.accredit_lab(lab_id, term, NOBODY_SAID_WHY),
    ):
        refused(ReasonRequiredError, call)


def test_a_deployment_ends_the_one_before_it_and_never_runs_beside_it(game: Game) -> None:
    old, new = _build(game), _build(game, "1.1")
    first = _deploy(old, AT)
    second = _deploy(new, AT + HOUR)
    first.refresh_from_db()
    assert (first.ends_at, second.ends_at) == (AT + HOUR, None)
    refused(DeploymentOverlapError, lambda: _deploy(old, AT + HOUR / 2))
    late: dict[str, Any] = {"deployment_id": first.pk, "ends_at": AT + 2 * HOUR, "editing": WHY}
    refused(DeploymentOverlapError, lambda: services.end_deployment(**late))
    refused(
        TimesError,
        lambda: services.end_deployment(deployment_id=second.pk, ends_at=AT, editing=WHY),
    )
    refused_by_the_database(
        "providers_deployment_one_at_a_time",
        lambda: Deployment.objects.filter(pk=first.pk).update(ends_at=None),
    )
    refused_by_the_database(
        "only_its_end_changes",
        lambda: Deployment.objects.filter(pk=second.pk).update(build=old),
    )
    # Elsewhere, and through another channel, it is another matter.
    _deploy(old, AT, jurisdiction="IM")
    _deploy(old, AT, channel="mobile")


def test_a_deployment_is_of_one_game_in_a_known_place(game: Game) -> None:
    build = _build(game)
    other = make_game(game.provider, "aurora-other")
    foreign = _variant(other)
    refused(OtherGameError, lambda: _deploy(build, variant=foreign))
    refused(UnknownJurisdictionError, lambda: _deploy(build, jurisdiction="QQ"))
    refused(RehearsalPlaceError, lambda: _deploy(build, jurisdiction="ZZ"))
    refused_by_the_database(
        "providers_open_deployment_is_in_no_rehearsal",
        lambda: Deployment.objects.create(
            game=game, jurisdiction="ZZ", build=build, starts_at=AT, created_at=AT
        ),
    )
    refused_by_the_database(
        "providers_deployment_is_of_one_game",
        lambda: Deployment.objects.create(
            game=game,
            jurisdiction="MT",
            build=build,
            variant=foreign,
            starts_at=AT,
            created_at=AT,
        ),
    )


def test_what_touches_fairness_is_never_a_minor_change(game: Game) -> None:
    old, new = _build(game), _build(game, "1.1")
    other = _build(make_game(game.provider, "aurora-other"))
    refused(FairnessChangeError, lambda: _judge(old, new, affects_rtp=True))
    refused(FairnessChangeError, lambda: _judge(old, old))
    refused(OtherGameError, lambda: _judge(old, other))
    facts = {"rationale": "x", "decided_at": AT, "classification": "minor"}
    refused_by_the_database(
        "providers_change_that_touches_fairness_is_major",
        lambda: SupplierChange.objects.create(
            from_build=old, to_build=new, affects_rng=True, **facts
        ),
    )
    refused_by_the_database(
        "providers_change_is_of_one_game",
        lambda: SupplierChange.objects.create(from_build=old, to_build=other, **facts),
    )
    change = _judge(old, new, classification=ChangeClass.MAJOR, affects_rtp=True)
    refused_by_the_database(
        "append_only",
        lambda: SupplierChange.objects.filter(pk=change.pk).update(classification="minor"),
    )


def test_a_figure_that_rounds_were_played_under_never_changes(game: Game) -> None:
    variant = _variant(game)
    refused_by_the_database(
        "figure_never_changes",
        lambda: RtpVariant.objects.filter(pk=variant.pk).update(rtp_percent=Decimal(90)),
    )
    refused_by_the_database(
        "providers_variant_volatility_index_names_its_z",
        lambda: RtpVariant.objects.filter(pk=variant.pk).update(volatility_index=Decimal(12)),
    )
    variant.volatility_index, variant.volatility_z = Decimal("16.45"), Decimal("1.645")
    assert variant.deviation == Decimal(10)
    variant.sigma = Decimal("9.8")
    assert variant.deviation == Decimal("9.8")


def test_a_report_covers_the_builds_it_names_and_what_minor_changes_made_of_them(
    game: Game,
) -> None:
    certificate = make_cover(game)
    one, two, three = (_build(game, version) for version in ("1.0", "1.1", "2.0"))
    _deploy(one, AT - HOUR)
    assert _codes(game) == []
    named = NamedBuild(
        game.game_code, "1.0", files=(FileDigest("a.js", DigestAlgorithm.CRC16, "BEEF", "1D0F"),)
    )
    scope.name_build(certificate.pk, named, WHY)
    assert _codes(game) == []
    _deploy(two, AT)
    assert _codes(game) == ["other_build"]
    _judge(one, two)
    answer = cover(game.pk, "MT", AT)
    assert answer.allowed
    assert [remark.code for remark in answer.remarks] == ["carried_over"]
    # Before somebody decided so it was no minor change.
    assert _codes(game, AT - timedelta(seconds=1)) == []
    _deploy(three, AT + HOUR)
    _judge(two, three, classification=ChangeClass.MAJOR, affects_rules=True)
    assert _codes(game, AT + HOUR) == ["other_build"]
    file = CriticalFile.objects.get()
    assert (file.digest, file.seed) == ("beef", "1d0f")


def test_a_report_that_names_no_build_does_not_cover_a_major_change(game: Game) -> None:
    make_cover(game)
    one, two = _build(game), _build(game, "1.1")
    _deploy(one, AT)
    assert _codes(game) == []
    _deploy(two, AT + HOUR)
    # Nobody has judged it yet.
    assert _codes(game, AT + HOUR) == ["build_changed"]
    _judge(one, two, classification=ChangeClass.MINOR)
    assert _codes(game, AT + HOUR) == []
    again = replace(WHY, now=AT + 2 * HOUR)
    services.judge_change(Judgement(one.pk, two.pk, ChangeClass.MAJOR), again)
    assert _codes(game, AT + HOUR) == []
    assert _codes(game, AT + 2 * HOUR) == ["build_changed"]


def test_a_report_covers_the_variants_it_names(game: Game) -> None:
    certificate = make_cover(game)
    low, high = _variant(game, "V94", "94"), _variant(game, "V96", "96.10")
    scope.name_variant(certificate.pk, NamedVariant(game.game_code, "V96", Decimal("96.10")), WHY)
    assert _codes(game) == ["variant_unknown"]
    _deploy(_build(game), AT, variant=low)
    assert _codes(game) == ["other_variant"]
    assert cover(game.pk, "MT", AT, variant="V96").allowed
    assert [reason.code for reason in cover(game.pk, "MT", AT, variant="V9").reasons] == [
        "unknown_variant"
    ]
    _deploy(GameBuild.objects.get(), AT + HOUR, variant=high)
    assert _codes(game, AT + HOUR) == []


def test_a_measured_package_that_is_not_the_certified_one_is_not_covered(game: Game) -> None:
    certificate = make_cover(game)
    scope.name_build(certificate.pk, NamedBuild(game.game_code, "1.0", digest="a" * 64), WHY)
    _deploy(_build(game), AT, digest="b" * 64)
    assert _codes(game) == ["digest_mismatch"]
    _deploy(GameBuild.objects.get(), AT + HOUR, digest="a" * 64)
    assert _codes(game, AT + HOUR) == []


def test_what_ran_and_runs_no_more_is_not_covered(game: Game) -> None:
    make_cover(game)
    deployment = _deploy(_build(game), AT)
    services.end_deployment(deployment_id=deployment.pk, ends_at=AT + HOUR, editing=WHY)
    assert _codes(game, AT + HOUR - timedelta(microseconds=1)) == []
    assert _codes(game, AT + HOUR) == ["not_deployed"]
    assert _codes(game, AT - HOUR) == []


def test_a_report_issued_after_the_accreditation_had_ended_proves_nothing(game: Game) -> None:
    lab_id = make_cover(game).lab_id  # issued on 1 January 2026
    scope.accredit_lab(lab_id, Term("UKAS", "1", date(2024, 1, 1), date(2025, 12, 31)), WHY)
    assert _codes(game) == ["lab_not_accredited"]
    scope.accredit_lab(lab_id, Term("UKAS", "1", date(2026, 1, 1), date(2026, 1, 1)), WHY)
    # The report does not end with the accreditation that it was issued under.
    assert _codes(game) == []
    refused(
        TimesError,
        lambda: scope.accredit_lab(lab_id, Term("U", "1", date(2026, 1, 2), date(2026, 1, 1)), WHY),
    )
    refused(
        RegisterRowConflictError,
        lambda: scope.accredit_lab(
            lab_id, Term("UKAS", "1", date(2026, 1, 1), date(2027, 1, 1)), WHY
        ),
    )


def test_a_major_change_ends_a_report_from_its_day_on(game: Game) -> None:
    certificate = make_cover(game)
    one, two = _build(game), _build(game, "1.1")
    minor = _judge(one, two)
    major = services.judge_change(
        Judgement(one.pk, two.pk, ChangeClass.MAJOR), replace(WHY, now=AT + HOUR)
    )
    facts: dict[str, Any] = {
        "certificate_id": certificate.pk,
        "on": date(2026, 11, 25),
        "editing": WHY,
    }
    refused(
        CertificateStateError,
        lambda: scope.invalidate_certificate(change_id=minor.pk, **facts),
    )
    scope.invalidate_certificate(change_id=major.pk, **facts)
    midnight = start_of_day("MT", date(2026, 11, 25))
    assert midnight == datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert _codes(game, midnight - timedelta(seconds=1)) == []
    assert _codes(game, midnight) == ["invalidated_by_change"]
    spans = cover_periods(game.pk, "MT", AT, AT + timedelta(days=7))
    assert [(span.start, span.cover.allowed) for span in spans] == [(AT, True), (midnight, False)]


def test_a_recall_takes_cover_away_from_its_day_on_and_leaves_the_past_its_proof(
    game: Game,
) -> None:
    certificate = make_cover(game)
    facts: dict[str, Any] = {"certificate_id": certificate.pk, "editing": WHY}
    refused(
        CertificateStateError,
        lambda: scope.recall_certificate(on=date(2025, 12, 31), **facts),
    )
    scope.recall_certificate(on=date(2026, 11, 25), **facts)
    midnight = start_of_day("MT", date(2026, 11, 25))
    assert _codes(game, midnight - timedelta(seconds=1)) == []
    assert _codes(game, midnight) == ["recalled"]
    spans = cover_periods(game.pk, "MT", AT, AT + timedelta(days=7))
    assert [(span.start, span.cover.allowed) for span in spans] == [(AT, True), (midnight, False)]
    assert certificates_in_force(date(2026, 11, 24)).get() == certificate
    assert not certificates_in_force(date(2026, 11, 25)).exists()
    proof = proof_at(game.pk, "MT", midnight - timedelta(seconds=1))
    assert proof is not None
    assert [one.id for one in proof.cover.proofs] == [certificate.pk]
    refused(
        CertificateStateError,
        lambda: scope.recall_certificate(on=date(2026, 11, 26), **facts),
    )
    with (
        pytest.raises(IntegrityError, match="not_recalled_before_issue"),
        transaction.atomic(),
    ):
        Certificate.objects.update(recalled_on=date(2025, 12, 31))


def test_the_first_and_the_last_day_of_the_calendar_are_days_like_others(game: Game) -> None:
    """Labs write 9999-12-31 where a report has no end, and one bad row must stop no daily run."""
    make_cover(game)
    Certificate.objects.update(issued_on=date.min, effective_on=date.min, expires_on=date.max)
    spans = cover_periods(game.pk, "MT", AT, AT + timedelta(days=7))
    assert [(span.start, span.cover.allowed) for span in spans] == [(AT, True)]
    end = End(Certificate.objects.get().pk, EndKind.EXPIRY, date.max)
    assert remains_of([end], AT.date())[end].offers == ()


def test_a_row_registered_by_mistake_counts_for_no_day(game: Game) -> None:
    certificate = make_cover(game)
    assert _codes(game) == []
    withdraw_certificate(
        certificate_id=certificate.pk, acting_user=None, reason="Wrong game.", now=AT
    )
    assert _codes(game, AT - timedelta(days=30)) == ["withdrawn"]


def test_a_recalled_revision_does_not_bring_its_forerunner_back(game: Game) -> None:
    old = make_cover(game)
    new = make_revision(old, effective_on=date(2026, 11, 1))
    scope.recall_certificate(certificate_id=new.pk, on=date(2026, 11, 10), editing=WHY)
    assert _codes(game, start_of_day("MT", date(2026, 11, 1))) == []
    assert sorted(_codes(game, start_of_day("MT", date(2026, 11, 10)))) == [
        "recalled",
        "superseded",
    ]


def test_a_report_that_says_so_replaces_another(game: Game) -> None:
    old, new = make_cover(game), make_cover(game, "IM")
    scope.set_terms(new.pk, ReportTerms("A. Person", "As tested only.", old.pk), WHY)
    assert _codes(game) == ["superseded", "other_jurisdiction"]
    refused(
        CertificateStateError,
        lambda: scope.set_terms(new.pk, ReportTerms("", "", new.pk), WHY),
    )


def test_a_replaced_report_stays_replaced_when_its_row_is_put_right(game: Game) -> None:
    old, new = make_cover(game), make_cover(game, "IM")
    scope.set_terms(new.pk, ReportTerms("", "", old.pk), WHY)
    withdraw_certificate(certificate_id=old.pk, acting_user=None, reason="Mistyped.", now=AT)
    entry = CertificateEntry(
        file=old.document.original_name,
        report_number=old.report_number,
        revision=old.revision,
        kind=CertificateKind.GAME,
        lab=old.lab.name,
        provider_code=old.provider_code,
        issued_on=old.issued_on,
        effective_on=None,
        expires_on=date(2027, 7, 1),
        review_due_on=None,
        result=CertificateResult.COMPLIES,
        standards=(),
        jurisdictions=("MT",),
        games=(game.game_code,),
        all_games=False,
        rtp_variants=(),
    )
    registration = Registration(None, "Typed again.", AT, PdfVetter())
    right = register_kept_document(entry, old.document, registration).certificate

    assert sorted(_codes(game)) == ["other_jurisdiction", "superseded", "withdrawn"]
    assert certificates_in_force(AT.date()).get() == new
    assert replaced_since([right.pk], AT.date()) == {right.pk: new.effective_on}
    end = End(right.pk, EndKind.EXPIRY, date(2026, 11, 30))
    assert remains_of([end], AT.date())[end].successor_id == new.pk
    moved = Certificate.history.filter(id=new.pk).order_by("history_id").last()
    assert moved is not None
    assert (moved.supersedes_id, moved.history_change_reason) == (right.pk, "Typed again.")
    # What is withdrawn is no report that another could replace.
    refused(
        CertificateStateError,
        lambda: scope.set_terms(new.pk, ReportTerms("", "", old.pk), WHY),
    )


def test_a_day_ends_at_the_jurisdictions_own_midnight(game: Game) -> None:
    make_cover(game, expires_on=date(2026, 10, 25))
    last = datetime(2026, 10, 25, 23, tzinfo=UTC)
    # The clocks went back that night: the day began at 22:00 UTC and ends at 23:00.
    assert start_of_day("MT", date(2026, 10, 25)) == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert _codes(game, last - timedelta(microseconds=1)) == []
    assert _codes(game, last) == ["expired"]
    assert day_in("NZ", last) == date(2026, 10, 26)


def test_an_unknown_place_is_never_covered(game: Game) -> None:
    make_cover(game, "QQ")
    assert _codes(game, jurisdiction="QQ") == ["unknown_jurisdiction"]


def test_a_build_is_named_only_for_games_of_the_report(game: Game) -> None:
    certificate = make_cover(game)
    named = NamedBuild("somebody-else", "1.0")
    refused(CertificateStateError, lambda: scope.name_build(certificate.pk, named, WHY))
    build = scope.name_build(certificate.pk, NamedBuild(game.game_code, "1.0"), WHY)
    refused_by_the_database(
        "providers_critical_file_digest_fits_its_algorithm",
        lambda: CriticalFile.objects.create(build=build, path="a", algorithm="sha1", digest="ab"),
    )
    refused_by_the_database(
        "providers_critical_file_crc16_names_its_seed",
        lambda: CriticalFile.objects.create(
            build=build, path="a", algorithm="crc16", digest="beef"
        ),
    )


def test_who_did_it_is_on_file(game: Game) -> None:
    user = make_user("officer")
    build = services.add_build(NewBuild(game.pk, "3.0"), replace(WHY, acting_user=user))
    entry = AuditEntry.objects.get(subject=f"build:{build.pk}")
    assert (entry.action, entry.reason) == ("providers.build.added", WHY.reason)
    assert MADE_AT < AT


def test_from_a_moment_of_play_to_its_proof(game: Game) -> None:
    certificate = make_cover(game)
    scope.name_build(certificate.pk, NamedBuild(game.game_code, "1.0", digest="a" * 64), WHY)
    build, variant = _build(game), _variant(game)
    _deploy(build, AT, variant=variant, digest="a" * 64)
    _deploy(build, AT + HOUR, variant=variant)
    _deploy(build, AT + 2 * HOUR, variant=variant, digest="b" * 64)
    proof = proof_at(game.pk, "MT", AT)
    assert proof is not None
    assert proof.cover.certificate is not None
    assert proof.cover.certificate.id == certificate.pk
    assert (proof.builds, proof.variants, proof.digests) == (("1.0",), ("V96",), "match")
    later = [proof_at(game.pk, "MT", AT + hours * HOUR) for hours in (1, 2)]
    assert [(one.cover.allowed, one.digests) for one in later if one] == [
        (True, "unknown"),
        (False, "mismatch"),
    ]
    assert proof_at(0, "MT", AT) is None
