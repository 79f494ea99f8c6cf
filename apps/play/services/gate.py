"""The launch gate: may this game be served, here, at this moment. It fails closed."""

from datetime import UTC, datetime

from apps.play.contracts import GateAnswer, GateReason
from apps.players.contracts import PlayerRef
from apps.providers.contracts import LaunchFacts
from apps.providers.selectors import launch_facts
from apps.providers.selectors.coverage import cover_for


def can_serve(
    *, game_id: int, jurisdiction: str, at: datetime, player: PlayerRef | None = None
) -> GateAnswer:
    """Say whether the game may be served in the jurisdiction, with every reason against it.

    With ``player`` the player's standing counts as well. Certificates hold for days of UTC. What
    can't be read is an error that goes up, never a yes.
    """
    facts = launch_facts(game_id, jurisdiction)
    if facts is None:
        reason = GateReason("unknown_game", f"There is no game {game_id}.")
        return GateAnswer(allowed=False, reasons=(reason,), certificate=None)
    cover = cover_for(game_id, jurisdiction, at.astimezone(UTC).date())
    reasons = [*_catalogue_reasons(facts, jurisdiction), *_player_reasons(player, jurisdiction)]
    if not cover.allowed or cover.certificate is None:
        reasons += [GateReason(reason.code, reason.text) for reason in cover.reasons]
        if not cover.reasons:
            reasons.append(GateReason("no_certificate", "No certificate covers the game."))
    return GateAnswer(allowed=not reasons, reasons=tuple(reasons), certificate=cover.certificate)


def _catalogue_reasons(facts: LaunchFacts, jurisdiction: str) -> list[GateReason]:
    rules = (
        (facts.is_provider_active, "provider_inactive", f"{facts.provider_code} is switched off."),
        (facts.is_game_active, "game_inactive", f"{facts.game_code} is switched off."),
        (facts.is_offered, "not_offered", f"{facts.game_code} is not offered in {jurisdiction}."),
    )
    return [GateReason(code, text) for holds, code, text in rules if not holds]


def _player_reasons(player: PlayerRef | None, jurisdiction: str) -> list[GateReason]:
    if player is None:
        return []
    reasons = []
    if not player.may_stake:
        reasons.append(GateReason("player_blocked", f"The player is {player.status}."))
    if player.jurisdiction != jurisdiction:
        text = f"The player belongs to {player.jurisdiction}, not {jurisdiction}."
        reasons.append(GateReason("other_jurisdiction", text))
    return reasons
