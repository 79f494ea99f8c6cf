"""Guard triggers that append-only tables share."""

import functools
import operator

import pgtrigger


def append_only() -> list[pgtrigger.Trigger]:
    """Refuse UPDATE, DELETE and TRUNCATE; use as ``triggers = [*append_only(), ...]``.

    A row trigger doesn't see TRUNCATE, so that one has a statement trigger of its own.
    """
    return [
        pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        never_truncated(),
    ]


def never_truncated() -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name="never_truncated",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
    )


def any_change(*fields: str) -> pgtrigger.Q:
    """Return the condition that one of the fields changed, free to combine with other conditions.

    ``pgtrigger.AnyChange`` says the same but can't be joined to a ``pgtrigger.Q``.
    """
    changes = [
        pgtrigger.Q(**{f"old__{field}__df": pgtrigger.F(f"new__{field}")}) for field in fields
    ]
    return functools.reduce(operator.or_, changes)
