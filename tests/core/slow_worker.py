"""A worker with the product's own settings, and one task that outlasts its patience.

``celery -A tests.core.slow_worker worker``; the environment names the broker and a diary.
"""

import os
import time
from pathlib import Path
from types import SimpleNamespace

from celery import Celery

from config import celery_settings

_SETTINGS = {name: value for name, value in vars(celery_settings).items() if name.isupper()}
_CHANGED = {
    "CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT": 1.0,  # the product's is 30
    "CELERY_TASK_ROUTES": {},
    "CELERY_BEAT_SCHEDULE": {},
}

app = Celery("slow", broker=os.environ["SLOW_BROKER"])
app.config_from_object(SimpleNamespace(**{**_SETTINGS, **_CHANGED}), namespace="CELERY")


@app.task(name="slow.work")
def work() -> None:
    diary = Path(os.environ["SLOW_DIARY"])
    with diary.open("a") as lines:
        lines.write("started\n")
    time.sleep(120)
    with diary.open("a") as lines:
        lines.write("done\n")
