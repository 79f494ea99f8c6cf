from typing import ClassVar, override

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.core.triggers import append_only, never_truncated
from apps.wallet.contracts import LARGEST_BALANCE_MINOR, RECEIVABLE
from apps.wallet.enums import HOLD_ENDS, Direction, FindingState, GameTransferState, TransferKind
from apps.wallet.triggers import accounts_hold_its_currency, holds_end_whole

# The four pots of every player, and those set apart for one provider (a slug of 32 at most).
COMMON_POTS = ["cash", "bonus", "held", "pending"]
POT_PATTERN = r"^(sub|transferred):[-a-zA-Z0-9_]{1,32}$"
OPEN_STATES = [GameTransferState.REQUESTED, GameTransferState.UNRESOLVED]
_DECIDED_STATES = [GameTransferState.CONFIRMED, GameTransferState.FAILED]


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
    pot = models.CharField(max_length=48, blank=True)
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField("balance (minor units)", default=0)

    class Meta:
        permissions = [
            ("request_play_model", "Can ask for another wallet model of a provider"),
            ("approve_play_model", "Can agree to another wallet model of a provider"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["player", "house", "pot", "currency"],
                nulls_distinct=False,
                name="wallet_account_unique_per_owner_pot_and_currency",
            ),
            models.CheckConstraint(
                condition=Q(player__isnull=True) | Q(balance_minor__gte=0),
                name="wallet_account_player_balance_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(balance_minor__lte=LARGEST_BALANCE_MINOR),
                name="wallet_account_balance_not_above_the_largest",
            ),
            models.CheckConstraint(
                condition=Q(player__isnull=False) | Q(balance_minor=0),
                name="wallet_account_house_carries_no_balance",
            ),
            models.CheckConstraint(
                # Read at each change of a balance, and from left to right: the pots that every
                # player has first, because a pattern takes its time.
                condition=Q(player__isnull=False, house="", pot__in=COMMON_POTS)
                | (Q(player__isnull=True, pot="") & ~Q(house=""))
                | Q(player__isnull=False, house="", pot__regex=POT_PATTERN),
                name="wallet_account_is_a_player_pot_or_a_house_account",
            ),
        ]
        indexes = [
            # The pots set apart for a provider are few among all; sweeps and audits read only them.
            models.Index(
                fields=["pot", "id"],
                name="wallet_account_set_apart",
                condition=Q(pot__contains=":"),
            )
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="owner_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("id", "player", "house", "pot", "currency"),
            ),
        ]

    @override
    def __str__(self) -> str:
        if self.player_id is None:
            return f"{self.house} {self.currency}"
        return f"{self.player} {self.pot} {self.currency}"


class ReceivableAccount(Account):
    """What one player owes us: the house account ``receivable:<player>``, for people to end."""

    class Meta:
        proxy = True
        verbose_name = "receivable"
        permissions = [
            ("request_receivable_end", "Can ask for a receivable to be settled or written off"),
            ("approve_receivable_end", "Can agree that a receivable is settled or written off"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.player_ref} {self.currency}"

    @property
    def player_ref(self) -> str:
        return self.house.removeprefix(RECEIVABLE)


class Transfer(models.Model):
    """An immutable movement of money from one account (debit) to another (credit).

    It balances by construction. A mistake is corrected by a further transfer with ``reverses``
    set, never by an update: the ledger keeps the error and its correction. ``subject`` names
    what moved the money, for round money ``provider:event_id``; ``idempotency_key`` is kept
    for ever.
    """

    idempotency_key = models.CharField(max_length=200)
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
    subject = models.CharField(max_length=170)
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="reversed_by",
    )
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    is_big_table: ClassVar[bool] = True

    class Meta:
        # Named here, because a unique or indexed text column would bring a second index for
        # patterns with it, which nothing asks for and every bet would pay.
        indexes = [
            models.Index(fields=["subject"], name="wallet_transfer_subject"),
            models.Index(
                fields=["reverses"],
                name="wallet_transfer_reversed",
                condition=Q(reverses__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["idempotency_key"], name="wallet_transfer_key_is_used_once"
            ),
            # A held stake is captured or released, once, whoever asks and by whatever key.
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(kind__in=HOLD_ENDS),
                name="wallet_transfer_hold_ends_once",
            ),
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
        triggers = [*append_only(), accounts_hold_its_currency(), holds_end_whole()]

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
            )
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.first_transfer_id}-{self.last_transfer_id}"


class GameTransfer(models.Model):
    """Money on its way between a player's cash and the player's wallet at a provider.

    The provider is named by id and code, not by a foreign key: the wallet doesn't know providers.
    ``public_id`` is the transaction id that the provider is told, the same at every attempt, so
    that a repeat can't move money twice. Until the provider's answer is known the amount stands
    on the house account ``in_transit:<provider>`` and belongs to nobody's pot.
    """

    public_id = models.UUIDField("transaction id", unique=True)
    idempotency_key = models.CharField(max_length=128, unique=True)
    provider_id = models.BigIntegerField()
    provider_code = models.CharField("provider", max_length=32)
    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    direction = models.CharField(max_length=8, choices=Direction.choices)
    amount_minor = models.BigIntegerField("amount (minor units)")
    currency = models.CharField(max_length=3)
    state = models.CharField(
        max_length=16, choices=GameTransferState.choices, default=GameTransferState.REQUESTED
    )
    attempts = models.PositiveIntegerField(default=0)
    requested_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField("provider's code", max_length=48, blank=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        permissions = [
            ("cash_out_player", "Can fetch a player's money back from a provider"),
            ("ask_gametransfer", "Can ask a provider about a transfer again"),
            ("request_transfer_fate", "Can ask for a transfer to be decided by two people"),
            ("approve_transfer_fate", "Can agree that a transfer is decided by two people"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values),
                name="wallet_gametransfer_direction_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, decided_at__isnull=True)
                | Q(state__in=_DECIDED_STATES, decided_at__isnull=False),
                name="wallet_gametransfer_decided_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="wallet_gametransfer_amount_positive"
            ),
            # A second one could overtake the first whose fate isn't known.
            models.UniqueConstraint(
                fields=["player", "provider_code"],
                condition=Q(state__in=OPEN_STATES),
                name="wallet_gametransfer_one_open_per_player_and_provider",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="wallet_gametransfer_due",
                condition=Q(state__in=OPEN_STATES),
            )
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="content_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "public_id",
                    "idempotency_key",
                    "provider_id",
                    "provider_code",
                    "player",
                    "direction",
                    "amount_minor",
                    "currency",
                    "requested_at",
                ),
            ),
            pgtrigger.Protect(
                name="decided_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=_DECIDED_STATES),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.public_id)


class WalletAudit(models.Model):
    """One nightly walk along what a provider said of its sub-wallets and transferred pots."""

    provider_id = models.BigIntegerField()
    provider_code = models.CharField("provider", max_length=32)
    compared = models.PositiveIntegerField("pots compared")
    unheard = models.PositiveIntegerField("pots without a figure of the provider's")
    words = models.PositiveIntegerField("balances walked", default=0)
    findings = models.PositiveIntegerField("new findings")
    audited_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(findings__lte=F("compared")),
                name="wallet_audit_finds_among_what_it_compared",
            )
        ]
        indexes = [
            models.Index(fields=["provider_code", "audited_at"], name="wallet_audit_provider")
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.provider_code} {self.audited_at:%Y-%m-%d}"


class AuditFinding(models.Model):
    """The first event at which a pot left the chain of the provider's balances; kept once.

    ``ours_minor`` is what the pot held right after the event that the provider's figure belongs
    to, so that funding and sweeping since then is no difference. ``theirs_before_minor`` is what
    the provider said at the event before, where it said anything, and ``moved_minor`` what moved
    here between the two: the provider's own figure should have been their sum.
    """

    audit = models.ForeignKey(WalletAudit, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    provider_code = models.CharField("provider", max_length=32)
    currency = models.CharField(max_length=3)
    event_id = models.CharField("after event", max_length=128)
    event_at = models.DateTimeField("event occurred")
    ours_minor = models.BigIntegerField("ours (minor units)")
    theirs_minor = models.BigIntegerField("theirs (minor units)")
    event_before = models.CharField("event before", max_length=128, blank=True)
    theirs_before_minor = models.BigIntegerField("theirs before (minor units)", null=True)
    moved_minor = models.BigIntegerField("moved between (minor units)", null=True)
    state = models.CharField(max_length=16, choices=FindingState.choices, default=FindingState.OPEN)
    explanation = models.CharField(max_length=500, blank=True)
    explained_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [("explain_auditfinding", "Can explain an audit finding")]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "event_id"], name="wallet_finding_once_per_pot_and_event"
            ),
            models.CheckConstraint(
                condition=~Q(ours_minor=F("theirs_minor")), name="wallet_finding_is_a_difference"
            ),
            models.CheckConstraint(
                condition=Q(state=FindingState.OPEN, explanation="", explained_at__isnull=True)
                | (
                    Q(state=FindingState.EXPLAINED, explained_at__isnull=False) & ~Q(explanation="")
                ),
                name="wallet_finding_explained_has_words_and_a_time",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="content_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "audit",
                    "account",
                    "event_id",
                    "ours_minor",
                    "theirs_minor",
                    "event_before",
                    "theirs_before_minor",
                    "moved_minor",
                ),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.provider_code} {self.event_id}"
