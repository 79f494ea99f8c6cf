from typing import ClassVar, override

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Delivery(models.Model):
    """One authentic delivery attempt, byte for byte, stored before it is judged.

    The table is partitioned by month of ``received_at`` so that retention drops partitions
    instead of deleting rows. Unauthenticated requests never reach it; they are only counted.
    """

    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField("received (by the judging clock)")
    stored_at = models.DateTimeField("stored", db_default=Now())
    message_id = models.CharField("webhook-id", max_length=64)
    key_id = models.CharField("key used", max_length=32)
    path = models.CharField(max_length=200)
    headers = models.JSONField()
    body = models.BinaryField()

    is_big_table: ClassVar[bool] = True

    class Meta:
        verbose_name_plural = "deliveries"
        triggers = [
            pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update),
        ]

    @override
    def __str__(self) -> str:
        return self.message_id


class DeliveryVerdict(models.Model):
    """What we answered to a delivery. A delivery without one is still to be applied."""

    delivery_id = models.BigIntegerField(unique=True)
    http_status = models.PositiveSmallIntegerField()
    results = models.JSONField()
    judged_at = models.DateTimeField()

    is_big_table: ClassVar[bool] = True

    class Meta:
        triggers = [
            pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.http_status} for delivery {self.delivery_id}"


class UnjudgedDelivery(models.Model):
    """A delivery that the sweep could not apply: tried again and shown until it is judged.

    Only what fails is listed, so that intake writes nothing for it.
    """

    delivery_id = models.BigIntegerField(unique=True)
    tries = models.PositiveIntegerField(default=1)
    error = models.CharField(max_length=64)
    first_failed_at = models.DateTimeField()
    last_failed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "unjudged deliveries"
        constraints = [
            models.CheckConstraint(condition=Q(tries__gte=1), name="rounds_unjudged_was_tried"),
        ]

    @override
    def __str__(self) -> str:
        return f"delivery {self.delivery_id}: {self.error}"


class SweptThrough(models.Model):
    """Up to which delivery all is judged or listed as unjudged; the sweep goes on after it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    delivery_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="rounds_swept_through_is_one_row"),
        ]

    @override
    def __str__(self) -> str:
        return f"delivery {self.delivery_id}"
