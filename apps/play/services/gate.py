"""The launch gate: may this game be served, here, at this moment. It fails closed."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.core.jurisdictions import day_in
from apps.core.percents import display_percent
from apps.integrity.selectors import closed_games, closing_fault
from apps.play.contracts import GateAnswer, GateReason
from apps.play.errors import LaunchRefusedError
from apps.players import rules
from apps.players.contracts import REHEARSAL_JURISDICTION, PlayerRef, ProtectionReason
from apps.players.selectors import protection_reasons
from apps.players.services import launch_check
from apps.providers.contracts import Cover
from apps.providers.coverage.facts import Running, lowest_rtp_percent
from apps.providers.selectors.coverage import coverage_by_game, verdict_on
from apps.providers.selectors.matrix import offered_games, providers_not_live
from apps.providers.selectors.register import Serving, serving
from apps.wallet.selectors import unresolved_transfers

_BASIS_POINTS = 10_000


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
    law = _Law(jurisdiction, facts.category, facts.theoretical_rtp)
    reasons = _catalogue_reasons(facts) + _legal_reasons(law, verdict.running, at)
    wrong_file = closing_fault(game_id)
    if wrong_file:
        text = f"{wrong_file} on the game server is not the file that was certified."
        reasons.append(GateReason("digest_mismatch", text))
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
    game_ids = {game_id for game_id, _ in places}
    wrong_files, not_live = closed_games(), providers_not_live()
    games = {
        game.id: game
        for game in offered_games(game_ids=game_ids)
        if game.id not in wrong_files and game.provider_code not in not_live
    }
    coverage_of = {one.game_id: one for one in coverage_by_game(at, game_ids=game_ids)}
    found = set()
    for game_id, place in places:
        game, coverage = games.get(game_id), coverage_of.get(game_id)
        if game is None or coverage is None:
            continue
        cover, running = coverage.covers.get(place), coverage.running.get(place, ())
        law = _Law(place, game.category, game.theoretical_rtp)
        if cover is not None and cover.allowed and not _legal_reasons(law, running, at):
            found.add((game_id, place))
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
    not_live = f"{offer.provider_code} is not live yet: two people take it live by its checklist."
    # The officer's reason stays in the back office: clients of the operator's API read this.
    withdrawn = f"{offer.game_code} is withdrawn in {offer.jurisdiction}."
    checks = (
        (is_open, "provider_not_live", not_live),
        (facts.is_provider_active, "provider_inactive", f"{offer.provider_code} is switched off."),
        (facts.is_game_active, "game_inactive", f"{offer.game_code} is switched off."),
        (
            facts.is_offered,
            "not_offered",
            f"{offer.game_code} is not offered in {offer.jurisdiction}.",
        ),
        (not facts.is_withdrawn, "offer_withdrawn", withdrawn),
    )
    return [GateReason(code, text) for holds, code, text in checks if not holds]


class _Law(NamedTuple):
    """What the law asks about: a product of a stated RTP in a place."""

    jurisdiction: str
    category: str
    theoretical_rtp: Decimal


def _legal_reasons(law: _Law, running: Sequence[Running], at: datetime) -> list[GateReason]:
    jurisdiction, category, stated = law
    day = day_in(jurisdiction, at)
    reasons = []
    prohibition = rules.product_prohibition(jurisdiction, category, day)
    if prohibition is not None:
        text = f"{category} games are prohibited in {jurisdiction}: {prohibition.citation}"
        reasons.append(GateReason("prohibited_product", text, prohibition.id))
    floor = rules.rtp_floor(jurisdiction, category, day)
    rtp_percent = lowest_rtp_percent(running, stated * 100)
    if floor is not None and rtp_percent * (_BASIS_POINTS // 100) < floor.value:
        text = (
            f"The RTP of {display_percent(rtp_percent)} is below the "
            f"{display_percent(Decimal(floor.value) / 100)} that "
            f"{jurisdiction} asks for: {floor.citation}"
        )
        reasons.append(GateReason("rtp_below_floor", text, floor.id))
    return reasons


def _proof_reasons(cover: Cover) -> list[GateReason]:
    reasons = [GateReason(reason.code, reason.text) for reason in cover.reasons]
    if not reasons and (not cover.allowed or cover.certificate is None):
        reasons.append(GateReason("no_certificate", "No certificate covers the game."))
    return reasons
