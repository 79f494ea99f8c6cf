"""The tables that core owns: the outbox and the audit chain."""

from typing import ClassVar, override

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from apps.core.triggers import append_only


class OutboxMessage(models.Model):
    """One task that must run because a committed transaction says so.

    The row is written in the transaction whose consequence it is, so the fact and the duty to act
    on it commit together. The broker only carries a hint ("look at row 123"): what it loses is sent
    again, what it repeats meets ``done_at`` under the row lock.
    """

    is_big_table: ClassVar[bool] = True

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=100)
    task = models.CharField(max_length=200)
    payload = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(
        help_text="Sent to the broker when this has passed; pushed forward at each sending."
    )
    attempts = models.PositiveIntegerField(default=0, db_default=0, help_text="Times sent.")
    starts = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Times a worker began it; counted before it runs."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(
        null=True, blank=True, help_text="Given up after too many attempts; a person must look."
    )
    last_error = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = "outbox message"
        permissions = [("requeue_outboxmessage", "Can requeue a parked outbox message")]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(done_at__isnull=True, parked_at__isnull=True),
                name="core_outbox_due",
            ),
            models.Index(
                fields=["parked_at"],
                condition=Q(parked_at__isnull=False),
                name="core_outbox_parked",
            ),
            models.Index(
                fields=["done_at"], condition=Q(done_at__isnull=False), name="core_outbox_done"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(parked_at__isnull=True),
                name="core_outboxmessage_done_is_not_parked",
            ),
            models.CheckConstraint(
                condition=~Q(topic="") & ~Q(task=""), name="core_outboxmessage_names_its_task"
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.task} #{self.pk}"

    @property
    def state(self) -> str:
        if self.done_at is not None:
            return "done"
        if self.parked_at is not None:
            return "parked"
        return "sent" if self.sent_at is not None else "waiting"


class AuditEntry(models.Model):
    """One thing somebody did, sealed to everything done before it.

    Each row's hash covers its content and the hash of the row before it, so a changed, removed or
    inserted row breaks the chain from there on. A cut tail is found by comparing with an anchor
    kept outside the database. The actor is a plain id and name: core knows no staff table, and an
    entry must read the same after an account is renamed.
    """

    is_big_table: ClassVar[bool] = True

    id = models.BigAutoField(primary_key=True)
    chain = models.CharField(max_length=40)
    sequence = models.PositiveBigIntegerField(help_text="Place in its chain, from 1, no gaps.")
    action = models.CharField(max_length=100)
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="Empty for the system.")
    actor_name = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=200)
    details = models.JSONField()
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    prev_hash = models.CharField(max_length=64)
    entry_hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["subject", "id"], name="core_audit_subject"),
            models.Index(fields=["actor_id", "id"], name="core_audit_actor"),
            models.Index(fields=["action", "id"], name="core_audit_action"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["chain", "sequence"], name="core_auditentry_one_per_place_in_chain"
            ),
            models.UniqueConstraint(
                fields=["chain", "prev_hash"], name="core_auditentry_chain_never_forks"
            ),
            models.CheckConstraint(
                condition=Q(sequence__gte=1), name="core_auditentry_sequence_from_one"
            ),
            models.CheckConstraint(
                condition=~Q(entry_hash=F("prev_hash")) & Q(entry_hash__regex="^[0-9a-f]{64}$"),
                name="core_auditentry_hash_is_sha256",
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.chain} {self.sequence}: {self.action} {self.subject}"
