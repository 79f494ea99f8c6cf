"""The pages staff use, with what they may type into them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.bonuses import home
from apps.bonuses.models import BonusRule, Grant, WageringReceipt
from apps.bonuses.services.wagering import count_bet, load_wagering, save_wagering
from apps.core.history import note_edit
from apps.players.models import Player
from apps.staff.models import Approval, User
from tests.bonuses.makers import NOW, bonus_pot, make_draft, make_grant, make_player, make_rule
from tests.factories import make_user
from tests.forms import ABOVE_THE_FORM, assert_kept

pytestmark = pytest.mark.django_db

VIEW = tuple(
    f"bonuses.view_{name}" for name in ("bonusrule", "gameweight", "grant", "wageringreceipt")
)
WRITE = (
    *VIEW,
    "bonuses.add_bonusrule",
    "bonuses.change_bonusrule",
    "bonuses.add_gameweight",
    "bonuses.change_gameweight",
    "bonuses.delete_gameweight",
    "bonuses.grant_bonus",
    "bonuses.request_forfeit",
)


def signed_in(*permissions: str) -> tuple[Client, User]:
    user = make_user(permissions=permissions)
    client = Client()
    client.force_login(user)
    return client, user


def rule_form(**change: Any) -> dict[str, Any]:
    return {
        "code": "spring-100",
        "name": "Spring 100 %",
        "currency": "AUD",
        "jurisdiction": "",
        "match_percent": "100",
        "max_bonus": "500.00",
        "basis": "bonus",
        "requirement_multiple": "35",
        "expires_after_days": "14",
        "max_bet": "5.00",
        "contribution_cap": "1.00",
        "requires_verified_kyc": "on",
        "change_reason": "For the spring campaign.",
        "weights-TOTAL_FORMS": "2",
        "weights-INITIAL_FORMS": "0",
        "weights-MIN_NUM_FORMS": "0",
        "weights-MAX_NUM_FORMS": "1000",
        "weights-0-category": "slot",
        "weights-0-game_code": "",
        "weights-0-percent": "100",
        "weights-1-category": "",
        "weights-1-game_code": "aurora-blackjack-01",
        "weights-1-percent": "2.5",
        **change,
    }


def test_a_rule_is_written_in_main_units_and_percent() -> None:
    client, user = signed_in(*WRITE)
    answer = client.post(reverse("admin:bonuses_bonusrule_add"), rule_form())
    assert answer.status_code == 302, answer.context["errors"]
    rule = BonusRule.objects.get()
    assert (rule.percent_bp, rule.max_bonus_minor, rule.max_bet_minor) == (10_000, 50_000, 500)
    assert (rule.contribution_cap_minor, rule.version, rule.state) == (100, 1, "draft")
    assert rule.created_by == user
    weights = set(rule.weights.values_list("category", "game_code", "weight_bp"))
    assert weights == {("slot", "", 10_000), ("", "aurora-blackjack-01", 250)}

    page = client.get(reverse("admin:bonuses_bonusrule_change", args=[rule.pk]))
    assert 'value="500.00"' in page.content.decode()


@pytest.mark.parametrize(
    "change",
    [
        {"max_bet": "5.001"},
        {"max_bet": "1e3"},
        {"max_bet": "-5"},
        {"max_bet": "9" * 20},
        {"currency": "XXX"},
        {"currency": "aud"},
        {"match_percent": "0"},
        {"match_percent": "NaN"},
        {"requirement_multiple": "0"},
        {"requirement_multiple": "Infinity"},
        {"expires_after_days": "0"},
        {"basis": "winnings"},
        {"change_reason": ""},
        {"weights-0-percent": "101"},
        {"weights-0-percent": ""},
        {"weights-0-game_code": "both"},
        {"weights-1-game_code": ""},
        {"weights-0-category": "bingo"},
        {"code": "a\x00b"},
    ],
    ids=lambda change: f"{change!s:.40}",
)
def test_a_rule_with_wrong_input_is_refused_on_the_page(change: dict[str, str]) -> None:
    client, _ = signed_in(*WRITE)
    answer = client.post(reverse("admin:bonuses_bonusrule_add"), rule_form(**change))
    assert answer.status_code == 200
    assert not BonusRule.objects.exists()


def test_a_code_with_a_space_is_refused_in_words_a_promo_manager_knows() -> None:
    client, _ = signed_in(*WRITE)
    answer = client.post(reverse("admin:bonuses_bonusrule_add"), rule_form(code="welcome 300"))
    page = answer.content.decode()
    assert "Only letters, digits, hyphens and underscores." in page
    assert "slug" not in page.lower()


def test_the_versions_of_a_rule_show_each_amount_in_the_currency_of_its_time() -> None:
    client, user = signed_in(*VIEW)
    rule = make_draft()
    rule.currency, rule.max_bet_minor = "JPY", 400
    note_edit(rule, acting_user=user, reason="For Japan.", now=NOW)
    rule.save()
    answer = client.get(reverse("admin:bonuses_bonusrule_history", args=[rule.pk]))
    changes = {one["field"]: one for one in answer.context["page_obj"][0].history_delta_changes}
    assert changes == {
        "Currency": {"field": "Currency", "old": "AUD", "new": "JPY"},
        "Maximum bet": {"field": "Maximum bet", "old": "5.00 AUD", "new": "400 JPY"},
    }


def test_an_active_rule_is_shown_and_not_edited() -> None:
    client, _ = signed_in(*WRITE)
    rule = make_rule(contribution_cap_minor=100)
    address = reverse("admin:bonuses_bonusrule_change", args=[rule.pk])
    page = client.get(address).content.decode()
    assert "1.00 AUD" in page
    assert "5.00 AUD" in page
    assert "100 %" in page


def test_a_form_of_a_rule_that_left_the_draft_keeps_what_was_typed_and_changes_nothing() -> None:
    client, _ = signed_in(*WRITE)
    rule = make_rule(contribution_cap_minor=100)
    before = set(rule.weights.values_list("category", "game_code", "weight_bp"))
    form = rule_form(**{"weights-TOTAL_FORMS": "0"})
    address = reverse("admin:bonuses_bonusrule_change", args=[rule.pk])

    answer = client.post(address, form)

    typed = {"name": "Spring 100 %", "match_percent": "100", "max_bet": "5.00"}
    why = {"change_reason": "For the spring campaign."}
    assert_kept(answer, {**typed, **why}, beside=ABOVE_THE_FORM, says="is not a draft any more")
    rule.refresh_from_db()
    assert (rule.percent_bp, rule.name) == (20_000, "Welcome 200 %")
    assert set(rule.weights.values_list("category", "game_code", "weight_bp")) == before
    reader, _ = signed_in(*VIEW)
    assert reader.post(address, form).status_code == 403


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("code", "Spring-100", "small letters"),
        ("currency", "XXX", "not an ISO 4217 currency"),
        ("max_bonus", "0", "above zero"),
        ("max_bet", "1e3", "is not an amount"),
        ("contribution_cap", "0.00", "above zero"),
        ("match_percent", "0", "The match is above 0 %"),
        ("requirement_multiple", "0", "The multiple must be above 0"),
        ("expires_after_days", "0", "at least a day"),
    ],
)
def test_a_refused_rule_keeps_what_was_typed_and_says_why_beside_the_field(
    field: str, value: str, says: str
) -> None:
    client, _ = signed_in(*WRITE)
    form = rule_form(**{field: value})

    answer = client.post(reverse("admin:bonuses_bonusrule_add"), form)

    typed = {name: text for name, text in form.items() if not name.startswith("weights-")}
    weights = {"weights-0-percent": "100", "weights-1-game_code": "aurora-blackjack-01"}
    assert_kept(answer, {**typed, **weights}, beside=field, says=says)
    assert not BonusRule.objects.exists()


def test_a_draft_is_edited_with_a_reason_and_sent_for_approval() -> None:
    client, user = signed_in(*WRITE)
    rule = make_draft()
    form = rule_form(**{"weights-TOTAL_FORMS": "0"})
    address = reverse("admin:bonuses_bonusrule_change", args=[rule.pk])
    answer = client.post(address, form)
    assert answer.status_code == 302, answer.context["errors"]
    rule.refresh_from_db()
    assert (rule.code, rule.percent_bp) == ("welcome-200", 10_000)
    assert rule.history.latest().history_change_reason == "For the spring campaign."
    assert rule.history.latest().history_user == user

    submit = reverse("admin:bonuses_bonusrule_do", args=[rule.pk, "submit"])
    client.post(submit, {"reason": "Please look at it."})
    assert Approval.objects.get().requested_by == user
    agent, _ = signed_in(*VIEW)
    assert agent.post(submit, {"reason": "Please look at it."}).status_code == 403


def grant_form(player: Player, **change: str) -> dict[str, str]:
    return {
        "player_ref": player.player_ref,
        "rule_code": "welcome-200",
        "deposit": "100.00",
        "grant_key": "admin-1",
        **change,
    }


def test_a_bonus_is_given_by_hand_once_however_often_the_form_is_sent() -> None:
    client, user = signed_in(*WRITE)
    make_rule()
    player = make_player()
    address = reverse("admin:bonuses_grant_add")
    assert "welcome-200" in client.get(address).content.decode()
    for _ in range(2):
        assert client.post(address, grant_form(player)).status_code == 302
    grant = Grant.objects.get()
    assert (grant.bonus_minor, grant.granted_by) == (20_000, user)
    assert bonus_pot(player) == 20_000
    page = client.get(reverse("admin:bonuses_grant_change", args=[grant.pk])).content.decode()
    assert "(100.00 + 200.00) = 12,000.00 AUD of turnover" in page
    assert "0.00 AUD of 12,000.00 AUD (0.0 %)" in page


@pytest.mark.parametrize(
    "change",
    [
        {"player_ref": "nobody"},
        {"player_ref": "a\x00b"},
        {"rule_code": "nothing"},
        {"deposit": "100.001"},
        {"deposit": "-1"},
        {"deposit": ""},
        {"grant_key": ""},
    ],
    ids=lambda change: f"{change!s:.40}",
)
def test_a_bonus_with_wrong_input_is_refused_on_the_page(change: dict[str, str]) -> None:
    client, _ = signed_in(*WRITE)
    make_rule()
    answer = client.post(reverse("admin:bonuses_grant_add"), grant_form(make_player(), **change))
    assert answer.status_code == 200
    assert not Grant.objects.exists()


def test_a_refused_grant_keeps_what_was_typed_and_says_why_beside_the_field() -> None:
    client, _ = signed_in(*WRITE)
    make_rule()
    form = grant_form(make_player(status="self_excluded"))
    answer = client.post(reverse("admin:bonuses_grant_add"), form)
    assert_kept(answer, form, beside="player_ref", says="is self excluded: no bonus.")
    small = grant_form(make_player(), deposit="0.00")
    answer = client.post(reverse("admin:bonuses_grant_add"), small)
    assert_kept(answer, small, beside="deposit", says="too small")
    assert not Grant.objects.exists()


def test_who_may_only_look_cannot_give_a_bonus() -> None:
    client, _ = signed_in(*VIEW)
    make_rule()
    address = reverse("admin:bonuses_grant_add")
    assert client.get(address).status_code == 403
    assert client.post(address, grant_form(make_player())).status_code == 403
    assert not Grant.objects.exists()


def test_a_forfeiture_is_asked_for_with_a_reason() -> None:
    client, _ = signed_in(*WRITE)
    make_rule()
    grant = make_grant(make_player())
    address = reverse("admin:bonuses_grant_do", args=[grant.pk, "forfeit"])
    assert client.post(address, {"reason": ""}).status_code == 200
    assert not Approval.objects.filter(kind="bonuses.forfeit").exists()
    client.post(address, {"reason": "Two accounts, one person."})
    assert Approval.objects.filter(kind="bonuses.forfeit", state="pending").exists()
    grant.refresh_from_db()
    assert grant.state == "active"


def test_lists_and_receipts_open_for_who_may_only_look() -> None:
    client, _ = signed_in(*VIEW)
    make_rule()
    player = make_player()
    make_grant(player)
    with connection.cursor() as cursor:
        state = load_wagering(cursor, [player.pk])[player.pk]
        receipt, state = count_bet(
            state,
            subject="aurora:e1",
            game_code="aurora-slot-01",
            category="slot",
            stake_minor=200,
            occurred_at=NOW + timedelta(minutes=1),
        )
        save_wagering(cursor, [receipt], [state], NOW)
    for name in ("bonusrule", "grant", "wageringreceipt"):
        address = reverse(f"admin:bonuses_{name}_changelist")
        assert client.get(address).status_code == 200
        assert client.get(address, {"q": player.player_ref}).status_code == 200
        assert client.get(address, {"q": "a\x00b"}).status_code == 200
    row = WageringReceipt.objects.get()
    page = client.get(reverse("admin:bonuses_wageringreceipt_change", args=[row.pk]))
    assert "2.00 AUD on aurora-slot-01 counts 100 %" in page.content.decode()


def test_home_cards_show_what_is_active() -> None:
    request = RequestFactory().get("/")
    assert home.active_grants_card(request).rows == ()
    assert home.flagged_receipts_card(request) is None
    make_rule()
    player = make_player()
    make_grant(player)
    card = home.active_grants_card(request)
    assert card.value == "1"
    assert player.player_ref in card.rows[0].title


def test_the_lists_ask_the_database_a_fixed_number_of_times(
    django_assert_max_num_queries: Any,
) -> None:
    client, _ = signed_in(*VIEW)
    make_rule()
    for _ in range(5):
        make_grant(make_player())
    with django_assert_max_num_queries(12):
        client.get(reverse("admin:bonuses_grant_changelist"))


def test_every_model_has_a_page() -> None:
    assert {BonusRule, Grant, WageringReceipt} <= set(admin.site._registry)
