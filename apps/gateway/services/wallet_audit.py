"""The nightly audit: each pot set apart for a provider against the provider's own figures."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db import connection

from apps.gateway import statements
from apps.providers.selectors.catalogue import provider_by_code
from apps.wallet.contracts import AuditReport, ComparedPot
from apps.wallet.play_models import sub_pot, transferred_pot
from apps.wallet.services.audits import record_comparison

_POTS_PER_STEP: Final = 1_000


def audit_wallets(provider_code: str, *, now: datetime) -> AuditReport:
    """Compare every sub-wallet and transferred pot of a provider with its last stated balance.

    A pot is compared at the provider's last event of that player, in event order, so that what
    was funded or swept since is no difference. Where that event states no balance the pot counts
    as unheard. Safe to repeat: the same difference at the same event is found once.

    Raises:
        UnknownProviderError: there is no such provider.
    """
    provider = provider_by_code(provider_code)
    pots = [
        pot
        for name in (sub_pot(provider_code), transferred_pot(provider_code))
        for pot in _compared(provider.pk, name)
    ]
    return record_comparison(provider.pk, provider_code, pots, now=now)


def _compared(provider_id: int, pot: str) -> Iterator[ComparedPot]:
    last_id = 0
    while True:
        with connection.cursor() as cursor:
            # One statement per step is one snapshot: the balance and the lines it is made of.
            cursor.execute(statements.COMPARED_POTS, [pot, last_id, _POTS_PER_STEP, provider_id])
            rows = cursor.fetchall()
        if not rows:
            return
        last_id = rows[-1][0]
        yield from (ComparedPot(*row) for row in rows)
