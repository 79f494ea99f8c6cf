"""Hub88's own messages to a casino whose provider speaks Hub88."""

from apps.gateway.services.intake import read_callback, take_in
from apps.play.services import open_session
from apps.providers.adapters.contract import CallbackRequest
from apps.providers.models import Game, Provider, ProviderKey
from apps.providers.services.policy import give_default_policy
from apps.simulator.dialects.contract import Answer, Move, RunKey, Seat, Step
from apps.simulator.dialects.hub88 import Hub88
from tests.factories import make_cover
from tests.gateway.builders import SLOT, Casino, open_casino

HUB88 = Hub88()


def open_hub88_casino(key: RunKey) -> Casino:
    """Open a casino whose provider speaks Hub88, and whose slot may be launched."""
    casino = open_casino()
    Provider.objects.update(protocol="hub88")
    casino.provider.refresh_from_db()
    give_default_policy(casino.provider, now=casino.now)
    ProviderKey.objects.update(secret=key.registered)
    make_cover(Game.objects.get(game_code=SLOT))
    return casino


def sit(casino: Casino) -> tuple[int, Seat]:
    opened = open_session(
        player_ref="p-1001", provider_code="aurora", game_code=SLOT, now=casino.now
    )
    return opened.session_id, Seat("p-1001", opened.public_id, "AUD", SLOT)


def say(casino: Casino, key: RunKey, move: Move) -> Answer:
    """Send one message as Hub88 would and read the answer as Hub88 would."""
    request = HUB88.write(move, key=key, now=casino.now)
    callback = CallbackRequest(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=HUB88.sign(request, key, now=casino.now),
        body=request.body,
        received_at=casino.now,
    )
    inbound = read_callback(casino.profile, callback, now=casino.now)
    [judged] = take_in([inbound], casino.games, now=casino.now)
    return HUB88.read(move, judged.response.status, judged.response.body)


def stake(seat: Seat) -> Move:
    return Move(
        Step.STAKE,
        seat,
        tx_id=HUB88.new_transaction(),
        round_id=HUB88.new_round(),
        amount_minor=100,
    )
