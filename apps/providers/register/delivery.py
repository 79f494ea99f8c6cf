"""What a laboratory delivers, as an archive or a folder: one rule for its names, rows and files."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Protocol

from apps.core.errors import DomainError
from apps.providers.errors import DeliveryRefusedError, PdfRefusedError, RegisterRefusedError
from apps.providers.register.file import MAX_REGISTER_BYTES, REGISTER_NAMES, read_rows
from apps.providers.register.names import display_name

MAX_FILES: Final = 20_000
UNSAFE_PATH: Final = ("unsafe_path", "leads out of it or is no plain name")
LINK: Final = ("link", "is a link, not a file")


class Delivery(Protocol):
    """Files by name. A name is one that the delivery lists, never a path that is followed."""

    @property
    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes:
        """Return a file's bytes, at most one more than a document may have.

        Raises:
            DeliveryRefusedError: there is no such file, or it can't be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A row of the register with the file it names, or a file that no row names (line 0).

    ``fields`` is None where the row has more or fewer than the header, and empty without a row.
    """

    line: int
    name: str
    fields: Mapping[str, str] | None

    @property
    def shown_name(self) -> str:
        """The file's whole name: two folders may hold files of one name."""
        is_plain = self.name.isprintable() and 0 < len(self.name) <= 255
        return self.name if is_plain else display_name(self.name)

    @property
    def is_root(self) -> bool:
        return self.line == 0 and self.name.lower().endswith(".pem")


def register_in(delivery: Delivery) -> str | None:
    """Return the name of the register that lies among the files, the outermost."""
    found = [name for name in delivery.names if _last(name).lower() in REGISTER_NAMES]
    return min(found, key=lambda name: (name.count("/"), name), default=None)


def pieces(delivery: Delivery, register: bytes = b"") -> list[Piece]:
    """Return the rows of the register, then the files that no row names.

    ``register`` is one that was sent beside the files; it counts instead of one among them.

    Raises:
        RegisterRefusedError: the register can't be read.
    """
    inside = register_in(delivery)
    if not register and inside is not None:
        register = delivery.read(inside)[: MAX_REGISTER_BYTES + 1]
    names = {_composed(name): name for name in delivery.names}
    rows = [
        Piece(line, _meant(names, (fields or {}).get("file", "")), fields)
        for line, fields in (read_rows(register) if register or inside else [])
    ]
    listed = {piece.name for piece in rows} | {inside}
    return [*rows, *(Piece(0, name, {}) for name in delivery.names if name not in listed)]


def read_piece(delivery: Delivery, piece: Piece) -> bytes:
    """Return the bytes of a piece's file.

    Raises:
        RegisterRefusedError: the row is none.
        DeliveryRefusedError: its file has no plain name, is not there, or can't be read.
    """
    if piece.fields is None:
        raise RegisterRefusedError("The row has more or fewer fields than the header.")
    if not is_plain_name(piece.name):
        raise entry_refusal(piece.name, UNSAFE_PATH)
    if any("\x00" in value for value in piece.fields.values()):
        raise RegisterRefusedError("The row holds a NUL character, which no text has.")
    return delivery.read(piece.name)


def is_plain_name(name: str) -> bool:
    return (
        0 < len(name) <= 255
        and name.isprintable()
        and not name.startswith("/")
        and "\\" not in name
        and ":" not in name
        and ".." not in PurePosixPath(name).parts
    )


def entry_refusal(name: str, fault: tuple[str, str]) -> DeliveryRefusedError:
    code, what = fault
    return DeliveryRefusedError(code, f"{name[:80]!r} {what}.")


def missing_file() -> DeliveryRefusedError:
    return DeliveryRefusedError("file_missing", "There is no such file among those sent.")


def too_many_files() -> DeliveryRefusedError:
    return DeliveryRefusedError("too_many_files", f"There are more than {MAX_FILES:,} files.")


def refusal_codes(refusal: DomainError) -> list[str]:
    """Return the stable codes of every reason in a refusal."""
    if isinstance(refusal, PdfRefusedError):
        return [code for code, _reason in refusal.refusals]
    if isinstance(refusal, DeliveryRefusedError):
        return [refusal.reason_code]
    return [refusal.code]


def _meant(names: Mapping[str, str], wanted: str) -> str:
    """Return the file a row means: by its whole name, or by its last part if only one has it."""
    composed = _composed(wanted)
    if composed in names:
        return names[composed]
    alike = [name for key, name in names.items() if _last(key) == composed]
    return alike[0] if len(alike) == 1 else wanted


def _composed(name: str) -> str:
    # Some systems store an accent apart from its letter; a person sees the same name.
    return unicodedata.normalize("NFC", name)


def _last(name: str) -> str:
    return name.rpartition("/")[2]
