"""Who vouches for what a certificate says: each field, its person, its moment and its page."""

from typing import Final

from django.urls import reverse

from apps.core.admin import Panel, at_cell, link_cell
from apps.providers.enums import CertificateKind, CertificateResult
from apps.providers.models import Certificate, CertificateDraft, DraftField
from apps.providers.register.reading import FIELDS

_CHOICES: Final[dict[str, list[tuple[str, str]]]] = {
    "kind": CertificateKind.choices,
    "result": CertificateResult.choices,
}
_UNREVIEWED = (
    "Nobody confirmed the fields one by one: the certificate came by an import, which compares a "
    "register with its documents."
)


def confirmed_panel(obj: Certificate) -> Panel:
    draft = CertificateDraft.objects.filter(certificate=obj).first()
    items = (
        {item.name: item for item in draft.fields.select_related("confirmed_by")} if draft else {}
    )
    return Panel(
        title="Confirmed by",
        columns=["Field", "Confirmed", "By", "At", "Read from", "The document says"],
        rows=[
            _row(kind.label, items[kind.name], _review(draft) if draft else "")
            for kind in FIELDS
            if kind.name in items
        ],
        empty_text=_UNREVIEWED,
        note="As in the review; what later changes made of it is under History." if draft else "",
        link=_review(draft) if draft else "",
        link_text="The review",
    )


def _review(draft: CertificateDraft) -> str:
    return reverse("admin:providers_certificatedraft_change", args=[draft.pk])


def _row(label: str, item: DraftField, review: str) -> list[str]:
    number = item.page
    page = "-" if number is None else link_cell(f"{review}#page-{number}", f"page {number}")
    is_as_read = item.extracted_value == item.confirmed_value
    return [
        label,
        _words(item.name, item.confirmed_value) or "-",
        str(item.confirmed_by or "-"),
        at_cell(item.confirmed_at),
        page,
        "the same" if is_as_read and item.page else _listed(item.extracted_value) or "-",
    ]


def _listed(value: str) -> str:
    return value.replace(";", ", ")


def _words(name: str, value: str) -> str:
    labels = dict(_CHOICES.get(name, ()))
    return str(labels.get(value) or _listed(value))
