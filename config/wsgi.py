"""The web process: ``granian --interface wsgi config.wsgi:application``."""

import os

from django.core.wsgi import get_wsgi_application

from apps.core.embedded.lifeline import die_with_supervised_parent
from apps.core.embedded.servers import ensure_servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
os.environ.setdefault("PITBOSS_PROCESS_ROLE", "web")

# Imported in each worker that granian forks.
die_with_supervised_parent()
ensure_servers()
application = get_wsgi_application()

from config.server_checks import refuse_unsafe_servers  # noqa: E402 - it needs Django set up

refuse_unsafe_servers()
