"""Columns that say their unit, currency and time zone."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.money import display_money

EMPTY = "-"

_TONES = {"success", "warning", "danger", "info", "neutral"}


def display_at(moment: datetime | None) -> str:
    """Write a moment with its zone: ``"2026-11-22 10:15:30 UTC"``."""
    if moment is None:
        return EMPTY
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _follow(obj: Any, path: str) -> Any:
    for name in path.split("__"):
        if obj is None:
            return None
        obj = getattr(obj, name)
    return obj


def money_column(
    minor_field: str, currency_field: str = "currency", *, title: str | None = None
) -> Callable[[Any], Any]:
    """Return a list column that shows ``minor_field`` as "1,234.50 AUD", right-aligned.

    Both fields may follow relations with ``__``; select those in ``list_select_related``.
    """
    label = title or minor_field.rsplit("__", 1)[-1].removesuffix("_minor").replace("_", " ")

    @admin.display(description=label, ordering=minor_field)
    def column(obj: Any) -> SafeString | str:
        minor = _follow(obj, minor_field)
        if minor is None:
            return EMPTY
        text = display_money(minor, _follow(obj, currency_field))
        return format_html('<span class="pb-money">{}</span>', text)

    vars(column)["formatting"] = "price"  # Unfold then puts the heading over the figures.
    return column


def datetime_column(field: str, *, title: str | None = None) -> Callable[[Any], Any]:
    """Return a list column that shows a moment in UTC and says so."""
    label = title or field.rsplit("__", 1)[-1].removesuffix("_at").replace("_", " ")

    @admin.display(description=label, ordering=field)
    def column(obj: Any) -> SafeString:
        day, _, clock = display_at(_follow(obj, field)).partition(" ")
        return format_html('<span class="pb-at"><span>{}</span> <span>{}</span></span>', day, clock)

    return column


def badge(text: str, tone: str = "neutral") -> SafeString:
    """Return a small label; ``tone`` is success, warning, danger, info or neutral."""
    if tone not in _TONES:
        raise ValueError(tone)
    return format_html('<span class="pb-badge pb-tone-{}">{}</span>', tone, text)


def worded(words: str, code: str) -> SafeString:
    """Show a code by its words; the code itself is there for who points at it or searches it."""
    return format_html('<span title="{}">{}</span>', code, words) if code else SafeString(EMPTY)


def badge_column(
    field: str, tones: dict[str, str], *, title: str | None = None
) -> Callable[[Any], Any]:
    """Return a list column that shows a choice as a badge; ``tones`` maps value to tone."""
    label = title or field.rsplit("__", 1)[-1].replace("_", " ")

    @admin.display(description=label, ordering=field)
    def column(obj: Any) -> SafeString | str:
        value = _follow(obj, field)
        if value in {None, ""}:
            return EMPTY
        display = getattr(obj, f"get_{field}_display", None)
        return badge(str(display() if display else value), tones.get(str(value), "neutral"))

    return column
