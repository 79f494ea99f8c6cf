"""Hub88's own messages about a player who relaunches past the pause of a reality check."""

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.play.services import answer_reality_check, show_reality_check
from apps.players.enums import RealityCheckStep
from apps.simulator.dialects.contract import Answer, Move, RunKey, Step, Verdict
from tests.gateway.builders import Casino, assert_ledger_holds
from tests.gateway.dialect_makers import HUB88, open_hub88_casino, say, sit, stake

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def key() -> RunKey:
    return HUB88.new_key()


@pytest.fixture
def casino(key: RunKey) -> Casino:
    return open_hub88_casino(key)


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
