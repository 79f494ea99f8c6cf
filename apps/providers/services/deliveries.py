"""Take a delivery in as drafts: nothing in it is registered until a person has confirmed it."""

from dataclasses import dataclass, field
from pathlib import Path

from apps.core.errors import DomainError, StoreUnavailableError
from apps.providers.enums import LineOutcome
from apps.providers.models import CertificateDraft, UploadBatch
from apps.providers.pdf.vetting import PdfCheckerUnavailableError
from apps.providers.register.delivery import Delivery, Piece, pieces, read_piece, refusal_codes
from apps.providers.register.folder import Folder
from apps.providers.services.drafts import Upload, open_draft
from apps.providers.services.found_roots import upload_found
from apps.providers.services.import_register import FileRefused, Progress
from apps.providers.services.intake import Sender


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one row or file of a delivery; a refusal has its codes and words."""

    outcome: LineOutcome
    draft: CertificateDraft | None = None
    codes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(slots=True)
class DraftReport:
    """The drafts by id, new ones and those that waited already, and what was refused.

    ``roots`` are the files that hold a laboratory's root, proposed and not trusted.
    """

    drafted: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    refused: list[FileRefused] = field(default_factory=list)


def draft_folder(path: Path, sender: Sender, progress: Progress) -> DraftReport:
    """Make a draft of each row's document, and of each document that no row names.

    Running it again while the drafts wait makes no second ones.

    Raises:
        RegisterRefusedError: no such folder, or a register that can't be read.
        DeliveryRefusedError: it holds too many files.
        PdfCheckerUnavailableError, StoreUnavailableError
    """
    folder, report = Folder(path), DraftReport()
    work = pieces(folder)
    for index, piece in enumerate(work):
        progress(index + 1, len(work))
        taken = take_piece(folder, piece, sender)
        if taken.draft is not None:
            ids = report.drafted if taken.outcome == LineOutcome.DRAFTED else report.known
            ids.append(taken.draft.pk)
        elif taken.outcome == LineOutcome.PROPOSED:
            report.roots.append(piece.shown_name)
        else:
            report.refused.append(
                FileRefused(piece.line, piece.shown_name, taken.codes, taken.reason)
            )
    return report


def take_piece(
    delivery: Delivery, piece: Piece, sender: Sender, batch: UploadBatch | None = None
) -> Taken:
    """Make a draft of one document, or propose one root.

    Raises:
        PdfCheckerUnavailableError, StoreUnavailableError: they say nothing about the file.
    """
    try:
        data = read_piece(delivery, piece)
        if piece.is_root:
            upload_found(piece.name, data, acting_user=sender.acting_user, now=sender.now)
            return Taken(LineOutcome.PROPOSED)
        opened = open_draft(Upload(data, piece.name, piece.fields or {}, batch), sender)
    except (PdfCheckerUnavailableError, StoreUnavailableError):
        raise
    except DomainError as refusal:
        codes = tuple(refusal_codes(refusal))
        return Taken(LineOutcome.REFUSED, codes=codes, reason=str(refusal))
    return Taken(LineOutcome.DRAFTED if opened.is_new else LineOutcome.KNOWN, opened.draft)
