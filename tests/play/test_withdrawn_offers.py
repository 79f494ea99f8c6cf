"""An officer withdraws a game from a jurisdiction: nothing starts there, and what runs ends."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.db.utils import InternalError, ProgrammingError
from django.test import Client
from django.urls import reverse

from apps.compliance.contracts import MatrixQuery
from apps.compliance.selectors.matrix import gaps_at, matrix_at
from apps.core.errors import DomainError, ReasonRequiredError
from apps.core.models import AuditEntry, OutboxMessage
from apps.play import services
from apps.play.contracts import OpenedSession
from apps.play.errors import LaunchRefusedError
from apps.play.models import GameSession
from apps.play.tasks import end_sessions_of_offer
from apps.providers.contracts import GameRecord
from apps.providers.errors import NotOfferedError, OfferWithdrawnError
from apps.providers.models import Game, OfferWithdrawal
from apps.providers.services.catalogue import save_games
from apps.providers.services.offers import restore_offer, withdraw_offer
from apps.staff.enums import Role
from apps.staff.models import User
from apps.staff.services import sync_roles
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.races import race

pytestmark = pytest.mark.django_db

WHY = "The regulator asked for it in letter 12."


@pytest.fixture
def game() -> Game:
    game = make_game(make_provider(), offered_in=("MT", "SE"))
    make_cover(game, "MT")
    make_cover(game, "SE")
    make_player("p-mt")
    make_player("p-se", jurisdiction="SE")
    return game


@pytest.fixture
def officer() -> User:
    return make_user("olga")


def decide(act: Any, game: Game, officer: User, now: datetime, **facts: str) -> OfferWithdrawal:
    wanted = {"jurisdiction": "MT", "reason": WHY, **facts}
    done: OfferWithdrawal = act(game_id=game.pk, acting_user=officer, now=now, **wanted)
    return done


def launch(player_ref: str, now: datetime) -> OpenedSession:
    return services.open_session(
        player_ref=player_ref, provider_code="aurora", game_code="aurora-reef", now=now
    )


def said(game: Game, at: datetime, jurisdiction: str = "MT") -> list[str]:
    answer = services.can_serve(game_id=game.pk, jurisdiction=jurisdiction, at=at)
    return [reason.code for reason in answer.reasons]


def run_task(now: datetime) -> None:
    message = OutboxMessage.objects.get(task="play.end_sessions_of_offer")
    with time_machine.travel(now, tick=False):
        for _ in range(2):
            end_sessions_of_offer(outbox_id=message.pk, **message.payload)


def test_the_gate_refuses_from_that_moment_with_its_own_rule_and_keeps_the_reason_inside(
    game: Game, officer: User, now: datetime
) -> None:
    assert said(game, now) == []
    decide(withdraw_offer, game, officer, now)
    assert said(game, now) == ["offer_withdrawn"]
    assert said(game, now - timedelta(microseconds=1)) == []
    assert said(game, now, "SE") == []
    answer = services.can_serve(game_id=game.pk, jurisdiction="MT", at=now)
    assert answer.reasons[0].text == "aurora-reef is withdrawn in MT."
    with pytest.raises(LaunchRefusedError):
        launch("p-mt", now)
    assert launch("p-se", now).session_id
    entry = AuditEntry.objects.get(action="providers.offer.withdrawn")
    assert (entry.subject, entry.reason) == (f"game:{game.pk}", WHY)


def test_it_is_not_a_gap_while_it_is_withdrawn(game: Game, officer: User, now: datetime) -> None:
    late = now + timedelta(days=3000)
    before = {(gap[0].game_code, gap[1].jurisdiction) for gap in gaps_at(late, MatrixQuery())}
    decide(withdraw_offer, game, officer, now)
    after = {(gap[0].game_code, gap[1].jurisdiction) for gap in gaps_at(late, MatrixQuery())}
    assert before - after == {("aurora-reef", "MT")}
    assert matrix_at(now, MatrixQuery()).places == ["SE"]


def test_sessions_there_end_and_those_elsewhere_go_on(
    game: Game, officer: User, now: datetime
) -> None:
    here, there = launch("p-mt", now), launch("p-se", now)
    decide(withdraw_offer, game, officer, now + timedelta(minutes=1))
    run_task(now + timedelta(minutes=2))
    ended = GameSession.objects.get(pk=here.session_id)
    assert (ended.end_code, ended.end_reason) == (
        "offer_withdrawn",
        "The game is withdrawn in MT.",
    )
    assert GameSession.objects.get(pk=there.session_id).ended_at is None


def test_a_late_task_spares_sessions_opened_since_the_game_came_back(
    game: Game, officer: User, now: datetime
) -> None:
    decide(withdraw_offer, game, officer, now)
    back = now + timedelta(minutes=1)
    decide(restore_offer, game, officer, back, reason="The letter was answered.")
    assert said(game, now) == ["offer_withdrawn"]
    assert said(game, back) == []
    opened = launch("p-mt", back)
    run_task(back + timedelta(minutes=1))
    assert GameSession.objects.get(pk=opened.session_id).ended_at is None


def test_loading_the_catalogue_again_does_not_bring_it_back(
    game: Game, officer: User, now: datetime
) -> None:
    decide(withdraw_offer, game, officer, now)
    record = GameRecord("aurora-reef", "Reef", "slot", game.theoretical_rtp, ("MT", "SE"))
    save_games(game.provider_id, [record], now=now)
    assert said(game, now) == ["offer_withdrawn"]


def test_what_does_not_fit_is_refused_and_changes_nothing(
    game: Game, officer: User, now: datetime
) -> None:
    def refused(error: type[DomainError], act: Any, **facts: str) -> None:
        before = (OfferWithdrawal.objects.count(), AuditEntry.objects.count())
        with pytest.raises(error):
            decide(act, game, officer, now, **facts)
        assert (OfferWithdrawal.objects.count(), AuditEntry.objects.count()) == before
        assert not OfferWithdrawal.objects.exclude(restored_at=None).exists()

    refused(ReasonRequiredError, withdraw_offer, reason="  ")
    refused(NotOfferedError, withdraw_offer, jurisdiction="DE")
    refused(NotOfferedError, restore_offer)
    decide(withdraw_offer, game, officer, now)
    refused(OfferWithdrawnError, withdraw_offer)
    refused(ReasonRequiredError, restore_offer, reason="")


def test_the_database_refuses_a_second_withdrawal_and_a_changed_one(
    game: Game, officer: User, now: datetime
) -> None:
    facts = {"game": game, "jurisdiction": "MT", "withdrawn_at": now, "withdrawn_by": officer}
    one = OfferWithdrawal.objects.create(**facts, reason=WHY)

    def refused(name: str, call: Any) -> None:
        errors = (IntegrityError, InternalError, ProgrammingError)
        with pytest.raises(errors) as error, transaction.atomic():
            call()
        assert name in str(error.value)

    rows = OfferWithdrawal.objects
    refused("providers_offer_withdrawn_once_at_a_time", lambda: rows.create(**facts, reason=WHY))
    facts["jurisdiction"] = "SE"
    refused("providers_withdrawal_has_its_reason", lambda: rows.create(**facts, reason=""))
    refused(
        "providers_withdrawal_is_restored_by_somebody_for_a_reason",
        lambda: rows.filter(pk=one.pk).update(restored_at=now),
    )
    refused("pgtrigger", lambda: rows.filter(pk=one.pk).update(reason="Another."))
    refused("pgtrigger", one.delete)
    rows.filter(pk=one.pk).update(restored_at=now, restored_by=officer, restore_reason=WHY)
    refused("pgtrigger", lambda: rows.filter(pk=one.pk).update(restored_at=None))


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_one_withdraws_it(now: datetime) -> None:
    game = make_game(make_provider())
    people = [make_user(), make_user()]

    def withdraw(number: int) -> str:
        try:
            decide(withdraw_offer, game, people[number], now)
        except OfferWithdrawnError:
            return "refused"
        return "done"

    done = race([lambda: withdraw(0), lambda: withdraw(1)])
    assert sorted(map(str, done)) == ["done", "refused"]
    assert OfferWithdrawal.objects.count() == 1


def test_an_officer_withdraws_it_on_the_games_page_and_an_auditor_reads_it(
    game: Game, now: datetime
) -> None:
    sync_roles(now=now)
    page = reverse("admin:providers_game_change", args=[game.pk])

    def browser(role: Role) -> Client:
        client = Client()
        client.force_login(
            make_user(roles=(role,)), backend="django.contrib.auth.backends.ModelBackend"
        )
        return client

    officer, auditor = browser(Role.COMPLIANCE_OFFICER), browser(Role.AUDITOR)
    action = reverse("admin:providers_game_do", args=[game.pk, "withdraw-offer"])
    sent = {"jurisdiction": "MT", "reason": WHY}
    assert auditor.post(action, sent).status_code == 403
    assert not OfferWithdrawal.objects.exists()
    assert officer.post(action, sent).status_code == 302
    assert OfferWithdrawal.objects.get().jurisdiction == "MT"
    assert WHY in auditor.get(page).content.decode()
    assert "Put back on offer" in officer.get(page).content.decode()
