"""Decide whether a file is a plain, finished PDF: its outside here, its objects in ``walk``.

Bytes are only searched for the frame of the file (header, end mark). What the file *does* is
read from the parsed objects: a script in a compressed object stream is invisible to a search.
"""

import io
import re

import pikepdf

from apps.core.sizes import display_size
from apps.providers.pdf.contracts import MAX_BYTES, Refusal
from apps.providers.pdf.walk import ObjectWalk

_HEADER = b"%PDF-"
_END_MARK = b"%%EOF"
_WHITESPACE = b" \t\r\n\f\x00"
_HEADER_SEARCH_BYTES = 64 * 1024
_MAX_PAGES = 2_000
# The end-of-directory record of a ZIP: 22 bytes and a comment that reaches the end of the file.
_ZIP_END = b"PK\x05\x06"
_ZIP_TAIL_BYTES = 22 + 65_535

_OTHER_FORMATS = (
    (re.compile(rb"\x89PNG\r\n"), "a PNG picture"),
    (re.compile(rb"\xff\xd8\xff"), "a JPEG picture"),
    (re.compile(rb"GIF8[79]a"), "a GIF picture"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive or an office document"),
    (re.compile(rb"(?is)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<svg"), "an SVG picture"),
    (re.compile(rb"(?is)\s*(<!doctype html|<html|<script|<head|<body)"), "an HTML page"),
    (re.compile(rb"MZ"), "a Windows program"),
    (re.compile(rb"\x7fELF"), "a program"),
)


def frame_refusals(data: bytes) -> list[Refusal]:
    """Judge size, first and last bytes; cheap, and done before any parser sees the file."""
    if not data:
        return [Refusal("empty", "The file is empty (0 bytes).")]
    if len(data) > MAX_BYTES:
        return [Refusal("too_large", f"The file is larger than {display_size(MAX_BYTES)}.")]
    return _start_refusals(data) or _end_refusals(data)


def _start_refusals(data: bytes) -> list[Refusal]:
    header_at = data[:_HEADER_SEARCH_BYTES].find(_HEADER)
    if header_at < 0:
        return [Refusal("not_a_pdf", _what_it_is(data))]
    if header_at > 0:
        return [
            Refusal(
                "bytes_before_header",
                f"{header_at} bytes stand before the PDF header; another program could read the "
                "file as something else.",
            )
        ]
    return []


def _what_it_is(data: bytes) -> str:
    for pattern, name in _OTHER_FORMATS:
        if pattern.match(data):
            return f"The file is {name}, not a PDF."
    return "The file has no PDF header."


def _end_refusals(data: bytes) -> list[Refusal]:
    end_at = data.rfind(_END_MARK)
    if end_at < 0:
        return [Refusal("truncated", "The file stops before its end mark: it is cut off.")]
    rest = data[end_at + len(_END_MARK) :].strip(_WHITESPACE)
    if rest:
        return [Refusal("bytes_after_end", f"{len(rest)} bytes follow the end mark of the PDF.")]
    if _ends_as_zip(data):
        return [Refusal("bytes_after_end", "The file can also be opened as a ZIP archive.")]
    return []


def _ends_as_zip(data: bytes) -> bool:
    tail = data[-_ZIP_TAIL_BYTES:]
    at = tail.rfind(_ZIP_END)
    if at < 0 or len(tail) - at < 22:
        return False
    comment_length = int.from_bytes(tail[at + 20 : at + 22], "little")
    return at + 22 + comment_length == len(tail)


def object_refusals(data: bytes) -> tuple[list[Refusal], ObjectWalk | None]:
    """Parse and walk every object, without repair.

    A repaired parse would judge another file than the one that is kept.
    """
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
            return _judge(pdf)
    except pikepdf.PasswordError:
        return [_encrypted()], None
    except (pikepdf.PdfError, ValueError, RecursionError, OverflowError) as error:
        return [Refusal("damaged", f"The file can't be parsed as a PDF: {_short(error)}.")], None


def _judge(pdf: pikepdf.Pdf) -> tuple[list[Refusal], ObjectWalk | None]:
    if pdf.is_encrypted:
        return [_encrypted()], None
    walk = ObjectWalk()
    walk.run(pdf)
    refusals = list(walk.refusals)
    # Counted after the walk: a hostile page tree is reported for what it is first.
    walk.page_count = len(pdf.pages)
    if walk.page_count == 0:
        refusals.append(Refusal("no_pages", "The document has no pages."))
    if walk.page_count > _MAX_PAGES:
        refusals.append(Refusal("too_complex", f"The document has more than {_MAX_PAGES} pages."))
    if not refusals and pdf.get_warnings():
        refusals.append(Refusal("damaged", "The file's structure breaks the PDF rules."))
    return refusals, walk


def _encrypted() -> Refusal:
    return Refusal("encrypted", "The document is encrypted, so it can't be checked.")


def _short(error: Exception) -> str:
    text = str(error).replace("\n", " ")
    # qpdf begins with its name for the input, which says nothing here.
    return re.sub(r"^(stream )?<[^>]*>[^:]*: ", "", text)[:160].rstrip(".") or type(error).__name__
