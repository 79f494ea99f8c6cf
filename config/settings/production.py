"""Production: refuses to start until everything it needs is given, and names all that is missing.

``PITBOSS_TRUST_PROXY=1`` says that a proxy in front ends TLS, sets X-Forwarded-Proto itself and
strips the client's.
"""

from config.environment import environment, reveal
from config.production_checks import refuse_unsafe
from config.settings.base import *  # noqa: F403 - settings build on each other
from config.settings.base import DATABASES, STORAGES

_env = environment()
refuse_unsafe(_env)

DEBUG = False
PITBOSS_REFUSE_UNSAFE_SERVERS = True
PITBOSS_MFA_REQUIRED = True
SECRET_KEY = reveal(_env.secret_key) or ""
PITBOSS_ENCRYPTION_KEYS = [key.get_secret_value() for key in _env.encryption_keys]

if not str(DATABASES["default"].get("HOST", "")).startswith("/"):
    DATABASES["default"]["OPTIONS"].setdefault("sslmode", "verify-full")

SECURE_SSL_REDIRECT = True
# Machines get 403 (config.middleware) or are asked from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^api/", r"^callbacks/", r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _env.trust_proxy else None
# W021: preloading binds the operator's whole domain for years; that is theirs to decide.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

SESSION_COOKIE_NAME = "__Host-sid"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrf"
CSRF_COOKIE_SECURE = True

WHITENOISE_USE_FINDERS = False
STORAGES["staticfiles"] = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
