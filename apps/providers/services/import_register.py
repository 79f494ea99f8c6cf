"""Take in a folder: a register, the PDFs it names, and the roots that lie beside them."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from django.contrib.auth.base_user import AbstractBaseUser

from apps.core.errors import DomainError, StoreUnavailableError
from apps.providers.enums import RootState
from apps.providers.errors import InvalidRootError, PdfRefusedError
from apps.providers.pdf.vetting import PdfCheckerUnavailableError, PdfVetter
from apps.providers.register.delivery import (
    Piece,
    pieces,
    read_piece,
    refusal_codes,
    register_in,
)
from apps.providers.register.entries import read_entry
from apps.providers.register.folder import Folder
from apps.providers.register.names import display_name
from apps.providers.services.certificates import Registration, register_certificate
from apps.providers.services.found_roots import named_lab, propose_found
from apps.providers.services.trust import (
    MAX_PEM_BYTES,
    Decision,
    Recheck,
    RootFile,
    decide_root,
    propose_root,
    read_root,
    recheck_signatures,
)

logger = structlog.get_logger(__name__)

type Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrustChoice:
    """A root that the person at the keyboard vouches for; ``lab`` "" is read from its subject."""

    path: Path
    lab: str = ""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to take in, on whose word."""

    folder: Path
    trust: tuple[TrustChoice, ...]
    acting_user: AbstractBaseUser | None
    now: datetime


@dataclass(frozen=True, slots=True)
class RowTaken:
    line: int
    file: str
    report_number: str
    revision: int
    signature: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileRefused:
    """A row (with its line) or a file that is in no row (line 0), and every reason against it."""

    line: int
    file: str
    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RootSeen:
    name: str
    lab: str
    fingerprint: str
    state: str


@dataclass(slots=True)
class ImportReport:
    """What became of each row and file.

    Only ``refused`` makes the import a failure: ``unlisted_refused`` are files that nobody asked
    to register.
    """

    has_register: bool = True
    registered: list[RowTaken] = field(default_factory=list)
    unchanged: list[RowTaken] = field(default_factory=list)
    refused: list[FileRefused] = field(default_factory=list)
    unlisted_refused: list[FileRefused] = field(default_factory=list)
    unlisted_safe: list[str] = field(default_factory=list)
    roots: list[RootSeen] = field(default_factory=list)
    rechecked: list[Recheck] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return bool(self.refused) or not self.has_register


def import_folder(
    request: ImportRequest, progress: Progress, *, vetter: PdfVetter | None = None
) -> ImportReport:
    """Register each row of the register (CSV or XLSX) with its PDF, each wholly or not at all.

    Running it again changes nothing. Files that no row names are vetted and reported, and kept
    nowhere; a folder without a register is only vetted. A root in the folder is proposed, never
    trusted: it came the same way as the documents it would vouch for. Only ``request.trust``,
    where a person names a file, makes one count. Without a running ``vetter`` one is started.

    Raises:
        RegisterRefusedError: no such folder, or a register that can't be read.
        DeliveryRefusedError: it holds too many files.
        InvalidRootError: a root to trust is none, or it is not clear which lab's it is.
    """
    folder = Folder(request.folder)
    with PdfVetter() if vetter is None else nullcontext(vetter) as running:
        report = _import(request, folder, progress, running)
    logger.info(
        "providers.certificates.imported",
        registered=len(report.registered),
        unchanged=len(report.unchanged),
        refused=len(report.refused),
    )
    return report


def _import(
    request: ImportRequest, folder: Folder, progress: Progress, vetter: PdfVetter
) -> ImportReport:
    work = pieces(folder)
    report = ImportReport(has_register=register_in(folder) is not None)
    labs = {piece.fields["lab"].strip() for piece in work if piece.fields}
    found = [piece for piece in work if piece.is_root]
    _settle_roots(request, folder, found, labs, vetter, report)
    registration = Registration(
        acting_user=request.acting_user,
        reason="Imported from a register.",
        now=request.now,
        vetter=vetter,
    )
    for index, piece in enumerate(work):
        progress(index + 1, len(work))
        if piece.line:
            _take_row(piece, folder, registration, report)
        elif not piece.is_root:
            _vet_unlisted(request, folder, piece, vetter, report)
    return report


def _settle_roots(
    request: ImportRequest,
    folder: Folder,
    found: Sequence[Piece],
    labs: set[str],
    vetter: PdfVetter,
    report: ImportReport,
) -> None:
    chosen = set()
    for choice in request.trust:
        root = _root_to_trust(choice.path)
        lab_name = choice.lab or named_lab(root, labs)
        kept = propose_root(lab_name=lab_name, root=root, now=request.now)
        chosen.add(root.fingerprint)
        if kept.state != RootState.TRUSTED:
            reason = f"Named with --trust at the command line: {root.name}."
            decision = Decision(RootState.TRUSTED, reason, request.now)
            kept = decide_root(root_id=kept.pk, decision=decision)
            report.rechecked += recheck_signatures(
                lab_id=kept.lab_id, vetter=vetter, now=request.now
            )
        report.roots.append(RootSeen(root.name, kept.lab.name, root.fingerprint, kept.state))
    for piece in found:
        try:
            kept = propose_found(piece.name, read_piece(folder, piece), labs, request.now)
        except DomainError as refusal:
            report.roots.append(RootSeen(piece.shown_name, "", "", str(refusal)))
            continue
        if kept.fingerprint not in chosen:
            seen = RootSeen(piece.shown_name, kept.lab.name, kept.fingerprint, kept.state)
            report.roots.append(seen)


def _root_to_trust(path: Path) -> RootFile:
    if not path.is_file():
        message = f"There is no file {display_name(path.name)} to trust."
        raise InvalidRootError(message)
    with path.open("rb") as stream:
        return read_root(path.name, stream.read(MAX_PEM_BYTES + 1))


def _take_row(
    piece: Piece, folder: Folder, registration: Registration, report: ImportReport
) -> None:
    try:
        data = read_piece(folder, piece)
        result = register_certificate(read_entry(piece.fields or {}), data, registration)
    except (PdfCheckerUnavailableError, StoreUnavailableError):
        raise
    except DomainError as refusal:
        codes = tuple(refusal_codes(refusal))
        report.refused.append(FileRefused(piece.line, piece.shown_name, codes, str(refusal)))
        return
    certificate = result.certificate
    taken = RowTaken(
        line=piece.line,
        file=piece.shown_name,
        report_number=certificate.report_number,
        revision=certificate.revision,
        signature=certificate.document.signature_state,
        findings=tuple(
            f"{finding.field}: {finding.code}" for finding in certificate.findings.order_by("pk")
        ),
    )
    (report.registered if result.is_new else report.unchanged).append(taken)


def _vet_unlisted(
    request: ImportRequest, folder: Folder, piece: Piece, vetter: PdfVetter, report: ImportReport
) -> None:
    try:
        data = read_piece(folder, piece)
        verdict = vetter.vet(data, trusted_pems=[], moment=request.now)
        if not verdict.is_safe:
            raise PdfRefusedError([(item.code, item.reason) for item in verdict.refusals])
    except PdfCheckerUnavailableError:
        raise
    except DomainError as refusal:
        codes = tuple(refusal_codes(refusal))
        refused = FileRefused(0, piece.shown_name, codes, str(refusal))
        (report.unlisted_refused if report.has_register else report.refused).append(refused)
    else:
        report.unlisted_safe.append(piece.shown_name)
