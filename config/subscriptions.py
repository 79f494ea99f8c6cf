"""Who listens to what: event topic -> names of Celery tasks. One line per subscription, with its reason."""

SUBSCRIPTIONS: dict[str, list[str]] = {}
