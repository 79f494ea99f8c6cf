"""What the acceptance kit provokes is its own evidence and nobody's work."""

from datetime import datetime, timedelta
from itertools import product

import pytest
from django.db import connection
from django.test import Client

from apps.core.models import OutboxMessage
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.providers.models import Provider
from apps.rounds.models import Conflict, RoundEvent
from apps.rounds.selectors import edge_events, newest_conflicts, parked_events
from tests.factories import make_game, make_player, make_provider, make_user
from tests.older_schema import schema_at
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db


def contradict(provider: Provider, player: Player, event_id: str, now: datetime) -> None:
    """Send one event id twice, with other content the second time."""
    event = round_event(player, event_id, now)
    play(provider, [event], now)
    other = round_event(player, event_id, now, win_minor=1, fingerprint="f" * 64)
    play(provider, [other], now + timedelta(seconds=1))


def test_conflicts_and_parked_events_of_a_rehearsal_ask_nobody_to_act(now: datetime) -> None:
    provider = make_provider()
    make_game(provider)
    real, pretended = make_player(), make_player(jurisdiction=REHEARSAL_JURISDICTION)
    late = now - timedelta(hours=72)
    for player, name in ((real, "real"), (pretended, "pretended")):
        fund(player, 100_000, now)
        contradict(provider, player, name, now)
        play(provider, [round_event(player, f"{name}-late", late)], now)
    assert Conflict.objects.count() == 2
    assert RoundEvent.objects.filter(status="parked").count() == 2
    assert [conflict.event_id for conflict in newest_conflicts(limit=9)] == ["real"]
    assert [event.event_id for event in parked_events(limit=9)] == ["real-late"]
    alerts = OutboxMessage.objects.filter(topic="rounds.conflict_seen")
    assert [alert.payload["event_id"] for alert in alerts] == ["real"]


def test_the_edges_are_of_what_the_provider_sent_and_not_of_what_the_kit_signed(
    now: datetime,
) -> None:
    provider = make_provider()
    make_game(provider)
    player = make_player(jurisdiction=REHEARSAL_JURISDICTION)
    fund(player, 100_000, now)
    before, after = now - timedelta(hours=1), now + timedelta(minutes=1)
    play(provider, [round_event(player, "by-kit", before)], now, key_id="acceptance-0a")
    play(provider, [round_event(player, "rehearsed", now)], now)
    play(provider, [round_event(player, "by-kit-too", after)], now, key_id="acceptance-0a")
    found = edge_events(provider.pk, since=before)
    assert found == (("rehearsed", now), ("rehearsed", now))


def test_the_list_of_conflicts_begins_with_real_people_and_finds_a_rehearsal_when_asked(
    now: datetime,
) -> None:
    provider = make_provider()
    make_game(provider)
    real, pretended = make_player(), make_player(jurisdiction=REHEARSAL_JURISDICTION)
    for player, name in ((real, "real"), (pretended, "pretended")):
        fund(player, 100_000, now)
        contradict(provider, player, name, now)
    client = Client()
    client.force_login(make_user(permissions=("rounds.view_conflict",)))

    def listed(**asked: str) -> set[str]:
        rows = client.get("/admin/rounds/conflict/", asked).context["cl"].result_list
        return {row.event_id for row in rows}

    assert listed() == {"real"}
    assert listed(who="only") == {"pretended"}
    assert listed(who="all") == {"real", "pretended"}
    assert listed(q="pretended") == {"pretended"}


def open_casino(now: datetime, *, protocol: str = "native") -> tuple[Provider, dict[str, Player]]:
    """Open a provider with a real and two test players who have money."""
    provider = make_provider()
    Provider.objects.filter(pk=provider.pk).update(protocol=protocol)
    make_game(provider)
    players = {
        "real": make_player("p-real"),
        "pretended": make_player("p-pretended", jurisdiction=REHEARSAL_JURISDICTION),
        "another": make_player("p-another", jurisdiction=REHEARSAL_JURISDICTION),
    }
    for player in players.values():
        fund(player, 100_000, now)
    return provider, players


def alerted() -> list[str]:
    alerts = OutboxMessage.objects.filter(topic="rounds.conflict_seen").order_by("pk")
    return [alert.payload["event_id"] for alert in alerts]


@pytest.mark.parametrize(
    ("first", "second", "is_rehearsed"),
    [
        ("real", "real", False),
        ("real", "pretended", False),
        ("pretended", "real", False),
        ("pretended", "pretended", True),
        ("pretended", "another", True),
    ],
)
def test_a_conflict_is_of_a_rehearsal_only_where_both_contents_are(
    now: datetime, first: str, second: str, *, is_rehearsed: bool
) -> None:
    provider, players = open_casino(now)
    play(provider, [round_event(players[first], "one", now)], now)
    other = round_event(players[second], "one", now, win_minor=1, fingerprint="f" * 64)
    play(provider, [other], now + timedelta(seconds=1))
    assert Conflict.objects.get().is_rehearsed is is_rehearsed
    shown = [] if is_rehearsed else ["one"]
    assert [conflict.event_id for conflict in newest_conflicts(limit=9)] == shown
    assert alerted() == shown


def test_both_contents_in_one_delivery_are_told_apart_as_well(now: datetime) -> None:
    provider, players = open_casino(now)
    events = [
        round_event(players[first], name, now, **changes)
        for name in ("one", "two")
        for first, changes in (("pretended", {}), ("another", {"fingerprint": "f" * 64}))
    ]
    real = round_event(players["real"], "two", now, fingerprint="f" * 64)
    play(provider, [*events, real], now)
    found = Conflict.objects.order_by("event_id").values_list("event_id", "seen_count")
    assert list(found) == [("one", 1), ("two", 2)]
    assert [conflict.event_id for conflict in newest_conflicts(limit=9)] == ["two"]
    assert alerted() == ["two"]


def test_a_real_player_in_a_later_contradiction_makes_it_somebodys_work_and_keeps_it_so(
    now: datetime,
) -> None:
    """Where a protocol's messages name no player, two send the same content under one id."""
    provider, players = open_casino(now)
    play(provider, [round_event(players["pretended"], "one", now)], now)
    seen = []
    for second, name in enumerate(("another", "another", "real", "real", "another"), start=1):
        at = now + timedelta(seconds=second)
        play(provider, [round_event(players[name], "one", now, fingerprint="f" * 64)], at)
        conflict = Conflict.objects.get()
        seen.append((conflict.seen_count, conflict.is_rehearsed, len(alerted())))
    assert seen == [(1, True, 0), (2, True, 0), (3, False, 1), (4, False, 1), (5, False, 1)]
    assert [conflict.event_id for conflict in newest_conflicts(limit=9)] == ["one"]


def test_another_content_of_a_real_player_is_a_conflict_of_its_own(now: datetime) -> None:
    provider, players = open_casino(now)
    contradict(provider, players["pretended"], "one", now)
    theirs = round_event(players["real"], "one", now, fingerprint="e" * 64)
    play(provider, [theirs], now + timedelta(seconds=2))
    assert [conflict.fingerprint for conflict in newest_conflicts(limit=9)] == ["e" * 64]
    assert Conflict.objects.count() == 2
    assert alerted() == ["one"]


def test_a_contradiction_of_an_event_of_nobody_we_know_is_somebodys_work(now: datetime) -> None:
    provider, players = open_casino(now)
    stranger = Player(player_ref="p-unknown", currency="EUR")
    play(provider, [round_event(stranger, "one", now)], now)
    theirs = round_event(players["pretended"], "one", now, fingerprint="f" * 64)
    play(provider, [theirs], now + timedelta(seconds=1))
    assert [conflict.event_id for conflict in newest_conflicts(limit=9)] == ["one"]
    assert alerted() == ["one"]


def test_what_says_nothing_of_rehearsals_is_a_real_conflict_by_the_database(
    now: datetime,
) -> None:
    provider = make_provider()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rounds_conflict (provider_id, event_id, fingerprint, content, seen_count,"
            " first_seen_at, last_seen_at, last_delivery_id)"
            " VALUES (%s, 'one', 'f', '{}', 1, %s, %s, 1)",
            [provider.pk, now, now],
        )
    assert [conflict.event_id for conflict in newest_conflicts(limit=9)] == ["one"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("protocol", "name"),
    [("native", "player_id"), ("iplaygames", "player_id"), ("hub88", "user"), ("swipe", "")],
)
def test_conflicts_from_before_are_marked_where_both_contents_name_a_test_player(
    now: datetime, protocol: str, name: str
) -> None:
    provider, players = open_casino(now, protocol=protocol)
    for number, (first, second) in enumerate(product(("real", "pretended"), repeat=2)):
        event_id = f"{first}-{second}"
        play(provider, [round_event(players[first], event_id, now)], now)
        content = {name: players[second].player_ref} if name else {"amount": "1.00"}
        other = round_event(players[second], event_id, now, fingerprint="f" * 64, content=content)
        play(provider, [other], now + timedelta(seconds=number))
    before = list(Conflict.objects.order_by("pk").values_list("pk", "content", "seen_count"))
    with schema_at("rounds", "0011_events_of_unknown_players"):
        pass
    assert (
        list(Conflict.objects.order_by("pk").values_list("pk", "content", "seen_count")) == before
    )
    marked = Conflict.objects.filter(is_rehearsed=True).values_list("event_id", flat=True)
    assert list(marked) == (["pretended-pretended"] if name else [])


def test_an_event_of_a_player_nobody_knows_stays_somebodys_work(now: datetime) -> None:
    provider = make_provider()
    make_game(provider)
    stranger = Player(player_ref="p-unknown", currency="EUR")
    play(provider, [round_event(stranger, "of-nobody", now)], now)
    assert [event.event_id for event in parked_events(limit=9)] == ["of-nobody"]
