"""Changing what a provider's ids mean: in rehearsal, with nothing open, and never once live.

Idempotency keys and rounds are found by these ids. Read in another way, an old message that is sent
again is a new one, and a win no longer finds its stake.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.core.services import record_audit
from apps.gateway.errors import OpenMoneyError
from apps.gateway.selectors import what_is_open
from apps.providers.contracts import ProviderProfile
from apps.providers.errors import IdsFixedError, SameIdScopesError
from apps.providers.selectors.id_scopes import Scopes, scope_setting
from apps.providers.services.id_scopes import fix_id_scopes, lock_id_scopes, save_id_scopes
from apps.rounds.contracts import EventRow
from apps.staff.services.approvals import Person


def fix_ids_of(
    profiles: Iterable[ProviderProfile], events: Iterable[EventRow], *, now: datetime
) -> None:
    """Fix what the ids of new events mean, in the transaction that stores them.

    Raises:
        IdScopesMovedError: they were read by other scopes than those in force.
    """
    asked = {one.id: one for one in profiles if not one.are_ids_fixed}
    if asked:
        for provider_id in sorted({row.provider_id for row in events if row.is_new} & set(asked)):
            fix_id_scopes(asked[provider_id], now=now)


@transaction.atomic
def change_id_scopes(
    *, policy_id: int, scopes: Scopes, acting_user: Person, reason: str, now: datetime
) -> None:
    """Read a provider's ids in another way from now on.

    Locks the provider, so that nobody stores an event of it meanwhile.

    Raises:
        SameIdScopesError: they are read like that already.
        IdsFixedError: it is live and has sent events; the sentence says since when, and what is
            open there.
        OpenMoneyError: it is rehearsed with, and something is open; the sentence says what.
    """
    lock_id_scopes(scope_setting(policy_id).provider_id)
    setting = scope_setting(policy_id)
    if scopes == setting.scopes:
        raise SameIdScopesError(f"The ids of {setting.provider_code} mean this already.")
    found = what_is_open(setting.provider_id, setting.provider_code)
    is_open = f" Open there: {', '.join(found)}." if found else ""
    if setting.is_fixed_for_ever:
        raise IdsFixedError(
            f"{setting.provider_code} is live, and its events follow these scopes since "
            f"{setting.fixed_at:%Y-%m-%d %H:%M} UTC: an old message sent again would be booked "
            f"anew under another.{is_open}"
        )
    if is_open:
        raise OpenMoneyError(
            f"The ids of {setting.provider_code} can't be read in another way now.{is_open} "
            "Let the rounds close, sweep or cash out, and resolve transfers first."
        )
    person = acting_user if isinstance(acting_user, AbstractBaseUser) else None
    save_id_scopes(setting.provider_id, scopes, acting_user=person, reason=reason, now=now)
    record_audit(
        action="gateway.id_scopes.changed",
        actor=acting_user,
        subject=f"provider:{setting.provider_code}",
        details={"from": asdict(setting.scopes), "to": asdict(scopes)},
        reason=reason,
        now=now,
    )
