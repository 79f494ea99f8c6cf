from typing import ClassVar, override

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.core.triggers import any_change, append_only
from apps.operator_api.enums import Scope


class ApiClient(models.Model):
    """A system of the operator that calls us, and what it may do.

    Its tokens can be changed under traffic: a new one is issued before the old one is revoked.
    """

    name = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope.choices))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "API client"
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=list(Scope.values), scopes__len__gt=0),
                name="operator_api_client_has_known_scopes",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="operator_api_client_has_a_name"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_changed", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    @override
    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A bearer token of a client: its SHA-256, and a prefix by which people recognise it.

    One that moves money is issued by a person only with a second person's approval; whoever runs
    the command line has the server itself, and stands in the audit chain as that.
    """

    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="tokens")
    prefix = models.CharField(max_length=16)
    digest = models.CharField("SHA-256", max_length=64, unique=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    moves_money = models.BooleanField(default=False)
    approval = models.OneToOneField(
        "staff.Approval", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = "API token"
        permissions = [("approve_apitoken", "Can approve a token that moves money")]
        constraints = [
            models.CheckConstraint(
                condition=Q(moves_money=False)
                | Q(issued_by__isnull=True)
                | Q(approval__isnull=False),
                name="operator_api_token_for_money_agreed_by_two",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at")),
                name="operator_api_token_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_reason="")
                | (
                    Q(revoked_at__isnull=False, revoked_at__gte=F("issued_at"))
                    & ~Q(revoked_reason="")
                ),
                name="operator_api_token_revoked_with_a_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="token_never_changes",
                operation=pgtrigger.Update,
                condition=any_change(
                    "client",
                    "prefix",
                    "digest",
                    "issued_by",
                    "moves_money",
                    "approval",
                    "issued_at",
                    "expires_at",
                ),
            ),
            pgtrigger.Protect(
                name="revoked_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__revoked_at__isnull=False)
                & any_change("revoked_at", "revoked_reason"),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.prefix}…"


class IdempotentRequest(models.Model):
    """A keyed request with its answer, written with the effect and kept for ever.

    ``request_hash`` covers the whole request, so that the same key with other content is refused.
    """

    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=128)
    request_hash = models.CharField(max_length=64)
    answer_status = models.PositiveSmallIntegerField()
    answer_body = models.JSONField()
    created_at = models.DateTimeField()

    is_big_table: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "key"], name="operator_api_request_key_unique_per_client"
            ),
        ]
        triggers = [*append_only()]

    @override
    def __str__(self) -> str:
        return self.key
