"""The broker is away: callbacks are taken as ever, and what must follow waits in the outbox."""

from datetime import UTC, datetime

import httpx
import pytest
from django.conf import settings

from apps.core.models import OutboxMessage
from apps.simulator.capture.own_gateway import OwnGateway
from tests.addresses import database_url
from tests.gateway.builders import Casino, lines, open_casino, signed_headers

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = "redis://127.0.0.1:9/0"  # discard; nothing listens there


@pytest.fixture
def casino(transactional_db: None) -> Casino:
    casino = open_casino()
    casino.now = datetime.now(UTC)
    return casino


def test_a_gateway_without_its_broker_takes_callbacks_and_keeps_what_must_follow(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"REDIS_URL": DEAD, "DATABASE_URL": database_url()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PITBOSS_LOG_LEVEL", "WARNING")
    first = casino.body(casino.event("e-1"))
    other = casino.body(
        casino.event("e-1", win_amount="9.00", balance_before="100.00", balance_after="107.00")
    )
    with OwnGateway(settings.BASE_DIR / "manage.py", is_replay_mode=False) as gateway:
        url = f"{gateway.url}/callbacks/aurora/rounds"
        answers = [
            httpx.post(
                url,
                content=body,
                headers=signed_headers(body, at=casino.now, message_id=message_id),
                trust_env=False,
            )
            for message_id, body in (("msg_1", first), ("msg_2", other))
        ]

    statuses = [answer.json()["results"][0]["status"] for answer in answers]
    assert ([answer.status_code for answer in answers], statuses) == (
        [200, 200],
        ["accepted", "conflict"],
    )
    assert len(lines("aurora:e-1")) == 2
    # A conflict alerts somebody: that waits until a broker is there.
    [waiting] = OutboxMessage.objects.filter(topic="rounds.conflict_seen")
    assert (waiting.done_at, waiting.attempts) == (None, 0)
