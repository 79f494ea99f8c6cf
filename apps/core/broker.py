"""Handing an outbox message to Celery; the only place that talks to the broker."""

from celery import current_app
from kombu.exceptions import OperationalError

from apps.core.contracts import OutboxClaim
from apps.core.services import BrokerRefusedError


def send_to_celery(claim: OutboxClaim) -> None:
    """Send the message's task with its payload and ``outbox_id`` as keyword arguments.

    Doesn't retry by itself: the caller keeps the message and waits.

    Raises:
        BrokerRefusedError: the broker can't be reached.
    """
    try:
        current_app.send_task(
            claim.task,
            kwargs={**claim.payload, "outbox_id": claim.id},
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, ConnectionError) as error:
        raise BrokerRefusedError(f"{type(error).__name__}: {error}") from error
