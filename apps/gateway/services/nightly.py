"""The night's work on pots set apart, provider by provider."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import Error as DatabaseError

from apps.core.errors import DomainError
from apps.gateway.services.sub_wallets import sweep_sub_wallets
from apps.gateway.services.wallet_audit import audit_wallets
from apps.providers.selectors.catalogue import provider_codes

logger = logging.getLogger(__name__)


def sweep_every_provider(*, clock: Callable[[], datetime]) -> None:
    """Sweep the sub-wallets of every provider: one that is switched off still holds money.

    Each at its own time by ``clock``: the audit reads a pot in the order of time, and who plays
    while another provider is swept played before what is swept of theirs.
    """
    _of_each("sweep", lambda code: sweep_sub_wallets(code, now=clock()))


def audit_every_provider(*, clock: Callable[[], datetime]) -> None:
    """Audit the pots of every provider, whether it is switched off or not."""
    _of_each("audit", lambda code: audit_wallets(code, now=clock()))


def _of_each(what: str, work: Callable[[str], object]) -> None:
    """Do the work for each provider; where it fails for one, the others have theirs."""
    for code, _name in provider_codes():
        try:
            work(code)
        except (DatabaseError, DomainError):
            logger.exception("gateway.nightly.failed", extra={"provider": code, "work": what})
