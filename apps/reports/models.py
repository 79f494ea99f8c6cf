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
