"""A provider's own messages, as its dialect writes them, to a casino whose provider speaks it."""

from dataclasses import asdict

from apps.gateway.services.intake import read_callback, take_in
from apps.play.services import open_session
from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.registry import adapter_for
from apps.providers.models import Game, Provider, ProviderKey, ProviderPolicy
from apps.simulator.dialects.contract import Answer, Dialect, Move, RunKey, Seat, Step
from apps.simulator.dialects.hub88 import Hub88
from tests.factories import make_cover
from tests.gateway.builders import SLOT, Casino, open_casino

HUB88 = Hub88()


def open_hub88_casino(key: RunKey) -> Casino:
    return open_casino_of(HUB88, key)


def open_casino_of(dialect: Dialect, key: RunKey) -> Casino:
    """Open a casino whose provider speaks the dialect, and whose slot may be launched."""
    casino = open_casino()
    Provider.objects.update(protocol=dialect.protocol)
    casino.provider.refresh_from_db()
    ProviderPolicy.objects.update(**asdict(adapter_for(dialect.protocol).default_policy))
    ProviderKey.objects.update(secret=key.registered)
    make_cover(Game.objects.get(game_code=SLOT))
    return casino


def sit(casino: Casino, game_code: str = SLOT) -> tuple[int, Seat]:
    opened = open_session(
        player_ref="p-1001", provider_code="aurora", game_code=game_code, now=casino.now
    )
    return opened.session_id, Seat("p-1001", opened.public_id, "AUD", game_code)


def say(casino: Casino, key: RunKey, move: Move, dialect: Dialect = HUB88) -> Answer:
    """Send one message as the provider would and read the answer as the provider would."""
    request = dialect.write(move, key=key, now=casino.now)
    callback = CallbackRequest(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=dialect.sign(request, key, now=casino.now),
        body=request.body,
        received_at=casino.now,
    )
    inbound = read_callback(casino.profile, callback, now=casino.now)
    [judged] = take_in([inbound], casino.games, now=casino.now)
    return dialect.read(move, judged.response.status, judged.response.body)


def stake(seat: Seat, dialect: Dialect = HUB88) -> Move:
    return Move(
        Step.STAKE,
        seat,
        tx_id=dialect.new_transaction(),
        round_id=dialect.new_round(),
        amount_minor=100,
    )
