"""Read the text layer of a PDF with pypdf, and the labelled facts a report states in it."""

import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from pypdf import PdfReader
from pypdf.errors import PyPdfError

MAX_TEXT_CHARS = 200_000

_LABELS = {
    "report_number": r"(?:Report|Certificate) (?:number|no\.?):[ \t]*(\S+)",
    "revision": r"\bRevision:[ \t]*(\d+)",
    "kind": r"^Type:[ \t]*(\S+)",
    "supplier": r"^(?:Supplier|Manufacturer):[ \t]*(.+)$",
    "standards": r"^Standards?:[ \t]*(.+)$",
    "jurisdictions": r"^Jurisdictions?:[ \t]*(.+)$",
    "issued_on": r"^Date of issue:[ \t]*(.+)$",
    "effective_on": r"^(?:Effective from|Effective date|Date of effect):[ \t]*(.+)$",
    "expires_on": (
        r"^(?:Valid (?:until|through|to)|Expir(?:y|ation) date|Date of expiry|Expires(?: on)?):"
        r"[ \t]*(.+)$"
    ),
    "result": r"^Result:[ \t]*(.+)$",
    "rtp_variants": r"^Return to player variants?:[ \t]*(.+)$",
    "conditions": r"^Conditions?:[ \t]*(.+)$",
    "signatory": r"^Authori[sz]ed by:[ \t]*(.+)$",
    "accreditation": r"accreditation (?:no\.?|number)[ \t]*(\S+)",
}
_PATTERNS = {
    name: re.compile(pattern, re.MULTILINE | re.IGNORECASE) for name, pattern in _LABELS.items()
}
_ITEMS = re.compile(r"^Items tested:[ \t]*\n((?:[ \t]+\S.*\n?)+)", re.MULTILINE | re.IGNORECASE)
_FILES = re.compile(
    r"^Critical files(?: \(([A-Za-z0-9 -]+)\))?:[ \t]*\n((?:[ \t]+\S.*\n?)+)",
    re.MULTILINE | re.IGNORECASE,
)
# What follows a labelled line and is not its own continuation.
_NEXT = re.compile(
    rf"^[ \t]*(?:$|Items tested\b|Critical files\b|End of report"
    rf"|{'|'.join(pattern.removeprefix('^') for pattern in _LABELS.values())})"
    r"|\bpage[ \t]+\d+[ \t]+of[ \t]+\d+",
    re.IGNORECASE,
)
_LINE = re.compile(r"[^\n]*\n?")
_LISTS = ("standards", "jurisdictions", "rtp_variants")
_BUILD = re.compile(r"^(\S+)[ \t]+build[ \t]+(\S+)(?:[ \t]+channel[ \t]+(\S+))?", re.IGNORECASE)
_DIGEST = re.compile(r"^(\S+)[ \t]+([0-9A-Fa-f]{4,128})$")


@dataclass(frozen=True, slots=True)
class StatedBuild:
    game_code: str
    build: str
    channel: str


@dataclass(frozen=True, slots=True)
class StatedFile:
    path: str
    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True)
class StatedFacts:
    """What a document says about itself; an empty string where it does not say.

    ``results`` is each result that it prints, once: a report on several standards or items may
    have more than one, and ``result`` shows them all.
    ``heading`` is its first line, where labs put their name. ``quotes`` are the words behind each
    fact as they stand in the text, to find them on the page.
    """

    heading: str = ""
    report_number: str = ""
    revision: str = ""
    kind: str = ""
    supplier: str = ""
    standards: str = ""
    jurisdictions: str = ""
    issued_on: str = ""
    effective_on: str = ""
    expires_on: str = ""
    result: str = ""
    rtp_variants: str = ""
    conditions: str = ""
    signatory: str = ""
    accreditation: str = ""
    results: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    builds: tuple[StatedBuild, ...] = ()
    critical_files: tuple[StatedFile, ...] = ()
    quotes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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
    """Read the labelled lines of a report's text; but for results the first of each label counts.

    A condition goes on over the lines that it was broken into, a list after a comma, and a result
    where its sentence does: *Complies* may be no pass, by the line below it.
    """
    matches = {name: pattern.search(text) for name, pattern in _PATTERNS.items()}
    found = {name: _whole(name, match) if match else "" for name, match in matches.items()}
    found["accreditation"] = found["accreditation"].rstrip(".,;")
    results: dict[str, str] = {}
    for match in _PATTERNS["result"].finditer(text):
        result = _whole("result", match)
        results.setdefault(result.lower(), result)
    found["result"] = "; ".join(results.values())
    heading = next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
    items = _lines(_ITEMS.search(text), 1)
    files = _FILES.search(text)
    builds = [match.groups("") for match in map(_BUILD.match, items) if match]
    digests = [match.groups() for match in map(_DIGEST.match, _lines(files, 2)) if match]
    algorithm = (files.group(1) or "").strip() if files else ""
    quotes = {name: (match.group(0).strip(),) for name, match in matches.items() if match}
    return StatedFacts(
        **found,
        heading=heading,
        results=tuple(results.values()),
        items=tuple(line.split()[0] for line in items),
        builds=tuple(StatedBuild(*build) for build in builds),
        critical_files=tuple(StatedFile(path, algorithm, digest) for path, digest in digests),
        quotes={
            **quotes,
            "lab": (heading,),
            "games": tuple(line.split()[0] for line in items),
            "builds": tuple(f"build {build}" for _game, build, _channel in builds),
            "critical_files": tuple(digest for _path, digest in digests),
        },
    )


def _whole(name: str, match: re.Match[str]) -> str:
    value = match.group(1).strip()
    if name not in {"conditions", "result", *_LISTS}:
        return value
    # A result that holds more than is seen is no clean one, and is left as it is.
    value = _visible(value).strip() if name == "conditions" else value
    # The first is what is left of the labelled line itself.
    for found in islice(_LINE.finditer(match.string, match.end()), 1, None):
        line = _visible(found.group()).rstrip()
        words = line.strip()
        if not words and found.group().strip():
            continue  # A bullet alone: what it stands before is on the next line.
        if _NEXT.search(line) or not _goes_on(name, value, words):
            break
        value = f"{value} {words}"
    return value


def _visible(text: str) -> str:
    """Leave out what nobody sees or can type: soft hyphens, and the bullets of symbol fonts."""
    return "".join(
        character
        for character in text
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )


def _goes_on(name: str, value: str, words: str) -> bool:
    if name in _LISTS:
        return value.endswith((",", ";"))
    return name == "conditions" or words[0].islower() or words[0] == "("


def _lines(block: re.Match[str] | None, group: int) -> list[str]:
    lines = block.group(group).splitlines() if block else []
    return [line.strip() for line in lines if line.strip()]
