"""What stands on an export's page: who must agree, how far it is, the file, and its manifest."""

from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.auditing.enums import ExportState
from apps.auditing.models import Export
from apps.core.admin import Panel, link_cell, money_cell


def consent_panel(export: Export) -> Panel:
    url = reverse("admin:staff_approval_change", args=[export.approval_id])
    return Panel(
        title="Two people",
        columns=["Because", "Request", "Agreed by"],
        rows=[
            [
                export.why_second_person,
                link_cell(url, f"Approval {export.approval_id}"),
                str(export.approved_by or "nobody yet"),
            ]
        ],
        tone="" if export.approved_by_id else "warning",
    )


_NOTHING: Final = {
    ExportState.FAILED: ("Not made", "", "danger"),
    ExportState.CANCELLED: ("Taken back", "Nothing was made or handed out.", "neutral"),
    ExportState.AWAITING: (
        "Waiting for a second person",
        "The worker makes it once somebody else has agreed. Take it back with the button above.",
        "warning",
    ),
}


def progress_panel(export: Export, *, is_live: bool) -> Panel:
    if export.state in _NOTHING:
        title, text, tone = _NOTHING[ExportState(export.state)]
        return Panel(title=title, empty_text=text or export.failure, tone=tone)
    then = "This page renews itself." if is_live else "Reload the page to see how far it is."
    return Panel(
        title=export.get_state_display(),
        empty_text=f"{export.rows_written:,} rows written so far. {then}",
        tone="info",
    )


def download_panel(request: HttpRequest, export: Export) -> Panel:
    is_there = export.dropped_at is None
    is_theirs = export.requested_by_id == request.user.pk
    url = reverse("admin:auditing_export_download", args=[export.pk])
    note = "The file was dropped; what it was stays on record."
    if is_there:
        note = "A link for you alone, for a minute." if is_theirs else "For who asked for it only."
    return Panel(
        title="The file",
        note=f"{note} Check it anywhere with manage.py verify_export FILE.",
        columns=["Size", "SHA-256", "Made", "Download"],
        rows=[
            [
                f"{export.size_bytes:,} bytes",
                export.sha256,
                f"{export.finished_at:%Y-%m-%d %H:%M:%S} UTC" if export.finished_at else "-",
                link_cell(url, "Download") if is_there and is_theirs else "-",
            ]
        ],
        tone="success" if is_there else "",
    )


def manifest_panels(manifest: dict[str, Any]) -> list[Panel]:
    head = manifest["audit_chain"]
    return [
        Panel(
            title="Files, as the manifest says",
            columns=["File", "Rows", "Bytes", "SHA-256", "Hidden columns"],
            rows=[
                [
                    one["name"],
                    f"{one['rows']:,}",
                    f"{one['bytes']:,}",
                    one["sha256"],
                    ", ".join(one["hidden_columns"]) or "none",
                ]
                for one in manifest["files"]
            ],
        ),
        Panel(
            title="Sums, per currency",
            columns=["File", "Column", "Sum"],
            rows=[row for one in manifest["files"] for row in _sums(one)],
            empty_text="No file of this export holds amounts.",
        ),
        Panel(
            title="Taken from",
            columns=["Snapshot of", "Audit chain then", "Head"],
            rows=[[manifest["snapshot_at"], f"{head['entries']:,} entries", head["head_hash"]]],
        ),
    ]


def _sums(file: dict[str, Any]) -> list[list[str | SafeString]]:
    return [
        [file["name"], column.removesuffix("_minor").replace("_", " "), money_cell(total, currency)]
        for column in file["columns"]
        for totals in [file["sums"].get(column, {})]
        for currency, total in sorted(totals.items())
    ]
