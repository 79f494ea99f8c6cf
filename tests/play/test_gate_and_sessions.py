"""The launch gate fails closed, and a session is what it says."""

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.test import Client

from apps.core.errors import ReasonRequiredError
from apps.play import services
from apps.play.contracts import OpenedSession
from apps.play.errors import (
    LaunchRefusedError,
    SigningKeyStateError,
    UnknownGameError,
    UnknownSessionError,
)
from apps.play.models import GameSession, SigningKey
from apps.play.services.keys import signing_key
from apps.players.errors import UnknownPlayerError
from apps.players.models import Player
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


@pytest.mark.parametrize("status", ["blocked", "self_excluded", "closed"])
def test_a_player_who_may_not_stake_gets_no_session(now: datetime, status: str) -> None:
    _, player = _ready()
    player.status = status
    player.save()
    with pytest.raises(LaunchRefusedError) as refused:
        _open(now)
    assert _codes(refused.value) == ["player_blocked"]
    assert not GameSession.objects.exists()


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
        "provider_inactive",
        "game_inactive",
        "not_offered",
        "player_blocked",
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


def test_the_database_refuses_a_session_longer_than_15_minutes(now: datetime) -> None:
    _ready()
    session = GameSession.objects.get(pk=_open(now).session_id)
    session.pk, session.jti = None, "00000000-0000-4000-8000-000000000001"
    session.expires_at = now + timedelta(minutes=15, microseconds=1)
    with (
        pytest.raises(IntegrityError, match="play_session_lives_at_most_15_minutes"),
        transaction.atomic(),
    ):
        session.save(force_insert=True)


def test_the_database_refuses_to_stretch_or_to_reopen_a_session(now: datetime) -> None:
    _ready()
    opened = _open(now)
    rows = GameSession.objects.filter(pk=opened.session_id)
    with pytest.raises(ProgrammingError), transaction.atomic():
        rows.update(expires_at=now + timedelta(minutes=5))
    services.revoke_session(session_id=opened.session_id, reason="Player logged out.", now=now)
    with pytest.raises(ProgrammingError), transaction.atomic():
        rows.update(revoked_at=None, revoked_reason="")


def test_a_session_is_ended_once_and_with_a_reason(now: datetime) -> None:
    _ready()
    opened = _open(now)
    with pytest.raises(ReasonRequiredError):
        services.revoke_session(session_id=opened.session_id, reason=" ", now=now)
    services.revoke_session(session_id=opened.session_id, reason="Player logged out.", now=now)
    later = now + timedelta(minutes=1)
    services.revoke_session(session_id=opened.session_id, reason="Again.", now=later)
    session = GameSession.objects.get(pk=opened.session_id)
    assert (session.revoked_at, session.revoked_reason) == (now, "Player logged out.")
    with pytest.raises(UnknownSessionError):
        services.revoke_session(session_id=opened.session_id + 1, reason="Why not.", now=now)


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
