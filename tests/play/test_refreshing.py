"""A token is renewed by the operator's server alone, each credential once."""

import contextlib
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError

from apps.core.models import AuditEntry
from apps.play import services
from apps.play.contracts import IssuedToken, OpenedSession
from apps.play.enums import SessionEnd
from apps.play.errors import (
    InvalidLaunchCodeError,
    InvalidRefreshError,
    LaunchRefusedError,
    SessionEndedError,
    UnknownSessionError,
)
from apps.play.models import GameplayToken, GameSession, LaunchCode, RefreshCredential, SigningKey
from apps.play.selectors import jwks, sessions_by_public_id
from apps.players.models import Player
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.races import race

pytestmark = pytest.mark.django_db


def _open(now: datetime) -> OpenedSession:
    make_cover(make_game(make_provider()))
    make_player("p-1001")
    return services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )


def _refresh(opened: OpenedSession, credential: str, now: datetime) -> IssuedToken:
    return services.refresh_session(session_id=opened.session_id, credential=credential, now=now)


def _live(tokens: list[str], now: datetime) -> set[str]:
    with connection.cursor() as cursor:
        return set(services.live_sessions(cursor, tokens, now))


def test_a_refresh_gives_a_new_token_and_the_next_credential(now: datetime) -> None:
    opened = _open(now)
    later = now + timedelta(minutes=10)
    first = _refresh(opened, opened.refresh_credential, later)
    assert first.expires_at == later + timedelta(minutes=15)
    # The token before is good for the rest of its own time: a stake under way is not refused.
    assert _live([opened.token, first.token], later) == {opened.token, first.token}
    assert _live([opened.token, first.token], opened.expires_at) == {first.token}
    second = _refresh(opened, first.refresh_credential, later)
    assert (
        len({opened.refresh_credential, first.refresh_credential, second.refresh_credential}) == 3
    )


def test_nothing_that_was_handed_out_is_stored(now: datetime) -> None:
    opened = _open(now)
    stored = "".join(
        str(row)
        for model in (GameSession, GameplayToken, RefreshCredential, LaunchCode)
        for row in model.objects.values_list()
    )
    for secret in (opened.token, opened.refresh_credential, opened.launch_code):
        assert secret not in stored
        assert secret.rpartition(".")[2] not in stored


def test_a_used_credential_ends_the_session_with_all_its_tokens(now: datetime) -> None:
    opened = _open(now)
    renewed = _refresh(opened, opened.refresh_credential, now)
    with pytest.raises(InvalidRefreshError):
        _refresh(opened, opened.refresh_credential, now + timedelta(seconds=1))
    session = GameSession.objects.get(pk=opened.session_id)
    assert session.end_code == SessionEnd.REFRESH_REUSED
    assert _live([opened.token, renewed.token], now) == set()
    with pytest.raises(SessionEndedError):
        _refresh(opened, renewed.refresh_credential, now + timedelta(seconds=2))
    with connection.cursor() as cursor:
        facts = sessions_by_public_id(cursor, [opened.public_id], now)
    assert not facts[opened.public_id].is_live
    (entry,) = AuditEntry.objects.filter(action="play.session.refresh_reused")
    assert entry.subject == f"play.gamesession:{opened.session_id}"
    used = RefreshCredential.objects.get(reused_at__isnull=False)
    assert used.used_at == now


@pytest.mark.parametrize("credential", ["", "pbr_", "\x00", "x" * 100_000, "\ud800", "' OR 1=1 --"])
def test_a_strange_credential_is_refused_and_changes_nothing(
    now: datetime, credential: str
) -> None:
    opened = _open(now)
    with pytest.raises(InvalidRefreshError):
        _refresh(opened, credential, now)
    assert GameplayToken.objects.count() == 1
    assert _live([opened.token], now) == {opened.token}


def test_a_credential_of_another_session_is_refused_and_both_live_on(now: datetime) -> None:
    opened = _open(now)
    other = services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )
    with pytest.raises(InvalidRefreshError):
        _refresh(opened, other.refresh_credential, now)
    assert _live([opened.token, other.token], now) == {opened.token, other.token}
    assert _refresh(other, other.refresh_credential, now).token


def test_no_token_outlives_its_session(now: datetime) -> None:
    opened = _open(now)
    late = opened.stakes_until - timedelta(minutes=1)
    renewed = _refresh(opened, opened.refresh_credential, late)
    assert renewed.expires_at == opened.stakes_until
    with pytest.raises(SessionEndedError):
        _refresh(opened, renewed.refresh_credential, opened.stakes_until)


def test_a_player_who_may_no_longer_play_gets_no_new_token(now: datetime) -> None:
    opened = _open(now)
    Player.objects.update(status="blocked")
    with pytest.raises(LaunchRefusedError):
        _refresh(opened, opened.refresh_credential, now)
    assert GameplayToken.objects.count() == 1
    # The credential was not used up: once the block is lifted, play goes on.
    Player.objects.update(status="active")
    assert _refresh(opened, opened.refresh_credential, now).token


def test_an_unknown_session_is_refused_by_name(now: datetime) -> None:
    opened = _open(now)
    with pytest.raises(UnknownSessionError):
        services.refresh_session(
            session_id=opened.session_id + 1, credential=opened.refresh_credential, now=now
        )


def test_keys_overlap_while_one_follows_the_other(now: datetime) -> None:
    opened = _open(now)
    old = SigningKey.objects.get()
    officer = make_user()
    services.retire_key(key_id=old.pk, acting_user=officer, reason="Quarterly change.", now=now)
    renewed = _refresh(opened, opened.refresh_credential, now)
    assert SigningKey.objects.filter(state="active").get().pk != old.pk
    assert {key["kid"] for key in jwks(now)} == set(
        SigningKey.objects.values_list("kid", flat=True)
    )
    assert _live([opened.token, renewed.token], now) == {opened.token, renewed.token}
    # Once nothing that the old key signed can be alive, it is published no more.
    assert old.kid not in {key["kid"] for key in jwks(now + timedelta(minutes=15))}


def test_a_revoked_key_ends_the_sessions_that_hold_its_tokens(now: datetime) -> None:
    opened = _open(now)
    old = SigningKey.objects.get()
    officer = make_user()
    services.retire_key(key_id=old.pk, acting_user=officer, reason="Quarterly change.", now=now)
    other = services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )
    services.revoke_key(key_id=old.pk, acting_user=officer, reason="It leaked.", now=now)
    session = GameSession.objects.get(pk=opened.session_id)
    assert (session.end_code, session.end_reason) == (SessionEnd.KEY_REVOKED, "It leaked.")
    assert _live([opened.token, other.token], now) == {other.token}
    with pytest.raises(SessionEndedError):
        _refresh(opened, opened.refresh_credential, now)
    assert old.kid not in {key["kid"] for key in jwks(now)}


def test_the_database_refuses_two_unused_credentials_and_a_second_use(now: datetime) -> None:
    opened = _open(now)
    with (
        pytest.raises(IntegrityError, match="play_refresh_one_unused_per_session"),
        transaction.atomic(),
    ):
        RefreshCredential.objects.create(
            session_id=opened.session_id, digest="a" * 64, issued_at=now
        )
    with (
        pytest.raises(IntegrityError, match="play_refresh_reused_after_it_was_used"),
        transaction.atomic(),
    ):
        RefreshCredential.objects.update(reused_at=now)
    _refresh(opened, opened.refresh_credential, now)
    with pytest.raises(ProgrammingError), transaction.atomic():
        RefreshCredential.objects.filter(used_at__isnull=False).update(used_at=None)
    with pytest.raises(ProgrammingError), transaction.atomic():
        RefreshCredential.objects.filter(used_at__isnull=False).delete()


def test_a_launch_code_starts_the_game_once(now: datetime) -> None:
    opened = _open(now)
    launched = services.exchange_launch_code(opened.launch_code, now=now)
    assert (launched.session_id, launched.game_name) == (opened.session_id, "Aurora Reef")
    with pytest.raises(InvalidLaunchCodeError):
        services.exchange_launch_code(opened.launch_code, now=now)


def test_a_launch_code_lives_60_seconds(now: datetime) -> None:
    opened = _open(now)
    assert opened.launch_expires_at == now + timedelta(seconds=60)
    with pytest.raises(InvalidLaunchCodeError):
        services.exchange_launch_code(opened.launch_code, now=now + timedelta(seconds=60))
    last = now + timedelta(seconds=60) - timedelta(microseconds=1)
    launched = services.exchange_launch_code(opened.launch_code, now=last)
    assert launched.session_id == opened.session_id


@pytest.mark.parametrize("code", ["", "\x00", "pbl_", "\ud800", "x" * 100_000])
def test_a_strange_launch_code_is_refused(now: datetime, code: str) -> None:
    _open(now)
    with pytest.raises(InvalidLaunchCodeError):
        services.exchange_launch_code(code, now=now)


def test_an_ended_session_is_not_launched(now: datetime) -> None:
    opened = _open(now)
    services.end_session(
        session_id=opened.session_id, code=SessionEnd.LOGOUT, reason="Logged out.", now=now
    )
    with pytest.raises(InvalidLaunchCodeError):
        services.exchange_launch_code(opened.launch_code, now=now)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_40_exchanges_at_once_one_starts_the_game(now: datetime) -> None:
    opened = _open(now)
    outcomes = race([lambda: services.exchange_launch_code(opened.launch_code, now=now)] * 40)
    refused = [each for each in outcomes if isinstance(each, InvalidLaunchCodeError)]
    assert (len(refused), len(outcomes)) == (39, 40)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_looking_before_taking_starts_the_game_more_than_once(now: datetime) -> None:
    """The control: the same race, with the code looked up first and marked afterwards."""
    opened = _open(now)

    def look_then_take() -> bool:
        code = LaunchCode.objects.get()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
        with contextlib.suppress(ProgrammingError), transaction.atomic():
            LaunchCode.objects.filter(pk=code.pk).update(used_at=now)
        return code.used_at is None

    assert opened.launch_code
    assert race([look_then_take] * 8).count(True) > 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_40_refreshes_at_once_one_is_answered_and_the_session_ends(now: datetime) -> None:
    opened = _open(now)
    outcomes = race([lambda: _refresh(opened, opened.refresh_credential, now)] * 40)
    answered = [each for each in outcomes if isinstance(each, IssuedToken)]
    refused = [each for each in outcomes if isinstance(each, InvalidRefreshError)]
    assert (len(answered), len(refused)) == (1, 39)
    assert GameplayToken.objects.count() == 2
    assert _live([opened.token, answered[0].token], now) == set()
