"""The nightly audit: each pot set apart for a provider along the balances the provider stated."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from apps.gateway import statements
from apps.providers.selectors.catalogue import provider_by_code
from apps.wallet.contracts import AuditReport, ComparedPot
from apps.wallet.play_models import sub_pot, transferred_pot
from apps.wallet.services.audits import record_comparison

_POTS_PER_STEP: Final = 1_000
_CHAIN: Final = timedelta(days=1)


def audit_wallets(provider_code: str, *, now: datetime) -> AuditReport:
    """Walk the last day's chain of stated balances for every pot set apart for a provider.

    Each balance is held against the one before plus what moved here in between, in event order, so
    that what was funded or swept is no difference. The first event of a pot that breaks the chain
    is the finding. A pot the provider never stated a balance of counts as unheard. Safe to repeat:
    the same difference is found once.

    Raises:
        UnknownProviderError: there is no such provider.
    """
    provider = provider_by_code(provider_code)
    wanted = {"provider_id": provider.pk, "code": provider_code, "since": now - _CHAIN}
    pots = [
        pot
        for name in (sub_pot(provider_code), transferred_pot(provider_code))
        for pot in _walked({**wanted, "pot": name, "limit": _POTS_PER_STEP})
    ]
    return record_comparison(provider.pk, provider_code, pots, now=now)


def _walked(wanted: dict[str, Any]) -> Iterator[ComparedPot]:
    last_id = 0
    while True:
        with connection.cursor() as cursor:
            # One statement per step is one snapshot: the balance and the lines it is made of.
            cursor.execute(statements.WALKED_CHAINS, {**wanted, "after": last_id})
            rows = cursor.fetchall()
        if not rows:
            return
        last_id = rows[-1][0]
        yield from (ComparedPot(*row) for row in rows)
