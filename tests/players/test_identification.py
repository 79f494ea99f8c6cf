"""Age and identity before play and deposits: which rule asks, where, and with which code."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from apps.players import rules, services
from apps.players.enums import RuleKind
from apps.players.models import Player, ProtectionCheck
from apps.players.selectors import player_by_id
from tests.factories import make_player, make_user
from tests.operator_api.builders import Api, cash_of, make_api, make_casino

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
ADULT = date(1990, 5, 17)


def somebody(place: str, **facts: Any) -> Player:
    player = make_player(jurisdiction=place)
    Player.objects.filter(pk=player.pk).update(**facts)
    return player


def launch(player: Player) -> list[str]:
    found = services.launch_check(player_by_id(player.pk), player.jurisdiction, NOW)
    return [reason.code for reason in found]


def deposit(player: Player) -> list[str]:
    return [reason.code for reason in services.deposit_refusal(player.pk, 1, NOW)]


@pytest.mark.parametrize("place", ["AU-NT", "GB", "ZZ"])
def test_identity_is_verified_before_play_and_deposits_where_the_rules_say_so(place: str) -> None:
    pending = somebody(place, kyc_status="pending", date_of_birth=ADULT)
    assert launch(pending) == deposit(pending) == ["identity_not_verified"]
    check = ProtectionCheck.objects.filter(kind="launch").get()
    assert (check.is_allowed, check.codes) == (False, ["identity_not_verified"])
    assert "identity" in check.basis["looked_at"]
    verified = somebody(place, kyc_status="verified", date_of_birth=ADULT)
    assert launch(verified) == deposit(verified) == []


def test_malta_lets_a_grown_up_play_before_the_identity_is_verified() -> None:
    pending = somebody("MT", kyc_status="pending", date_of_birth=ADULT)
    assert launch(pending) == deposit(pending) == []


@pytest.mark.parametrize("place", ["MT", "GB", "AU-NT", "ZZ"])
def test_a_rejected_identity_neither_plays_nor_pays_in_anywhere(place: str) -> None:
    rejected = somebody(place, kyc_status="rejected", date_of_birth=ADULT)
    assert launch(rejected) == deposit(rejected) == ["identity_rejected"]


@pytest.mark.parametrize("place", ["MT", "GB", "AU-NT", "ZZ"])
@pytest.mark.parametrize(
    ("born", "refused"), [(date(2008, 11, 23), ["under_age"]), (date(2008, 11, 22), [])]
)
def test_nobody_plays_before_the_day_of_being_eighteen(
    place: str, born: date, refused: list[str]
) -> None:
    player = somebody(place, date_of_birth=born)
    assert launch(player) == deposit(player) == refused


@pytest.mark.parametrize(
    ("place", "before", "after"),
    [
        ("US-NJ", datetime(2026, 11, 29, 4, 59, tzinfo=UTC), datetime(2026, 11, 29, 5, tzinfo=UTC)),
        (
            "AU-NT",
            datetime(2026, 11, 28, 14, 29, tzinfo=UTC),
            datetime(2026, 11, 28, 14, 30, tzinfo=UTC),
        ),
    ],
)
def test_a_birthday_begins_at_midnight_of_the_jurisdiction(
    place: str, before: datetime, after: datetime
) -> None:
    player = player_by_id(somebody(place, date_of_birth=date(2008, 11, 29)).pk)
    assert [r.code for r in services.launch_check(player, place, before)] == ["under_age"]
    assert [r.code for r in services.launch_check(player, place, after)] == []


def test_an_unknown_age_is_refused_and_a_verified_identity_includes_it() -> None:
    assert launch(somebody("MT", kyc_status="pending")) == ["age_unknown"]
    assert deposit(somebody("MT", kyc_status="pending")) == ["age_unknown"]
    assert launch(somebody("GB", kyc_status="pending")) == ["age_unknown", "identity_not_verified"]
    assert launch(somebody("GB", kyc_status="verified")) == []


def test_the_catalogue_never_lets_anybody_under_eighteen_play() -> None:
    day = NOW.date()
    for rule in rules.all_rules():
        assert rule.kind != RuleKind.MINIMUM_AGE or rule.value >= 18
    assert rules.minimum_age("GB", day) == rules.minimum_age("*", date(1999, 1, 1)) == 18
    # Before a rule's first day, what is not on file is asked for.
    assert rules.is_demanded(RuleKind.IDENTITY_BEFORE_LAUNCH, "ZZ", date(1999, 1, 1))


def _api(place: str, **facts: Any) -> tuple[Api, Player]:
    player = make_casino()
    Player.objects.update(jurisdiction=place, **facts)
    return make_api(), player


def test_a_refused_deposit_says_why_and_where_and_moves_nothing() -> None:
    api, player = _api("GB", kyc_status="pending")
    status, problem = api.pay("k-1")
    assert (status, problem["code"]) == (409, "deposit_refused")
    assert [one["code"] for one in problem["errors"]] == ["age_unknown", "identity_not_verified"]
    assert "In GB identity is verified before the first deposit" in problem["errors"][1]["detail"]
    assert all("mirror the player" in one["detail"] for one in problem["errors"])
    assert cash_of(player) == 10_000
    # What is there already can still be asked about; verified, the deposit passes.
    Player.objects.update(kyc_status="verified")
    assert api.pay("k-2")[0] == 201


def test_a_refused_launch_says_why_and_where_help_is() -> None:
    api, _ = _api("MT", kyc_status="rejected")
    status, problem = api.open()
    assert (status, problem["code"]) == (403, "launch_refused")
    assert [one["code"] for one in problem["errors"]] == [
        "age_unknown",
        "identity_rejected",
    ]
    assert problem["support_links"]


def test_who_turns_out_to_be_a_child_has_no_session_left() -> None:
    api, _ = _api("MT", kyc_status="verified")
    opened = api.open()[1]
    body = {"currency": "EUR", "jurisdiction": "MT", "kyc_status": "verified"}
    status, answer = api.put("players/p-1001", {**body, "date_of_birth": "2012-01-01"})
    assert (status, answer["may_play"]) == (200, False)
    refresh = {"refresh_credential": opened["refresh_credential"]}
    status, problem = api.post(f"sessions/{opened['session_id']}/refresh", refresh)
    assert (status, problem["code"]) == (409, "session_ended")


def test_the_officer_sees_why_and_what_the_rules_say(client: Client) -> None:
    officer = make_user(
        permissions=(
            "players.view_limit",
            "players.view_player",
            "players.view_playerprotection",
            "players.view_rulecheck",
        )
    )
    client.force_login(officer)
    player = somebody("AU-NT", kyc_status="pending")
    launch(player)
    page = client.get(f"/admin/players/playerprotection/{player.pk}/change/").content.decode()
    card = client.get(f"/admin/players/player/{player.pk}/change/")
    (panel,) = [one for one in card.context["panels"] if one.title == "Limits and exclusions"]
    assert "identity is verified before the first game" in panel.rows[-1][1]
    assert panel.rows[-1][2] == "-"
    assert "identity_not_verified" in page
    assert "exclusions, age, identity, limits" in page
    catalogue = client.get("/admin/players/rulecheck/").content.decode()
    assert "AU-KYC-1A" in catalogue
    assert "18 years" in catalogue
