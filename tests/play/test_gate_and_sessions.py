"""The launch gate fails closed, and a session is what it says."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.test import Client

from apps.core.errors import ReasonRequiredError
from apps.play import services
from apps.play.contracts import OpenedSession
from apps.play.enums import SessionEnd
from apps.play.errors import (
    LaunchRefusedError,
    SigningKeyStateError,
    UnknownGameError,
    UnknownSessionError,
)
from apps.play.models import GameplayToken, GameSession, SigningKey
from apps.play.services.keys import signing_key
from apps.players.errors import UnknownPlayerError
from apps.players.models import Player, ProtectionCheck
from apps.providers.errors import UnknownProviderError
from apps.providers.models import Game
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.races import race

pytestmark = pytest.mark.django_db


def _ready() -> tuple[Game, Player]:
    game = make_game(make_provider())
    make_cover(game)
    return game, make_player("p-1001")


def _open(now: datetime, game_code: str = "aurora-reef") -> OpenedSession:
    return services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code=game_code, now=now
    )


def _codes(error: LaunchRefusedError) -> list[str]:
    return [reason.code for reason in error.reasons]


def test_a_covered_and_offered_game_opens_for_an_active_player(now: datetime) -> None:
    game, player = _ready()
    opened = _open(now)
    session = GameSession.objects.get(pk=opened.session_id)
    assert (session.player_id, session.game_id) == (player.pk, game.pk)
    assert opened.expires_at == now + timedelta(minutes=15)


def test_the_answer_names_the_certificate_that_proves_it(now: datetime) -> None:
    game = make_game(make_provider())
    certificate = make_cover(game)
    answer = services.can_serve(game_id=game.pk, jurisdiction="MT", at=now)
    assert answer.allowed
    assert answer.certificate is not None
    assert answer.certificate.report_number == certificate.report_number


def test_an_uncovered_game_is_refused_and_nothing_is_stored(now: datetime) -> None:
    make_game(make_provider())
    make_player("p-1001")
    with pytest.raises(LaunchRefusedError) as refused:
        _open(now)
    assert _codes(refused.value) == ["no_certificate"]
    assert not GameSession.objects.exists()
    assert not SigningKey.objects.exists()


def test_the_certificate_covers_its_last_day_and_not_the_next(now: datetime) -> None:
    game = make_game(make_provider())
    make_cover(game, expires_on=date(2026, 11, 22))
    assert services.can_serve(game_id=game.pk, jurisdiction="MT", at=now).allowed
    later = services.can_serve(game_id=game.pk, jurisdiction="MT", at=now + timedelta(days=1))
    assert not later.allowed
    assert [reason.code for reason in later.reasons] == ["expired"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("blocked", "player_blocked"),
        ("self_excluded", "self_excluded"),
        ("closed", "account_closed"),
    ],
)
def test_a_player_who_may_not_stake_gets_no_session(now: datetime, status: str, code: str) -> None:
    _, player = _ready()
    player.status = status
    player.save()
    with pytest.raises(LaunchRefusedError) as refused:
        _open(now)
    assert _codes(refused.value) == [code]
    assert not GameSession.objects.exists()
    # What was asked and answered is kept, although nothing was opened.
    check = ProtectionCheck.objects.get()
    assert (check.is_allowed, check.codes) == (False, [code])


def test_every_reason_is_given_at_once(now: datetime) -> None:
    game, player = _ready()
    game.is_active = False
    game.save()
    game.provider.is_active = False
    game.provider.save()
    player.jurisdiction = "AU-NSW"
    player.status = "closed"
    player.save()
    with pytest.raises(LaunchRefusedError) as refused:
        _open(now)
    assert _codes(refused.value) == [
        "account_closed",
        "provider_inactive",
        "game_inactive",
        "not_offered",
        "prohibited_product",
        "other_jurisdiction",
    ]


def test_an_unknown_game_is_never_served(now: datetime) -> None:
    answer = services.can_serve(game_id=987_654, jurisdiction="MT", at=now)
    assert not answer.allowed
    assert [reason.code for reason in answer.reasons] == ["unknown_game"]


def test_unknown_names_are_refused_by_name(now: datetime) -> None:
    _ready()
    with pytest.raises(UnknownGameError):
        _open(now, game_code="no-such-game")
    with pytest.raises(UnknownPlayerError):
        services.open_session(
            player_ref="p-x", provider_code="aurora", game_code="aurora-reef", now=now
        )
    with pytest.raises(UnknownProviderError):
        services.open_session(
            player_ref="p-1001", provider_code="nobody", game_code="aurora-reef", now=now
        )
    assert not GameSession.objects.exists()


def test_the_database_refuses_a_session_longer_than_12_hours(now: datetime) -> None:
    _ready()
    session = GameSession.objects.get(pk=_open(now).session_id)
    session.pk, session.public_id = None, UUID("00000000-0000-4000-8000-000000000001")
    session.stakes_until = session.opened_at + timedelta(hours=12, microseconds=1)
    with (
        pytest.raises(IntegrityError, match="play_session_takes_stakes_at_most_12_hours"),
        transaction.atomic(),
    ):
        session.save(force_insert=True)


def test_the_database_refuses_a_token_longer_than_15_minutes(now: datetime) -> None:
    _ready()
    token = GameplayToken.objects.get(session_id=_open(now).session_id)
    token.pk, token.jti = None, UUID("00000000-0000-4000-8000-000000000001")
    token.expires_at = token.issued_at + timedelta(minutes=15, microseconds=1)
    with (
        pytest.raises(IntegrityError, match="play_token_lives_at_most_15_minutes"),
        transaction.atomic(),
    ):
        token.save(force_insert=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"end_reason": "Because."},
        {"end_code": "staff"},
        {"end_code": "staff", "end_reason": "Because."},
        {"ended_at": datetime(2026, 11, 22, 12, tzinfo=UTC)},
        {"ended_at": datetime(2026, 11, 22, 12, tzinfo=UTC), "end_code": "staff"},
        {
            "ended_at": datetime(2020, 1, 1, tzinfo=UTC),
            "end_code": "staff",
            "end_reason": "Because.",
        },
    ],
    ids=str,
)
def test_the_database_refuses_half_an_end(now: datetime, changes: dict[str, object]) -> None:
    _ready()
    rows = GameSession.objects.filter(pk=_open(now).session_id)
    with (
        pytest.raises(IntegrityError, match="play_session_ended_with_a_reason"),
        transaction.atomic(),
    ):
        rows.update(**changes)


def test_the_database_refuses_to_stretch_or_to_reopen_a_session(now: datetime) -> None:
    _ready()
    opened = _open(now)
    rows = GameSession.objects.filter(pk=opened.session_id)
    with pytest.raises(ProgrammingError), transaction.atomic():
        rows.update(stakes_until=now + timedelta(hours=5))
    with pytest.raises(ProgrammingError), transaction.atomic():
        GameplayToken.objects.filter(session_id=opened.session_id).update(expires_at=now)
    _end(opened, "Player logged out.", now)
    with pytest.raises(ProgrammingError), transaction.atomic():
        rows.update(ended_at=None, end_code="", end_reason="")


def _end(opened: OpenedSession, reason: str, now: datetime) -> None:
    services.end_session(
        session_id=opened.session_id, code=SessionEnd.LOGOUT, reason=reason, now=now
    )


def test_a_session_is_ended_once_and_with_a_reason(now: datetime) -> None:
    _ready()
    opened = _open(now)
    with pytest.raises(ReasonRequiredError):
        _end(opened, " ", now)
    _end(opened, "Player logged out.", now)
    _end(opened, "Again.", now + timedelta(minutes=1))
    session = GameSession.objects.get(pk=opened.session_id)
    assert (session.ended_at, session.end_reason) == (now, "Player logged out.")
    assert session.end_code == SessionEnd.LOGOUT
    with pytest.raises(UnknownSessionError):
        _end(replace(opened, session_id=opened.session_id + 1), "Why not.", now)


def test_all_sessions_of_a_player_end_together_and_nobody_elses(now: datetime) -> None:
    _, player = _ready()
    make_player("p-1002")
    mine = [_open(now), _open(now)]
    other = services.open_session(
        player_ref="p-1002", provider_code="aurora", game_code="aurora-reef", now=now
    )
    ended = services.end_sessions_of_player(
        player_id=player.pk, code=SessionEnd.PROTECTION, reason="Self-excluded.", now=now
    )
    assert ended == 2
    open_still = GameSession.objects.filter(ended_at__isnull=True).values_list("pk", flat=True)
    assert list(open_still) == [other.session_id]
    assert {each.session_id for each in mine}.isdisjoint(open_still)


def test_the_published_keys_are_public_halves_only(now: datetime, client: Client) -> None:
    key = signing_key(now)
    answer = client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    (published,) = answer.json()["keys"]
    assert published.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert published["kid"] == key.kid
    assert "PRIVATE" in key.private_pem


def test_a_key_that_ended_does_not_end_again_but_a_retired_one_can_be_revoked(
    now: datetime,
) -> None:
    officer = make_user()
    key = signing_key(now)
    services.retire_key(key_id=key.pk, acting_user=officer, reason="Quarterly change.", now=now)
    with pytest.raises(SigningKeyStateError):
        services.retire_key(key_id=key.pk, acting_user=officer, reason="Twice.", now=now)
    services.revoke_key(key_id=key.pk, acting_user=officer, reason="It leaked.", now=now)
    key.refresh_from_db()
    assert key.state == "revoked"
    assert signing_key(now).pk != key.pk


@pytest.mark.django_db(transaction=True)
def test_two_first_sessions_at_once_make_one_signing_key(now: datetime) -> None:
    outcomes = race([lambda: signing_key(now).pk] * 4)
    assert len(set(outcomes)) == 1
    assert SigningKey.objects.count() == 1
