"""How the ledger is read."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    Count,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Window,
)
from django.db.models.functions import Coalesce, RowNumber
from django.db.models.lookups import GreaterThan

from apps.players.selectors import rehearsal_player_refs
from apps.wallet.contracts import (
    RECEIVABLE,
    AuditReport,
    GameTransferRef,
    Receivable,
    TransferLine,
)
from apps.wallet.enums import FindingState, Pot
from apps.wallet.errors import NoOpenReceivableError, UnknownGameTransferError
from apps.wallet.models import (
    OPEN_STATES,
    Account,
    AuditFinding,
    GameTransfer,
    LedgerSeal,
    ReceivableAccount,
    Transfer,
    WalletAudit,
)
from apps.wallet.play_models import is_sub_pot, provider_of_pot, session_subject


def balances(player_id: int) -> dict[str, int]:
    """Return a player's pots and what they hold, in minor units."""
    rows = Account.objects.filter(player_id=player_id).values_list("pot", "balance_minor")
    return dict(rows)


def receivable_accounts() -> QuerySet[ReceivableAccount]:
    """Return the accounts of what players owe or owed us, each with its ``open_minor``.

    Test players owe nobody anything. The house accounts are few, and found by their name.
    """
    rehearsed = [f"{RECEIVABLE}{ref}" for ref in rehearsal_player_refs()]
    owed = _sum_of("debit_account") - _sum_of("credit_account")
    return (
        ReceivableAccount.objects.filter(player__isnull=True, house__startswith=RECEIVABLE)
        .exclude(house__in=rehearsed)
        .annotate(open_minor=owed)
    )


def _sum_of(side: str) -> Coalesce:
    lines = Transfer.objects.filter(**{side: OuterRef("pk")}).order_by().values(side)
    total = lines.annotate(total=Sum("amount_minor")).values("total")
    return Coalesce(Subquery(total, output_field=BigIntegerField()), 0)


def open_receivables(player_ref: str = "") -> list[Receivable]:
    """Return what players, or one, owe us now, the largest first within a currency."""
    found = receivable_accounts().filter(GreaterThan(F("open_minor"), 0))
    if player_ref:
        found = found.filter(house=f"{RECEIVABLE}{player_ref}")
    return [
        _receivable(account) for account in found.order_by("currency", F("open_minor").desc(), "pk")
    ]


def receivable_by_account(account_id: int) -> Receivable:
    """Return what is owed on one account, nothing or more.

    Raises:
        NoOpenReceivableError: there is no such account.
    """
    account = receivable_accounts().filter(pk=account_id).first()
    if account is None:
        raise NoOpenReceivableError(f"Account {account_id} is no receivable.")
    return _receivable(account)


def _receivable(account: Any) -> Receivable:
    return Receivable(
        account_id=account.pk,
        player_ref=account.house.removeprefix(RECEIVABLE),
        currency=account.currency,
        open_minor=account.open_minor,
    )


def transfers_for_subject(subject: str) -> list[TransferLine]:
    """Return the ledger lines of one subject (``provider:event_id``), in posting order."""
    transfers = Transfer.objects.select_related(
        "debit_account__player", "credit_account__player"
    ).filter(subject=subject)
    return [
        TransferLine(
            id=transfer.pk,
            idempotency_key=transfer.idempotency_key,
            kind=transfer.get_kind_display(),
            debit=account_name(transfer.debit_account),
            credit=account_name(transfer.credit_account),
            amount_minor=transfer.amount_minor,
            currency=transfer.currency,
            occurred_at=transfer.occurred_at,
            created_at=transfer.created_at,
            note=transfer.note,
        )
        for transfer in transfers.order_by("pk")
    ]


def funding_of_session(public_id: str) -> list[TransferLine]:
    """Return the ledger lines that funded a session when it was opened; one, or none."""
    return transfers_for_subject(session_subject(public_id))


def transfers_of_subjects(subjects: QuerySet[Any, Any]) -> QuerySet[Transfer]:
    """Return the ledger lines of many subjects, looked up where ``subjects`` are found."""
    return Transfer.objects.filter(subject__in=subjects)


def is_all_sealed() -> bool:
    """Tell whether a seal covers every transfer that is written."""
    last = LedgerSeal.objects.order_by("last_transfer_id").last()
    return not Transfer.objects.filter(pk__gt=last.last_transfer_id if last else 0).exists()


def kinds_of_player(player_id: int) -> list[str]:
    """Return the kind of every transfer from or to a player's pots, in posting order."""
    touches = Q(debit_account__player_id=player_id) | Q(credit_account__player_id=player_id)
    return list(Transfer.objects.filter(touches).order_by("pk").values_list("kind", flat=True))


def account_name(account: Account) -> str:
    """Return what people call an account; the player must have been selected with it."""
    if account.player is None:
        return account.house
    return f"{account.player.player_ref} {account.pot}"


def pot_label(pot: str) -> str:
    """Return what people call a pot."""
    provider_code = provider_of_pot(pot)
    if not provider_code:
        return str(Pot(pot).label)
    return f"Sub-wallet {provider_code}" if is_sub_pot(pot) else f"At {provider_code}"


def unresolved_transfers(player_id: int, provider_id: int) -> list[GameTransferRef]:
    """Return a player's transfers with a provider whose fate isn't known; a launch waits for it."""
    rows = GameTransfer.objects.select_related("player").filter(
        player_id=player_id, provider_id=provider_id, decided_at__isnull=True
    )
    return [transfer_ref(row) for row in rows.order_by("pk")]


def undecided_transfers(player_id: int) -> list[GameTransferRef]:
    """Return a player's transfers whose fate isn't known, with every provider, on or off."""
    rows = GameTransfer.objects.select_related("player").filter(
        player_id=player_id, decided_at__isnull=True
    )
    return [transfer_ref(row) for row in rows.order_by("pk")]


def due_transfers(*, limit: int, now: datetime) -> list[tuple[int, int]]:
    """Return (id, provider id) of undecided transfers whose next attempt is due, first due first.

    So many of each provider, so that one with many does not stand before the others.
    """
    # By state, as the index on the next attempt knows them: their time of decision says the same.
    due = GameTransfer.objects.filter(state__in=OPEN_STATES, next_attempt_at__lte=now)
    by_turn = Window(RowNumber(), partition_by="provider_id", order_by=["next_attempt_at", "pk"])
    first = due.annotate(turn=by_turn).filter(turn__lte=limit)
    return list(first.order_by("next_attempt_at", "pk").values_list("pk", "provider_id"))


def open_transfers() -> dict[str, tuple[int, datetime]]:
    """Return per provider code how many transfers nobody has decided, and since when."""
    rows = GameTransfer.objects.filter(decided_at__isnull=True).values_list("provider_code")
    counted = rows.annotate(count=Count("pk"), since=Min("requested_at"))
    return {code: (count, since) for code, count, since in counted.order_by("provider_code")}


def open_findings() -> dict[str, int]:
    """Return per provider code how many audit findings nobody has explained."""
    rows = AuditFinding.objects.filter(state=FindingState.OPEN).values_list("provider_code")
    return dict(rows.annotate(count=Count("pk")).order_by("provider_code"))


def last_audits() -> dict[str, AuditReport]:
    """Return the youngest audit of each provider, by code."""
    newest = WalletAudit.objects.order_by("provider_code", "-audited_at", "-pk")
    return {
        audit.provider_code: AuditReport(
            audit_id=audit.pk,
            provider_code=audit.provider_code,
            compared=audit.compared,
            unheard=audit.unheard,
            words=audit.words,
            findings=audit.findings,
            audited_at=audit.audited_at,
        )
        for audit in newest.distinct("provider_code")
    }


def transfer_by_key(idempotency_key: str) -> GameTransferRef | None:
    """Return the transfer that a key asked for, or None."""
    return _transfer_where(idempotency_key=idempotency_key)


def transfer_by_id(transfer_id: int) -> GameTransferRef:
    """Return a transfer.

    Raises:
        UnknownGameTransferError: there is no such transfer.
    """
    return _known(_transfer_where(pk=transfer_id), transfer_id)


def transfer_by_public_id(public_id: uuid.UUID) -> GameTransferRef:
    """Return a transfer by the id that its provider knows it by.

    Raises:
        UnknownGameTransferError: there is no such transfer.
    """
    return _known(_transfer_where(public_id=public_id), public_id)


def _transfer_where(**its_key: Any) -> GameTransferRef | None:
    transfer = GameTransfer.objects.select_related("player").filter(**its_key).first()
    return transfer_ref(transfer) if transfer is not None else None


def _known(transfer: GameTransferRef | None, asked_for: int | uuid.UUID) -> GameTransferRef:
    if transfer is None:
        raise UnknownGameTransferError(f"There is no transfer {asked_for}.")
    return transfer


def transfer_ref(transfer: GameTransfer) -> GameTransferRef:
    """Return a transfer as other apps see it; the player should have been selected with it."""
    return GameTransferRef(
        id=transfer.pk,
        public_id=str(transfer.public_id),
        player_id=transfer.player_id,
        player_ref=transfer.player.player_ref,
        provider_id=transfer.provider_id,
        provider_code=transfer.provider_code,
        direction=transfer.direction,
        amount_minor=transfer.amount_minor,
        currency=transfer.currency,
        state=transfer.state,
        attempts=transfer.attempts,
        requested_at=transfer.requested_at,
        decided_at=transfer.decided_at,
        code=transfer.code,
    )


def newest_seals(*, limit: int) -> list[LedgerSeal]:
    return list(LedgerSeal.objects.order_by("-last_transfer_id")[:limit])
