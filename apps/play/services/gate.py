"""The launch gate: may this game be served, here, at this moment. It fails closed."""

from collections.abc import Iterable
from datetime import UTC, datetime

from apps.play.contracts import GateAnswer, GateReason
from apps.play.errors import LaunchRefusedError
from apps.players.contracts import PlayerRef, ProtectionReason
from apps.players.selectors import protection_reasons
from apps.players.services import launch_check
from apps.providers.contracts import REHEARSAL_JURISDICTION, LaunchFacts
from apps.providers.selectors import launch_facts
from apps.providers.selectors.coverage import cover_for
from apps.wallet.selectors import unresolved_transfers


def can_serve(*, game_id: int, jurisdiction: str, at: datetime) -> GateAnswer:
    """Say whether the game may be served in the jurisdiction, with every reason against it.

    Certificates hold for days of UTC. What can't be read is an error that goes up, never a yes.
    """
    facts = launch_facts(game_id, jurisdiction)
    if facts is None:
        reason = GateReason("unknown_game", f"There is no game {game_id}.")
        return GateAnswer(allowed=False, reasons=(reason,), certificate=None)
    cover = cover_for(game_id, jurisdiction, at.astimezone(UTC).date())
    reasons = _catalogue_reasons(facts, jurisdiction)
    if not cover.allowed or cover.certificate is None:
        reasons += [GateReason(reason.code, reason.text) for reason in cover.reasons]
        if not cover.reasons:
            reasons.append(GateReason("no_certificate", "No certificate covers the game."))
    return GateAnswer(allowed=not reasons, reasons=tuple(reasons), certificate=cover.certificate)


def require_launch(player: PlayerRef, game_id: int, *, provider_id: int, now: datetime) -> None:
    """Refuse a launch that the game, the player's protection or money on its way speaks against.

    The check of the player is logged, whatever it says: call it outside the transaction that a
    refusal would undo.

    Raises:
        LaunchRefusedError: with every reason, the player's first.
    """
    reasons = _reasons_of(launch_check(player, player.jurisdiction, now))
    if unresolved_transfers(player.id, provider_id):
        text = "A transfer with this provider is not resolved yet."
        reasons.append(GateReason("transfer_unresolved", text))
    _require_none(player, game_id, reasons, now)


def require_going_on(player: PlayerRef, game_id: int, *, now: datetime) -> None:
    """Refuse to renew a session that could not be launched now; logs nothing.

    Raises:
        LaunchRefusedError: with every reason, the player's first.
    """
    _require_none(player, game_id, _reasons_of(protection_reasons(player, now)), now)


def _reasons_of(protection: Iterable[ProtectionReason]) -> list[GateReason]:
    return [GateReason(reason.code, reason.text) for reason in protection]


def _require_none(
    player: PlayerRef, game_id: int, reasons: list[GateReason], now: datetime
) -> None:
    answer = can_serve(game_id=game_id, jurisdiction=player.jurisdiction, at=now)
    if reasons or answer.reasons:
        raise LaunchRefusedError((*reasons, *answer.reasons))


def _catalogue_reasons(facts: LaunchFacts, jurisdiction: str) -> list[GateReason]:
    is_open = facts.is_provider_live or jurisdiction == REHEARSAL_JURISDICTION
    not_live = f"{facts.provider_code} is not live yet: two people take it live by its checklist."
    rules = (
        (is_open, "provider_not_live", not_live),
        (facts.is_provider_active, "provider_inactive", f"{facts.provider_code} is switched off."),
        (facts.is_game_active, "game_inactive", f"{facts.game_code} is switched off."),
        (facts.is_offered, "not_offered", f"{facts.game_code} is not offered in {jurisdiction}."),
    )
    return [GateReason(code, text) for holds, code, text in rules if not holds]
