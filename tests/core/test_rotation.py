from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, models

from apps.core import services
from apps.core.fields import EncryptedTextField, encrypt
from apps.core.services import rotation

# A table of this test's own: core knows no model that holds a secret.
_KEY: models.Field[Any, Any] = models.BigAutoField(primary_key=True)
_KEY.set_attributes_from_name("id")
_ROW = SimpleNamespace(_meta=SimpleNamespace(db_table="test_secret", pk=_KEY))


@pytest.fixture
def _table(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    field: EncryptedTextField = EncryptedTextField()
    field.set_attributes_from_name("secret")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_secret (id bigserial PRIMARY KEY, secret text)")
    monkeypatch.setattr(rotation, "encrypted_columns", lambda: [(_ROW, field)])
    monkeypatch.setattr(rotation, "_OTHERS", {})


def store(*values: str) -> None:
    with connection.cursor() as cursor:
        for value in values:
            cursor.execute("INSERT INTO test_secret (secret) VALUES (%s)", [encrypt(value)])


def stored() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM test_secret ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.usefixtures("_table")
def test_rotation_re_encrypts_once_and_then_needs_only_the_new_key(settings: Any) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.PITBOSS_ENCRYPTION_KEYS = [old]
    store("canary-one", "canary-two")
    assert "canary" not in "".join(stored())
    settings.PITBOSS_ENCRYPTION_KEYS = [new, old]
    assert services.rotate_encryption_keys() == {"test_secret.secret": 2}
    after = stored()
    assert services.rotate_encryption_keys() == {"test_secret.secret": 0}
    assert stored() == after
    assert [Fernet(new).decrypt(token) for token in after] == [b"canary-one", b"canary-two"]


@pytest.mark.usefixtures("_table")
def test_a_secret_no_key_can_read_stops_rotation_loudly_and_is_kept(settings: Any) -> None:
    settings.PITBOSS_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    store("canary")
    before = stored()
    settings.PITBOSS_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="No configured key can read"):
        call_command("rotate_encryption_keys", stdout=StringIO())
    assert stored() == before


def test_every_secret_of_the_product_is_rotated() -> None:
    tables = {model._meta.db_table for model, _ in rotation.encrypted_columns()}
    assert "providers_providerkey" in tables
