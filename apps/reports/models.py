from typing import override

from django.db import models


class NetPosition(models.Model):
    """No table: the name under which the report is permitted and found in the navigation."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "daily net position"
        verbose_name_plural = "daily net position"

    @override
    def __str__(self) -> str:
        return "daily net position"


class ProviderHealth(models.Model):
    """No table: the name under which the page is permitted and found in the navigation."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "provider health"
        verbose_name_plural = "provider health"

    @override
    def __str__(self) -> str:
        return "provider health"


class WalletModelComparison(models.Model):
    """No table: the name under which the page is permitted and found in the navigation."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "wallet model comparison"
        verbose_name_plural = "wallet models"

    @override
    def __str__(self) -> str:
        return "wallet models"
