"""Development and the demo: runs with nothing set."""

from config.secrets import development_secrets
from config.settings.base import *  # noqa: F403
from config.settings.base import PITBOSS_DATA_DIR, _env

_secrets = development_secrets(PITBOSS_DATA_DIR)

DEBUG = False
SECRET_KEY = _env.secret_key.get_secret_value() if _env.secret_key else _secrets["secret_key"]
PITBOSS_ENCRYPTION_KEYS = [
    key.strip()
    for key in (
        _env.encryption_keys.get_secret_value()
        if _env.encryption_keys
        else _secrets["encryption_keys"]
    ).split(",")
]
# The reference provider runs on loopback; production calls public addresses only.
PITBOSS_HTTP_ALLOWED_HOSTS = list(_env.http_allowed_hosts) or ["127.0.0.1"]
ALLOWED_HOSTS = list(_env.allowed_hosts) or ["localhost", "127.0.0.1", "[::1]"]
