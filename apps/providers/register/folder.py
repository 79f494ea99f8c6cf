"""A folder of documents on this machine, judged name by name as an archive's entries are."""

from pathlib import Path

from apps.providers.errors import RegisterRefusedError
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.register.delivery import (
    LINK,
    MAX_FILES,
    entry_refusal,
    missing_file,
    too_many_files,
)
from apps.providers.register.names import display_name


class Folder:
    """The files of a folder, by their path in it. A link leads elsewhere and is not followed."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            message = f"{display_name(str(path))} is not a folder."
            raise RegisterRefusedError(message)
        self._entries: dict[str, Path] = {}
        for found in sorted(path.rglob("*")):
            if found.is_file() or found.is_symlink():
                self._entries[found.relative_to(path).as_posix()] = found
            if len(self._entries) > MAX_FILES:
                raise too_many_files()

    @property
    def names(self) -> list[str]:
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """Return a file's bytes, at most one more than a document may have.

        Raises:
            DeliveryRefusedError: there is no such file, or it is a link.
        """
        path = self._entries.get(name)
        if path is None:
            raise missing_file()
        if path.is_symlink():
            raise entry_refusal(name, LINK)
        with path.open("rb") as stream:
            # One byte more than allowed tells "too large" without reading the rest.
            return stream.read(MAX_BYTES + 1)
