"""The review page: what was read from a document beside its pages, and a person's word on each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from apps.core.admin import signed_in
from apps.core.admin.columns import display_at
from apps.core.errors import DomainError, ReasonRequiredError
from apps.providers.enums import CertificateKind, CertificateResult, DraftState, SignatureState
from apps.providers.errors import DraftFieldsError
from apps.providers.models import Certificate, CertificateDraft, DraftField
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.reading import FIELDS, LIST_FIELDS, FieldKind, as_lines, from_lines
from apps.providers.register.suppliers import is_same_company
from apps.providers.selectors import drafts as selectors
from apps.providers.selectors.certificates import provider_name
from apps.providers.services.drafts import Decision, confirm_fields, register_draft

REVIEW = "providers.review_certificatedraft"
_MAX_PAGES_SHOWN = 30
_CHOICES: dict[str, Sequence[tuple[str, str]]] = {
    "kind": CertificateKind.choices,
    "result": CertificateResult.choices,
}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field as the page shows it; ``value`` is what stands in the box."""

    kind: FieldKind
    item: DraftField
    value: str
    read: str
    given: str
    is_ticked: bool
    note: str
    note_tone: str
    error: str
    proposals: Sequence[selectors.Proposal]
    choices: Sequence[tuple[str, str]]
    rows: int
    confirmed: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on a page where a field was read."""

    name: str
    label: str
    box: str


def review_view(request: HttpRequest, admin: ModelAdmin[Any], draft_id: int) -> HttpResponse:
    """Show a draft, or take what was confirmed in it; each refusal stands at its field."""
    is_writing = request.method != "GET"
    if not admin.has_view_permission(request) or (is_writing and not request.user.has_perm(REVIEW)):
        # Asked before the draft is looked up: who may not read doesn't learn which exist.
        raise PermissionDenied
    draft = selectors.draft_by_id(draft_id)
    if not is_writing:
        return _page(request, admin, draft, {})
    posted = _posted(request)
    try:
        return HttpResponseRedirect(_take(request, draft, signed_in(request), posted))
    except DraftFieldsError as refusal:
        problems = refusal.problems
    except ReasonRequiredError as refusal:
        problems = {"reason": str(refusal)}
    except DomainError as refusal:
        messages.error(request, str(refusal))
        problems = {"": str(refusal)}
    return _page(request, admin, draft, posted, problems)


def _take(
    request: HttpRequest,
    draft: CertificateDraft,
    user: AbstractBaseUser,
    posted: Mapping[str, tuple[str, bool]],
) -> str:
    """Confirm what is ticked, register if that was asked, and return where to go next."""
    confirm_fields(
        draft_id=draft.pk,
        values={name: value for name, (value, is_ticked) in posted.items() if is_ticked},
        acting_user=user,
        now=timezone.now(),
    )
    if request.POST.get("do") == "register":
        _require_ticked(posted)
        return _register(request, draft, user)
    count = draft.fields.filter(confirmed_at__isnull=False).count()
    messages.success(request, f"{count} of {len(FIELDS)} fields are confirmed.")
    return request.path


def _require_ticked(posted: Mapping[str, tuple[str, bool]]) -> None:
    """Refuse what the person who registers does not call right, whoever confirmed it before.

    Raises:
        DraftFieldsError
    """
    problems = {
        kind.name: f"{kind.label}: it is not ticked as right."
        for kind in FIELDS
        if not posted[kind.name][1]
    }
    if problems:
        raise DraftFieldsError(problems)


def _register(request: HttpRequest, draft: CertificateDraft, user: AbstractBaseUser) -> str:
    with PdfVetter() as vetter:
        certificate = register_draft(
            Decision(
                draft_id=draft.pk,
                acting_user=user,
                reason=_typed(request, "reason")[:1000],
                now=timezone.now(),
                is_new_lab=request.POST.get("new_lab") == "yes",
            ),
            vetter,
        )
    messages.success(request, _registered(certificate))
    return reverse("admin:providers_certificate_change", args=[certificate.pk])


def _registered(certificate: Certificate) -> str:
    """Say that it is done and lead on to the next draft: they come by the folder."""
    waiting = selectors.next_open_draft()
    if waiting is None:
        return f"{certificate} is registered. No other draft waits for review."
    page = reverse("admin:providers_certificatedraft_change", args=[waiting])
    left = selectors.open_draft_count()
    return format_html(
        '{} is registered. <a href="{}">Review the next of {}</a>.', certificate, page, left
    )


def _typed(request: HttpRequest, name: str) -> str:
    # No keyboard makes a NUL, and PostgreSQL's texts hold none.
    return request.POST.get(name, "").replace("\x00", "")


def _posted(request: HttpRequest) -> dict[str, tuple[str, bool]]:
    found = {}
    for kind in FIELDS:
        text = _typed(request, f"value-{kind.name}")
        value = from_lines(text) if kind.is_list else " ".join(text.split())
        found[kind.name] = value, request.POST.get(f"right-{kind.name}") == "yes"
    return found


def _page(
    request: HttpRequest,
    admin: ModelAdmin[Any],
    draft: CertificateDraft,
    posted: Mapping[str, tuple[str, bool]],
    problems: Mapping[str, str] | None = None,
) -> HttpResponse:
    draft.refresh_from_db()
    items = {item.name: item for item in draft.fields.select_related("confirmed_by").order_by("pk")}
    proposals = _proposals(items)
    rows = [
        _row(kind, items[kind.name], posted.get(kind.name), problems or {}, proposals)
        for kind in FIELDS
    ]
    values = {row.kind.name: _stored(row) for row in rows}
    today = timezone.now().astimezone(UTC).date()
    before = selectors.previous_revision(values)
    context = {
        **admin.admin_site.each_context(request),
        "title": f"Review: {draft.file_name}",
        "opts": admin.opts,
        "draft": draft,
        "document": draft.document,
        "signature": SignatureState(draft.document.signature_state),
        "rows": rows,
        "pages": _pages(draft, items),
        "more_pages": max(draft.document.page_count - _MAX_PAGES_SHOWN, 0),
        "remarks": selectors.draft_remarks(draft.document, values, today, but=draft.certificate_id),
        "before": before,
        "changes": selectors.changes_since(before, values) if before else [],
        "confirmed_count": sum(item.confirmed_at is not None for item in items.values()),
        "is_open": draft.state == DraftState.OPEN,
        "may_review": request.user.has_perm(REVIEW) and draft.state == DraftState.OPEN,
        "is_lab_unknown": bool(values["lab"]) and not _is_known(values["lab"], proposals["lab"]),
        "problem_count": len([name for name in problems or {} if name]),
        "reason": request.POST.get("reason", ""),
        "reason_error": (problems or {}).get("reason", ""),
        "is_new_lab": request.POST.get("new_lab") == "yes",
    }
    status = 400 if problems else 200
    return TemplateResponse(request, "providers/review_draft.html", context, status=status)


def _proposals(items: Mapping[str, DraftField]) -> dict[str, Sequence[selectors.Proposal]]:
    games = items["games"].extracted_value.split(";")
    lab = items["lab"].given_value or items["lab"].extracted_value
    return {
        "lab": selectors.lab_proposals(lab),
        "provider": selectors.provider_proposals(items["provider"].extracted_value, games),
    }


def _is_known(name: str, proposals: Sequence[selectors.Proposal]) -> bool:
    return any(name.lower() == proposal.value.lower() for proposal in proposals)


def _row(
    kind: FieldKind,
    item: DraftField,
    posted: tuple[str, bool] | None,
    problems: Mapping[str, str],
    proposals: Mapping[str, Sequence[selectors.Proposal]],
) -> FieldRow:
    offered = proposals.get(kind.name, ())
    first = item.given_value or (offered[0].value if offered else "") or item.extracted_value
    if item.confirmed_at is not None:
        first = item.confirmed_value
    value, is_ticked = posted or (first, item.confirmed_at is not None)
    note, tone = _note(kind, item, offered)
    shown = as_lines(value) if kind.is_list else value
    return FieldRow(
        kind=kind,
        item=item,
        value=shown,
        read=as_lines(item.extracted_value) if kind.is_list else item.extracted_value,
        given=as_lines(item.given_value) if kind.is_list else item.given_value,
        is_ticked=is_ticked,
        note=note,
        note_tone=tone,
        error=problems.get(kind.name, ""),
        proposals=offered,
        choices=_CHOICES.get(kind.name, ()),
        rows=min(max(shown.count("\n") + 1, 2), 8),
        confirmed=""
        if item.confirmed_at is None
        else f"{item.confirmed_by}, {display_at(item.confirmed_at)}",
    )


def _note(
    kind: FieldKind, item: DraftField, offered: Sequence[selectors.Proposal]
) -> tuple[str, str]:
    """Say where the value in the box comes from, if not plainly from the page."""
    read, given = item.extracted_value, item.given_value
    rules = (
        (
            item.confirmed_at is not None and item.confirmed_value != (given or read),
            "Corrected by a person.",
            "info",
        ),
        (
            given and read and not _agree(item.name, given, read),
            "The spreadsheet and the document differ.",
            "warning",
        ),
        (offered and offered[0].value != read, _proposed(read, offered), "info"),
        (
            kind.is_required and given and not read and item.page is not None,
            "The spreadsheet says so; the document does not say it for certain: read the page.",
            "warning",
        ),
        (
            kind.is_required and not read and not given and item.page is not None,
            "It can't be told for certain from the document: read the page.",
            "warning",
        ),
        (
            kind.is_required and not read and not given,
            "Not found in the document: read the page.",
            "neutral",
        ),
    )
    return next(((text, tone) for applies, text, tone in rules if applies), ("", ""))


def _proposed(read: str, offered: Sequence[selectors.Proposal]) -> str:
    if not offered:
        return ""
    alike = f"{offered[0].percent} % alike" if offered[0].percent < 100 else "known"
    return f"The document says '{read}'; proposed is {offered[0].value} ({alike})."


def _agree(name: str, given: str, read: str) -> bool:
    """Say whether spreadsheet and document mean the same; a code is held by its company's name."""
    if name == "provider" and is_same_company(read, provider_name(given)):
        return True
    return _same(name, given) == _same(name, read)


def _same(name: str, value: str) -> str:
    if name in LIST_FIELDS:
        return ";".join(sorted(part.strip().lower() for part in value.split(";")))
    return " ".join(value.lower().split())


def _stored(row: FieldRow) -> str:
    return from_lines(row.value) if row.kind.is_list else row.value


def _pages(
    draft: CertificateDraft, items: Mapping[str, DraftField]
) -> list[tuple[int, str, list[Mark]]]:
    labels = {kind.name: kind.label for kind in FIELDS}
    pages = []
    for number in range(1, min(draft.document.page_count, _MAX_PAGES_SHOWN) + 1):
        url = reverse("admin:providers_certificatedraft_page", args=[draft.pk, number])
        marks = [
            Mark(item.name, labels[item.name], _box(item.box))
            for item in items.values()
            if item.page == number and item.box
        ]
        pages.append((number, url, marks))
    return pages


def _box(shares: Sequence[float]) -> str:
    """Return left, top, width and height in percent of the page, a little wider than the words."""
    left, top, width, height = (share * 100 for share in shares)
    return f"{left - 0.4:.2f}% {top - 0.25:.2f}% {width + 0.8:.2f}% {height + 0.5:.2f}%"
