"""A seed decides which rows an auditor reads, and anybody can repeat the draw."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pgtrigger
import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils import timezone

from apps.auditing import draws, selectors
from apps.auditing.errors import (
    EmptyPopulationError,
    PeriodError,
    PopulationBusyError,
    PopulationNotYoursError,
    PopulationTooSlowError,
    SampleSizeError,
    SeedError,
    UnusedFilterError,
)
from apps.auditing.models import Sample, SampleMember
from apps.auditing.services import draw_sample
from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.core.populations import (
    Narrowing,
    UnknownPopulationError,
    population_by_name,
    populations,
    register_population,
)
from apps.core.services import verify_audit_chain
from apps.players.contracts import REHEARSAL_JURISDICTION, PlayerRecord, PlayerUpdate
from apps.players.models import Player
from apps.players.services import add_players, save_player
from apps.providers.models import Provider
from apps.rounds.models import Round
from apps.staff.enums import Role
from apps.staff.models import User
from tests.auditing.makers import DAY, client_of, make_rounds, narrowing, sample_request
from tests.factories import make_cover, make_game, make_player, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def roles() -> None:
    call_command("seed_roles", verbosity=0)


@pytest.fixture
def moment() -> datetime:
    return timezone.now()


@pytest.fixture
def auditor() -> User:
    return make_user("aud", roles=(Role.AUDITOR,))


@pytest.fixture
def player() -> Player:
    return make_player("p-1")


@pytest.fixture
def rounds(player: Player, moment: datetime) -> list[Round]:
    provider = make_provider()
    return make_rounds(provider, player, make_game(provider), 40, at=moment - DAY)


def by_hand(seed: str, ids: list[int], size: int) -> list[int]:
    """Draw as somebody would who has only the ids and the rule."""
    return sorted(ids, key=lambda pk: hashlib.sha256(f"{seed}:{pk}".encode()).hexdigest())[:size]


def member_ids(sample: Sample) -> list[int]:
    return list(sample.members.order_by("place").values_list("member_id", flat=True))


def test_the_members_are_those_with_the_lowest_sha256_of_seed_and_id(
    auditor: User, rounds: list[Round], moment: datetime
) -> None:
    sample = draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())

    ids = [one.pk for one in rounds]
    assert member_ids(sample) == by_hand("2026-Q4", ids, 5)
    assert (sample.population_size, sample.members_count, sample.last_id) == (40, 5, max(ids))
    first = sample.members.get(place=1)
    assert first.reference == f"aurora {Round.objects.get(pk=first.member_id).round_ref}"
    entry = AuditEntry.objects.get(action="auditing.sample.drawn")
    assert (entry.actor_id, entry.subject, entry.reason) == (
        auditor.pk,
        f"auditing.sample:{sample.pk}",
        "The games testing audit.",
    )
    assert (entry.details["seed"], entry.details["population_size"]) == ("2026-Q4", 40)
    joined = ",".join(map(str, member_ids(sample)))
    assert entry.details["members_sha256"] == hashlib.sha256(joined.encode()).hexdigest()
    assert verify_audit_chain().holds


def test_any_seed_and_size_draws_what_the_rule_says(
    auditor: User, rounds: list[Round], moment: datetime
) -> None:
    ids = [one.pk for one in rounds]
    for number in range(15):
        seed, size = f"seed-{number}", 1 + 4 * number
        request = sample_request(moment, seed=seed, size=size)
        sample = draw_sample(request, acting_user=auditor, now=timezone.now())
        assert member_ids(sample) == by_hand(seed, ids, size)
        assert sample.members_count == min(size, 40)


def test_a_repeated_draw_gives_the_same_members_whatever_was_added_meanwhile(
    auditor: User, player: Player, rounds: list[Round], moment: datetime
) -> None:
    request = sample_request(moment, narrowing=narrowing(moment, jurisdiction="MT"))
    sample = draw_sample(request, acting_user=auditor, now=timezone.now())
    kept = member_ids(sample)
    # Rounds of the same days arrive late, and the player moves to another place.
    make_rounds(rounds[0].provider, player, rounds[0].game, 40, at=moment - DAY)
    move = PlayerUpdate(player.player_ref, player.currency, "DE", "verified")
    save_player(move, reason="Moved.", now=timezone.now())

    again = selectors.drawn_again(sample, timezone.now())
    assert (again.population_size, again.member_ids) == (40, kept)
    page = client_of(auditor).get(reverse("admin:auditing_sample_again", args=[sample.pk]))
    assert "The same sample" in page.content.decode()


def test_a_row_that_vanishes_shows_when_the_sample_is_drawn_again(
    auditor: User, rounds: list[Round], moment: datetime
) -> None:
    sample = draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
    with pgtrigger.ignore("rounds.Round:never_deleted"):
        Round.objects.filter(pk=member_ids(sample)[0]).delete()

    url = reverse("admin:auditing_sample_again", args=[sample.pk])
    assert "Not the same sample" in client_of(auditor).get(url).content.decode()
    page = client_of(auditor).get(reverse("admin:auditing_sample_change", args=[sample.pk]))
    assert "not found" in page.content.decode()


def test_filters_and_period_bound_the_population(
    auditor: User, player: Player, rounds: list[Round], moment: datetime
) -> None:
    borealis = make_provider("borealis")
    game = make_game(borealis, "borealis-lights")
    german = make_player("p-de", jurisdiction="DE")
    make_rounds(borealis, german, game, 3, at=moment - DAY)
    make_rounds(borealis, player, game, 4, at=moment - 3 * DAY)
    rehearsing = make_player("kit-1", jurisdiction=REHEARSAL_JURISDICTION)
    make_rounds(borealis, rehearsing, game, 9, at=moment - DAY)

    def drawn(**changes: Any) -> int:
        request = sample_request(moment, narrowing=narrowing(moment, **changes), size=100)
        return draw_sample(request, acting_user=auditor, now=timezone.now()).population_size

    found = {
        "everything": drawn(),
        "provider": drawn(provider_code="borealis"),
        "jurisdiction": drawn(jurisdiction="DE"),
        "both": drawn(provider_code="borealis", jurisdiction="MT"),
        "period": drawn(since=moment - 2 * DAY, provider_code="borealis"),
    }
    assert found == {
        "everything": 47,
        "provider": 7,
        "jurisdiction": 3,
        "both": 4,
        "period": 3,
    }


def test_a_jurisdiction_holds_players_who_never_changed_and_those_who_left_later(
    auditor: User, moment: datetime
) -> None:
    provider = make_provider()
    game = make_game(provider)
    records = [PlayerRecord(ref, "EUR", "SE", "verified") for ref in ("stays", "leaves", "left")]
    add_players(records, now=moment - 9 * DAY)
    found = [Player.objects.get(player_ref=record.player_ref) for record in records]
    for player in found:
        make_rounds(provider, player, game, 2, at=moment - DAY)

    def move(ref: str, place: str, at: datetime) -> None:
        save_player(PlayerUpdate(ref, "EUR", place, "verified"), reason="Moved.", now=at)

    def drawn(place: str, as_of: datetime) -> set[str]:
        rows = population_by_name("rounds").rows(narrowing(moment, jurisdiction=place, as_of=as_of))
        return set(rows.values_list("player__player_ref", flat=True))

    move("left", "DE", moment - 2 * DAY)
    move("leaves", "MT", moment + DAY)
    move("leaves", "DE", moment + 2 * DAY)
    assert drawn("SE", moment) == {"stays", "leaves"}
    assert drawn("DE", moment) == {"left"}
    assert drawn("MT", moment) == set()
    assert drawn("MT", moment + DAY) == {"leaves"}
    assert drawn("SE", moment - 3 * DAY) == {"stays", "leaves", "left"}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"population": "nothing"}, UnknownPopulationError),
        ({"size": 0}, SampleSizeError),
        ({"size": 1001}, SampleSizeError),
        ({"seed": ""}, SeedError),
        ({"seed": "two words"}, SeedError),
        ({"seed": "x" * 65}, SeedError),
        ({"seed": "\u00e9t\u00e9"}, SeedError),
        ({"purpose": "  "}, ReasonRequiredError),
    ],
)
def test_a_sample_that_makes_no_sense_is_refused_and_leaves_no_trace(
    auditor: User,
    rounds: list[Round],
    moment: datetime,
    changes: dict[str, Any],
    refusal: type[Exception],
) -> None:
    with pytest.raises(refusal):
        draw_sample(sample_request(moment, **changes), acting_user=auditor, now=timezone.now())
    assert (
        Sample.objects.count(),
        AuditEntry.objects.filter(action__contains="sample").count(),
    ) == (
        0,
        0,
    )


def test_a_period_that_is_not_over_is_refused(
    auditor: User, rounds: list[Round], moment: datetime
) -> None:
    for since, until in ((moment, moment + DAY), (moment, moment), (moment, moment - DAY)):
        request = sample_request(moment, narrowing=narrowing(moment, since=since, until=until))
        with pytest.raises(PeriodError):
            draw_sample(request, acting_user=auditor, now=moment)
    assert not Sample.objects.exists()


def test_a_filter_that_means_nothing_there_is_refused_not_left_out(
    auditor: User, moment: datetime
) -> None:
    request = sample_request(
        moment, population="approvals", narrowing=narrowing(moment, provider_code="aurora")
    )
    with pytest.raises(UnusedFilterError, match="not told apart by provider"):
        draw_sample(request, acting_user=auditor, now=timezone.now())


def test_an_empty_population_is_refused_by_name(auditor: User, moment: datetime) -> None:
    with pytest.raises(EmptyPopulationError, match="Rounds: none in this period"):
        draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())


def test_nobody_draws_from_rows_that_their_role_does_not_see(
    rounds: list[Round], moment: datetime
) -> None:
    with pytest.raises(PopulationNotYoursError):
        draw_sample(
            sample_request(moment),
            acting_user=make_user(permissions=("auditing.add_sample",)),
            now=timezone.now(),
        )
    assert not Sample.objects.exists()


def test_no_population_leads_into_the_aml_compartment(auditor: User) -> None:
    tables = {one.rows(narrowing(timezone.now())).model._meta.app_label for one in populations()}
    assert tables == {"rounds", "disputes", "providers", "players", "staff"}
    assert selectors.populations_of(auditor) == populations()


def test_the_database_refuses_to_change_a_sample_or_its_members(
    auditor: User, rounds: list[Round], moment: datetime
) -> None:
    sample = draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
    kept = member_ids(sample)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for statement in (
        "UPDATE auditing_sample SET seed = 'another'",
        "UPDATE auditing_samplemember SET member_id = 1",
        "DELETE FROM auditing_samplemember",
        "TRUNCATE auditing_samplemember",
    ):
        with (
            pytest.raises(DatabaseError, match="pgtrigger"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    for place, member in ((1, 999), (6, kept[0])):
        with pytest.raises(DatabaseError, match="samplemember"), transaction.atomic():
            SampleMember.objects.create(
                sample=sample, place=place, member_id=member, reference="slipped in"
            )
    assert member_ids(sample) == kept


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"members_count": 4}, "auditing_sample_is_full_or_the_whole_population"),
        ({"seed": "two words"}, "auditing_sample_names_its_seed_and_members"),
        ({"purpose": ""}, "auditing_sample_has_a_purpose_and_looks_back"),
        ({"since": timezone.now() + DAY}, "auditing_sample_period_ends_after_it_begins"),
    ],
)
def test_the_database_refuses_a_sample_that_is_not_one(
    auditor: User, changes: dict[str, Any], constraint: str
) -> None:
    at = timezone.now()
    facts: dict[str, Any] = {
        "population": "rounds",
        "since": at - DAY,
        "until": at,
        "last_id": 40,
        "seed": "s",
        "size": 5,
        "population_size": 40,
        "members_count": 5,
        "members_sha256": "0" * 64,
        "purpose": "The audit.",
        "drawn_at": at,
        "drawn_by": auditor,
    }
    with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
        Sample.objects.create(**{**facts, **changes})


@pytest.mark.django_db(transaction=True)
def test_a_draw_waits_for_what_is_still_being_written(
    auditor: User, rounds: list[Round], moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is lower than the bound; drawn without waiting, the sample could not be repeated."""
    written, finish = Event(), Event()

    def write_slowly() -> None:
        with transaction.atomic():
            make_rounds(rounds[0].provider, rounds[0].player, rounds[0].game, 1, at=moment - DAY)
            written.set()
            finish.wait(10)
        connection.close()

    writer = Thread(target=write_slowly)
    writer.start()
    written.wait(10)
    make_rounds(rounds[0].provider, rounds[0].player, rounds[0].game, 1, at=moment - DAY)
    monkeypatch.setattr(draws, "_WAIT_SECONDS", 0.2)
    with pytest.raises(PopulationBusyError):
        draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
    assert not Sample.objects.exists()
    finish.set()
    writer.join()

    sample = draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
    assert sample.population_size == 42
    assert selectors.drawn_again(sample, timezone.now()).population_size == 42


@pytest.mark.django_db(transaction=True)
def test_a_draw_waits_for_an_id_that_was_drawn_and_not_yet_inserted(
    auditor: User, rounds: list[Round], moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draws, "_WAIT_SECONDS", 0.2)
    template = rounds[0]
    with psycopg.connect(**connection.get_connection_params()) as gateway:
        drawn = gateway.execute("SELECT nextval(pg_get_serial_sequence('rounds_round', 'id'))")
        (low_id,) = drawn.fetchone() or (0,)
        (later,) = make_rounds(
            template.provider, template.player, template.game, 1, at=moment - DAY
        )
        assert low_id < later.pk
        with pytest.raises(PopulationBusyError):
            draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
        assert not Sample.objects.exists()
        gateway.execute(
            "CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM rounds_round WHERE id = %s",
            [template.pk],
        )
        gateway.execute("UPDATE copied SET id = %s, round_ref = 'drawn-early'", [low_id])
        gateway.execute("INSERT INTO rounds_round SELECT * FROM copied")

    sample = draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
    assert sample.population_size == 42
    assert selectors.drawn_again(sample, timezone.now()).population_size == 42


@pytest.mark.django_db(transaction=True)
def test_a_draw_does_not_wait_for_another_database_of_the_server(
    auditor: User, rounds: list[Round], moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draws, "_WAIT_SECONDS", 0.2)
    elsewhere = {**connection.get_connection_params(), "dbname": "postgres"}
    with psycopg.connect(**elsewhere) as other:
        other.execute("CREATE TEMP TABLE written AS SELECT 1")  # open: nothing commits it yet
        make_rounds(rounds[0].provider, rounds[0].player, rounds[0].game, 1, at=moment - DAY)
        sample = draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
        other.rollback()

    assert sample.population_size == 41


def test_a_population_may_take_longer_than_a_page_and_is_refused_by_name_after_that(
    auditor: User, rounds: list[Round], moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    population = population_by_name("rounds")

    def slowly(rows: Narrowing) -> Any:
        # Materialised, so that it runs once however many rows there are.
        pause = RawSQL("(SELECT pg_sleep(0.3)::text)", ())
        return population.rows(rows).alias(pause=pause).filter(pause="")

    register_population(replace(population, rows=slowly))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', '100', true)")
        sample = draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
        assert sample.population_size == 40
        monkeypatch.setattr(draws, "_READ_MILLISECONDS", 100)
        with pytest.raises(PopulationTooSlowError, match="Narrow the period"):
            draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
        again = reverse("admin:auditing_sample_again", args=[sample.pk])
        page = client_of(auditor).get(again, follow=True)
        assert "Narrow the period" in page.content.decode()
    finally:
        register_population(population)
    assert Sample.objects.count() == 1


def test_a_draw_keeps_a_heap_of_the_sample_not_the_population(
    auditor: User, rounds: list[Round], moment: datetime
) -> None:
    rows = population_by_name("rounds").rows(narrowing(moment))
    plan = draws.in_draw_order(rows, "abc").values_list("pk")[:5].explain(analyze=True)

    assert "top-N heapsort" in plan


def test_an_auditor_draws_on_the_page_and_finds_every_member(
    auditor: User, rounds: list[Round]
) -> None:
    client, url = client_of(auditor), reverse("admin:auditing_sample_add")
    form = client.get(url).content.decode()
    assert "Credits in disputes" in form
    today = timezone.now().date()
    sent = {
        "population": "rounds",
        "since": f"{today - 3 * DAY}",
        "until": f"{today}",
        "provider": "",
        "jurisdiction": "MT",
        "size": "3",
        "seed": "abc",
        "reason": "Walk through three rounds.",
    }
    refused = client.post(url, {**sent, "seed": "a b"})
    assert "printable characters of ASCII" in refused.content.decode()
    answer = client.post(url, sent)

    sample = Sample.objects.get()
    page_url = reverse("admin:auditing_sample_change", args=[sample.pk])
    assert answer["Location"] == page_url
    page = client.get(page_url).content.decode()
    for pk in member_ids(sample):
        link = reverse("admin:rounds_round_change", args=[pk])
        assert link in page
        assert "Proof of what was played" in client.get(link).content.decode()
        assert hashlib.sha256(f"abc:{pk}".encode()).hexdigest()[:16] in page


def test_every_seed_that_was_tried_is_counted_and_the_newest_are_shown(
    auditor: User, rounds: list[Round], moment: datetime
) -> None:
    def draw(seed: str, until: datetime) -> Sample:
        request = sample_request(
            moment,
            narrowing=narrowing(moment, since=moment - 30 * DAY, until=until),
            seed=seed,
            size=1,
        )
        return draw_sample(request, acting_user=auditor, now=timezone.now())

    # Each with an end of its own, so that they look like draws from other rows.
    drawn = [draw(f"try-{number}", moment - timedelta(seconds=number)) for number in range(52)]
    other = draw_sample(
        sample_request(moment, narrowing=narrowing(moment, provider_code="aurora")),
        acting_user=auditor,
        now=timezone.now(),
    )
    shown, total = selectors.draws_of_same_rows(drawn[-1], limit=50)
    assert [one.seed for one in shown] == [f"try-{number}" for number in range(51, 1, -1)]
    assert total == 52
    page = client_of(auditor).get(reverse("admin:auditing_sample_change", args=[drawn[-1].pk]))
    text = " ".join(page.content.decode().split())
    assert "Draws from the same rows: 52" in text
    assert "The newest 50 of 52 are shown." in text
    assert ">try-2<" in text.replace(" ", "")
    assert selectors.draws_of_same_rows(other, limit=50) == ([other], 1)


def test_others_do_not_draw(rounds: list[Round], moment: datetime, auditor: User) -> None:
    draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
    officer = client_of(make_user(roles=(Role.COMPLIANCE_OFFICER,)))
    assert officer.get(reverse("admin:auditing_sample_changelist")).status_code == 200
    assert officer.get(reverse("admin:auditing_sample_add")).status_code == 403
    agent = client_of(make_user(roles=(Role.CS_AGENT,)))
    assert agent.get(reverse("admin:auditing_sample_changelist")).status_code == 403


def test_certificates_are_a_population_too(auditor: User, moment: datetime) -> None:
    game = make_game(make_provider())
    certificates = [make_cover(game), make_cover(game, "DE"), make_cover(game)]
    at = certificates[0].created_at
    period = narrowing(moment, since=at, until=at + DAY, jurisdiction="MT")
    request = sample_request(moment, population="certificates", narrowing=period)

    sample = draw_sample(request, acting_user=auditor, now=timezone.now())
    assert set(member_ids(sample)) == {certificates[0].pk, certificates[2].pk}
    page = client_of(auditor).get(reverse("admin:auditing_sample_change", args=[sample.pk]))
    text = page.content.decode()
    assert f"/admin/providers/certificate/{certificates[0].pk}/change/" in text
    assert Provider.objects.count() == 1
