"""Turn what a document says into the texts of a register, for a person to confirm. Pure."""

import re
from dataclasses import dataclass

from apps.providers.enums import CertificateKind, CertificateResult
from apps.providers.pdf.text import StatedFacts
from apps.providers.register.compare import stated_day, stated_result
from apps.providers.register.entries import ALL_GAMES


@dataclass(frozen=True, slots=True)
class FieldKind:
    """A field of a certificate as people meet it; a list has one entry a line."""

    name: str
    label: str
    help_text: str = ""
    is_list: bool = False
    is_required: bool = True


FIELDS = (
    FieldKind("report_number", "Report number"),
    FieldKind("revision", "Revision", "0, 1, 2 ... as printed."),
    FieldKind("lab", "Laboratory", "Its name as on file here; say below if it is new."),
    FieldKind("kind", "Kind"),
    FieldKind("provider", "Provider", "The provider's code here; the report names the supplier."),
    FieldKind("standards", "Standards", "One a line, with version.", is_list=True),
    FieldKind("jurisdictions", "Jurisdictions", "One a line, like MT or AU-NT.", is_list=True),
    FieldKind("issued_on", "Issued on", "Like 2026-11-22."),
    FieldKind("effective_on", "Effective from", "Empty: from the day of issue.", is_required=False),
    FieldKind("expires_on", "Valid through", "Empty: the report states no end.", is_required=False),
    FieldKind(
        "review_due_on",
        "Review due on",
        "Ours, not the lab's. Empty with no end: 12 months after issue.",
        is_required=False,
    ),
    FieldKind("result", "Result"),
    FieldKind(
        "games", "Games", "Codes, one a line; * for an RNG or platform report.", is_list=True
    ),
    FieldKind(
        "builds",
        "Builds",
        "Game, build and channel, one a line. Ticked, the game is covered only where one of them "
        "is recorded as what runs; empty, by any that is no major change.",
        is_list=True,
        is_required=False,
    ),
    FieldKind(
        "rtp_variants",
        "RTP variants (%)",
        "One a line, like 96.10.",
        is_list=True,
        is_required=False,
    ),
    FieldKind(
        "critical_files",
        "Critical files",
        "Path, algorithm (SHA-1, SHA-256, CRC16/seed) and digest, one a line.",
        is_list=True,
        is_required=False,
    ),
    FieldKind("conditions", "Conditions", is_required=False),
    FieldKind("signatory", "Signed for the lab by", is_required=False),
)
FIELD_NAMES = tuple(field.name for field in FIELDS)
LIST_FIELDS = frozenset(field.name for field in FIELDS if field.is_list)


def read_fields(facts: StatedFacts) -> dict[str, str]:
    """Return each field as the document states it; "" where it states nothing that is known.

    Laboratory and provider are as printed: which known one is meant, a person says.
    """
    kind = facts.kind.lower()
    names_no_games = kind in {CertificateKind.RNG, CertificateKind.PLATFORM}
    result = stated_result(facts)
    return {
        "report_number": facts.report_number,
        "revision": facts.revision,
        "lab": facts.heading,
        "kind": kind if kind in CertificateKind.values else "",
        "provider": facts.supplier,
        "standards": joined(_listed(facts.standards)),
        "jurisdictions": joined(_listed(facts.jurisdictions)),
        "issued_on": stated_day(facts.issued_on),
        "effective_on": stated_day(facts.effective_on),
        "expires_on": stated_day(facts.expires_on),
        "review_due_on": "",
        "result": "" if result == CertificateResult.NOT_STATED else result.value,
        "games": ALL_GAMES if names_no_games else joined(list(facts.items)),
        "builds": ""
        if names_no_games
        else joined([f"{b.game_code} {b.build} {b.channel}".strip() for b in facts.builds]),
        "rtp_variants": joined(_listed(facts.rtp_variants.replace("%", " "))),
        "critical_files": joined(
            [f"{f.path} {f.algorithm or 'SHA-1'} {f.digest}" for f in facts.critical_files]
        ),
        "conditions": facts.conditions,
        "signatory": facts.signatory,
    }


def joined(values: list[str]) -> str:
    return ";".join(values)


def as_lines(value: str) -> str:
    """Return a list as people edit it: one entry a line."""
    return "\n".join(part.strip() for part in value.split(";") if part.strip())


def from_lines(value: str) -> str:
    return ";".join(part.strip() for part in re.split(r"[;\r\n]+", value) if part.strip())


def _listed(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
