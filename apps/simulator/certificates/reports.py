"""The reports of the demo's laboratories, relative to the day on which they are made.

Each stands for a case that a compliance officer must notice; which one is told beside it, so that
the demo can hold what the product flags against what is true.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from apps.simulator.borealis.home import CODE, catalogue_rtp
from apps.simulator.games.catalogue import CATALOGUE, GAMES_BY_CODE

NORTH: Final = "North Cape Testing Laboratory"
FJORD: Final = "Fjord Gaming Assurance"
EVERYWHERE: Final = ("IM", "MT")
FIRST_BUILD: Final = "1.1.0"
"""The build of every game that runs from the demo's first day on."""


@dataclass(frozen=True, slots=True)
class LabReport:
    """One report as its laboratory wrote it. ``is_altered``: somebody changed it after signing.

    ``build`` is the build that it names for each of its games; empty, it names none.
    """

    file: str
    report_number: str
    revision: int
    lab: str
    kind: str
    standards: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    issued_on: date
    expires_on: date | None
    review_due_on: date | None
    games: tuple[str, ...]
    is_signed: bool = True
    is_altered: bool = False
    build: str = ""

    @property
    def rtp_variants(self) -> tuple[str, ...]:
        """Return the tested returns in percent, lowest first."""
        shares = {catalogue_rtp(GAMES_BY_CODE[code]) for code in self.games}
        return tuple(f"{share[2:4]}.{share[4:6]}" for share in sorted(shares))

    def register_row(self) -> dict[str, str]:
        """Return the report's line in the register."""
        return {
            "file": self.file,
            "report_number": self.report_number,
            "revision": str(self.revision),
            "lab": self.lab,
            "kind": self.kind,
            "standards": ";".join(self.standards),
            "jurisdictions": ";".join(self.jurisdictions),
            "provider": CODE,
            "issued_on": self.issued_on.isoformat(),
            "expires_on": self.expires_on.isoformat() if self.expires_on else "",
            "review_due_on": self.review_due_on.isoformat() if self.review_due_on else "",
            "games": ";".join(self.games) or "*",
            "rtp_variants": ";".join(self.rtp_variants),
        }

    def lines(self) -> list[str]:
        """Return the text of the document."""
        return [
            self.lab.upper(),
            "ISO/IEC 17025 accredited test laboratory, accreditation no. 62-0815",
            "TEST REPORT / CERTIFICATE OF COMPLIANCE",
            f"Report number: {self.report_number}    Revision: {self.revision}",
            f"Type: {self.kind.upper()}",
            "Supplier: Borealis Reference Games",
            f"Standards: {', '.join(self.standards)}",
            f"Jurisdictions: {', '.join(self.jurisdictions)}",
            f"Date of issue: {self.issued_on}",
            f"Valid until: {self.expires_on or 'not stated; subject to review on change'}",
            "Result: COMPLIES",
            "Items tested:",
            *(f"  {code}{self._build()}  channel HTML5" for code in self._items()),
            *self._returns(),
            "Conditions: relates only to the items tested and the configuration declared.",
            "Made for the demonstration; it certifies nothing.",
            "End of report",
        ]

    def _items(self) -> tuple[str, ...]:
        return self.games or ("reference-server 1.0, random number generator 1.0",)

    def _build(self) -> str:
        return f"  build {self.build}" if self.build else ""

    def _returns(self) -> list[str]:
        if not self.rtp_variants:
            return []
        return [f"Return to player variants: {', '.join(f'{v} %' for v in self.rtp_variants)}"]


def demo_reports(today: date) -> list[LabReport]:
    """Return the reports that the demo's laboratories have issued by ``today``."""
    slots = tuple(game.code for game in CATALOGUE if game.category == "slot")
    tables = tuple(game.code for game in CATALOGUE if game.category in {"blackjack", "baccarat"})
    roulettes = tuple(game.code for game in CATALOGUE if game.category == "roulette")
    wheels = tuple(game.code for game in CATALOGUE if game.category == "live")
    gli = ("GLI-19 v3.0",)

    def days(count: int) -> date:
        return today + timedelta(days=count)

    return [
        # Expiring, within the first reminder.
        LabReport("rng.pdf", "NCT-RNG-0101", 0, NORTH, "rng", ("GLI-11 v3.0", *gli), EVERYWHERE,
                  days(-295), days(70), None, ()),
        # Replaced by the next one.
        LabReport("slots-old.pdf", "NCT-GAM-0201", 0, NORTH, "game", gli, ("MT",),
                  days(-400), days(330), None, slots[:4]),
        LabReport("slots.pdf", "NCT-GAM-0201", 1, NORTH, "game", gli, EVERYWHERE,
                  days(-60), days(670), None, slots[:4]),
        # Expiring soon, and silent about one jurisdiction.
        LabReport("cascades.pdf", "NCT-GAM-0202", 0, NORTH, "game", gli, ("MT",),
                  days(-718), days(12), None, slots[4:]),
        # Expired.
        LabReport("roulette.pdf", "NCT-GAM-0203", 0, NORTH, "game", gli, EVERYWHERE,
                  days(-760), days(-30), None, roulettes),
        # Not signed, no end, review due.
        LabReport("tables.pdf", "FGA/0301", 2, FJORD, "game", gli, EVERYWHERE,
                  days(-340), None, days(25), tables, is_signed=False),
        # Altered after it was signed.
        LabReport("wheels.pdf", "NCT-LIV-0401", 0, NORTH, "live", gli, EVERYWHERE,
                  days(-100), days(265), None, wheels, is_altered=True),
    ]  # fmt: skip


def renewed_reports(today: date) -> list[LabReport]:
    """Return what the laboratory delivers next: for the expired report and the one that ends."""
    reports = {one.file: one for one in demo_reports(today)}
    return [
        replace(
            reports[file],
            file=file.replace(".pdf", "-renewed.pdf"),
            revision=1,
            jurisdictions=EVERYWHERE,
            issued_on=today,
            expires_on=today + timedelta(days=730),
            build=FIRST_BUILD,
        )
        for file in ("roulette.pdf", "cascades.pdf")
    ]


def expected_flags(reports: list[LabReport], on: date) -> dict[str, list[str]]:
    """Return the report numbers that a careful officer would flag on ``on``, and the games."""
    latest = {report.report_number: report.revision for report in reports}
    current = [one for one in reports if one.revision == latest[one.report_number]]
    horizon = on + timedelta(days=90)
    in_force = [
        one for one in current if (one.expires_on is None or one.expires_on >= on)
    ]  # fmt: skip
    covered = {
        (code, jurisdiction)
        for one in in_force
        if not one.is_altered
        for code in one.games
        for jurisdiction in one.jurisdictions
    }
    offered = {(game.code, place) for game in CATALOGUE for place in EVERYWHERE}
    return {
        "expired": _numbers(one for one in reports if one.expires_on and one.expires_on < on),
        "expiring": _numbers(
            one for one in in_force if one.expires_on and one.expires_on <= horizon
        ),
        "review_due": _numbers(
            one for one in in_force if one.review_due_on and one.review_due_on <= horizon
        ),
        "superseded": _numbers(one for one in reports if one not in current),
        "invalid_signature": _numbers(one for one in reports if one.is_altered),
        "uncovered": sorted(f"{code} {place}" for code, place in offered - covered),
    }


def _numbers(reports: Iterable[LabReport]) -> list[str]:
    return sorted(report.report_number for report in reports)
