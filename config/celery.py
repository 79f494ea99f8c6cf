"""The Celery application; workers and beat start with ``celery -A config``."""

import os

from celery import Celery, signals

from apps.core.embedded.lifeline import die_with_supervised_parent
from apps.core.embedded.servers import ensure_servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

app = Celery("pitboss")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.celeryd_init.connect
@signals.beat_init.connect
def _start_servers(**_: object) -> None:
    ensure_servers()


@signals.worker_process_init.connect
def _end_with_the_worker(**_: object) -> None:
    die_with_supervised_parent()
