"""Serves the conventional view with Django's usual settings and next to no middleware."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
os.environ.setdefault("PITBOSS_PROCESS_ROLE", "web")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
settings.ROOT_URLCONF = "tests.bench.conventional.urls"
# Sets Content-Length, without which connections are not kept alive.
settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
# The gateway asks nothing of its connection between callbacks either.
settings.DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
application = get_wsgi_application()
