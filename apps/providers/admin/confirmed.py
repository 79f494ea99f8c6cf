"""Who vouches for what a certificate says: each field, its person, its moment and its page."""

from django.urls import reverse

from apps.core.admin import Panel, at_cell, link_cell
from apps.providers.models import Certificate, CertificateDraft, DraftField
from apps.providers.register.reading import FIELDS

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
            _row(kind.label, items[kind.name], obj.document_id)
            for kind in FIELDS
            if kind.name in items
        ],
        empty_text=_UNREVIEWED,
        note="As in the review; what later changes made of it is under History." if draft else "",
        link=reverse("admin:providers_certificatedraft_change", args=[draft.pk]) if draft else "",
        link_text="The review",
    )


def _row(label: str, item: DraftField, document_id: int) -> list[str]:
    document = reverse("admin:providers_document_change", args=[document_id])
    page = "not found in it" if item.page is None else link_cell(document, f"page {item.page}")
    is_as_read = item.extracted_value == item.confirmed_value
    return [
        label,
        _listed(item.confirmed_value) or "-",
        str(item.confirmed_by or "-"),
        at_cell(item.confirmed_at),
        page,
        "the same" if is_as_read and item.page else _listed(item.extracted_value) or "-",
    ]


def _listed(value: str) -> str:
    return value.replace(";", ", ")
