"""The address under which a person's own calendar reads the desk's dates."""

from typing import override

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q


class CalendarFeed(models.Model):
    """A private, read-only address of the calendar; only the hash of its token is kept.

    It shows dates of certificates and no person. A revoked address never works again.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField("SHA-256 of the token", max_length=64, unique=True)
    created_at = models.DateTimeField()
    last_read_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(revoked_at__isnull=True),
                name="compliance_feed_one_live_per_person",
            ),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"),
                name="compliance_feed_keeps_a_hash_only",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="revoked_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__revoked_at__isnull=False),
            ),
            pgtrigger.ReadOnly(
                name="address_never_changes", fields=["person", "digest", "created_at"]
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"Calendar address {self.pk}"
