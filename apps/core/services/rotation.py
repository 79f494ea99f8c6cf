"""Writing every stored secret anew with the first key."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from cryptography.fernet import InvalidToken, MultiFernet
from django.apps import apps
from django.db import connection, models

from apps.core.errors import EncryptionKeyError
from apps.core.fields import EncryptedTextField, ciphers

# Secrets that lie inside a value of another shape, which the apps above rotate themselves.
_OTHERS: Final[dict[str, Callable[[], int]]] = {}


def register_rotation(name: str, rotate: Callable[[], int]) -> None:
    """Have ``rotate`` called whenever keys are rotated; call this from ``AppConfig.ready()``."""
    _OTHERS[name] = rotate


def rotate_encryption_keys() -> dict[str, int]:
    """Re-encrypt what an older key wrote; return how many values changed per ``table.column``.

    Safe to repeat, to stop midway and to run while the product runs: what the first key already
    wrote is left alone, and a value somebody changed meanwhile is not overwritten. Keep the old key
    configured until this ends.

    Raises:
        EncryptionKeyError: a value no configured key can read; those before it are rotated.
    """
    columns = {
        f"{model._meta.db_table}.{field.column}": _rotate_column(model, field)
        for model, field in encrypted_columns()
    }
    return columns | {name: rotate() for name, rotate in _OTHERS.items()}


def encrypted_columns() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Yield every encrypted column, the history tables' too."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def _rotate_column(model: type[models.Model], field: EncryptedTextField) -> int:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    key = quote(str(model._meta.pk.column))
    column = quote(str(field.column))
    with connection.cursor() as cursor:
        # Names come from the models, values go as parameters.
        cursor.execute(f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL")  # noqa: S608 - see above
        rows: list[tuple[Any, str]] = cursor.fetchall()
        changed = 0
        for pk, old in rows:
            new = rotated_token(old, f"{table}.{column} of {pk}")
            if new is None:
                continue
            # Compared with the old value: an edit since the read wins.
            cursor.execute(
                f"UPDATE {table} SET {column} = %s WHERE {key} = %s AND {column} = %s",  # noqa: S608 - see above
                [new, pk, old],
            )
            changed += cursor.rowcount
    return changed


def rotated_token(token: str, where: str) -> str | None:
    """Return ``token`` encrypted with the first key, or None where that key wrote it.

    Raises:
        EncryptionKeyError: no configured key can read it.
    """
    try:
        ciphers()[0].decrypt(token)
    except InvalidToken:
        try:
            return MultiFernet(ciphers()).rotate(token).decode("ascii")
        except InvalidToken:
            raise EncryptionKeyError(f"No configured key can read {where}.") from None
    return None
