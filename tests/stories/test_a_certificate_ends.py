"""A compliance officer's fortnight: a report of table games ends, and nothing is served without it.

Olga (the owner) and Dan (her deputy) work in the browser; the two daily jobs run as they do.
"""

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.compliance.models import Renewal
from apps.compliance.tasks import advance_desk
from apps.core.services import verify_audit_chain
from apps.play.errors import LaunchRefusedError
from apps.play.services import open_session
from apps.providers.models import Game, GameOffer
from apps.providers.services.import_register import ImportRequest, import_folder
from apps.providers.tasks import check_certificates
from apps.staff.models import User
from tests.compliance.makers import deliver_reminders
from tests.factories import make_player, make_provider, make_user
from tests.providers.certificate_files import SAMPLES, plain_pdf, sample_games

pytestmark = pytest.mark.django_db

ROULETTE = "aurora-roulette-01"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def officer(name: str) -> User:
    person = make_user(name, roles=("Compliance officer",))
    person.email = f"{name}@desk.invalid"
    person.save(update_fields=["email"])
    return person


@dataclass(frozen=True)
class Desk:
    """Olga's browser, and every mail that anybody got."""

    olga: User
    dan: User
    mails: list[EmailMessage]
    browser: Client = field(default_factory=Client)

    def see(self, name: str, moment: datetime, *args: Any, **query: str) -> str:
        with time_machine.travel(moment, tick=False):
            self._sign_in()
            page = self.browser.get(reverse(f"admin:{name}", args=args), query)
        assert page.status_code == 200
        return page.content.decode()

    def send(self, name: str, moment: datetime, *args: Any, **fields: str) -> None:
        with time_machine.travel(moment, tick=False):
            self._sign_in()
            answer = self.browser.post(reverse(f"admin:{name}", args=args), fields)
        assert answer.status_code == 302

    def _sign_in(self) -> None:
        self.browser.force_login(self.olga, backend="django.contrib.auth.backends.ModelBackend")

    def about_tables(self) -> list[EmailMessage]:
        return [mail for mail in self.mails if "BLT/2025/7781" in mail.subject]


@pytest.fixture
def desk(evidence: Path, mailoutbox: list[EmailMessage]) -> Desk:
    call_command("seed_roles", verbosity=0)
    provider = make_provider()
    for row in sample_games():
        game = Game.objects.create(
            provider=provider,
            game_code=row["game_code"],
            name=row["name"],
            category=row["category"],
            theoretical_rtp=Decimal(row["theoretical_rtp"]),
        )
        GameOffer.objects.create(game=game, jurisdiction="MT")
    make_player("p-1001")
    return Desk(officer("olga"), officer("dan"), mailoutbox)


def night(moment: datetime) -> None:
    """Run the daily check and the desk."""
    with time_machine.travel(moment, tick=False):
        check_certificates()
        advance_desk()
        deliver_reminders()


def launch(moment: datetime) -> list[str]:
    """Try to launch the roulette for a player in Malta; return what speaks against it."""
    try:
        open_session(player_ref="p-1001", provider_code="aurora", game_code=ROULETTE, now=moment)
    except LaunchRefusedError as refusal:
        return [reason.code for reason in refusal.reasons]
    return []


def new_revision(folder: Path) -> Path:
    """Write the folder that the lab sends: revision 3 of the report of table games."""
    folder.mkdir()
    with (SAMPLES / "register.csv").open(newline="") as stream:
        reader = csv.DictReader(stream)
        [row] = [row for row in reader if row["report_number"] == "BLT/2025/7781"]
    row |= {
        "file": "tables-rev-3.pdf",
        "revision": "3",
        "issued_on": "2026-12-02",
        "expires_on": "2028-12-01",
    }
    with (folder / "register.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        writer.writeheader()
        writer.writerow(row)
    (folder / "tables-rev-3.pdf").write_bytes(plain_pdf("Report BLT/2025/7781 revision 3"))
    return folder


def take_folder(folder: Path, moment: datetime) -> int:
    report = import_folder(
        ImportRequest(folder=folder, trust=(), acting_user=None, now=moment), lambda *_: None
    )
    return len(report.registered)


def the_folder_is_imported(desk: Desk) -> None:
    """22 November: the matrix shows what is covered, what is not, and what would stop."""
    sunday = at("2026-11-22T09:00")
    assert take_folder(SAMPLES, sunday) == 9
    matrix = desk.see("compliance_coveragematrix_changelist", sunday)
    assert "Expires in 8 days" in matrix
    assert "Not covered: invalid signature" in matrix
    gaps = desk.see("compliance_coveragematrix_gaps", sunday)
    assert "No registered report names aurora-slot-13." in gaps
    what_if = desk.see("compliance_whatif_changelist", sunday, on="2026-12-01")
    assert "5 games in 1 jurisdiction would stop" in what_if
    assert launch(sunday) == []


def olga_takes_the_desk(desk: Desk) -> Renewal:
    """Dan stands behind her. That night renewals open, and one mail comes for each.

    Looked at again a minute before midnight in Malta, from where on the report has seven days.
    """
    desk.send(
        "compliance_deskduty_add",
        at("2026-11-22T10:00"),
        owner=str(desk.olga.pk),
        deputy=str(desk.dan.pk),
        acknowledge_days="3",
        change_reason="Olga has the desk from now on.",
    )
    night(at("2026-11-22T20:00"))
    night(at("2026-11-22T22:59"))
    tables = Renewal.objects.get(certificate__report_number="BLT/2025/7781")
    assert (tables.owner, tables.deputy, tables.state) == (desk.olga, desk.dan, "open")
    [mail] = desk.about_tables()
    assert mail.subject == "[Pitboss] BLT/2025/7781 rev 2 is valid through 2026-11-30"
    assert "BLT/2025/7781" in desk.see("index", at("2026-11-23T08:00"))
    return tables


def she_plans_the_renewal(desk: Desk, tables: Renewal) -> None:
    """She orders the test. The 7-day reminder comes once; her silence after it brings in Dan."""
    desk.send(
        "compliance_renewal_do",
        at("2026-11-23T08:10"),
        tables.pk,
        "plan",
        due_on="2026-11-29",
        lab_contact="Ms Lake, Blue Lake Testing",
        reason="The lab has a slot this week.",
    )
    desk.send(
        "compliance_renewal_do",
        at("2026-11-23T08:20"),
        tables.pk,
        "move",
        state="requested",
        reason="Ordered by mail.",
    )
    night(at("2026-11-23T20:00"))
    night(at("2026-11-24T20:00"))
    assert [mail.to for mail in desk.about_tables()] == [["olga@desk.invalid"]] * 2
    assert "Lab contact: Ms Lake, Blue Lake Testing" in desk.about_tables()[1].body
    night(at("2026-11-28T20:00"))
    assert [mail.to for mail in desk.about_tables()[2:]] == [["dan@desk.invalid"]]


def the_report_ends(desk: Desk) -> None:
    """It ends with 30 November in Malta, an hour before the day ends by UTC."""
    assert launch(at("2026-11-30T22:59:59")) == []
    assert launch(at("2026-11-30T23:00:00")) == ["expired"]
    december = at("2026-12-01T09:00")
    roulette = Game.objects.get(game_code=ROULETTE)
    cell = desk.see("compliance_coveragematrix_cell", december, roulette.pk, "MT")
    assert "A launch would be refused" in cell
    assert "BLT/2025/7781 rev 2 was valid through 2026-11-30." in cell
    gaps = desk.see("compliance_coveragematrix_gaps", december)
    assert "Renewal: requested at the lab" in gaps


def the_lab_sends_a_revision(desk: Desk, tables: Renewal, folder: Path) -> None:
    """2 December: it is registered, the game is launched again, and the mails end."""
    morning = at("2026-12-02T10:00")
    assert take_folder(new_revision(folder), morning) == 1
    assert launch(morning) == []
    night(at("2026-12-02T20:00"))
    tables.refresh_from_db()
    assert (tables.state, str(tables.successor)) == ("done", "BLT/2025/7781 rev 3")
    told = len(desk.about_tables())
    night(at("2026-12-03T20:00"))
    assert len(desk.about_tables()) == told
    matrix = desk.see("compliance_coveragematrix_changelist", morning, q=ROULETTE)
    assert ">Covered</a>" in matrix


def test_a_report_ends_and_is_renewed(desk: Desk, tmp_path: Path) -> None:
    the_folder_is_imported(desk)
    tables = olga_takes_the_desk(desk)
    she_plans_the_renewal(desk, tables)
    the_report_ends(desk)
    the_lab_sends_a_revision(desk, tables, tmp_path / "from-the-lab")
    assert verify_audit_chain().holds
