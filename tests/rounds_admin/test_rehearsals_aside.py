"""What the acceptance kit played stands aside from the lists, and is one click away."""

from datetime import datetime

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.contracts import REHEARSAL_KEY_PREFIX
from apps.rounds.models import Delivery, Round, RoundEvent
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.big_rows import fill
from tests.factories import make_game, make_player, make_provider, make_user
from tests.plans import plan_of
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

LISTS = ["rounds_round", "rounds_roundevent", "rounds_delivery"]


@pytest.fixture
def engineer(client: Client, now: datetime) -> Client:
    """Somebody who looks at an event of a real player and at one of the acceptance kit."""
    sync_roles(now=now)
    provider = make_provider()
    make_game(provider, offered_in=("MT", REHEARSAL_JURISDICTION))
    kit_key = f"{REHEARSAL_KEY_PREFIX}1"
    for ref, place, key in (("p-1", "MT", "k-1"), ("kit-1", REHEARSAL_JURISDICTION, kit_key)):
        player = make_player(ref, jurisdiction=place)
        fund(player, 10_000, now)
        play(provider, [round_event(player, f"{ref}-e", now)], now, key_id=key)
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    return client


def shown(client: Client, name: str, query: str = "") -> list[int]:
    answer = client.get(reverse(f"admin:{name}_changelist") + query)
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


def of_kit(name: str) -> int:
    kit = RoundEvent.objects.get(event_id="kit-1-e")
    ids = {"rounds_round": kit.round_id, "rounds_delivery": kit.delivery_id}
    found = ids.get(name, kit.pk)
    assert found is not None
    return found


def all_of(name: str) -> list[int]:
    models = {"rounds_round": Round, "rounds_delivery": Delivery}
    model = models.get(name, RoundEvent)
    return list(model._default_manager.order_by("-pk").values_list("pk", flat=True))


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_real_play_and_rehearsals_when_asked(engineer: Client, name: str) -> None:
    everything, kit = all_of(name), of_kit(name)
    assert len(everything) == 2
    assert shown(engineer, name) == [pk for pk in everything if pk != kit]
    assert shown(engineer, name, "?who=only") == [kit]
    assert shown(engineer, name, "?who=all") == everything
    assert shown(engineer, name, "?who=nonsense") == [pk for pk in everything if pk != kit]


def test_a_rehearsal_is_found_by_its_name_without_the_switch(engineer: Client) -> None:
    assert shown(engineer, "rounds_roundevent", "?q=kit-1-e") == [of_kit("rounds_roundevent")]
    assert shown(engineer, "rounds_delivery", "?q=kit-1-e") == [of_kit("rounds_delivery")]
    assert shown(engineer, "rounds_round", "?q=kit-1") == [of_kit("rounds_round")]


def test_an_event_of_nobody_we_know_is_no_rehearsal(engineer: Client) -> None:
    event = RoundEvent.objects.get(event_id="p-1-e")
    fields = {f.attname: getattr(event, f.attname) for f in event._meta.concrete_fields}
    nobody = {**fields, "id": None, "event_id": "n-1", "player_id": None, "round_id": None}
    stranger = RoundEvent.objects.create(
        **{**nobody, "status": "parked", "money_state": "none", "code": "unknown_player"}
    )
    assert stranger.pk in shown(engineer, "rounds_roundevent")


@pytest.mark.parametrize(
    ("name", "model", "key"),
    [
        ("rounds_round", Round, "rounds_round_pkey"),
        ("rounds_roundevent", RoundEvent, "rounds_roundevent_pkey"),
        ("rounds_delivery", Delivery, "rounds_delivery_default_pkey"),
    ],
)
def test_a_page_of_the_list_reads_the_newest_rows_and_no_more(
    engineer: Client, name: str, model: type[Model], key: str
) -> None:
    fill([model], rows=5_000)
    answer = engineer.get(reverse(f"admin:{name}_changelist"))
    page = answer.context["cl"].queryset.order_by("-pk")[:50]
    plan = plan_of(*page.query.sql_with_params())
    assert f"Index Scan Backward using {key}" in plan, plan
    assert "Sort" not in plan, plan
