"""What is suspected of whom: a compartment, see docs/decisions/aml-compartment.md."""

from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.aml.enums import Deed, MatterState, Suspicion
from apps.core.fields import EncryptedTextField
from apps.core.sealed import SealedEntry
from apps.core.triggers import append_only, never_truncated


class Matter(models.Model):
    """A suspicion about one player, with the clock within which it must be reported.

    It is decided once: reported, or closed with the reason why not. Telling the player, or letting
    them infer it, is an offence; nothing outside this app may read, count or join these rows.
    """

    player = models.ForeignKey("players.Player", on_delete=models.PROTECT, related_name="+")
    suspicion = models.CharField(max_length=24, choices=Suspicion.choices)
    suspected_at = models.DateTimeField("suspicion formed")
    due_at = models.DateTimeField("report due")
    state = models.CharField(max_length=16, choices=MatterState.choices, default=MatterState.OPEN)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    lodged_at = models.DateTimeField("SMR lodged", null=True, blank=True)
    smr_reference = models.CharField("SMR reference", max_length=64, blank=True, default="")

    class Meta:
        verbose_name = "AML matter"
        permissions = [("work_matter", "Can note, report and close AML matters")]
        indexes = [
            models.Index(fields=["state", "due_at"], name="aml_matter_due"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=MatterState.values), name="aml_matter_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(suspicion__in=Suspicion.values), name="aml_matter_suspicion_is_known"
            ),
            models.CheckConstraint(
                condition=Q(due_at__gt=F("suspected_at")) & Q(opened_at__gte=F("suspected_at")),
                name="aml_matter_due_after_the_suspicion",
            ),
            models.CheckConstraint(
                condition=Q(
                    state=MatterState.OPEN, decided_at__isnull=True, decided_by__isnull=True
                )
                | (
                    ~Q(state=MatterState.OPEN)
                    & Q(decided_at__isnull=False, decided_by__isnull=False)
                ),
                name="aml_matter_decision_has_person_and_time",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state=MatterState.REPORTED, lodged_at__isnull=False) & ~Q(smr_reference="")
                )
                | (~Q(state=MatterState.REPORTED) & Q(lodged_at__isnull=True, smr_reference="")),
                name="aml_matter_reported_with_its_reference",
            ),
            models.CheckConstraint(
                condition=Q(lodged_at__isnull=True) | Q(lodged_at__gte=F("suspected_at")),
                name="aml_matter_lodged_after_the_suspicion",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            never_truncated(),
            pgtrigger.Protect(
                name="suspicion_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "player", "suspicion", "suspected_at", "due_at", "opened_at", "opened_by"
                ),
            ),
            pgtrigger.Protect(
                name="decided_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__state=MatterState.OPEN),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"Matter {self.pk}"


class Note(models.Model):
    """What somebody found or thought, kept encrypted and never changed."""

    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="notes")
    text = EncryptedTextField()
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "AML note"
        default_permissions = ()
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"Note {self.pk}"


class AccessEntry(SealedEntry):
    """Who did what in the compartment, reading included. Read only from inside it.

    Ids instead of foreign keys: an entry says the same whatever becomes of what it names.
    """

    actor_id = models.BigIntegerField()
    actor_name = models.CharField("who", max_length=200)
    deed = models.CharField(max_length=16, choices=Deed.choices)
    matter_id = models.BigIntegerField("matter", null=True, blank=True)
    detail = models.CharField(max_length=300, blank=True)

    class Meta(SealedEntry.Meta):
        verbose_name = "AML access"
        verbose_name_plural = "AML access log"
        default_permissions = ("view",)
        constraints = [
            *SealedEntry.Meta.constraints,
            models.CheckConstraint(
                condition=Q(deed__in=Deed.values), name="aml_accessentry_deed_is_known"
            ),
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"Access {self.sequence}"


class AccessSeal(models.Model):
    """How far the access log went on a day, and the salt without which its seal says nothing.

    The audit chain holds the hash of the three, one a day whether anything happened or not: it
    binds the log and tells nobody outside how it grows.
    """

    entries = models.PositiveBigIntegerField()
    head_hash = models.CharField(max_length=64)
    salt = models.CharField(max_length=64)
    sealed_on = models.DateField(unique=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(salt__regex="^[0-9a-f]{64}$") & Q(head_hash__regex="^[0-9a-f]{64}$"),
                name="aml_accessseal_has_a_hash_and_a_salt",
            )
        ]
        triggers = append_only()

    @override
    def __str__(self) -> str:
        return f"Seal of {self.sealed_on}"
