"""Applying the table of roles to Django's groups."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.apps import apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from apps.core.history import note_edit
from apps.core.services import record_audit
from apps.staff.contracts import RoleSync
from apps.staff.enums import Role
from apps.staff.errors import UnknownPermissionError, UnknownRoleError
from apps.staff.models import User

type RoleTable = Mapping[str, Iterable[str]]


@transaction.atomic
def sync_roles(table: RoleTable | None = None, *, now: datetime) -> RoleSync:
    """Give each role exactly the permissions of ``table`` (``settings.PITBOSS_ROLES`` by default).

    A permission is ``app_label.codename``; ``*.view_*`` means every permission to view in every
    app of this product that is not a compartment. Safe to repeat; a change is written to the audit
    chain.

    Raises:
        UnknownRoleError: the table names a role that is not in ``Role``, or leaves one out.
        UnknownPermissionError: a typo, or migrations have not run.
    """
    wanted_table: RoleTable = settings.PITBOSS_ROLES if table is None else table
    unplaced = {*wanted_table} ^ {*Role.values}
    if unplaced:
        raise UnknownRoleError(min(unplaced))
    known = _known_permissions()
    created: list[str] = []
    added = removed = 0
    for role in Role.values:
        group, is_new = Group.objects.get_or_create(name=role)
        wanted = _resolve(role, wanted_table[role], known)
        held = set(group.permissions.values_list("pk", flat=True))
        group.permissions.add(*wanted - held)
        group.permissions.remove(*held - wanted)
        created += [role] if is_new else []
        added += len(wanted - held)
        removed += len(held - wanted)
    if created or added or removed:
        record_audit(
            action="staff.roles.synced",
            actor=None,
            subject="roles",
            details={"created": created, "added": added, "removed": removed},
            reason="The table of roles was applied.",
            now=now,
        )
    return RoleSync(created=created, added=added, removed=removed)


def _known_permissions() -> dict[str, int]:
    # Django makes permissions after migrate; a fresh database may not have been through that yet.
    for config in apps.get_app_configs():
        if config.name.startswith("apps."):
            create_permissions(config, verbosity=0)
    rows = Permission.objects.values_list("content_type__app_label", "codename", "pk")
    return {f"{label}.{codename}": pk for label, codename, pk in rows}


def _resolve(role: str, names: Iterable[str], known: Mapping[str, int]) -> set[int]:
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("apps.")}
    ours -= settings.PITBOSS_COMPARTMENTS
    wanted: set[int] = set()
    for name in names:
        if name == "*.view_*":
            wanted |= {
                pk
                for known_name, pk in known.items()
                if known_name.split(".")[0] in ours and known_name.split(".")[1].startswith("view_")
            }
        elif name in known:
            wanted.add(known[name])
        else:
            raise UnknownPermissionError(role, name)
    return wanted


@transaction.atomic
def ensure_person(
    *,
    username: str,
    display_name: str,
    roles: Iterable[str],
    password: str,
    now: datetime,
    email: str = "",
) -> User:
    """Create an active member of staff with these roles, or bring an existing one to them.

    For seeding and the demo; the password is set only where the account is new, and so is the
    mail address.
    """
    user = User.objects.filter(username=username).first()
    is_new = user is None
    if user is None:
        user = User(username=username, email=email)
        user.set_password(password)
    user.display_name = display_name
    user.is_staff = True
    note_edit(user, acting_user=None, reason="Seeded.", now=now)
    user.save()
    user.groups.set(Group.objects.filter(name__in=list(roles)))
    if is_new:
        record_audit(
            action="staff.user.seeded",
            actor=None,
            subject=f"staff.user:{user.pk}",
            details={"username": username, "roles": sorted(roles)},
            reason="Seeded.",
            now=now,
        )
    return user
