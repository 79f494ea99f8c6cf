"""Telling people outside: one alert per outbox message, sent at least once."""

from typing import Any

import apprise
from django.conf import settings

from apps.core.errors import AlertNotSentError
from apps.core.models import OutboxMessage
from apps.core.services.audit import record_audit
from apps.core.services.outbox import run_once


def raise_alert(outbox_id: int, facts: dict[str, Any]) -> bool:
    """Send an alert to every configured channel and record it in the audit chain, once.

    The channels come first, outside any transaction: a crash in between sends again, and never
    loses. With no channel configured the alert is still recorded, where the auditor sees it.

    Raises:
        AlertNotSentError: a channel refused it; the outbox tries again later.
    """
    message = OutboxMessage.objects.get(pk=outbox_id)
    if message.done_at is not None:
        return False
    text = ", ".join(f"{name} {value}" for name, value in sorted(facts.items()))
    _send(title=f"Pitboss: {message.topic}", body=text)
    return run_once(
        outbox_id,
        lambda: record_audit(
            action=f"alert:{message.topic}",
            actor=None,
            subject=f"outbox:{outbox_id}",
            details=facts,
            now=message.created_at,
        ),
    )


def _send(*, title: str, body: str) -> None:
    if not settings.PITBOSS_ALERT_URLS:
        return
    channels = apprise.Apprise()
    for url in settings.PITBOSS_ALERT_URLS:
        channels.add(url)
    if not channels.notify(title=title, body=body):
        raise AlertNotSentError
