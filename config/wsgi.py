"""The web process: ``granian --interface wsgi config.wsgi:application``."""

import atexit
import gc
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

# The code itself lives as long as the process, and a page's rows until it is answered: looking
# for cycles among them took 40 % of the time of a page that judges every offer (measured).
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
atexit.register(gc.unfreeze)
