"""What holds everywhere. The environment is read in config/environment.py."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext

from config.celery_settings import *  # noqa: F403 - Celery reads its settings from here by prefix
from config.databases import application_role, broker_url, cache_url, database_settings
from config.environment import REPOSITORY, environment, reveal
from config.logging import logging_settings
from config.mail import mail_domain, mail_server
from config.roles import COMPARTMENTS, ROLE_PERMISSIONS
from config.security import ADMIN_POLICY
from config.storages import storage_settings
from config.subscriptions import SUBSCRIPTIONS
from config.unfold import NAVIGATION, UNFOLD_SETTINGS

# Makes Django's generic classes, such as Paginator and ModelForm, subscriptable at run time too.
django_stubs_ext.monkeypatch()

_env = environment()

BASE_DIR = REPOSITORY
PITBOSS_DATA_DIR = _env.data_dir.resolve()
PITBOSS_PROCESS_ROLE = _env.process_role
PITBOSS_HOST = _env.host
PITBOSS_WEB_PORT = _env.web_port
PITBOSS_GATEWAY_PORT = _env.gateway_port
PITBOSS_PROVIDER_PORT = _env.provider_port
PITBOSS_SPOOL_MAX_BYTES = _env.spool_max_bytes
PITBOSS_SPOOL_MAX_RECORDS = _env.spool_max_records
PITBOSS_STATEMENT_BAD_ROWS_BP = _env.statement_bad_rows_bp
PITBOSS_EXPORT_ROWS_FOR_ONE = _env.export_rows_for_one
PITBOSS_APPROVAL_DAYS = _env.approval_days
PITBOSS_SUBSCRIPTIONS = SUBSCRIPTIONS
PITBOSS_ROLES = ROLE_PERMISSIONS
PITBOSS_COMPARTMENTS = COMPARTMENTS
PITBOSS_ALERT_URLS = [url.get_secret_value() for url in _env.alert_urls]
PITBOSS_URL = (_env.url or f"http://{_env.host}:{_env.web_port}").rstrip("/")
PITBOSS_MAIL_DOMAIN = mail_domain(_env.mail_from)
PITBOSS_VIRUS_SCANNER = _env.virus_scanner or ""
PITBOSS_HTTP_ALLOWED_HOSTS = list(_env.http_allowed_hosts)
PITBOSS_METRICS_TOKEN = reveal(_env.metrics_token)
PITBOSS_SESSION_MAX_SECONDS = 12 * 3600
PITBOSS_REFUSE_UNSAFE_SERVERS = False
PITBOSS_EMBEDDED_POSTGRES = _env.database_url is None
PITBOSS_EMBEDDED_VALKEY = _env.redis_url is None

_app_url = reveal(_env.database_url)
_owner_url = reveal(_env.owner_database_url)
_database_url = (_owner_url or _app_url) if _env.process_role == "owner" else _app_url
_redis_url = reveal(_env.redis_url)
_cache_url = reveal(_env.cache_url) or _redis_url

PITBOSS_APP_ROLE = application_role(_app_url, _owner_url)
DATABASES = {"default": database_settings(_database_url, PITBOSS_DATA_DIR, _env.process_role)}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": cache_url(_cache_url, PITBOSS_DATA_DIR, 1),
        "KEY_PREFIX": "pitboss",
        # A store that hangs is as good as gone: nobody who asks waits for it any longer.
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
CELERY_BROKER_URL = broker_url(_redis_url, PITBOSS_DATA_DIR, 0)
CELERY_BEAT_SCHEDULE_FILENAME = str(PITBOSS_DATA_DIR / "celerybeat-schedule")

DEBUG = False
ALLOWED_HOSTS = list(_env.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(_env.csrf_trusted_origins)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "simple_history",
    "pgtrigger",
    "django_linear_migrations",
    "django_structlog",
    "django_prometheus",
    "axes",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "apps.core",
    "apps.staff",
    "apps.players",
    "apps.aml",
    "apps.providers",
    "apps.wallet",
    "apps.integrity",
    "apps.rounds",
    "apps.bonuses",
    "apps.promotions",
    "apps.play",
    "apps.gateway",
    "apps.reconciliation",
    "apps.disputes",
    "apps.compliance",
    "apps.onboarding",
    "apps.reports",
    "apps.auditing",
    "apps.operator_api",
    "apps.simulator",
]
FIRST_PARTY_APPS = [app for app in INSTALLED_APPS if app.startswith("apps.")]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "config.middleware.plain_http_middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.IdleSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.uploads.BodyLimitMiddleware",  # before the CSRF check, which parses what it is sent
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.session_age_middleware",
    "config.middleware.headers_middleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.staff.sign_in.sessions.SessionNotes",
    "apps.staff.sign_in.middleware.SecondFactorMiddleware",
    "apps.staff.middleware.AuditorSeatMiddleware",
    "config.middleware.ReadingPagesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "config.middleware.QuietMetricsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
            "libraries": {"links": "apps.core.admin.links"},
        },
    }
]

AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 3600
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"

# Staff sign in through allauth (docs/decisions/0006): accounts are made by administrators, and
# neither mail addresses nor other companies' accounts open anything.
PITBOSS_MFA_REQUIRED = _env.mfa_required
ALLAUTH_TRUSTED_PROXY_COUNT = _env.proxy_count
ACCOUNT_ADAPTER = "apps.staff.sign_in.adapters.StaffAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True  # for the idle time, not for ever: SESSION_COOKIE_AGE
ACCOUNT_REAUTHENTICATION_TIMEOUT = 10 * 60
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip"}  # wrong passwords are axes' matter
ACCOUNT_FORMS = {
    "login": "apps.staff.sign_in.forms.SignInForm",
    "reauthenticate": "apps.staff.sign_in.forms.PasswordAgainForm",
}
MFA_ADAPTER = "apps.staff.sign_in.adapters.StaffMFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TRUST_ENABLED = False
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Pitboss"
MFA_TOTP_TOLERANCE = 1  # a code is spent with all older ones, so the wider window reuses none
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "apps.staff.sign_in.forms.CodeForm",
    "reauthenticate": "apps.staff.sign_in.forms.CodeAgainForm",
    "activate_totp": "apps.staff.sign_in.forms.EnrolForm",
}

# A person at one address gets five tries; colleagues behind the same address are not shut out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "apps.staff.sign_in.turned_away.locked_out"
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_IPWARE_PROXY_COUNT = _env.proxy_count
AXES_USERNAME_CALLABLE = "apps.staff.sign_in.adapters.username_of_attempt"
AXES_ENABLE_ADMIN = True
AXES_VERBOSE = False

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "pitboss-sid"
SESSION_COOKIE_AGE = 30 * 60  # idle; PITBOSS_SESSION_MAX_SECONDS is the whole
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "pitboss-csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
USE_X_FORWARDED_HOST = False
CONTENT_SECURITY_POLICY = ADMIN_POLICY
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_PERMISSIONS = 0o600

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["config.formats"]

STATIC_URL = "static/"
STATIC_ROOT: Path | None = PITBOSS_DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
STORAGES = storage_settings(_env, PITBOSS_DATA_DIR)

_mail = mail_server(reveal(_env.mail_url))
EMAIL_BACKEND = _mail.backend
EMAIL_FILE_PATH = str(PITBOSS_DATA_DIR / "mail")
EMAIL_HOST = _mail.host
EMAIL_PORT = _mail.port
EMAIL_HOST_USER = _mail.user
EMAIL_HOST_PASSWORD = _mail.password
EMAIL_USE_SSL = _mail.uses_ssl
EMAIL_USE_TLS = _mail.uses_starttls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = _env.mail_from
LOGGING = logging_settings(_env.log_level)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
UNFOLD = UNFOLD_SETTINGS
PITBOSS_NAVIGATION = NAVIGATION

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["config.api.DenyAll"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pitboss",
    "DESCRIPTION": "The operator's API of Pitboss.",
    "VERSION": "1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAdminUser"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.operator_api.api.schema.close_request_objects",
    ],
}
