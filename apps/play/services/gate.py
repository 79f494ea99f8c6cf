"""The launch gate: may this game be served, here, at this moment. It fails closed."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from apps.core.jurisdictions import day_in
from apps.core.percents import display_percent
from apps.integrity.selectors import closing_fault
from apps.play.contracts import GateAnswer, GateReason
from apps.play.errors import LaunchRefusedError
from apps.play.objections import Objections, breaches, closed_by, not_live
from apps.players.contracts import REHEARSAL_JURISDICTION, PlayerRef, ProtectionReason
from apps.players.selectors import protection_reasons
from apps.players.services import launch_check
from apps.providers.contracts import Cover
from apps.providers.coverage.facts import Running
from apps.providers.selectors.coverage import coverage_by_game, verdict_on
from apps.providers.selectors.matrix import offered_games
from apps.providers.selectors.register import Serving, serving
from apps.wallet.selectors import unresolved_transfers


def can_serve(
    *, game_id: int, jurisdiction: str, at: datetime, build: str = "", variant: str = ""
) -> GateAnswer:
    """Say whether the game may be served in the jurisdiction, with every reason against it.

    Asked are: is it switched on and offered there; does the law allow the product and its RTP
    there; does its server run the certified files; does a certificate cover what runs, on the
    jurisdiction's own day. ``build`` and ``variant`` stand for others than those deployed. Two
    people may stand in for a missing certificate for a while (an override), never for the law nor
    for a build, variant or place that nobody knows, that doesn't run, or whose package is another.
    What can't be read is an error that goes up, never a yes. Two queries.
    """
    facts = serving(game_id, jurisdiction, at)
    if facts is None:
        reason = GateReason("unknown_game", f"There is no game {game_id}.")
        return GateAnswer(allowed=False, reasons=(reason,), certificate=None)
    verdict = verdict_on(facts, at, build=build, variant=variant)
    reasons = _catalogue_reasons(facts) + _legal_reasons(facts, verdict.running, at)
    wrong_file = closing_fault(game_id, at)
    if wrong_file:
        reasons.append(closed_by(wrong_file))
    unproven = _proof_reasons(verdict.cover)
    is_lifted = verdict.cover.may_be_lifted and facts.override_id is not None
    remarks = [GateReason(remark.code, remark.text) for remark in verdict.cover.remarks]
    if is_lifted:
        remarks = unproven
    else:
        reasons += unproven
    return GateAnswer(
        allowed=not reasons,
        reasons=tuple(reasons),
        certificate=verdict.cover.certificate,
        builds=tuple(dict.fromkeys(one.build.version for one in verdict.running if one.build)),
        variants=tuple(dict.fromkeys(one.variant.code for one in verdict.running if one.variant)),
        override_id=facts.override_id if is_lifted else None,
        override_ends_at=facts.override_ends_at if is_lifted else None,
        remarks=tuple(remarks),
    )


def places_open_among(places: Collection[tuple[int, str]], at: datetime) -> set[tuple[int, str]]:
    """Return those games and places that one look at the whole register finds open; ten queries.

    ``can_serve`` allows each of them. It may allow others: rehearsals, and what an override lifts.
    """
    asked = set(places)
    game_ids = {game_id for game_id, _ in asked}
    objections = Objections(at, {place for _, place in asked})
    coverage_of = {one.game_id: one for one in coverage_by_game(at, game_ids=game_ids)}
    found = set()
    for game in offered_games(at, game_ids=game_ids):
        coverage = coverage_of.get(game.id)
        if coverage is None or objections.closing(game):
            continue
        unlawful = objections.unlawful(game, coverage.running, coverage.covers)
        found |= {
            (game.id, place)
            for place, cover in coverage.covers.items()
            if (game.id, place) in asked and cover.allowed and place not in unlawful
        }
    return found


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


def _catalogue_reasons(facts: Serving) -> list[GateReason]:
    offer = facts.offer
    is_open = facts.is_provider_live or offer.jurisdiction == REHEARSAL_JURISDICTION
    # The officer's reason stays in the back office: clients of the operator's API read this.
    withdrawn = f"{offer.game_code} is withdrawn in {offer.jurisdiction}."
    checks = (
        (facts.is_provider_active, "provider_inactive", f"{offer.provider_code} is switched off."),
        (facts.is_game_active, "game_inactive", f"{offer.game_code} is switched off."),
        (
            facts.is_offered,
            "not_offered",
            f"{offer.game_code} is not offered in {offer.jurisdiction}.",
        ),
        (not facts.is_withdrawn, "offer_withdrawn", withdrawn),
    )
    reasons = [] if is_open else [not_live(offer.provider_code)]
    return reasons + [GateReason(code, text) for holds, code, text in checks if not holds]


def _legal_reasons(facts: Serving, running: Sequence[Running], at: datetime) -> list[GateReason]:
    jurisdiction, category = facts.offer.jurisdiction, facts.category
    reasons = []
    for rule, rtp_percent in breaches(
        jurisdiction, day_in(jurisdiction, at), category, running, facts.theoretical_rtp * 100
    ):
        if rtp_percent is None:
            text = f"{category} games are prohibited in {jurisdiction}: {rule.citation}"
            reasons.append(GateReason("prohibited_product", text, rule.id))
            continue
        text = (
            f"The RTP of {display_percent(rtp_percent)} is below the "
            f"{display_percent(Decimal(rule.value) / 100)} that {jurisdiction} asks for: "
            f"{rule.citation}"
        )
        reasons.append(GateReason("rtp_below_floor", text, rule.id))
    return reasons


def _proof_reasons(cover: Cover) -> list[GateReason]:
    reasons = [GateReason(reason.code, reason.text) for reason in cover.reasons]
    if not reasons and (not cover.allowed or cover.certificate is None):
        reasons.append(GateReason("no_certificate", "No certificate covers the game."))
    return reasons
