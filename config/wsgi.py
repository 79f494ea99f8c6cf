"""The web process: ``granian --interface wsgi config.wsgi:application``."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
os.environ.setdefault("PITBOSS_PROCESS_ROLE", "web")

from apps.core.embedded.servers import ensure_servers
from django.core.wsgi import get_wsgi_application

ensure_servers()
application = get_wsgi_application()
