"""Read the text layer of a PDF with pypdf, and the labelled facts a report states in it."""

import io
import re
from dataclasses import dataclass

from pypdf import PdfReader
from pypdf.errors import PyPdfError

MAX_TEXT_CHARS = 200_000

_LABELS = {
    "report_number": r"(?:Report|Certificate) (?:number|no\.?):[ \t]*(\S+)",
    "revision": r"\bRevision:[ \t]*(\d+)",
    "kind": r"^Type:[ \t]*(\S+)",
    "standards": r"^Standards?:[ \t]*(.+)$",
    "jurisdictions": r"^Jurisdictions?:[ \t]*(.+)$",
    "issued_on": r"^Date of issue:[ \t]*(.+)$",
    "expires_on": r"^Valid until:[ \t]*(.+)$",
    "result": r"^Result:[ \t]*(.+)$",
    "rtp_variants": r"^Return to player variants?:[ \t]*(.+)$",
    "accreditation": r"accreditation (?:no\.?|number)[ \t]*(\S+)",
}
_PATTERNS = {
    name: re.compile(pattern, re.MULTILINE | re.IGNORECASE) for name, pattern in _LABELS.items()
}
_ITEMS = re.compile(r"^Items tested:[ \t]*\n((?:[ \t]+\S.*\n?)+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StatedFacts:
    """What a document says about itself; an empty string where it does not say."""

    report_number: str = ""
    revision: str = ""
    kind: str = ""
    standards: str = ""
    jurisdictions: str = ""
    issued_on: str = ""
    expires_on: str = ""
    result: str = ""
    rtp_variants: str = ""
    accreditation: str = ""
    items: tuple[str, ...] = ()


def extract_text(data: bytes) -> str:
    """Return the text of all pages, or nothing where there is no readable text layer (a scan)."""
    parts: list[str] = []
    length = 0
    try:
        for page in PdfReader(io.BytesIO(data), strict=False).pages:
            parts.append(page.extract_text())
            length += len(parts[-1])
            if length > MAX_TEXT_CHARS:
                break
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        # A text layer that can't be read is a finding for a person, not a danger: the object
        # walk has already judged the file.
        return ""
    # PostgreSQL text holds no NUL; lone surrogates can't be encoded.
    text = "\n".join(parts)[:MAX_TEXT_CHARS].replace("\x00", "")
    return text.encode("utf-8", errors="replace").decode("utf-8")


def stated_facts(text: str) -> StatedFacts:
    """Read the labelled lines of a report's text; the first of each label counts."""
    found = {name: _first(pattern, text) for name, pattern in _PATTERNS.items()}
    found["accreditation"] = found["accreditation"].rstrip(".,;")
    items = _ITEMS.search(text)
    lines = items.group(1).splitlines() if items else []
    return StatedFacts(**found, items=tuple(line.split()[0] for line in lines if line.strip()))


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group(1).strip()[:500] if match else ""
