"""Logs as JSON lines, one event each, with a dotted name; query strings hold people, so none."""

from typing import Any

import structlog

# The libraries' names for their events, in our form.
_EVENT_NAMES = {
    "request_started": "http.request.started",
    "request_finished": "http.request.finished",
    "request_failed": "http.request.failed",
    "request_cancelled": "http.request.cancelled",
    "task_started": "celery.task.started",
    "task_enqueued": "celery.task.enqueued",
    "task_succeeded": "celery.task.succeeded",
    "task_failed": "celery.task.failed",
    "task_retrying": "celery.task.retrying",
    "task_revoked": "celery.task.revoked",
    "task_not_found": "celery.task.not_found",
    "task_rejected": "celery.task.rejected",
}


def _name_events(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    event["event"] = _EVENT_NAMES.get(event["event"], event["event"])
    if isinstance(event.get("request"), str):
        event["request"] = event["request"].partition("?")[0]
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _name_events,
]


def logging_settings(level: str) -> dict[str, Any]:
    """Django's LOGGING; configures structlog on the way."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(),
                ],
                "foreign_pre_chain": _SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django brings handlers of its own for these; one line per event is enough.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # The request middleware reports each answer already.
            "django.request": {"level": "ERROR"},
            # django_structlog reports each task already.
            "celery": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            "pyhanko": {"level": "ERROR"},
            "httpx": {"level": "WARNING"},
        },
    }
