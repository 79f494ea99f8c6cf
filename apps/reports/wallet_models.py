"""The three wallet models side by side, by what was measured of the providers that use them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apps.gateway.selectors import OpenMoney, open_money
from apps.providers.enums import WalletModel
from apps.providers.selectors import all_providers
from apps.providers.selectors.id_scopes import providers_without_closing
from apps.rounds.selectors import open_rounds_by_provider
from apps.rounds.traffic import ProviderTraffic, traffic_of
from apps.wallet.contracts import AuditReport
from apps.wallet.selectors import last_audits, open_findings, open_transfers

WINDOW: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PlayedProvider:
    """One provider and what its wallet model costs us; ``traffic`` is None where silent.

    ``open_rounds`` are counted by state, and only where the provider's messages close rounds.
    """

    provider_id: int
    code: str
    wallet_model: WalletModel
    traffic: ProviderTraffic | None
    open_money: tuple[OpenMoney, ...]
    open_rounds: Mapping[str, int]
    open_findings: int
    undecided: int
    undecided_since: datetime | None
    audit: AuditReport | None


def played_providers(now: datetime) -> list[PlayedProvider]:
    """Return every active provider, and each other with money or a round open, by model."""
    money, undecided = open_money(), open_transfers()
    rounds, never_closing = open_rounds_by_provider(), providers_without_closing()
    holding = {each.provider_code for each in money} | undecided.keys()
    playing = rounds.keys() - never_closing
    providers = [
        one for one in all_providers() if one.is_active or one.code in holding or one.pk in playing
    ]
    traffic = traffic_of([one.pk for one in providers], since=now - WINDOW, until=now)
    findings, audits = open_findings(), last_audits()
    found = [
        PlayedProvider(
            provider_id=one.pk,
            code=one.code,
            wallet_model=WalletModel(one.wallet_model),
            traffic=traffic.get(one.pk),
            open_money=tuple(each for each in money if each.provider_code == one.code),
            open_rounds={} if one.pk in never_closing else rounds.get(one.pk, {}),
            open_findings=findings.get(one.code, 0),
            undecided=undecided[one.code][0] if one.code in undecided else 0,
            undecided_since=undecided[one.code][1] if one.code in undecided else None,
            audit=audits.get(one.code),
        )
        for one in providers
    ]
    order = list(WalletModel)
    return sorted(found, key=lambda one: (order.index(one.wallet_model), one.code))


def sums_by_currency(money: Iterable[OpenMoney]) -> Sequence[tuple[str, int]]:
    """Return what is open per currency, in minor units; currencies are never added up."""
    sums: dict[str, int] = {}
    for one in money:
        sums[one.currency] = sums.get(one.currency, 0) + one.amount_minor
    return sorted(sums.items())
