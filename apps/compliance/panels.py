"""The launch gate's answer for people: each reason with the page on which it is mended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from apps.compliance.selectors.matrix import RENEWED_BY
from apps.core.admin import Panel, at_cell, badge, link_cell
from apps.play.contracts import GateAnswer
from apps.play.services.gate import can_serve
from apps.providers.contracts import CertificateRef
from apps.providers.selectors.catalogue import offered_in
from apps.providers.selectors.matrix import CatalogueGame

_BY_REPORT = frozenset({"no_certificate", "withdrawn", "recalled", "other_jurisdiction"})
_BY_DOCUMENT = frozenset({"invalid_signature", "not_yet_effective", "lab_not_accredited"})
# Builds, variants, deployments and offers are kept on the game's own page.
_BY_GAME = frozenset(
    {
        "build_changed",
        "build_unknown",
        "does_not_comply",
        "game_inactive",
        "not_deployed",
        "offer_withdrawn",
        "other_build",
        "other_variant",
        "prohibited_product",
        "rtp_below_floor",
        "unknown_jurisdiction",
        "variant_unknown",
    }
)


def moment_field(at: datetime) -> str:
    """Return a moment as the pages of the desk take it in their addresses, in UTC."""
    return at.strftime("%Y-%m-%dT%H:%M")


def cell_url(game_id: int, place: str, at: datetime) -> str:
    page = reverse("admin:compliance_coveragematrix_cell", args=[game_id, place])
    return f"{page}?{urlencode({'at': moment_field(at)})}"


def launch_panel(game_id: int, now: datetime) -> Panel:
    """Say for each place where a game is on offer whether it could be launched there now."""
    return Panel(
        title="On offer, and served",
        note="What the launch gate says now, each on the jurisdiction's own day.",
        columns=["Jurisdiction", "A launch", "Certificate or reason"],
        rows=[_launch_row(game_id, place, now) for place in offered_in(game_id)],
        empty_text="The game is not on offer anywhere.",
    )


def _launch_row(game_id: int, place: str, now: datetime) -> Sequence[Any]:
    answer = can_serve(game_id=game_id, jurisdiction=place, at=now)
    proof = answer.certificate
    said = f"{proof.report_number} rev {proof.revision}" if answer.allowed and proof else ""
    if answer.override_ends_at is not None:
        said = f"By two people, until {answer.override_ends_at:%Y-%m-%d %H:%M} UTC"
    return [
        link_cell(cell_url(game_id, place, now), place),
        badge("allowed", "success") if answer.allowed else badge("refused", "danger"),
        said or " ".join(reason.text for reason in answer.reasons),
    ]


def next_page(
    code: str,
    game: CatalogueGame,
    *,
    certificate_id: int | None = None,
    renewal_id: int | None = None,
) -> str:
    """Return the page on which what ``code`` says is mended, or an empty string."""
    if renewal_id is not None and code in RENEWED_BY:
        return reverse("admin:compliance_renewal_change", args=[renewal_id])
    if certificate_id is not None and code == "expired":
        return f"{reverse('admin:compliance_renewal_add')}?certificate={certificate_id}"
    if certificate_id is not None and code in _BY_DOCUMENT:
        return reverse("admin:providers_certificate_change", args=[certificate_id])
    return _page_of(code, game)


def _page_of(code: str, game: CatalogueGame) -> str:
    if code in _BY_REPORT:
        return reverse("admin:providers_certificate_add")
    if code in _BY_GAME:
        return reverse("admin:providers_game_change", args=[game.id])
    lists = {
        "digest_mismatch": (
            "admin:integrity_fault_changelist",
            {"state": "open", "q": game.game_code},
        ),
        "provider_not_live": (
            "admin:onboarding_onboarding_changelist",
            {"q": game.provider_code},
        ),
    }
    if code not in lists:
        return ""
    name, asked = lists[code]
    return f"{reverse(name)}?{urlencode(asked)}"


def verdict_rows(answer: GateAnswer, game: CatalogueGame) -> list[Sequence[Any]]:
    """Return what proves it, what stands in for a proof, what speaks against it, and remarks."""
    rows: list[Sequence[Any]] = []
    if answer.certificate is not None:
        through = answer.certificate.expires_on or "no end stated"
        said = f"{answer.certificate.lab}, valid through {through}"
        rows.append([badge("proof", "success"), _report(answer.certificate), said])
    if answer.override_id is not None:
        page = reverse("admin:providers_gateoverride_change", args=[answer.override_id])
        ends = at_cell(answer.override_ends_at)
        rows.append([badge("override", "info"), link_cell(page, "by two people, until"), ends])
    rows += [
        [badge("against", "danger"), _what(reason.code, game), reason.text]
        for reason in answer.reasons
    ]
    rows += [
        [badge("note", "neutral"), reason.code.replace("_", " "), reason.text]
        for reason in answer.remarks
    ]
    return rows


def _report(proof: CertificateRef) -> SafeString:
    page = reverse("admin:providers_certificate_change", args=[proof.id])
    return link_cell(page, f"{proof.report_number} rev {proof.revision}")


def _what(code: str, game: CatalogueGame) -> SafeString | str:
    page, words = next_page(code, game), code.replace("_", " ")
    return link_cell(page, words) if page else words
