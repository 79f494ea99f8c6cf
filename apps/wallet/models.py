from typing import ClassVar, override

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.core.triggers import append_only, never_truncated
from apps.wallet.enums import Pot, TransferKind


class Account(models.Model):
    """Where money stands: one pot of one player, or one house account, in one currency.

    A player account carries its running balance, which never goes below zero. A house account
    (``house`` names it, for example ``gaming:aurora``) carries none: updating one hot row in
    every bet costs three to five times the throughput, and its balance is the fold of its
    transfers anyway.
    """

    player = models.ForeignKey(
        "players.Player", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    house = models.CharField("house account", max_length=160, blank=True)
    pot = models.CharField(max_length=16, blank=True)
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField("balance (minor units)", default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["player", "house", "pot", "currency"],
                nulls_distinct=False,
                name="wallet_account_unique_per_owner_pot_and_currency",
            ),
            # The target of the transfer's composite foreign keys: a transfer's currency is
            # its accounts' currency, by the database's own word.
            models.UniqueConstraint(
                fields=["id", "currency"], name="wallet_account_id_with_currency"
            ),
            models.CheckConstraint(
                condition=Q(player__isnull=True) | Q(balance_minor__gte=0),
                name="wallet_account_player_balance_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(player__isnull=False) | Q(balance_minor=0),
                name="wallet_account_house_carries_no_balance",
            ),
            models.CheckConstraint(
                condition=Q(player__isnull=False, house="", pot__in=Pot.values)
                | (Q(player__isnull=True, pot="") & ~Q(house="")),
                name="wallet_account_is_a_player_pot_or_a_house_account",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="owner_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("player", "house", "pot", "currency"),
            ),
        ]

    @override
    def __str__(self) -> str:
        if self.player_id is None:
            return f"{self.house} {self.currency}"
        return f"player {self.player_id} {self.pot} {self.currency}"


class Transfer(models.Model):
    """An immutable movement of money from one account (debit) to another (credit).

    It balances by construction. A mistake is corrected by a further transfer with ``reverses``
    set, never by an update: the ledger keeps the error and its correction. ``subject`` names
    what moved the money, for round money ``provider:event_id``; ``idempotency_key`` is kept
    for ever.
    """

    idempotency_key = models.CharField(max_length=200, unique=True)
    batch_id = models.UUIDField()
    debit_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="debits"
    )
    credit_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, db_constraint=False, related_name="credits"
    )
    amount_minor = models.BigIntegerField("amount (minor units)")
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=24, choices=TransferKind.choices)
    subject = models.CharField(max_length=170, db_index=True)
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")),
                name="wallet_transfer_between_two_accounts",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="wallet_transfer_amount_positive"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=TransferKind.values), name="wallet_transfer_kind_is_known"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return self.idempotency_key


class LedgerSeal(models.Model):
    """The SHA-256 of a run of transfers, in id order, chained to the seal before it.

    A changed, removed or inserted row inside a sealed run breaks its digest; each seal is also
    an entry of the audit chain, whose head is anchored outside the database.
    """

    first_transfer_id = models.BigIntegerField()
    last_transfer_id = models.BigIntegerField(unique=True)
    transfer_count = models.BigIntegerField()
    previous_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(last_transfer_id__gte=F("first_transfer_id")),
                name="wallet_seal_covers_a_run",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.first_transfer_id}-{self.last_transfer_id}"
