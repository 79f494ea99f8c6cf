"""What production refuses to start with."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment, reveal

_SAMPLE = re.compile(r"insecure|change.?me|example|sample|secret|password", re.IGNORECASE)
_WEAK_TLS = {"disable", "allow", "prefer"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def refuse_unsafe(env: Environment) -> None:
    """Raises ImproperlyConfigured with one line for each thing missing or unsafe."""
    problems = [
        *_missing(env),
        *_secret_problems(env),
        *_host_problems(env),
        *_server_problems(env),
        *_storage_problems(env),
        *_scanner_problems(env),
    ]
    if problems:
        raise ImproperlyConfigured(
            "Pitboss does not start in production like this:\n- " + "\n- ".join(problems)
        )


def _missing(env: Environment) -> Iterator[str]:
    given = {
        "PITBOSS_SECRET_KEY": env.secret_key,
        "PITBOSS_ENCRYPTION_KEYS": env.encryption_keys,
        "PITBOSS_ALLOWED_HOSTS": env.allowed_hosts,
        "PITBOSS_METRICS_TOKEN": env.metrics_token,
        "DATABASE_URL": env.database_url,
        "REDIS_URL": env.redis_url,
        "PITBOSS_S3_BUCKET": env.s3_bucket,
        "PITBOSS_MAIL_URL": env.mail_url,
        "PITBOSS_URL": env.url,
        "PITBOSS_VIRUS_SCANNER": env.virus_scanner,
    }
    for name, value in given.items():
        if not value:
            yield f"{name} is missing."


def _secret_problems(env: Environment) -> Iterator[str]:
    key = reveal(env.secret_key)
    if key and (len(key) < 50 or len(set(key)) < 12 or _SAMPLE.search(key)):
        yield "PITBOSS_SECRET_KEY is too short or a sample; use 64 random characters."
    token = reveal(env.metrics_token)
    if token and (len(token) < 24 or _SAMPLE.search(token)):
        yield "PITBOSS_METRICS_TOKEN is too short or a sample; use 24 random characters or more."
    for position, encryption_key in enumerate(env.encryption_keys, start=1):
        if not _is_good_fernet_key(encryption_key.get_secret_value()):
            yield f"PITBOSS_ENCRYPTION_KEYS: key {position} is no Fernet key, or a sample."


def _is_good_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return len(set(key)) > 16


def _host_problems(env: Environment) -> Iterator[str]:
    if env.debug:
        yield "PITBOSS_DEBUG is on."
    if "mfa_required" in env.model_fields_set and not env.mfa_required:
        yield "PITBOSS_MFA_REQUIRED is off; staff enter production with a second factor."
    if any("*" in host for host in env.allowed_hosts):
        yield "PITBOSS_ALLOWED_HOSTS holds a wildcard; name the hosts."
    if any(not origin.startswith("https://") for origin in env.csrf_trusted_origins):
        yield "PITBOSS_CSRF_TRUSTED_ORIGINS must be https:// addresses."


def _server_problems(env: Environment) -> Iterator[str]:
    database = urlsplit(reveal(env.database_url) or "")
    if database.hostname and not database.password:
        yield "DATABASE_URL has no password."
    if set(parse_qs(database.query).get("sslmode", [])) & _WEAK_TLS:
        yield "DATABASE_URL asks for a connection that anybody may read; use sslmode=verify-full."
    for name, url in (("REDIS_URL", env.redis_url), ("PITBOSS_CACHE_URL", env.cache_url)):
        yield from _redis_problems(name, reveal(url))
    if env.redis_url and reveal(env.cache_url) == reveal(env.redis_url):
        yield "PITBOSS_CACHE_URL is the broker itself; use another database or another server."


def _redis_problems(name: str, url: str | None) -> Iterator[str]:
    parts = urlsplit(url or "")
    if parts.hostname is None:
        return
    if not parts.password:
        yield f"{name} has no password."
    if parts.scheme != "rediss" and parts.hostname not in _LOOPBACK:
        yield f"{name} is not encrypted; use rediss://."


def _scanner_problems(env: Environment) -> Iterator[str]:
    given = env.virus_scanner
    if given and given != "none" and not given.startswith(("tcp://", "unix:///")):
        yield (
            "PITBOSS_VIRUS_SCANNER is the address of clamd (tcp://HOST:3310 or unix:///PATH), or "
            "none where you decided to go without."
        )


def _storage_problems(env: Environment) -> Iterator[str]:
    if env.s3_endpoint_url and not env.s3_endpoint_url.startswith("https://"):
        yield "PITBOSS_S3_ENDPOINT_URL is not https."
    if bool(env.s3_access_key) != bool(env.s3_secret_key):
        yield "PITBOSS_S3_ACCESS_KEY and PITBOSS_S3_SECRET_KEY go together."
