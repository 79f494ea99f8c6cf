"""Model fields that the other apps share."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, override

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.core.errors import EncryptionKeyError

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


@lru_cache(maxsize=8)
def _ciphers(keys: tuple[str, ...]) -> tuple[Fernet, ...]:
    try:
        return tuple(Fernet(key) for key in keys)
    except ValueError as error:
        raise EncryptionKeyError(
            "PITBOSS_ENCRYPTION_KEYS must hold url-safe base64 keys of 32 bytes."
        ) from error


def ciphers() -> tuple[Fernet, ...]:
    """Return one cipher per configured key, the one that encrypts first.

    Raises:
        EncryptionKeyError: no key is configured, or one is malformed.
    """
    keys: Sequence[str] = settings.PITBOSS_ENCRYPTION_KEYS
    if not keys:
        raise EncryptionKeyError("PITBOSS_ENCRYPTION_KEYS holds no key.")
    return _ciphers(tuple(keys))


def encrypt(plaintext: str) -> str:
    return MultiFernet(ciphers()).encrypt(plaintext.encode()).decode("ascii")


def decrypt(ciphertext: str) -> str:
    """Return the plaintext.

    Raises:
        EncryptionKeyError: no configured key wrote this; a wrong key never gives a wrong secret.
    """
    try:
        return MultiFernet(ciphers()).decrypt(ciphertext).decode()
    except InvalidToken:
        raise EncryptionKeyError(
            "A stored secret can't be read with any key in PITBOSS_ENCRYPTION_KEYS."
        ) from None


class EncryptedTextField(_TextField):
    """Text that is ciphertext in the database and plaintext only in this process.

    Keys come from ``settings.PITBOSS_ENCRYPTION_KEYS``, the first encrypts, all decrypt; they are
    never derived from SECRET_KEY, so that either can be rotated alone. The field is in no form and
    can't be searched: equal plaintexts have different ciphertexts.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    @override
    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def from_db_value(
        self, value: str | None, _expression: object, _connection: BaseDatabaseWrapper
    ) -> str | None:
        return None if value is None else decrypt(value)

    @override
    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return encrypt(str(value))

    @override
    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} is encrypted and can't be looked up.")
