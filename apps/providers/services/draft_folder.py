"""Take a folder in as drafts: nothing in it is registered until a person has confirmed it."""

from dataclasses import dataclass, field
from pathlib import Path

from apps.core.errors import DomainError
from apps.providers.errors import PdfRefusedError, RegisterRefusedError
from apps.providers.pdf.vetting import PdfCheckerUnavailableError
from apps.providers.register.names import display_name
from apps.providers.services.drafts import Upload, open_draft
from apps.providers.services.import_register import (
    FileRefused,
    Progress,
    file_inside,
    files_in,
    read_capped,
    register_rows,
)
from apps.providers.services.intake import Sender


@dataclass(slots=True)
class DraftReport:
    """The drafts by id, new ones and those that waited already, and what was refused."""

    drafted: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    refused: list[FileRefused] = field(default_factory=list)


def draft_folder(folder: Path, sender: Sender, progress: Progress) -> DraftReport:
    """Make a draft of each row's document, and of each document that no row names.

    Running it again while the drafts wait makes no second ones.

    Raises:
        RegisterRefusedError: no such folder, or a register that can't be read.
        PdfCheckerUnavailableError, StoreUnavailableError
    """
    if not folder.is_dir():
        message = f"{display_name(str(folder))} is not a folder."
        raise RegisterRefusedError(message)
    rows = register_rows(folder) or []
    files = list(files_in(folder))
    report, listed = DraftReport(), set()
    for index, (line, fields) in enumerate(rows):
        progress(index + 1, len(rows))
        listed.add(folder / (fields or {}).get("file", ""))
        _take(line, fields, folder, sender, report)
    unlisted = [path for path in files if path not in listed]
    for index, path in enumerate(unlisted):
        progress(len(rows) + index + 1, len(rows) + len(unlisted))
        _take(0, {"file": str(path.relative_to(folder))}, folder, sender, report)
    return report


def _take(
    line: int,
    fields: dict[str, str] | None,
    folder: Path,
    sender: Sender,
    report: DraftReport,
) -> None:
    name = (fields or {}).get("file", "")
    try:
        if fields is None:
            raise RegisterRefusedError("The row has more or fewer fields than the header.")
        data = read_capped(file_inside(folder, name))
        opened = open_draft(Upload(data, name, fields), sender)
    except PdfCheckerUnavailableError:
        raise
    except DomainError as refusal:
        codes = (
            tuple(code for code, _reason in refusal.refusals)
            if isinstance(refusal, PdfRefusedError)
            else (refusal.code,)
        )
        report.refused.append(FileRefused(line, display_name(name), codes, str(refusal)))
        return
    (report.drafted if opened.is_new else report.known).append(opened.draft.pk)
