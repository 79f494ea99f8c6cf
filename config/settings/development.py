"""Development and the demo: runs with nothing set."""

from config.environment import environment, reveal
from config.secrets import development_secrets
from config.settings.base import *  # noqa: F403 - settings build on each other
from config.settings.base import PITBOSS_DATA_DIR

_env = environment()
_made = development_secrets(PITBOSS_DATA_DIR)

DEBUG = _env.debug
SECRET_KEY = reveal(_env.secret_key) or _made["secret_key"]
PITBOSS_ENCRYPTION_KEYS = [key.get_secret_value() for key in _env.encryption_keys] or [
    _made["encryption_keys"]
]
# The reference provider runs on loopback; production calls public addresses only.
PITBOSS_HTTP_ALLOWED_HOSTS = [*_env.http_allowed_hosts, "127.0.0.1"]
ALLOWED_HOSTS = [*_env.allowed_hosts, "localhost", "127.0.0.1", "[::1]"]
SECURE_SSL_REDIRECT = False
STATIC_ROOT = None  # served from the apps' own folders, see WHITENOISE_USE_FINDERS
