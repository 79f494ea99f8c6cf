"""The demo's people: one per role, and second ones where an owner needs a deputy or four eyes."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from apps.staff.enums import Role
from apps.staff.selectors import open_seat
from apps.staff.services import ensure_person, grant_seat, sync_roles
from apps.staff.services.approvals import Person


@dataclass(frozen=True, slots=True)
class Character:
    username: str
    display_name: str
    role: Role


CHARACTERS: Final = (
    Character("compliance", "Carla Compliance", Role.COMPLIANCE_OFFICER),
    Character("compliance-deputy", "Dora Deputy", Role.COMPLIANCE_OFFICER),
    Character("agent", "Ali Agent", Role.CS_AGENT),
    Character("supervisor", "Sue Supervisor", Role.CS_SUPERVISOR),
    Character("promo", "Pia Promo", Role.PROMO_MANAGER),
    Character("promo-colleague", "Pablo Promo", Role.PROMO_MANAGER),
    Character("finance", "Finn Finance", Role.FINANCE_ANALYST),
    Character("finance-colleague", "Fay Finance", Role.FINANCE_ANALYST),
    Character("integration", "Inga Integration", Role.INTEGRATION_ENGINEER),
    Character("aml", "Amara Aml", Role.AML_OFFICER),
    Character("auditor", "Aud Auditor", Role.AUDITOR),
)


@dataclass(frozen=True, slots=True)
class People:
    """The people, by user name, and the password that all of them have."""

    users: Mapping[str, Person]
    password: str

    def __getitem__(self, username: str) -> Person:
        return self.users[username]


def seed_people(password_file: Path, *, now: datetime) -> People:
    """Make the roles and one person for each; a second run finds them as they are."""
    sync_roles(now=now)
    password = _password(password_file)
    users = {
        one.username: ensure_person(
            username=one.username,
            display_name=one.display_name,
            roles=[one.role],
            password=password,
            now=now,
            email=f"{one.username}@pitboss.invalid",
        )
        for one in CHARACTERS
    }
    if open_seat(users["auditor"].pk, now) is None:
        grant_seat(
            person_id=users["auditor"].pk,
            starts_at=now,
            ends_at=now + timedelta(days=30),
            purpose="The yearly games testing audit.",
            acting_user=users["compliance"],
            now=now,
        )
    return People(users, password)


def _password(path: Path) -> str:
    """Return this installation's demo password, made at random on the first run."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"demo-{secrets.token_hex(6)}\n")
    return path.read_text().strip()
