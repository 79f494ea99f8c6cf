"""System checks that keep slow and leaky things out of the admin."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.checks import CheckMessage, Error, Tags, register

from apps.core.errors import EncryptionKeyError
from apps.core.fields import EncryptedTextField, ciphers
from apps.core.site import registered_admins


@register(Tags.admin)
def check_admin_of_big_tables(
    **_: Any,
) -> list[CheckMessage]:
    """Refuse what reads a whole table, on models that say ``is_big_table = True``.

    Measured at 10 million rows: 3 to 7 seconds for each of these, 13 to 69 ms without.
    """
    return [
        problem
        for model_admin in registered_admins()
        if getattr(model_admin.model, "is_big_table", False)
        for problem in _big_table_problems(model_admin)
    ]


def _big_table_problems(model_admin: "admin.ModelAdmin[Any]") -> Iterator[CheckMessage]:
    for entry in model_admin.list_filter:
        if not (isinstance(entry, type) and issubclass(entry, admin.SimpleListFilter)):
            yield Error(
                f"list_filter entry {entry!r} on a big table may run SELECT DISTINCT.",
                hint="Use apps.core.admin.choice_filter, present_filter or recent_filter.",
                obj=type(model_admin),
                id="core.E001",
            )
    if model_admin.date_hierarchy:
        yield Error(
            "date_hierarchy on a big table scans it.",
            hint="Use apps.core.admin.recent_filter.",
            obj=type(model_admin),
            id="core.E002",
        )
    for field in model_admin.search_fields:
        if not field.endswith("__exact"):
            yield Error(
                f"search field {field!r} on a big table can't use an index.",
                hint=f"Write {field.lstrip('=^@')}__exact.",
                obj=type(model_admin),
                id="core.E003",
            )
    if model_admin.show_full_result_count:
        yield Error(
            "show_full_result_count on a big table counts all of it.",
            hint="Derive from apps.core.admin.ModelAdmin.",
            obj=type(model_admin),
            id="core.E004",
        )


@register(Tags.admin)
def check_encrypted_fields_stay_hidden(
    **_: Any,
) -> list[CheckMessage]:
    """Refuse an admin that names an encrypted field where its value would be shown."""
    problems: list[CheckMessage] = []
    for model_admin in registered_admins():
        secret = {
            field.name
            for field in model_admin.model._meta.concrete_fields
            if isinstance(field, EncryptedTextField)
        }
        shown = {
            *map(str, model_admin.list_display),
            *map(str, model_admin.readonly_fields),
            *map(str, model_admin.fields or []),
        }
        problems.extend(
            Error(
                f"{name!r} is encrypted and must not be shown.",
                obj=type(model_admin),
                id="core.E005",
            )
            for name in sorted(secret & shown)
        )
    return problems


@register(Tags.security)
def check_encryption_keys(
    **_: Any,
) -> list[CheckMessage]:
    """Refuse to start without keys that can work."""
    try:
        ciphers()
    except EncryptionKeyError as error:
        return [Error(str(error), id="core.E006")]
    return []
