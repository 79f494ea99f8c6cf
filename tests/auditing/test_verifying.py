"""A file passes as an export only where every reader would find the same bytes in it."""

import struct
import warnings
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.auditing.archive import MANIFEST, ExportArchive
from apps.auditing.errors import NotAnExportError
from apps.auditing.verifying import verify_export
from apps.core.populations import ExportFile

ROUNDS = ExportFile("rounds.csv", ("id", "stake_minor", "currency"), lambda _rows: iter(()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "export.zip"
    with path.open("wb") as stream:
        archive = ExportArchive(stream, lambda _rows: None)
        archive.add(ROUNDS, iter([(1, 500, "EUR")]), with_personal_data=False)
        archive.close({"export": 1, "rows": "Rounds", "snapshot_at": "then", "asked_by": "aud"})
    return path


def alter_header(path: Path, name: str, offset: int, value: int) -> None:
    """Set two bytes of a file's headers, in front of it and in the directory two bytes later."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry, start = archive.getinfo(name), archive.start_dir
    struct.pack_into("<H", content, entry.header_offset + offset, value)
    directory = content.index(name.encode(), start) - 46
    struct.pack_into("<H", content, directory + offset + 2, value)
    path.write_bytes(content)


def test_an_export_as_it_was_made_holds(path: Path) -> None:
    verdict = verify_export(path)
    assert verdict.holds
    assert [one.name for one in verdict.files] == ["rounds.csv"]


@pytest.mark.parametrize("name", ["rounds.csv", MANIFEST])
def test_two_files_of_one_name_are_refused_though_the_last_is_the_true_one(
    path: Path, tmp_path: Path, name: str
) -> None:
    doubled = tmp_path / "doubled.zip"
    with (
        zipfile.ZipFile(path) as before,
        zipfile.ZipFile(doubled, "w") as after,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        after.writestr(name, b"forged")
        for each in before.namelist():
            after.writestr(each, before.read(each))
    with pytest.raises(NotAnExportError, match=f"{name}' is in it more than once"):
        verify_export(doubled)


@pytest.mark.parametrize(("offset", "value"), [(6, 1), (8, 99)], ids=["encrypted", "unknown"])
def test_what_cannot_be_read_is_said_by_name(path: Path, offset: int, value: int) -> None:
    alter_header(path, "rounds.csv", offset, value)
    verdict = verify_export(path)
    assert not verdict.holds
    assert verdict.files[0].why.startswith("it can't be read")
    with pytest.raises(CommandError, match="not the export"):
        call_command("verify_export", path, stdout=StringIO())


@pytest.mark.parametrize(("offset", "value"), [(6, 1), (8, 99)], ids=["encrypted", "unknown"])
def test_a_manifest_that_cannot_be_read_is_refused_by_name(
    path: Path, offset: int, value: int
) -> None:
    alter_header(path, MANIFEST, offset, value)
    with pytest.raises(CommandError, match="is not an export"):
        call_command("verify_export", path, stdout=StringIO())
