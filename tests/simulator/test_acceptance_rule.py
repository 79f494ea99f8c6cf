"""Two people put the kit's bonus rule in force; without it two scenarios prove nothing."""

from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.bonuses.models import BonusRule
from apps.simulator.acceptance.bonus import BonusDesk
from apps.simulator.acceptance.kit import ALL, Report
from apps.simulator.acceptance.scenario import Colour, NotProvenError, Result
from apps.simulator.dialects.registry import DIALECTS
from apps.staff.enums import Role
from apps.staff.models import Approval
from apps.staff.services import approve, sync_roles
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def told(username: str) -> str:
    out = StringIO()
    call_command("acceptance", "--request-rule", username, stdout=out)
    return out.getvalue()


def test_one_asks_another_approves_and_only_then_the_scenarios_can_be_played(
    now: datetime,
) -> None:
    sync_roles(now=now)
    make_user("pia", roles=(Role.PROMO_MANAGER,))
    colleague = make_user("pablo", roles=(Role.PROMO_MANAGER,))
    with pytest.raises(NotProvenError, match="--request-rule USER"):
        BonusDesk().require_rule()

    asked = told("pia")
    approval = Approval.objects.get()
    assert asked == (f"Request {approval.pk} waits under Approvals for somebody else than pia.\n")
    with pytest.raises(NotProvenError):
        BonusDesk().require_rule()

    approve(approval_id=approval.pk, user=colleague, reason="Read.", now=now)
    BonusDesk().require_rule()
    assert told("pia") == "The bonus rule 'acceptance' is in force.\n"
    assert BonusRule.objects.count() == 1


@pytest.mark.parametrize("username", ["carl", "nobody"])
def test_who_may_not_write_bonus_rules_asks_for_none(username: str, now: datetime) -> None:
    sync_roles(now=now)
    make_user("carl", roles=(Role.CS_AGENT,))
    with pytest.raises(CommandError, match=f"{username} is nobody who may write bonus rules"):
        told(username)
    assert not BonusRule.objects.exists()


@pytest.mark.parametrize(
    ("colour", "is_green"),
    [(Colour.DOES_NOT_APPLY, True), (Colour.NOT_PROVEN, False), (Colour.RED, False)],
)
def test_a_run_is_green_only_when_all_that_applies_was_played(
    colour: Colour, is_green: bool, now: datetime
) -> None:
    results = (Result(ALL[0], Colour.GREEN), Result(ALL[1], colour))
    report = Report("aurora", DIALECTS["native"](), now, results, is_whole=False)
    assert report.is_green == is_green
    assert report.as_json()["counts"][colour.value] == 1
