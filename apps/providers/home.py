"""What awaits the compliance officer: ends that come near, documents that can't be proof."""

from datetime import UTC, date

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.core.counting import counted
from apps.providers.contracts import CertificateStanding
from apps.providers.enums import SignatureState
from apps.providers.models import TrustedRoot
from apps.providers.selectors.certificates import proposed_roots, standings_on
from apps.providers.services.root_proposals import ROOT, root_subject
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, Waiting, waiting_card
from apps.staff.selectors import pending_approvals

_MAX_ROWS = 8
_HORIZON_DAYS = 90
_SOON_DAYS = 30


def _today() -> date:
    return timezone.now().astimezone(UTC).date()


def ending_card(_request: HttpRequest) -> HomeCard:
    """Show what expires, falls due for review or ends by a change within 90 days, nearest first."""
    on = _today()
    ends = sorted(
        (
            (day, word, standing)
            for standing in standings_on(on)
            if standing.superseded_by is None and standing.effective_on <= on
            for word, day in _ends(standing)
            if (day - on).days <= _HORIZON_DAYS
        ),
        key=lambda end: (end[0], end[2].report_number),
    )
    soonest = (ends[0][0] - on).days if ends else _HORIZON_DAYS
    return HomeCard(
        title="Certificates that end",
        value=str(len({standing.certificate_id for _, _, standing in ends})),
        note="expired, expiring, due for review or ended by a change within 90 days",
        tone="danger" if soonest <= _SOON_DAYS // 2 else "warning" if ends else "success",
        link=reverse("admin:providers_certificate_changelist") + "?standing=ending",
        rows=tuple(_end_row(day, word, standing, on) for day, word, standing in ends[:_MAX_ROWS]),
        empty_text="Nothing ends within 90 days.",
    )


def _ends(standing: CertificateStanding) -> list[tuple[str, date]]:
    ends = []
    if standing.expires_on is not None:
        ends.append(("expires", standing.expires_on))
    if standing.review_due_on is not None:
        ends.append(("review", standing.review_due_on))
    if standing.invalidated_on is not None:
        ends.append(("ended by a change", standing.invalidated_on))
    if standing.recalled_on is not None:
        ends.append(("recalled", standing.recalled_on))
    return ends


def _end_row(day: date, word: str, standing: CertificateStanding, on: date) -> HomeRow:
    days = (day - on).days
    past = {"expires": "expired", "review": "review was due"}.get(word, word)
    far = counted(abs(days), "day")
    when = f"{word} in {far}" if days >= 0 else f"{past} {far} ago"
    return HomeRow(
        title=f"{standing.report_number} rev {standing.revision}",
        link=reverse("admin:providers_certificate_change", args=[standing.certificate_id]),
        meta=when,
        tone="danger" if days <= _SOON_DAYS // 2 else "warning",
    )


def invalid_card(_request: HttpRequest) -> HomeCard:
    """Show certificates whose document was altered after it was signed."""
    found = [
        standing
        for standing in standings_on(_today())
        if standing.signature_state == SignatureState.INVALID
    ]
    return HomeCard(
        title="Invalid signatures",
        value=str(len(found)),
        tone="danger" if found else "success",
        link=reverse("admin:providers_certificate_changelist") + "?standing=invalid_signature",
        rows=tuple(
            HomeRow(
                title=f"{standing.report_number} rev {standing.revision}",
                link=reverse("admin:providers_certificate_change", args=[standing.certificate_id]),
                meta="not proof",
                tone="danger",
            )
            for standing in found[:_MAX_ROWS]
        ),
        empty_text="No document was altered after it was signed.",
    )


def roots_card(_request: HttpRequest) -> HomeCard:
    """Show the roots that vouch for nothing yet, and which of them await a second person."""
    pending = pending_approvals(ROOT)

    def row(root: TrustedRoot) -> HomeRow:
        asked = pending.get(root_subject(root.pk))
        return HomeRow(
            title=f"{root.lab}: {root.subject}",
            link=reverse("admin:providers_trustedroot_change", args=[root.pk]),
            meta=f"asked by {asked.requested_by}" if asked else "compare its fingerprint",
            tone="warning",
        )

    return waiting_card(
        Waiting(
            title="Roots that nobody trusts yet",
            link=reverse("admin:providers_trustedroot_changelist") + "?state=proposed",
            empty_text="Every root on file was decided on by two people.",
            tone="warning",
            note="until two people agree, what they sign is untrusted",
        ),
        proposed_roots(limit=LIMIT),
        row,
    )
