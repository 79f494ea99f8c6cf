"""Who listens to what: event topic -> names of Celery tasks, one line each, with its reason."""

SUBSCRIPTIONS: dict[str, list[str]] = {}
