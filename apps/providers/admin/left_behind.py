"""What an officer had added to a row that was withdrawn, and did not record at the right one."""

from collections.abc import Sequence

from django.urls import reverse

from apps.core.admin import Panel, link_cell
from apps.core.percents import display_percent
from apps.providers.enums import CertificateState
from apps.providers.models import Certificate
from apps.providers.selectors.certificates import withdrawn_rows_of

type Added = tuple[str, str]
"""What kind of thing was added, and of which game; terms are of none."""


def left_behind_panels(certificate: Certificate) -> Sequence[Panel]:
    """Show it on the right row's page; none where nothing was left, or on the withdrawn row.

    Where the right row has something of the kind, a person has looked at that already.
    """
    if certificate.state == CertificateState.WITHDRAWN:
        return []
    here = {kind for kind, _text in _added(certificate)}
    rows = [
        [
            link_cell(reverse("admin:providers_certificate_change", args=[row.pk]), row.pk),
            kind[0],
            text,
        ]
        for row in withdrawn_rows_of(
            certificate.lab, certificate.report_number, certificate.revision
        )
        for kind, text in _added(row)
        if kind not in here
    ]
    if not rows:
        return []
    return [
        Panel(
            title="Added to the withdrawn row, and not here",
            note="It may be part of the mistake, so nothing was carried over. Open the document, "
            "and record here what it really says.",
            columns=["Withdrawn row", "What", "As recorded there"],
            rows=rows,
            tone="warning",
        )
    ]


def _added(certificate: Certificate) -> list[tuple[Added, str]]:
    """Return what stands in no row of a register: builds, variants by code, and terms."""
    builds = certificate.builds.order_by("game_code", "build_version", "pk")
    variants = certificate.rtp_variants.exclude(variant_code="").order_by("game_code", "pk")
    terms = [
        ("Signed for the lab by", certificate.signatory),
        ("Conditions", certificate.conditions),
        ("Replaces", str(certificate.supersedes or "")),
    ]
    return [
        *[
            (
                ("Build", one.game_code),
                f"{one.game_code} {one.build_version}, {one.get_channel_display()}",
            )
            for one in builds
        ],
        *[
            (
                ("RTP variant", one.game_code),
                f"{one.game_code} {one.variant_code}: {display_percent(one.rtp_percent)}",
            )
            for one in variants
        ],
        *[((label, ""), text) for label, text in terms if text],
    ]
