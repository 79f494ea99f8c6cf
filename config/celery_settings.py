"""Celery's settings. Those that keep a task from being lost are asserted in tests/architecture.

A message is only a hint that a row waits (docs/decisions): each may be lost, late or repeated, and
the sweeper finds the row again.
"""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab
from kombu import Queue

# Then Redis hands an unfinished task to another worker, so every task ends earlier.
_VISIBILITY_SECONDS = 300

CELERY_TIMEZONE = "UTC"
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 180
CELERY_TASK_TIME_LIMIT = 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30.0
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"visibility_timeout": _VISIBILITY_SECONDS}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS: dict[str, Any] = {
    "visibility_timeout": _VISIBILITY_SECONDS
}
CELERY_VISIBILITY_TIMEOUT = _VISIBILITY_SECONDS
CELERY_EVENT_QUEUE_EXPIRES = 60.0

# Workers consume all of them; a slow task must not stand before a quick one.
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES = (Queue("default"), Queue("slow"))
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ROUTES: dict[str, dict[str, str]] = {
    "reconciliation.*": {"queue": "slow"},
    "providers.*": {"queue": "slow"},
    "compliance.keep_uncertified_play": {"queue": "slow"},
    "compliance.recount_*": {"queue": "slow"},
    "auditing.*": {"queue": "slow"},
    "integrity.*": {"queue": "slow"},
    "onboarding.*": {"queue": "slow"},
}


def _job(task: str, schedule: timedelta | crontab) -> dict[str, Any]:
    return {"task": task, "schedule": schedule}


_MINUTE = timedelta(minutes=1)
_JOBS = [
    _job("core.sweep_outbox", _MINUTE),
    _job("core.seal_logs", crontab(hour=0, minute=5)),
    _job("aml.seal_access_log", crontab(hour=0, minute=5)),
    _job("staff.forget_ended_sessions", crontab(minute=15)),
    _job("staff.expire_approvals", crontab(minute=35)),
    _job("gateway.apply_unjudged", timedelta(seconds=20)),
    _job("gateway.pursue_due_transfers", timedelta(seconds=30)),
    _job("gateway.audit_wallets", crontab(hour=2, minute=20)),
    _job("gateway.sweep_sub_wallets", crontab(hour=2, minute=50)),
    _job("rounds.sort_out_open_rounds", crontab(minute="5,15,25,35,45,55")),
    _job("bonuses.expire_grants", _MINUTE),
    _job("players.lift_ended_exclusions", _MINUTE),
    _job("play.end_sessions_the_gate_refuses", timedelta(minutes=2)),
    _job("promotions.advance_campaigns", _MINUTE),
    _job("wallet.seal_transfers", _MINUTE),
    _job("providers.check_documents", crontab(hour=3, minute=0)),
    # A day begins somewhere at each hour and at some half hours; soon after it is told of.
    _job("providers.check_certificates", crontab(minute="2,32")),
    _job("integrity.compare_digests", crontab(hour=3, minute=50)),
    _job("onboarding.prove_items", crontab(hour=4, minute=15)),
    _job("auditing.make_exports", timedelta(seconds=10)),
    _job("auditing.drop_old_files", crontab(hour=4, minute=35)),
    _job("compliance.advance_desk", timedelta(minutes=5)),
    _job("compliance.keep_uncertified_play", timedelta(minutes=15)),
    _job("providers.recheck_signatures", timedelta(seconds=15)),
    _job("providers.scan_waiting", timedelta(minutes=10)),
    _job("providers.take_batches", timedelta(seconds=10)),
    _job("reconciliation.pull_rounds", crontab(minute=10)),
    _job("reconciliation.reconcile_due", crontab(hour="1,5,9,13,17,21", minute=40)),
]
# A missed run is made up by the next one: each job finds its work in its own table.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {job["task"]: job for job in _JOBS}
