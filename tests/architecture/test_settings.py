import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from packaging.version import Version
from rest_framework.views import APIView

from config.databases import database_settings
from config.environment import Environment
from config.production_checks import refuse_unsafe
from config.settings import base
from config.storages import storage_settings
from tests.architecture.layers import REPOSITORY
from tests.production_environment import production_environment

SECRETS = {
    "PITBOSS_SECRET_KEY",
    "PITBOSS_ENCRYPTION_KEYS",
    "PITBOSS_ALLOWED_HOSTS",
    "PITBOSS_METRICS_TOKEN",
    "PITBOSS_S3_BUCKET",
    "PITBOSS_MAIL_URL",
    "PITBOSS_URL",
    "DATABASE_URL",
    "REDIS_URL",
}


def _start(environment: Mapping[str, str], data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Load the production settings in a process of their own."""
    kept = {"PATH": os.environ["PATH"], "PITBOSS_DATA_DIR": str(data_dir)}
    return subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; settings.SECRET_KEY"],
        env={**kept, "DJANGO_SETTINGS_MODULE": "config.settings.production", **environment},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_starts_with_everything_given(tmp_path: Path) -> None:
    started = _start(production_environment(), tmp_path)

    assert started.returncode == 0, started.stderr
    assert not (tmp_path / "secrets.json").exists()


def test_production_names_everything_that_is_missing_at_once(tmp_path: Path) -> None:
    started = _start({}, tmp_path)

    assert started.returncode != 0
    assert {name for name in SECRETS if f"{name} is missing" in started.stderr} == SECRETS


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PITBOSS_SECRET_KEY", "django-insecure-" + "x" * 60, "PITBOSS_SECRET_KEY is too short"),
        ("PITBOSS_SECRET_KEY", "short", "PITBOSS_SECRET_KEY is too short"),
        ("PITBOSS_ENCRYPTION_KEYS", "nonsense", "key 1 is no Fernet key"),
        ("PITBOSS_ENCRYPTION_KEYS", "A" * 43 + "=", "key 1 is no Fernet key, or a sample"),
        ("PITBOSS_ALLOWED_HOSTS", "*", "wildcard"),
        ("PITBOSS_DEBUG", "1", "PITBOSS_DEBUG is on"),
        ("PITBOSS_S3_ENDPOINT_URL", "http://s3.invalid", "not https"),
        ("DATABASE_URL", "postgresql://pitboss@db.invalid/pitboss", "no password"),
        (
            "DATABASE_URL",
            "postgresql://a:bcd@db.invalid/pitboss?sslmode=prefer",
            "anybody may read",
        ),
        ("REDIS_URL", "rediss://redis.invalid:6379/0", "REDIS_URL has no password"),
        ("REDIS_URL", "redis://:word@redis.invalid:6379/0", "REDIS_URL is not encrypted"),
        ("PITBOSS_CSRF_TRUSTED_ORIGINS", "http://pitboss.invalid", "https:// addresses"),
    ],
)
def test_production_refuses_an_unsafe_value_by_name(
    name: str, value: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, safe in production_environment().items():
        monkeypatch.setenv(given, safe)
    refuse_unsafe(Environment())

    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        refuse_unsafe(Environment())

    assert complaint in str(refusal.value)
    assert len(value) < 8 or value not in str(refusal.value)


def test_a_database_that_is_not_postgresql_is_refused_without_its_password() -> None:
    with pytest.raises(ValueError, match="DATABASE_URL must read postgresql://") as refusal:
        database_settings("mysql://anna:pass-phrase@db.invalid/pitboss", REPOSITORY, "web")

    assert "pass-phrase" not in str(refusal.value)


def test_security_floors_hold() -> None:
    floors = {"Django": "5.2.19", "PyJWT": "2.15.1", "celery": "5.6.2", "kombu": "5.6.2"}
    ceilings = {"Django": "5.3", "celery": "5.7", "kombu": "5.7", "redis": "7"}

    assert all(Version(version(name)) >= Version(floor) for name, floor in floors.items())
    assert all(Version(version(name)) < Version(ceiling) for name, ceiling in ceilings.items())


def test_a_rest_view_that_names_no_permission_answers_nobody() -> None:
    (permission,) = APIView.permission_classes

    nothing: Any = None
    assert permission().has_permission(nothing, nothing) is False


def test_argon2_hashes_new_passwords() -> None:
    assert base.PASSWORD_HASHERS[0] == "django.contrib.auth.hashers.Argon2PasswordHasher"


def test_requests_have_no_transaction_around_them() -> None:
    assert settings.DATABASES["default"]["ATOMIC_REQUESTS"] is False
    assert settings.DATABASES["default"]["CONN_HEALTH_CHECKS"] is True


def test_evidence_is_never_overwritten_nor_public() -> None:
    local = storage_settings(Environment(s3_bucket=None), REPOSITORY)["evidence"]["OPTIONS"]
    remote = storage_settings(Environment(s3_bucket="b"), REPOSITORY)["evidence"]["OPTIONS"]

    assert isinstance(local, dict)
    assert isinstance(remote, dict)
    assert (local["allow_overwrite"], local["file_permissions_mode"]) == (False, 0o600)
    assert remote["file_overwrite"] is False
    assert remote["default_acl"] is None
    assert remote["querystring_expire"] == 60


def test_a_web_process_has_short_limits_and_a_command_has_none() -> None:
    web = database_settings(None, REPOSITORY, "web")["OPTIONS"]
    command = database_settings(None, REPOSITORY, "command")["OPTIONS"]

    assert isinstance(web, dict)
    assert isinstance(command, dict)
    assert "statement_timeout=5s" in web["options"]
    assert "lock_timeout=2s" in web["options"]
    assert "options" not in command
