"""Asking for exports, letting others agree, having them made, and reading them."""

import csv
import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import storages
from django.utils import timezone

from apps.auditing import services
from apps.auditing.contracts import ExportRequest
from apps.auditing.models import Export
from apps.auditing.tasks import make_exports
from apps.staff.enums import Role
from apps.staff.models import User
from apps.staff.services import approve
from tests.auditing.makers import narrowing
from tests.factories import make_user


def ask(auditor: User, moment: datetime, **changes: Any) -> Export:
    facts: dict[str, Any] = {
        "population": "rounds",
        "narrowing": narrowing(moment),
        "reason": "To add them up at the office.",
    }
    return services.request_export(
        ExportRequest(**{**facts, **changes}), acting_user=auditor, now=timezone.now()
    )


def agreed(export: Export) -> Export:
    """Let a compliance officer agree to it."""
    assert export.approval_id is not None
    approve(
        approval_id=export.approval_id,
        user=make_user(roles=(Role.COMPLIANCE_OFFICER,)),
        reason="The regulator asked for it.",
        now=timezone.now(),
    )
    export.refresh_from_db()
    return export


def made(export: Export) -> Export:
    make_exports()
    export.refresh_from_db()
    return export


def archive_of(export: Export) -> zipfile.ZipFile:
    with storages["evidence"].open(export.storage_key) as stream:
        return zipfile.ZipFile(io.BytesIO(stream.read()))


def rows_of(export: Export, name: str) -> list[dict[str, str]]:
    text = archive_of(export).read(name).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def file_of(export: Export, tmp_path: Path) -> Path:
    path = tmp_path / "export.zip"
    with storages["evidence"].open(export.storage_key) as stream:
        path.write_bytes(stream.read())
    return path
