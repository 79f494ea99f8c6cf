from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import models

from apps.core import fields
from apps.core.errors import EncryptionKeyError


def keys(count: int) -> list[str]:
    return [Fernet.generate_key().decode() for _ in range(count)]


def test_ciphertext_shows_nothing_and_differs_each_time(settings: Any) -> None:
    settings.PITBOSS_ENCRYPTION_KEYS = keys(1)
    first, second = fields.encrypt("whsec_canary"), fields.encrypt("whsec_canary")
    assert "canary" not in first
    assert first != second
    assert fields.decrypt(first) == fields.decrypt(second) == "whsec_canary"


def test_an_older_key_still_reads_and_the_first_key_writes(settings: Any) -> None:
    old, new = keys(2)
    settings.PITBOSS_ENCRYPTION_KEYS = [old]
    written = fields.encrypt("secret")
    settings.PITBOSS_ENCRYPTION_KEYS = [new, old]
    assert fields.decrypt(written) == "secret"
    settings.PITBOSS_ENCRYPTION_KEYS = [new]
    with pytest.raises(EncryptionKeyError):
        fields.decrypt(written)


@pytest.mark.parametrize("bad", [[], ["short"], ["é" * 44]])
def test_missing_or_malformed_keys_fail_closed(settings: Any, bad: list[str]) -> None:
    settings.PITBOSS_ENCRYPTION_KEYS = bad
    with pytest.raises(EncryptionKeyError):
        fields.encrypt("secret")


def test_the_field_is_in_no_form_and_can_not_be_looked_up() -> None:
    field: models.Field[Any, Any] = fields.EncryptedTextField()
    field.set_attributes_from_name("secret")
    assert not field.editable
    assert field.get_lookup("isnull") is not None
    for lookup in ("exact", "icontains", "startswith", "in"):
        with pytest.raises(FieldError):
            field.get_lookup(lookup)
