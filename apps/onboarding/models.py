"""A provider's way to its first real player, and the proofs along it."""

from typing import override

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.triggers import append_only
from apps.onboarding.enums import ChecklistItem


class Onboarding(models.Model):
    """One provider's checklist. Whether it is live stands at the provider."""

    provider = models.OneToOneField(
        "providers.Provider", on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField()

    class Meta:
        permissions = [
            ("prove_items", "Can have a provider's checklist proven and record its promises"),
            ("request_go_live", "Can ask to take a provider live"),
            ("approve_go_live", "Can agree to take a provider live"),
        ]

    @override
    def __str__(self) -> str:
        return f"Onboarding of {self.provider}"


class ItemProof(models.Model):
    """What one look at one item found, kept for ever; the newest says where the item stands.

    ``proved_by`` is empty where the system looked by itself.
    """

    onboarding = models.ForeignKey(Onboarding, on_delete=models.PROTECT, related_name="proofs")
    item = models.CharField(max_length=32, choices=ChecklistItem.choices)
    is_green = models.BooleanField("holds")
    summary = models.CharField(max_length=500)
    evidence = models.JSONField()
    proved_at = models.DateTimeField()
    proved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        indexes = [
            models.Index(fields=["onboarding", "item", "-id"], name="onboarding_newest_proof"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(item__in=ChecklistItem.values), name="onboarding_proof_item_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(summary=""), name="onboarding_proof_says_what_was_found"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.item}: {'holds' if self.is_green else 'does not hold'}"


class AcceptanceRun(models.Model):
    """One whole run of the acceptance kit, with every scenario's result.

    ``setting_hash`` is of protocol, wallet model and policy: after a change of those the run
    proves nothing any more.
    """

    onboarding = models.ForeignKey(Onboarding, on_delete=models.PROTECT, related_name="runs")
    kit_version = models.PositiveSmallIntegerField()
    dialect = models.CharField(max_length=32)
    is_green = models.BooleanField()
    report = models.JSONField()
    setting_hash = models.CharField(max_length=64)
    played_at = models.DateTimeField()

    class Meta:
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.dialect}, {self.played_at:%Y-%m-%d %H:%M} UTC"


class RetentionPromise(models.Model):
    """How long the provider promised to keep its rounds, and where that is written."""

    onboarding = models.ForeignKey(Onboarding, on_delete=models.PROTECT, related_name="promises")
    months = models.PositiveSmallIntegerField()
    reference = models.CharField("where it is written", max_length=300)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(months__gte=12), name="onboarding_promise_is_a_year_at_least"
            ),
            models.CheckConstraint(
                condition=~Q(reference=""), name="onboarding_promise_says_where_it_is_written"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return f"{self.months} months"
