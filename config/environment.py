"""Every setting that the environment may give, typed; docs/settings.md has the table."""

import functools
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


def _split(value: object) -> object:
    """Lists are given with commas, not as JSON."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Environment(BaseSettings):
    """The process environment. Empty values count as not given."""

    model_config = SettingsConfigDict(
        env_prefix="PITBOSS_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Path = REPOSITORY / "var"
    database_url: SecretStr | None = Field(None, validation_alias=AliasChoices("DATABASE_URL"))
    owner_database_url: SecretStr | None = None
    redis_url: SecretStr | None = Field(None, validation_alias=AliasChoices("REDIS_URL"))
    cache_url: SecretStr | None = None

    secret_key: SecretStr | None = None
    encryption_keys: Secrets = ()
    metrics_token: SecretStr | None = None

    debug: bool = False
    allowed_hosts: Texts = ()
    csrf_trusted_origins: Texts = ()
    http_allowed_hosts: Texts = ()
    trust_proxy: bool = False
    proxy_count: int = Field(0, ge=0, le=5)
    mfa_required: bool = False

    host: str = "127.0.0.1"
    web_port: Port = 8000
    gateway_port: Port = 8001
    provider_port: Port = 8002

    spool_max_bytes: int = Field(256 * 1024 * 1024, ge=0)
    spool_max_records: int = Field(100_000, ge=0)

    statement_bad_rows_bp: int = Field(100, ge=0, le=10_000)
    export_rows_for_one: int = Field(25_000, ge=0, le=250_000)
    approval_days: int = Field(14, ge=1, le=90)

    s3_bucket: str | None = None
    s3_endpoint_url: str | None = None
    s3_region: str | None = None
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None

    process_role: str = "command"
    log_level: str = "INFO"
    alert_urls: Secrets = ()
    url: str | None = None
    mail_url: SecretStr | None = None
    mail_from: str = "Pitboss <pitboss@localhost>"
    virus_scanner: str | None = None


@functools.cache
def environment() -> Environment:
    return Environment()


def reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
