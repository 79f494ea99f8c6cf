"""Serves the conventional view with Django's usual settings, without our middleware."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
os.environ.setdefault("PITBOSS_PROCESS_ROLE", "web")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
settings.ROOT_URLCONF = "tests.bench.conventional.urls"
settings.MIDDLEWARE = []
application = get_wsgi_application()
