"""What the kit puts into the database before it plays: games, their cover, a key for one run."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from apps.core.errors import DomainError
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.contracts import REHEARSAL_KEY_PREFIX, GameRecord, NewKey, ProviderRecord
from apps.providers.enums import CertificateKind, GameCategory, WalletModel
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.entries import CertificateEntry
from apps.providers.selectors import games_by_code, provider_by_code, provider_codes
from apps.providers.selectors.coverage import cover_for
from apps.providers.services.catalogue import save_games, save_provider
from apps.providers.services.certificates import Registration, register_certificate
from apps.providers.services.keys import add_provider_key
from apps.providers.services.policy import demand_policy
from apps.simulator.acceptance.bench import REASON
from apps.simulator.certificates.folder import plain_page
from apps.simulator.dialects.contract import Dialect, RunKey
from apps.simulator.dialects.registry import DIALECTS

KEY_LIFETIME: Final = timedelta(minutes=30)
COVER_LIFETIME: Final = timedelta(days=3_650)
LAB: Final = "Acceptance kit (no laboratory)"


class WrongDialectError(DomainError):
    code = "wrong_dialect"

    def __init__(self, provider_code: str, protocol: str, dialect: str) -> None:
        super().__init__(f"{provider_code} speaks {protocol}, not {dialect}.")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A provider that is ready to be played. The private part of ``key`` is only in memory."""

    provider_id: int
    provider_code: str
    dialect: Dialect
    key: RunKey


def prepare(provider_code: str, dialect: Dialect, *, now: datetime) -> Prepared:
    """Give a provider the kit's games, the cover of two in nobody's jurisdiction, and a run's key.

    The provider's own keys are never read. The key ends by itself within half an hour.

    Raises:
        UnknownProviderError: no provider carries this code.
        WrongDialectError: the provider speaks another protocol.
    """
    provider = provider_by_code(provider_code)
    if provider.protocol != dialect.protocol:
        raise WrongDialectError(provider_code, provider.protocol, dialect.name)
    codes = (*dialect.game_codes, dialect.uncovered_game)
    save_games(provider.pk, [_game(code) for code in codes], now=now)
    cover_in_rehearsal(provider.pk, provider_code, dialect.game_codes, now=now)
    key = dialect.new_key()
    add_provider_key(
        NewKey(
            provider_id=provider.pk,
            kid=f"{REHEARSAL_KEY_PREFIX}{secrets.token_hex(6)}",
            secret=key.registered,
            not_before=now,
            not_after=now + KEY_LIFETIME,
            end_others_at=None,
        ),
        reason=REASON,
        now=now,
    )
    return Prepared(provider.pk, provider_code, dialect, key)


def make_acceptance_provider(
    dialect_name: str, *, now: datetime, code: str = "", wallet_model: str = WalletModel.HOLD
) -> str:
    """Add the provider ``acceptance-<dialect>``, which only the kit plays, and return its code.

    A second call finds it as it is. Its own key is thrown away: each run has one of its own.
    """
    dialect = DIALECTS[dialect_name]()
    code = code or f"acceptance-{dialect_name}"
    if all(known != code for known, _ in provider_codes()):
        save_provider(_record(code, dialect, wallet_model), now=now)
        demand_policy(code, dialect.demands, reason=REASON, now=now)
    return code


def _record(code: str, dialect: Dialect, wallet_model: str) -> ProviderRecord:
    return ProviderRecord(
        code=code,
        name=f"Acceptance kit ({dialect.name})",
        protocol=dialect.protocol,
        wallet_model=wallet_model,
        webhook_secret=dialect.new_key().registered,
        reporting_timezone="UTC",
        past_seconds=172_800,
        future_seconds=300,
        retention_months=12,
        settlement_hours=48,
        export_url="",
        payload_url="",
        export_token="",
    )


def _game(code: str) -> GameRecord:
    return GameRecord(
        game_code=code,
        name=f"Acceptance kit {code}",
        category=GameCategory.SLOT,
        theoretical_rtp=Decimal("0.9500"),
        offered_in=(REHEARSAL_JURISDICTION,),
    )


def cover_in_rehearsal(
    provider_id: int, provider_code: str, codes: Sequence[str], *, now: datetime
) -> None:
    """Register a document that says what it is, so that the launch gate is asked like any other."""
    today = now.date()
    games = games_by_code(provider_id)
    if all(cover_for(games[code].id, REHEARSAL_JURISDICTION, today).allowed for code in codes):
        return
    entry = CertificateEntry(
        file="acceptance.pdf",
        report_number=f"ACCEPTANCE-{provider_code}",
        revision=1,
        lab=LAB,
        kind=CertificateKind.GAME,
        standards=("Acceptance",),
        jurisdictions=(REHEARSAL_JURISDICTION,),
        provider_code=provider_code,
        issued_on=today,
        expires_on=today + COVER_LIFETIME,
        review_due_on=None,
        games=tuple(sorted(codes)),
        all_games=False,
        rtp_variants=(),
    )
    text = [
        "This is no certificate. It lets the acceptance kit launch its own games",
        f"of {provider_code}, offered in {REHEARSAL_JURISDICTION} only, where nobody lives.",
    ]
    with PdfVetter() as vetter:
        registration = Registration(
            acting_user=None, reason=REASON, now=now, vetter=vetter, is_rehearsal=True
        )
        register_certificate(entry, plain_page(text), registration)
