"""Every setting that the environment may give, typed. See README.md for the table."""

import functools
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


def _plain(name: str) -> AliasChoices:
    return AliasChoices(name)


class Environment(BaseSettings):
    """The process environment. Empty values count as not given."""

    model_config = SettingsConfigDict(
        env_prefix="PITBOSS_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Path = REPOSITORY / "var"
    database_url: SecretStr | None = Field(default=None, validation_alias=_plain("DATABASE_URL"))
    redis_url: SecretStr | None = Field(default=None, validation_alias=_plain("REDIS_URL"))
    cache_url: SecretStr | None = None

    secret_key: SecretStr | None = None
    encryption_keys: SecretStr | None = None
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    csrf_trusted_origins: Annotated[tuple[str, ...], NoDecode] = ()

    host: str = "127.0.0.1"
    web_port: int = 8000
    gateway_port: int = 8001
    provider_port: int = 8002

    s3_bucket: str | None = None
    s3_endpoint_url: str | None = None
    s3_region: str | None = None
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None

    process_role: str = "command"
    log_level: str = "INFO"
    alert_urls: Annotated[tuple[SecretStr, ...], NoDecode] = ()


@functools.cache
def environment() -> Environment:
    return Environment()
