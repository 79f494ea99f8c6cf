"""What was recorded once and is sent again later: the bytes alone prove nothing any more.

Their provider may say the same again under its present key: that is the event it was.
"""

from datetime import datetime, timedelta

import pytest

from apps.gateway.services.intake import UnauthenticatedError, read_callback, take_in
from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.native.signing import checksum
from apps.providers.models import ProviderKey
from apps.wallet.models import Transfer
from tests.gateway.builders import Casino, give_key, results_of, signed_headers

NEXT_SECRET = b"the secret that follows the old."
NEXT_SECRET_TEXT = "whsec_dGhlIHNlY3JldCB0aGF0IGZvbGxvd3MgdGhlIG9sZC4="


def _request(body: bytes, headers: dict[str, str], at: datetime) -> CallbackRequest:
    return CallbackRequest(
        method="POST", path="rounds", query="", headers=headers, body=body, received_at=at
    )


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(days=8), timedelta(days=400)])
def test_a_recorded_request_proves_nothing_later(casino: Casino, age: timedelta) -> None:
    body = casino.body(casino.event("e-1"))
    headers = signed_headers(body, at=casino.now)
    read_callback(casino.profile, _request(body, headers, casino.now), now=casino.now)

    later = casino.now + age
    with pytest.raises(UnauthenticatedError):
        read_callback(casino.profile, _request(body, headers, later), now=later)


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(days=8), timedelta(days=400)])
def test_an_event_sent_again_under_the_next_key_is_still_the_same_event(
    casino: Casino, age: timedelta
) -> None:
    event = casino.event("e-1")
    first = casino.send_one(event)
    moved = Transfer.objects.count()
    later = casino.now + age
    ProviderKey.objects.update(not_after=casino.now + timedelta(minutes=1))
    give_key(casino.provider, kid="k-2", secret=NEXT_SECRET_TEXT)
    body = casino.body({**event, "checksum": checksum(NEXT_SECRET, event)})

    old = signed_headers(body, at=later)
    with pytest.raises(UnauthenticatedError):
        read_callback(casino.profile, _request(body, old, later), now=later)
    headers = signed_headers(body, at=later, secret=NEXT_SECRET, message_id="msg_2")
    inbound = read_callback(casino.profile, _request(body, headers, later), now=later)
    [judged] = take_in([inbound], casino.games, now=later)

    [again] = results_of(judged)
    assert again == {**first, "status": "duplicate"}
    assert Transfer.objects.count() == moved
