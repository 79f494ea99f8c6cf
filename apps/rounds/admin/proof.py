"""The proof of a round: what ran when it was played, and which report covered it."""

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.core.admin import Panel, badge, link_cell
from apps.providers.contracts import CertificateRef
from apps.providers.selectors.proof import Proof
from apps.rounds.models import Round
from apps.rounds.panels import measured_cell
from apps.rounds.proving import proof_of_round

_DIGESTS = {"match": "success", "mismatch": "danger", "unknown": "neutral"}


def proof_panel(game_round: Round, *, may_open_report: bool) -> Panel:
    """Tell what ran, its report and what a server had measured when the round was opened."""
    title = "Proof of what was played"
    proof = proof_of_round(game_round)
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
        tone="" if proof.cover.allowed and proof.measured.verdict != "mismatch" else "danger",
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
