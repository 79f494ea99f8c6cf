"""Pages without a table of their own: the names under which they are permitted and found."""

from typing import override

from django.db import models


class CoverageMatrix(models.Model):
    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "coverage"
        verbose_name_plural = "coverage"

    @override
    def __str__(self) -> str:
        return "coverage"


class DeskCalendar(models.Model):
    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "calendar"
        verbose_name_plural = "calendar"

    @override
    def __str__(self) -> str:
        return "calendar"


class WhatIf(models.Model):
    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "what-if"
        verbose_name_plural = "what-if"

    @override
    def __str__(self) -> str:
        return "what-if"


class CertifiedPlay(models.Model):
    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "certified play"
        verbose_name_plural = "certified play"

    @override
    def __str__(self) -> str:
        return "certified play"
