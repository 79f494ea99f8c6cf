"""Alerts leave through the outbox: recorded once, sent at least once."""

from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from apps.core.errors import AlertNotSentError
from apps.core.models import AuditEntry, OutboxMessage
from apps.core.services.alerts import raise_alert
from apps.core.services.publish import publish
from apps.reconciliation.events import ReconciliationAlertRaised

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def _publish() -> OutboxMessage:
    event = ReconciliationAlertRaised(
        provider="aurora", day="2026-11-21", run_id=7, state="complete", break_count=3
    )
    publish(event, now=NOW)
    return OutboxMessage.objects.get(task="reports.raise_alert")


@pytest.mark.django_db(transaction=True)
def test_an_alert_that_arrives_twice_is_recorded_once() -> None:
    message = _publish()

    first = raise_alert(message.pk, message.payload)
    again = raise_alert(message.pk, message.payload)

    assert (first, again) == (True, False)
    entry = AuditEntry.objects.get(action="alert:reconciliation.alert_raised")
    assert entry.details["break_count"] == 3


@pytest.mark.django_db(transaction=True)
def test_an_alert_no_channel_took_stays_due_and_is_not_recorded(
    settings: Settings,
) -> None:
    settings.PITBOSS_ALERT_URLS = ["json://127.0.0.1:9/nobody"]
    message = _publish()

    with pytest.raises(AlertNotSentError):
        raise_alert(message.pk, message.payload)

    message.refresh_from_db()
    assert message.done_at is None
    assert not AuditEntry.objects.filter(subject=f"outbox:{message.pk}").exists()
