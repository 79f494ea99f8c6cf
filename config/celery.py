"""The Celery application; workers and beat start with ``celery -A config``."""

import os
import sys

from celery import Celery, signals
from django.core.exceptions import ImproperlyConfigured

from apps.core.embedded.lifeline import die_with_supervised_parent
from apps.core.embedded.servers import ensure_servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

app = Celery("pitboss")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def _leave_logging_alone(**_: object) -> None:
    """Heard by anybody, this keeps Celery from a log level of its own (WARNING) over ours."""


@signals.celeryd_init.connect
@signals.beat_init.connect
def _start_servers(**_: object) -> None:
    ensure_servers()
    from config.server_checks import refuse_unsafe_servers  # noqa: PLC0415 - after setup

    try:
        refuse_unsafe_servers()
    except ImproperlyConfigured as error:
        sys.exit(str(error))  # Celery would log any other exception and go on


@signals.worker_process_init.connect
def _end_with_the_worker(**_: object) -> None:
    die_with_supervised_parent()
