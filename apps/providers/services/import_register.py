"""Take in a folder: a register, the PDFs it names, and the roots that lie beside them."""

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from django.contrib.auth.base_user import AbstractBaseUser

from apps.core.errors import DomainError
from apps.providers.enums import RootState
from apps.providers.errors import InvalidRootError, PdfRefusedError, RegisterRefusedError
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.entries import read_entry
from apps.providers.register.file import MAX_REGISTER_BYTES, REGISTER_NAMES, read_rows
from apps.providers.register.names import display_name
from apps.providers.selectors.certificates import lab_by_name
from apps.providers.services.certificates import Registration, register_certificate
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

_MAX_FILES = 20_000


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
    """Register each row of ``register.csv`` (or ``.xlsx``) with its PDF, each wholly or not at all.

    Running it again changes nothing. Files that no row names are vetted and reported, and kept
    nowhere; a folder without a register is only vetted. A root in the folder is proposed, never
    trusted: it came the same way as the documents it would vouch for. Only ``request.trust``,
    where a person names a file, makes one count. Without a running ``vetter`` one is started.

    Raises:
        RegisterRefusedError: no such folder, or a register that can't be read.
        InvalidRootError: a root to trust is none, or it is not clear which lab's it is.
    """
    if not request.folder.is_dir():
        message = f"{display_name(str(request.folder))} is not a folder."
        raise RegisterRefusedError(message)
    with PdfVetter() if vetter is None else nullcontext(vetter) as running:
        report = _import(request, progress, running)
    logger.info(
        "providers.certificates.imported",
        registered=len(report.registered),
        unchanged=len(report.unchanged),
        refused=len(report.refused),
    )
    return report


def _import(request: ImportRequest, progress: Progress, vetter: PdfVetter) -> ImportReport:
    folder = request.folder
    rows = register_rows(folder)
    report = ImportReport(has_register=rows is not None)
    files = list(files_in(folder))
    total = len(rows or []) + len(files)
    labs = {fields["lab"].strip() for _, fields in rows or [] if fields}
    _settle_roots(request, labs, vetter, report)
    listed = _take_rows(request, rows or [], vetter, report, progress, total)
    for index, path in enumerate(files):
        progress(len(rows or []) + index + 1, total)
        if path not in listed:
            _vet_unlisted(request, path, vetter, report)
    return report


def register_rows(folder: Path) -> list[tuple[int, dict[str, str] | None]] | None:
    path = next((folder / name for name in REGISTER_NAMES if (folder / name).is_file()), None)
    if path is None:
        return None
    with path.open("rb") as stream:
        return read_rows(stream.read(MAX_REGISTER_BYTES + 1))


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the regular files to vet, in order; links are left alone, they lead elsewhere."""
    count = 0
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.suffix.lower() == ".pem":
            continue
        if path.parent == folder and path.name in REGISTER_NAMES:
            continue
        count += 1
        if count > _MAX_FILES:
            message = f"The folder holds more than {_MAX_FILES} files."
            raise RegisterRefusedError(message)
        yield path


def _settle_roots(
    request: ImportRequest, labs: set[str], vetter: PdfVetter, report: ImportReport
) -> None:
    chosen = set()
    for choice in request.trust:
        root = _read_root(choice.path)
        kept = propose_root(lab_name=_lab_of(root, choice.lab, labs), root=root, now=request.now)
        chosen.add(root.fingerprint)
        if kept.state != RootState.TRUSTED:
            reason = f"Named with --trust at the command line: {root.name}."
            decision = Decision(RootState.TRUSTED, reason, request.now)
            kept = decide_root(root_id=kept.pk, decision=decision)
            report.rechecked += recheck_signatures(
                lab_id=kept.lab_id, vetter=vetter, now=request.now
            )
        report.roots.append(RootSeen(root.name, kept.lab.name, root.fingerprint, kept.state))
    for path in sorted(request.folder.glob("*.pem")):
        seen = _propose(path, labs, chosen, request.now)
        if seen is not None:
            report.roots.append(seen)


def _propose(path: Path, labs: set[str], chosen: set[str], now: datetime) -> RootSeen | None:
    try:
        root = _read_root(path)
        if root.fingerprint in chosen:
            return None
        kept = propose_root(lab_name=_lab_of(root, "", labs), root=root, now=now)
    except InvalidRootError as error:
        return RootSeen(display_name(path.name), "", "", str(error))
    return RootSeen(root.name, kept.lab.name, root.fingerprint, kept.state)


def _read_root(path: Path) -> RootFile:
    if not path.is_file():
        message = f"There is no file {display_name(path.name)} to trust."
        raise InvalidRootError(message)
    with path.open("rb") as stream:
        return read_root(path.name, stream.read(MAX_PEM_BYTES + 1))


def _lab_of(root: RootFile, named: str, labs: set[str]) -> str:
    if named:
        return named
    known = {lab.casefold(): lab for lab in labs}
    if root.organisation.casefold() in known:
        return known[root.organisation.casefold()]
    lab = lab_by_name(root.organisation) if root.organisation else None
    if lab is None:
        message = (
            f"{root.name} names '{root.organisation}', which is no lab of the register. "
            f"Say whose it is: --trust 'LAB NAME={root.name}'."
        )
        raise InvalidRootError(message)
    return lab.name


def _take_rows(
    request: ImportRequest,
    rows: list[tuple[int, dict[str, str] | None]],
    vetter: PdfVetter,
    report: ImportReport,
    progress: Progress,
    total: int,
) -> set[Path]:
    listed = set()
    registration = Registration(
        acting_user=request.acting_user,
        reason="Imported from a register.",
        now=request.now,
        vetter=vetter,
    )
    for index, (line, fields) in enumerate(rows):
        progress(index + 1, total)
        name = display_name((fields or {}).get("file", ""))
        try:
            if fields is None:
                raise RegisterRefusedError("The row has more or fewer fields than the header.")
            path = file_inside(request.folder, fields["file"])
            listed.add(path)
            _take_row(line, fields, path, registration, report)
        except PdfRefusedError as error:
            codes = tuple(code for code, _reason in error.refusals)
            report.refused.append(FileRefused(line, name, codes, str(error)))
        except DomainError as error:
            report.refused.append(FileRefused(line, name, (error.code,), str(error)))
    return listed


def file_inside(folder: Path, name: str) -> Path:
    """Return the path of a file in the folder.

    Raises:
        RegisterRefusedError: the name leads out of it, or there is no such file.
    """
    plain = re.fullmatch(r"[^\x00-\x1f]{1,255}", name)
    path = folder / name if plain else folder
    if not plain or not path.resolve().is_relative_to(folder.resolve()):
        message = "The file name leads out of the folder or is no name."
        raise RegisterRefusedError(message)
    if not path.is_file():
        message = "The file is not in the folder."
        raise RegisterRefusedError(message)
    return path


def _take_row(
    line: int,
    fields: dict[str, str],
    path: Path,
    registration: Registration,
    report: ImportReport,
) -> None:
    entry = read_entry(fields)
    result = register_certificate(entry, read_capped(path), registration)
    certificate = result.certificate
    taken = RowTaken(
        line=line,
        file=display_name(entry.file),
        report_number=certificate.report_number,
        revision=certificate.revision,
        signature=certificate.document.signature_state,
        findings=tuple(
            f"{finding.field}: {finding.code}" for finding in certificate.findings.order_by("pk")
        ),
    )
    (report.registered if result.is_new else report.unchanged).append(taken)


def _vet_unlisted(
    request: ImportRequest, path: Path, vetter: PdfVetter, report: ImportReport
) -> None:
    name = "/".join(display_name(part) for part in path.relative_to(request.folder).parts)
    verdict = vetter.vet(read_capped(path), trusted_pems=[], moment=request.now)
    if verdict.is_safe:
        report.unlisted_safe.append(name)
        return
    codes = tuple(item.code for item in verdict.refusals)
    reason = " ".join(item.reason for item in verdict.refusals)
    refused = FileRefused(0, name, codes, reason)
    (report.unlisted_refused if report.has_register else report.refused).append(refused)


def read_capped(path: Path) -> bytes:
    with path.open("rb") as stream:
        # One byte more than allowed tells "too large" without reading the rest.
        return stream.read(MAX_BYTES + 1)
