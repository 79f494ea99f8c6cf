"""The provider's signatures, the gateway's verifier and the reference library agree."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from apps.providers.adapters.native import signing as gateway
from apps.providers.contracts import WebhookKey
from apps.simulator.borealis import signing as provider
from apps.simulator.borealis.events import Promo, ProviderEvent

SECRET = "whsec_jFGct6mhPlJUsYdLhJjI15hQdderLIXxqDROAYVzeoE="
KEY = provider.secret_bytes(SECRET)


def _headers(body: bytes, at: datetime) -> dict[str, str]:
    timestamp = int(at.timestamp())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": provider.signature(KEY, "msg_1", timestamp, body),
    }


@given(body=st.text(alphabet=st.characters(codec="utf-8")).map(str.encode))
def test_the_gateway_accepts_whatever_the_provider_signs(body: bytes) -> None:
    now = datetime.now(UTC)
    key = WebhookKey("k1", gateway.decode_secret(SECRET), now - timedelta(days=1), None)
    headers = _headers(body, now)
    assert gateway.verify([key], headers, body, now=now, tolerance_seconds=300) == key
    assert gateway.verify([key], headers, body + b" ", now=now, tolerance_seconds=300) is None


def test_the_reference_library_accepts_what_the_provider_signs_and_no_other_body() -> None:
    body = b'{"event_id":"bo-1"}'
    headers = _headers(body, datetime.now(UTC))
    assert Webhook(SECRET).verify(body, headers) == {"event_id": "bo-1"}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"event_id":"bo-2"}', headers)


def test_the_gateway_computes_the_same_event_checksum() -> None:
    event = ProviderEvent(
        event_id="bo-1",
        round_id="r-1",
        player_id="p-1",
        occurred_at=datetime(2026, 11, 20, 10, 15, 30, 123_000, UTC),
        bet_minor=200,
        win_minor=350,
        currency="AUD",
        game_code="borealis-slot-01",
        round_type="base",
        before_minor=10_000,
        after_minor=10_150,
        is_final=True,
        promo=Promo("double-weekend", "2.0"),
    )
    payload = event.payload(KEY)
    assert payload["timestamp"] == "2026-11-20T10:15:30.123Z"
    assert (payload["bet_amount"], payload["balance_after"]) == ("2.00", "101.50")
    assert payload["checksum"] == gateway.checksum(KEY, payload)
    assert payload["checksum"] != gateway.checksum(KEY, {**payload, "win_amount": "3.51"})


def test_the_checksum_of_a_recorded_event_is_reproduced() -> None:
    recorded = {
        "event_id": "au-7-00000011", "player_id": "p-70207",
        "timestamp": "2026-11-18T00:01:26.326Z", "bet_amount": "2.00", "win_amount": "4.00",
        "currency": "NZD", "game_code": "aurora-blackjack-02", "round_type": "base",
        "balance_before": "84692.00", "balance_after": "84694.00", "finalized": True,
    }  # fmt: skip
    expected = "82250f4fe3d764202bf128b769ba93f3d5f4d952e8f69cf17e5340bd710ae876"
    assert provider.event_checksum(KEY, recorded) == expected
