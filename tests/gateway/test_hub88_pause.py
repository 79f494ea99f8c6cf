"""Hub88's own messages about a player who relaunches past the pause of a reality check."""

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.gateway.services.intake import read_callback, take_in
from apps.play.services import answer_reality_check, open_session, show_reality_check
from apps.players.enums import RealityCheckStep
from apps.providers.adapters.contract import CallbackRequest
from apps.providers.models import Game, Provider, ProviderKey
from apps.providers.services.policy import give_default_policy
from apps.simulator.dialects.contract import Answer, Move, RunKey, Seat, Step, Verdict
from apps.simulator.dialects.hub88 import Hub88
from tests.factories import make_cover
from tests.gateway.builders import SLOT, Casino, assert_ledger_holds, open_casino

pytestmark = pytest.mark.django_db

HUB88 = Hub88()
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def key() -> RunKey:
    return HUB88.new_key()


@pytest.fixture
def casino(key: RunKey) -> Casino:
    """A casino whose provider speaks Hub88, and whose slot may be launched."""
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


def heard(answer: Answer) -> tuple[Verdict, str, int | None]:
    return answer.verdict, answer.code, answer.balance_minor


def test_a_relaunch_past_the_pause_is_refused_until_the_check_is_acknowledged(
    casino: Casino, key: RunKey
) -> None:
    _, seat = sit(casino)
    first = stake(seat)
    assert heard(say(casino, key, first)) == (Verdict.OK, "", 9_900)
    # Played on without a break, to the last minute before the pause.
    for _ in range(8):
        casino.now += 8 * MINUTE
        assert say(casino, key, stake(seat)).verdict is Verdict.OK
    casino.now += 2 * MINUTE
    limit = (Verdict.REFUSED, "RS_ERROR_LIMIT_REACHED", 9_100)
    assert heard(say(casino, key, stake(seat))) == limit

    session_id, again = sit(casino)
    assert heard(say(casino, key, stake(again))) == limit
    # What was staked before is settled, in the session before and in the new one.
    win = Move(
        Step.WIN,
        seat,
        tx_id=HUB88.new_transaction(),
        round_id=first.round_id,
        amount_minor=250,
        target_id=first.tx_id,
        closes=True,
    )
    assert heard(say(casino, key, win)) == (Verdict.OK, "", 9_350)
    assert say(casino, key, replace(win, seat=again)).verdict is Verdict.OK

    shown = show_reality_check(session_id=session_id, now=casino.now)
    assert shown.line.minutes_played == 66
    assert say(casino, key, stake(again)).code == "RS_ERROR_LIMIT_REACHED"
    answer_reality_check(
        session_id=session_id,
        check_id=shown.line.check_id,
        answer=RealityCheckStep.CONTINUED,
        now=casino.now,
    )
    assert heard(say(casino, key, stake(again))) == (Verdict.OK, "", 9_250)
    assert heard(say(casino, key, stake(seat))) == (Verdict.OK, "", 9_150)
    assert_ledger_holds()
