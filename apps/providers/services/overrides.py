"""Two people let a game be served without proof for a while; the law is never lifted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.core.history import note_edit
from apps.core.jurisdictions import day_in
from apps.core.services import record_audit
from apps.players import rules
from apps.providers.errors import (
    NotOverridableError,
    OverrideChangedError,
    TimesError,
    UnknownRegisterRowError,
)
from apps.providers.models import OVERRIDE_LIMIT, Game, GateOverride
from apps.providers.services.builds import Editing, require_real_place
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

OVERRIDE: Final = "providers.gate_override"


@dataclass(frozen=True, slots=True)
class OverrideWish:
    """What somebody asks for: a game, a place, and until when."""

    game_id: int
    jurisdiction: str
    ends_at: datetime


@transaction.atomic
def request_override(wish: OverrideWish, *, acting_user: Person, reason: str, now: datetime) -> int:
    """Ask a second person to let a game be served without proof; returns the approval's id.

    Raises:
        UnknownRegisterRowError, UnknownJurisdictionError
        RehearsalPlaceError: the place is the rehearsals', where nobody is served.
        NotOverridableError: the product is prohibited there.
        TimesError: it would end in the past, or last longer than a week.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as they say.
    """
    game = _game(wish.game_id)
    _require_lawful(game, wish.jurisdiction, now)
    _require_span(now, wish.ends_at)
    approval = request_approval(
        kind=OVERRIDE,
        subject=f"gate:{game.pk}:{wish.jurisdiction}",
        title=f"Serve {game} in {wish.jurisdiction} without proof until "
        f"{wish.ends_at:%Y-%m-%d %H:%M} UTC",
        payload={
            "game_id": game.pk,
            "game": f"{game.provider.code}/{game.game_code}",
            "jurisdiction": wish.jurisdiction,
            "ends_at": wish.ends_at.isoformat(),
            "reason": reason.strip(),
        },
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def execute_override(grant: ApprovalGrant) -> dict[str, Any]:
    """Open the gate for the game until the agreed end; runs inside the approval.

    Raises:
        NotOverridableError: a rule forbids the product meanwhile.
        OverrideChangedError: the agreed end is past, or further away than a week.
    """
    payload = grant.payload
    game = _game(int(payload["game_id"]))
    ends_at = datetime.fromisoformat(payload["ends_at"])
    _require_lawful(game, payload["jurisdiction"], grant.now)
    try:
        _require_span(grant.now, ends_at)
    except TimesError as error:
        raise OverrideChangedError(str(error)) from error
    override = GateOverride(
        game=game,
        jurisdiction=payload["jurisdiction"],
        starts_at=grant.now,
        ends_at=ends_at,
        reason=payload["reason"],
        requested_by_id=grant.requested_by_id,
        approved_by_id=grant.approved_by_id,
        approval_id=grant.approval_id,
        created_at=grant.now,
    )
    note_edit(override, acting_user=None, reason=f"Approval {grant.approval_id}", now=grant.now)
    override.save(force_insert=True)
    record_audit(
        action="providers.override.opened",
        actor=None,
        subject=f"override:{override.pk}",
        details={**payload, "approval_id": grant.approval_id},
        now=grant.now,
    )
    return {"override_id": override.pk}


@transaction.atomic
def end_override(*, override_id: int, editing: Editing) -> GateOverride:
    """Close the gate again before the override expires; one person is enough.

    Raises:
        ReasonRequiredError, UnknownRegisterRowError
        OverrideChangedError: it has ended or expired already.
    """
    editing.require_reason()
    override = GateOverride.objects.select_for_update().filter(pk=override_id).first()
    if override is None:
        raise UnknownRegisterRowError(f"There is no override {override_id}.")
    if override.ended_at is not None or override.ends_at <= editing.now:
        raise OverrideChangedError("The override has ended already.")
    override.ended_at = editing.now
    note_edit(override, acting_user=editing.acting_user, reason=editing.reason, now=editing.now)
    override.save(update_fields=["ended_at"])
    record_audit(
        action="providers.override.ended",
        actor=editing.acting_user,
        subject=f"override:{override.pk}",
        details={"ended_at": editing.now.isoformat()},
        reason=editing.reason,
        now=editing.now,
    )
    return override


def _game(game_id: int) -> Game:
    game = Game.objects.select_related("provider").filter(pk=game_id).first()
    if game is None:
        raise UnknownRegisterRowError(f"There is no game {game_id}.")
    return game


def _require_lawful(game: Game, jurisdiction: str, now: datetime) -> None:
    require_real_place(jurisdiction)
    rule = rules.product_prohibition(jurisdiction, game.category, day_in(jurisdiction, now))
    if rule is not None:
        raise NotOverridableError(f"Nobody may lift {rule.id}: {rule.citation}")


def _require_span(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise TimesError("An override ends in the future.")
    if ends_at - starts_at > OVERRIDE_LIMIT:
        raise TimesError(f"An override lasts {OVERRIDE_LIMIT.days} days at most.")
