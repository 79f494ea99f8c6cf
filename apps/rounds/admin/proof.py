"""The proof of a round: what ran when it was played, and which report covered it."""

from datetime import UTC
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.core.admin import Panel, badge, link_cell
from apps.providers.contracts import CertificateRef
from apps.providers.selectors.proof import Proof
from apps.rounds.models import Round
from apps.rounds.panels import measured_cell
from apps.rounds.proving import RoundProof

_DIGESTS = {"match": "success", "mismatch": "danger", "unknown": "neutral"}

_UNKNOWN_GAME = (
    "The proof of this round is missing: the game is not in the catalogue. Have it added to the "
    "provider's catalogue, then register its report."
)
_UNCOVERED = (
    "The proof of this round is missing: no report covered the game in {place} on {on}. A "
    "compliance officer looks at what covers it there: a report may be missing from the register, "
    "or the game must no longer be served."
)
_OVERRIDDEN = (
    "This round was played under override {override}, which stood in for a report. A compliance "
    "officer sees to it that the report is registered before the override ends."
)
_MISMATCH = (
    "The game server ran other files than the report certifies. A compliance officer follows the "
    "integrity fault with the provider."
)


def proof_step(proof: RoundProof | None) -> str:
    """Say what is to do about the proof; empty where it is in order."""
    if proof is None:
        return _UNKNOWN_GAME
    steps = []
    if not proof.cover.allowed and proof.override_id is None:
        steps.append(_UNCOVERED.format(place=proof.jurisdiction, on=proof.on))
    elif not proof.cover.allowed:
        steps.append(_OVERRIDDEN.format(override=proof.override_id))
    if proof.measured.verdict == "mismatch":
        steps.append(_MISMATCH)
    return " ".join(steps)


def proof_links(game_round: Round, proof: RoundProof | None) -> list[tuple[str, str]]:
    """Return where the step of ``proof_step`` is taken."""
    links = []
    if proof is not None and not proof.cover.allowed:
        page = "admin:compliance_coveragematrix_cell"
        cell = reverse(page, args=[game_round.game_id, proof.jurisdiction])
        at = urlencode({"at": game_round.opened_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")})
        links.append(("What covered the game there", f"{cell}?{at}"))
    if proof is not None and proof.measured.verdict == "mismatch":
        asked = urlencode({"q": game_round.game.game_code})
        links.append(("Integrity faults", f"{reverse('admin:integrity_fault_changelist')}?{asked}"))
    return links


def proof_tone(proof: RoundProof | None) -> str:
    """Return how urgent the step of ``proof_step`` is; empty where there is none."""
    if not proof_step(proof):
        return ""
    is_only_missing = proof is not None and proof.measured.verdict != "mismatch"
    stands_in = proof is not None and proof.override_id is not None
    return "warning" if stands_in and is_only_missing else "danger"


def proof_panel(proof: RoundProof | None, *, may_open_report: bool) -> Panel:
    """Tell what ran, its report and what a server had measured when the round was opened."""
    title = "Proof of what was played"
    if proof is None:
        return Panel(
            title=title,
            empty_text="The game is not in the catalogue, so that no report can cover it.",
            tone="danger",
        )
    return Panel(
        title=title,
        note=f"On {proof.on} in {proof.jurisdiction}, where the player was then.",
        columns=[
            "Covered",
            "Report",
            "Build",
            "RTP variant",
            "Package deployed",
            "Measured on the server",
        ],
        rows=[
            [
                _answer(proof),
                _report(proof, may_open=may_open_report),
                ", ".join(proof.builds) or "not on file",
                ", ".join(proof.variants) or "not on file",
                badge(proof.digests, _DIGESTS[proof.digests]),
                measured_cell(proof.measured),
            ]
        ],
        tone=proof_tone(proof),
    )


def _answer(proof: Proof) -> SafeString:
    if proof.cover.allowed:
        return badge("yes", "success")
    if proof.override_id is not None:
        return badge(f"by override {proof.override_id}", "warning")
    return badge("no", "danger")


def _report(proof: Proof, *, may_open: bool) -> str:
    named = proof.cover.proofs
    if not named:
        return " ".join(reason.text for reason in proof.cover.reasons)
    return format_html_join(", ", "{}", ((_named(report, may_open=may_open),) for report in named))


def _named(report: CertificateRef, *, may_open: bool) -> str:
    text = f"{report.report_number} rev {report.revision} of {report.lab}"
    if not may_open:
        return text
    return link_cell(reverse("admin:providers_certificate_change", args=[report.id]), text)
