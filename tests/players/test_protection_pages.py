"""The officer's pages: what they say, and what an action does once with a reason."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.players import services
from apps.players.contracts import ExclusionRequest, LimitRequest, RealityCheckRecord
from apps.players.models import Exclusion, Limit, Player, RuleCheck
from apps.players.selectors import player_by_id
from tests.factories import make_player, make_user
from tests.forms import assert_kept

pytestmark = pytest.mark.django_db

OFFICER = (
    "players.view_playerprotection",
    "players.view_rulecheck",
    "players.view_limit",
    "players.add_rulecheck",
    "players.set_limit",
    "players.exclude_player",
    "players.end_exclusion",
    "players.close_account",
)


def signed_in(*permissions: str) -> Client:
    client = Client()
    client.force_login(make_user(permissions=permissions or OFFICER))
    return client


def page(client: Client, player: Player) -> str:
    address = reverse("admin:players_playerprotection_change", args=[player.pk])
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def act(client: Client, player: Player, name: str, **fields: Any) -> Any:
    address = reverse("admin:players_playerprotection_do", args=[player.pk, name])
    assert client.get(address).status_code == 200
    return client.post(address, {"reason": "As the player asked.", **fields}, follow=True)


def test_an_empty_page_says_what_to_do() -> None:
    text = page(signed_in(), make_player(jurisdiction="GB", currency="GBP"))
    for sentence in (
        "Nothing keeps this player from playing.",
        "No limit is set. Offer one: a first limit holds at once.",
        "No change waits.",
        "This player was never excluded.",
        "No launch or deposit was checked yet.",
        "No stake of this player was refused for protection.",
        "National Gambling Helpline",
        "Without a date of birth the player counts as young.",
        "2.00 GBP",
    ):
        assert sentence in text


def test_a_full_page_shows_limits_pending_changes_exclusions_and_checks() -> None:
    player = make_player(jurisdiction="GB", currency="GBP")
    now = timezone.now()
    for amount in (10_000, 25_000):
        request = LimitRequest(player.pk, "wager_7d", "player", "p", "Asked.", amount)
        services.set_limit(request, now=now)
    minutes = LimitRequest(player.pk, "time_24h", "player", "p", "Asked.", minutes=120)
    services.set_limit(minutes, now=now)
    removal = LimitRequest(player.pk, "time_24h", "player", "p", "Asked.")
    services.set_limit(removal, now=now)
    until = now + timedelta(days=1)
    services.exclude(
        ExclusionRequest(player.pk, "time_out", "player", "p", "A break.", until), now=now
    )
    services.launch_check(player_by_id(player.pk), "GB", now)
    check = RealityCheckRecord(player.pk, "s-1", now, "shown", 60, 5_000, 100)
    services.record_reality_check(check, now=now)
    services.record_reality_check(replace(check, step="continued"), now=now)
    waiting = RealityCheckRecord(player.pk, "s-2", now, "shown", 65, 6_000, 7_250)
    services.record_reality_check(waiting, now=now)
    text = page(signed_in(), player)
    for part in (
        "100.00 GBP",
        "becomes 250.00 GBP",
        "is removed",
        "120 min",
        "time_out",
        "A break.",
        "by itself, at its date",
        "50.00 GBP",
        "-49.00 GBP",
        "12.50 GBP",
        "Acknowledged, plays on",
        "Not answered",
        "5 minutes later no new stake is taken until one is acknowledged.",
        "UTC",
    ):
        assert part in text, part


def test_a_limit_is_set_raised_and_its_raise_cancelled() -> None:
    client, player = signed_in(), make_player(jurisdiction="GB", currency="GBP")
    answer = act(client, player, "set-limit", kind="loss_24h", amount="50.00", source="player")
    assert "holds from now on" in answer.content.decode()
    assert Limit.objects.get().amount_minor == 5_000
    answer = act(client, player, "set-limit", kind="loss_24h", amount="80", source="player")
    assert "waits until" in answer.content.decode()
    act(client, player, "cancel-limit", kind="loss_24h", source="player")
    assert Limit.objects.filter(cancelled_at__isnull=False).count() == 1
    answer = act(client, player, "set-limit", kind="loss_24h", amount="80.001", source="player")
    assert "GBP has 2 decimals" in answer.content.decode()
    act(client, player, "set-limit", kind="time_7d", amount="600", source="staff")
    assert Limit.objects.filter(minutes=600, source="staff").exists()


def test_the_console_says_which_reality_check_interval_counts() -> None:
    client, player = signed_in(), make_player(jurisdiction="MT", currency="EUR")
    assert "Due after every 60 minutes of play by the rule of MT." in page(client, player)
    ask: dict[str, Any] = {"kind": "reality_check", "source": "player"}
    act(client, player, "set-limit", amount="30", **ask)
    text = page(client, player)
    assert "Due after every 30 minutes of play, as the player wished; the rule says 60." in text
    assert "Between reality checks" in text
    answer = act(client, player, "set-limit", amount="45", **ask)
    assert "Between reality checks: waits until" in answer.content.decode()
    other = make_player("p-90", jurisdiction="MT", currency="EUR")
    act(client, other, "set-limit", amount="90", **ask)
    assert "; the own 90 minutes of the player are longer." in page(client, other)


def test_a_player_is_excluded_and_let_back_by_the_rules() -> None:
    client, player = signed_in(), make_player(jurisdiction="GB")
    act(client, player, "self-exclude", ends_at="", source="player")
    exclusion = Exclusion.objects.get()
    assert (exclusion.kind, exclusion.ends_at) == ("self_exclusion", None)
    answer = act(client, player, "end-exclusion", kind="self_exclusion", source="player")
    assert "It can be ended from" in answer.content.decode()
    soon = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    act(client, player, "time-out", ends_at=soon, source="player")
    answer = act(client, player, "close", source="player")
    assert "The account is closed" in answer.content.decode()
    answer = act(client, player, "end-exclusion", kind="closure", source="player")
    assert "after the cooling-off" in answer.content.decode()
    answer = act(client, player, "end-exclusion", kind="closure", source="player")
    assert "could be ended" in answer.content.decode()


def test_who_may_only_look_is_offered_nothing_and_refused() -> None:
    client, player = signed_in("players.view_playerprotection"), make_player()
    assert "Self-exclude" not in page(client, player)
    address = reverse("admin:players_playerprotection_do", args=[player.pk, "self-exclude"])
    assert client.post(address, {"reason": "Trying it."}).status_code == 403
    assert not Exclusion.objects.exists()


def test_an_action_without_a_reason_does_nothing() -> None:
    client, player = signed_in(), make_player()
    act(client, player, "close", source="player", reason="")
    assert not Exclusion.objects.exists()


def test_every_rule_states_its_value_in_the_unit_that_its_kind_names() -> None:
    text = signed_in().get(reverse("admin:players_rulecheck_changelist")).content.decode()
    rows = re.findall(r"<tr>\s*(.*?)</tr>", text, re.DOTALL)
    cells = [re.findall(r"<td>(.*?)</td>", row, re.DOTALL) for row in rows]
    stated = {
        (unit.group(1), row[3].split()[-1])
        for row in cells
        if len(row) > 3 and (unit := re.search(r"\((hours|minutes|days|years)\)", row[2]))
    }

    assert stated == {("hours", "h"), ("minutes", "min"), ("days", "days"), ("years", "years")}


def test_the_catalogue_shows_each_rule_with_its_source_and_takes_a_check() -> None:
    client = signed_in()
    catalogue = reverse("admin:players_rulecheck_changelist")
    text = client.get(catalogue).content.decode()
    assert "2.00 GBP, slot, under 25" in text
    assert "UKGC RTS 13" in text
    assert "never" in text
    today = timezone.now().date()
    fields = {"rule_id": "GB-RC-1", "checked_on": today, "reason": "Read RTS 13 today."}
    add = reverse("admin:players_rulecheck_add")
    assert client.get(add).status_code == 200
    assert client.post(add, fields, follow=True).status_code == 200
    assert RuleCheck.objects.get().rule_id == "GB-RC-1"
    later = {**fields, "checked_on": today + timedelta(days=2)}
    assert_kept(client.post(add, later), later, beside="checked_on", says="noted on the day")
    assert RuleCheck.objects.count() == 1
    reader = signed_in("players.view_rulecheck")
    assert reader.post(add, fields).status_code == 403
    assert signed_in("players.view_player").get(catalogue).status_code == 403


def test_lists_open() -> None:
    client, player = signed_in(), make_player()
    request = LimitRequest(player.pk, "deposit_1m", "player", "p", "Asked.", 5)
    change = services.set_limit(request, now=timezone.now())
    for name in ("playerprotection", "limit"):
        assert client.get(reverse(f"admin:players_{name}_changelist")).status_code == 200
    shown = client.get(reverse("admin:players_limit_change", args=[change.limit_id]))
    assert shown.status_code == 200


@pytest.mark.parametrize("model", ["player", "playerprotection"])
def test_a_list_begins_with_real_people_and_finds_a_rehearsal_when_asked(model: str) -> None:
    client = Client()
    permissions = ("players.view_player", "players.view_playerprotection")
    client.force_login(make_user(permissions=permissions))
    person = make_player(jurisdiction="GB")
    kit = make_player("acceptance-1", jurisdiction="ZZ")
    address = reverse(f"admin:players_{model}_changelist")

    def listed(**asked: str) -> list[str]:
        rows = client.get(address, asked).context["cl"].result_list
        return [row.player_ref for row in rows]

    assert listed() == [person.player_ref]
    assert listed(who="all") == [kit.player_ref, person.player_ref]
    assert listed(who="rehearsal") == [kit.player_ref]
    assert listed(q=kit.player_ref) == [kit.player_ref]
    assert listed(who="x") == [person.player_ref]
