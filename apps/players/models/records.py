from typing import override

from django.db import models


class ProtectionRecord(models.Model):
    """The page of everything recorded for protection; the rows are in the other tables."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "record of protection"
        verbose_name_plural = "records of protection"

    @override
    def __str__(self) -> str:
        return "records of protection"
