"""Hold what the register says against what the document itself says."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from apps.providers.enums import COVERING_KINDS, CertificateResult
from apps.providers.pdf.text import StatedFacts
from apps.providers.register.entries import RTP_FIGURE, CertificateEntry
from apps.providers.register.suppliers import is_same_company
from apps.providers.register.technical import printed_builds, printed_files

MISMATCH = "mismatch"
NOT_STATED = "not_stated"
UNREADABLE = "document_unreadable"

_LABEL = re.compile(r"pass\s*/\s*fail\s*[:=-]?\s*")
_PASSED = re.compile(r"(complies|compliant|conforms|conforming|pass|passed)\.?")
_NONE_FOUND = re.compile(r"\b(no|0|zero|without( any)?) (fail|non-?conform|non-?compl)\w*")
_FAILED = re.compile(
    r"\bfail|\bnon-?\s?(compl|conform)|\bnot\s+(compl|conform|pass|approved)"
    r"|\b(does|do|did)(n.t| not)\b|\brejected|[:=]\s*(no|false)\b"
)
_DATE_FORMS = ("%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y")
_DATE = re.compile(
    r"\b(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2} [A-Za-z]{3,9} [0-9]{4}"
    r"|[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4})\b"
)
# "not stated; subject to review on change" is how labs write that there is no end.
_NO_DAY = ("not stated", "none", "n/a")


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference; ``code`` is mismatch, not_stated or document_unreadable."""

    code: str
    field: str
    register_value: str = ""
    document_value: str = ""


def stated_day(text: str) -> str:
    """Return a date as ISO; what is no date (not stated, subject to review) is none.

    Words around the one date that is printed are left out. A date of digits alone in another order
    than ISO stays as printed, and so do two: which is meant, a person must say.
    """
    words = " ".join(text.split())
    if words.lower().startswith(_NO_DAY):
        return ""
    days = {day for day in map(_iso, _DATE.findall(words)) if day}
    if len(days) == 1:
        return days.pop()
    return words if re.search(r"\d", words) else ""


def _iso(text: str) -> str:
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return ""


def stated_result(facts: StatedFacts) -> CertificateResult:
    """Return the document's own result, where it is a clean pass or says that it failed.

    Anything between, such as a pass with exceptions or a pass here and a failure there, a person
    must read: it is not stated.
    """
    verdicts = {_verdict(result) for result in facts.results}
    return verdicts.pop() if len(verdicts) == 1 else CertificateResult.NOT_STATED


def _verdict(result: str) -> CertificateResult:
    words = _LABEL.sub("", " ".join(result.lower().split()))
    if _PASSED.fullmatch(words):
        return CertificateResult.COMPLIES
    if _FAILED.search(_NONE_FOUND.sub("", words)):
        return CertificateResult.DOES_NOT_COMPLY
    return CertificateResult.NOT_STATED


def compare(
    entry: CertificateEntry, text: str, facts: StatedFacts, *, company: str = ""
) -> list[Finding]:
    """Return what a careful reader would stumble over, in the order of the register's columns.

    ``company`` is the provider's name on file. A document without a text layer (a scan) is one
    finding: nobody has compared anything.
    """
    if not text.strip():
        return [Finding(UNREADABLE, "document")]
    pairs = [
        ("report_number", entry.report_number, facts.report_number),
        ("revision", str(entry.revision), facts.revision),
        ("kind", entry.kind.value, facts.kind.lower()),
        ("standards", _joined(entry.standards), _joined(_listed(facts.standards))),
        ("jurisdictions", _joined(entry.jurisdictions), _joined(_listed(facts.jurisdictions))),
        ("issued_on", str(entry.issued_on), stated_day(facts.issued_on)),
        ("expires_on", _day(entry.expires_on), stated_day(facts.expires_on)),
        ("rtp_variants", _percents(entry.rtp_variants), _percents(stated_rtps(facts))),
    ]
    findings = [
        Finding(MISMATCH if stated else NOT_STATED, field, expected[:512], stated[:512])
        for field, expected, stated in pairs
        if expected != stated
    ]
    findings += _supplier_findings(entry, facts, company)
    findings += _lab_findings(entry, text)
    findings += _game_findings(entry, text, facts)
    findings += _result_findings(entry, facts)
    findings += _technical_findings(entry, facts)
    findings += _wording_findings(entry, facts)
    return findings


def _supplier_findings(entry: CertificateEntry, facts: StatedFacts, company: str) -> list[Finding]:
    name = company or entry.provider_code
    if not facts.supplier or is_same_company(facts.supplier, name):
        return []
    return [Finding(MISMATCH, "supplier", name[:512], facts.supplier[:512])]


def _technical_findings(entry: CertificateEntry, facts: StatedFacts) -> list[Finding]:
    """Compare builds and their files; an RNG or platform report is of no game's build."""
    if entry.kind not in COVERING_KINDS:
        return []
    pairs = [
        ("builds", set(map(str, entry.builds)), printed_builds(facts, entry.games)),
        ("critical_files", set(map(str, entry.critical_files)), printed_files(facts)),
    ]
    return [
        Finding(
            MISMATCH if stated else NOT_STATED,
            field,
            _joined(tuple(sorted(expected)))[:512],
            _joined(tuple(sorted(stated)))[:512],
        )
        for field, expected, stated in pairs
        if expected != stated
    ]


def _wording_findings(entry: CertificateEntry, facts: StatedFacts) -> list[Finding]:
    """Compare what a document may leave out; where it does, there is nothing to compare."""
    begins_on = entry.effective_on or entry.issued_on
    pairs = [
        (
            "effective_on",
            str(begins_on),
            stated_day(facts.effective_on),
        ),
        ("conditions", entry.conditions, facts.conditions),
        ("signatory", entry.signatory, facts.signatory),
    ]
    return [
        Finding(MISMATCH, field, expected[:512], stated[:512])
        for field, expected, stated in pairs
        if stated and " ".join(expected.lower().split()) != " ".join(stated.lower().split())
    ]


def _result_findings(entry: CertificateEntry, facts: StatedFacts) -> list[Finding]:
    stated = stated_result(facts)
    is_unclear = stated is CertificateResult.NOT_STATED
    if not facts.result or (not is_unclear and stated is (entry.result or stated.COMPLIES)):
        return []
    return [Finding(MISMATCH, "result", entry.result or "", facts.result[:512])]


def _lab_findings(entry: CertificateEntry, text: str) -> list[Finding]:
    if " ".join(entry.lab.lower().split()) in " ".join(text.lower().split()):
        return []
    return [Finding(NOT_STATED, "lab", entry.lab)]


def _game_findings(entry: CertificateEntry, text: str, facts: StatedFacts) -> list[Finding]:
    if entry.all_games:
        return []
    words = set(re.findall(r"[A-Za-z0-9_.:~-]+", text))
    absent = [game for game in entry.games if game not in words]
    extra = sorted(set(facts.items) - set(entry.games))
    findings = []
    if absent:
        findings.append(Finding(MISMATCH, "games", _joined(tuple(absent))[:512], ""))
    if extra:
        findings.append(Finding(MISMATCH, "items_tested", "", _joined(tuple(extra))[:512]))
    return findings


def _listed(text: str) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in re.split(r"[,;]", text)} - {""}))


def _joined(values: tuple[str, ...]) -> str:
    return ", ".join(values)


def _day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def stated_rtps(facts: StatedFacts) -> tuple[Decimal, ...]:
    """Return the document's figures in per cent; none where one is not as a row may say it.

    A finer one would be rounded when it is kept, and then be another than the document's.
    """
    parts = _listed(facts.rtp_variants.replace("%", " "))
    if not all(RTP_FIGURE.fullmatch(part) for part in parts):
        return ()
    return tuple(sorted({Decimal(part) for part in parts}))


def _percents(values: tuple[Decimal, ...]) -> str:
    return ", ".join(f"{value.normalize():f}" for value in values)
