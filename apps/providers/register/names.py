"""File names from elsewhere: shown, never used as a path of ours."""

import unicodedata
from pathlib import PurePath


def display_name(name: str) -> str:
    """Return a name that is safe to show and to put into a header.

    Only the last part of a path, without control and direction characters (a right-to-left
    override makes ``fdp.exe`` read as a PDF), at most 120 characters, never empty.
    """
    last = PurePath(name.replace("\\", "/")).name
    kept = "".join(
        character
        for character in unicodedata.normalize("NFC", last)
        if not unicodedata.category(character).startswith(("C", "Z")) or character == " "
    )
    return kept.strip(" .")[:120] or "unnamed"
