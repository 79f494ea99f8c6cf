"""What holds everywhere. Read from the environment in config/environment.py."""

import django_stubs_ext

from config.celery_settings import *  # noqa: F403 - Celery reads its settings from here by prefix
from config.databases import broker_url, cache_url, database_settings
from config.environment import REPOSITORY, environment
from config.logging import logging_settings
from config.roles import ROLE_PERMISSIONS
from config.subscriptions import SUBSCRIPTIONS

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
PITBOSS_SUBSCRIPTIONS = SUBSCRIPTIONS
PITBOSS_ROLES = ROLE_PERMISSIONS
PITBOSS_ALERT_URLS = [url.get_secret_value() for url in _env.alert_urls]
PITBOSS_HTTP_ALLOWED_HOSTS = list(_env.http_allowed_hosts)
PITBOSS_EMBEDDED_POSTGRES = _env.database_url is None
PITBOSS_EMBEDDED_VALKEY = _env.redis_url is None

_database_url = _env.database_url.get_secret_value() if _env.database_url else None
_redis_url = _env.redis_url.get_secret_value() if _env.redis_url else None
_cache_url = _env.cache_url.get_secret_value() if _env.cache_url else _redis_url

DATABASES = {"default": database_settings(_database_url, PITBOSS_DATA_DIR, _env.process_role)}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": cache_url(_cache_url, PITBOSS_DATA_DIR, 1),
        "KEY_PREFIX": "pitboss",
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
    "django_filters",
    "simple_history",
    "pgtrigger",
    "django_linear_migrations",
    "django_structlog",
    "django_prometheus",
    "axes",
    "csp",
    "apps.core",
    "apps.staff",
    "apps.players",
    "apps.providers",
    "apps.wallet",
    "apps.rounds",
    "apps.bonuses",
    "apps.promotions",
    "apps.play",
    "apps.gateway",
    "apps.reconciliation",
    "apps.disputes",
    "apps.reports",
    "apps.simulator",
]
FIRST_PARTY_APPS = [app for app in INSTALLED_APPS if app.startswith("apps.")]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
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
            ]
        },
    }
]

AUTH_USER_MODEL = "staff.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = PITBOSS_DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": PITBOSS_DATA_DIR / "files"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "evidence": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": PITBOSS_DATA_DIR / "evidence", "file_permissions_mode": 0o600},
    },
}
LOGGING = logging_settings(_env.log_level)
