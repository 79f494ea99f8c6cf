"""Recording what suppliers deliver and what runs: builds, variants, deployments, changes."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from apps.core.history import note_edit
from apps.core.jurisdictions import jurisdiction_by_code
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.errors import RehearsalPlaceError
from apps.providers.enums import ChangeClass, Channel
from apps.providers.errors import (
    DeploymentOverlapError,
    FairnessChangeError,
    OtherGameError,
    RegisterRowConflictError,
    TimesError,
    UnknownJurisdictionError,
    UnknownRegisterRowError,
)
from apps.providers.models import Deployment, Game, GameBuild, RtpVariant, SupplierChange
from apps.providers.services.past_cover import tell_of_past_cover


@dataclass(frozen=True, slots=True)
class Editing:
    """Who writes into the register, why and when; nobody is the command line."""

    acting_user: AbstractBaseUser | None
    reason: str
    now: datetime

    def require_reason(self) -> None:
        require_reason(self.reason)


@dataclass(frozen=True, slots=True)
class NewBuild:
    """A build as its supplier names it."""

    game_id: int
    version: str
    channel: str = Channel.ANY
    platform_version: str = ""
    engine_version: str = ""
    client_revision: str = ""
    rng_version: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class NewVariant:
    """An RTP variant with its certified figures and where they stand."""

    game_id: int
    code: str
    rtp_percent: Decimal
    source: str
    sigma: Decimal | None = None
    volatility_index: Decimal | None = None
    volatility_z: Decimal | None = None
    hit_frequency_percent: Decimal | None = None
    max_win_multiple: int | None = None
    jackpot_percent: Decimal | None = None
    certificate_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewDeployment:
    """What is to run where, from when."""

    jurisdiction: str
    build_id: int
    variant_id: int | None
    starts_at: datetime
    channel: str = Channel.ANY
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody decided about a supplier's change, and the answers it rests on."""

    from_build_id: int
    to_build_id: int
    classification: ChangeClass
    supplier_note: str = ""
    affects_rng: bool = False
    affects_outcome: bool = False
    affects_rtp: bool = False
    affects_rules: bool = False

    @property
    def touches_fairness(self) -> bool:
        return self.affects_rng or self.affects_outcome or self.affects_rtp or self.affects_rules


@transaction.atomic
def add_build(new: NewBuild, editing: Editing) -> GameBuild:
    """Put a build on file once; the same again returns the first.

    Raises:
        ReasonRequiredError, UnknownRegisterRowError
        RegisterRowConflictError: this version is on file with other content.
    """
    editing.require_reason()
    _lock_game(new.game_id)
    known = GameBuild.objects.filter(
        game_id=new.game_id, version=new.version, channel=new.channel
    ).first()
    if known is not None:
        _require_same(known, asdict(new), f"Build {new.version}")
        return known
    build = GameBuild.objects.create(**asdict(new), created_at=editing.now)
    _audit("providers.build.added", f"build:{build.pk}", asdict(new), editing)
    return build


@transaction.atomic
def add_variant(new: NewVariant, editing: Editing) -> RtpVariant:
    """Put an RTP variant on file once; the same again returns the first.

    Raises:
        ReasonRequiredError, UnknownRegisterRowError
        RegisterRowConflictError: the code is on file with other figures. Where they stand is no
            part of them: ``variants.name_source`` says it anew.
    """
    editing.require_reason()
    _lock_game(new.game_id)
    known = RtpVariant.objects.filter(game_id=new.game_id, code=new.code).first()
    if known is not None:
        figures = {
            name: value
            for name, value in asdict(new).items()
            if name not in {"certificate_id", "source"}
        }
        _require_same(known, figures, f"Variant {new.code}")
        return known
    variant = RtpVariant(**asdict(new), created_at=editing.now)
    note_edit(variant, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    variant.save(force_insert=True)
    details = {name: str(value) for name, value in asdict(new).items() if value is not None}
    _audit("providers.variant.added", f"variant:{variant.pk}", details, editing)
    return variant


@transaction.atomic
def deploy(new: NewDeployment, editing: Editing) -> Deployment:
    """Record that a build runs somewhere from a moment on; what ran there ends at that moment.

    The same again returns the first.

    Raises:
        ReasonRequiredError, UnknownRegisterRowError, UnknownJurisdictionError
        RehearsalPlaceError: the place is the rehearsals', where nothing real runs.
        OtherGameError: build and variant are of different games.
        DeploymentOverlapError: another deployment begins at that moment or later.
    """
    editing.require_reason()
    require_real_place(new.jurisdiction)
    build = _build(new.build_id)
    _lock_game(build.game_id)
    if new.variant_id is not None and _variant(new.variant_id).game_id != build.game_id:
        raise OtherGameError("The variant belongs to another game than the build.")
    others = Deployment.objects.filter(
        game_id=build.game_id, jurisdiction=new.jurisdiction, channel=new.channel
    ).order_by("starts_at")
    same = others.filter(
        starts_at=new.starts_at, build=build, variant_id=new.variant_id, digest=new.digest
    ).first()
    if same is not None:
        return same
    if others.filter(starts_at__gte=new.starts_at).exists():
        raise DeploymentOverlapError("Another deployment begins at that moment or after it.")
    running = others.filter(ends_at=None).first()
    if running is not None:
        _end(running, new.starts_at, editing)
    deployment = Deployment(game_id=build.game_id, created_at=editing.now, **asdict(new))
    note_edit(deployment, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    try:
        with transaction.atomic():
            deployment.save(force_insert=True)
    except IntegrityError as error:
        if "providers_deployment_one_at_a_time" in str(error):
            raise DeploymentOverlapError("Another deployment runs there at that time.") from error
        raise
    details = {**asdict(new), "starts_at": new.starts_at.isoformat()}
    _audit("providers.deployment.added", f"deployment:{deployment.pk}", details, editing)
    tell_of_past_cover([build.game_id], _day_of(new.starts_at), now=editing.now)
    return deployment


@transaction.atomic
def end_deployment(*, deployment_id: int, ends_at: datetime, editing: Editing) -> Deployment:
    """Record when a deployment ends, or correct that; nothing runs there afterwards.

    Raises:
        ReasonRequiredError, UnknownRegisterRowError
        TimesError: the end is not after the start.
        DeploymentOverlapError: the later end reaches into the next deployment.
    """
    editing.require_reason()
    deployment = Deployment.objects.select_for_update().filter(pk=deployment_id).first()
    if deployment is None:
        raise UnknownRegisterRowError(f"There is no deployment {deployment_id}.")
    ended_at = deployment.ends_at or ends_at
    try:
        with transaction.atomic():
            _end(deployment, ends_at, editing)
    except IntegrityError as error:
        if "providers_deployment_one_at_a_time" in str(error):
            raise DeploymentOverlapError("Another deployment runs there by then.") from error
        raise
    since = _day_of(min(ended_at, ends_at))
    tell_of_past_cover([deployment.game_id], since, now=editing.now)
    return deployment


@transaction.atomic
def judge_change(judgement: Judgement, editing: Editing) -> SupplierChange:
    """Decide that the change from one build to another is major or minor; the reason is on file.

    The same judgement again returns the first. Another one counts from its own moment on.

    Raises:
        ReasonRequiredError, UnknownRegisterRowError
        OtherGameError: the builds are of different games.
        FairnessChangeError: a minor change can't touch fairness, nor a build change into itself.
    """
    editing.require_reason()
    source, target = _build(judgement.from_build_id), _build(judgement.to_build_id)
    if source.pk == target.pk:
        raise FairnessChangeError("A change leads from one build to another.")
    if source.game_id != target.game_id:
        raise OtherGameError("The builds are of different games.")
    if judgement.classification == ChangeClass.MINOR and judgement.touches_fairness:
        raise FairnessChangeError("What touches fairness is a major change: it needs a new report.")
    _lock_game(source.game_id)
    latest = (
        SupplierChange.objects.filter(from_build=source, to_build=target)
        .order_by("-decided_at", "-pk")
        .first()
    )
    if latest is not None and _is_same(latest, {**asdict(judgement), "rationale": editing.reason}):
        return latest
    user = editing.acting_user
    change = SupplierChange.objects.create(
        **asdict(judgement),
        rationale=editing.reason,
        decided_by_id=user.pk if user else None,
        decided_at=editing.now,
    )
    _audit("providers.change.judged", f"change:{change.pk}", asdict(judgement), editing)
    return change


def require_real_place(jurisdiction: str) -> None:
    """Refuse a place where nobody can be served.

    Raises:
        UnknownJurisdictionError: it is not on file.
        RehearsalPlaceError: it is the rehearsals', where nobody lives.
    """
    if jurisdiction_by_code(jurisdiction) is None:
        raise UnknownJurisdictionError(jurisdiction)
    if jurisdiction == REHEARSAL_JURISDICTION:
        raise RehearsalPlaceError(jurisdiction)


def _lock_game(game_id: int) -> None:
    """Order everything that is recorded of one game.

    Raises:
        UnknownRegisterRowError
    """
    if not Game.objects.select_for_update().filter(pk=game_id).exists():
        raise UnknownRegisterRowError(f"There is no game {game_id}.")


def _build(build_id: int) -> GameBuild:
    build = GameBuild.objects.filter(pk=build_id).first()
    if build is None:
        raise UnknownRegisterRowError(f"There is no build {build_id}.")
    return build


def _variant(variant_id: int) -> RtpVariant:
    variant = RtpVariant.objects.filter(pk=variant_id).first()
    if variant is None:
        raise UnknownRegisterRowError(f"There is no variant {variant_id}.")
    return variant


def _end(deployment: Deployment, ends_at: datetime, editing: Editing) -> None:
    if ends_at <= deployment.starts_at:
        raise TimesError("A deployment ends after it starts.")
    deployment.ends_at = ends_at
    note_edit(deployment, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    deployment.save(update_fields=["ends_at"])
    details = {"ends_at": ends_at.isoformat()}
    _audit("providers.deployment.ended", f"deployment:{deployment.pk}", details, editing)


def _day_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _is_same(row: Any, given: dict[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in given.items())


def _require_same(row: Any, given: dict[str, Any], title: str) -> None:
    others = [name for name, value in given.items() if getattr(row, name) != value]
    if others:
        raise RegisterRowConflictError(f"{title} is on file with another {', '.join(others)}.")


def _audit(action: str, subject: str, details: dict[str, Any], editing: Editing) -> None:
    record_audit(
        action=action,
        actor=editing.acting_user,
        subject=subject,
        details=details,
        reason=editing.reason,
        now=editing.now,
    )
