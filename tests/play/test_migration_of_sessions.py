"""Sessions from before tokens had a table of their own keep all they had, both ways."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from apps.play import services
from apps.play.enums import SessionEnd
from apps.play.models import GameplayToken, GameSession
from apps.play.services.keys import signing_key
from tests.factories import make_game, make_player, make_provider
from tests.older_schema import schema_at

OLD_SESSION = """
INSERT INTO play_gamesession (
    provider_id, player_id, game_id, signing_key_id, jti, issued_at, expires_at,
    revoked_at, revoked_reason
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
JTIS = [UUID(f"00000000-0000-4000-8000-00000000000{number}") for number in (1, 2)]
ISSUED_AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_old_sessions_keep_their_token_their_end_and_their_reason(now: datetime) -> None:
    game = make_game(make_provider())
    player = make_player("p-1001", currency="AUD")
    key = signing_key(now)
    expires_at = ISSUED_AT + timedelta(minutes=15)
    ended_at = ISSUED_AT + timedelta(minutes=3)
    owned = [game.provider_id, player.pk, game.pk, key.pk]
    with schema_at("play", "0001_initial"), connection.cursor() as cursor:
        for jti, end in zip(JTIS, [(None, ""), (ended_at, "Self-excluded.")], strict=True):
            cursor.execute(OLD_SESSION, [*owned, jti, ISSUED_AT, expires_at, *end])
    live, ended = GameSession.objects.order_by("pk")
    assert [(live.end_code, live.end_reason), (ended.end_code, ended.end_reason)] == [
        ("", ""),
        ("staff", "Self-excluded."),
    ]
    assert (live.opened_at, live.stakes_until, live.ended_at) == (ISSUED_AT, expires_at, None)
    assert (live.currency, ended.ended_at) == ("AUD", ended_at)
    assert live.public_id != ended.public_id
    tokens = GameplayToken.objects.order_by("session_id")
    assert [token.jti for token in tokens] == JTIS
    assert {token.signing_key_id for token in tokens} == {key.pk}
    assert {(token.issued_at, token.expires_at) for token in tokens} == {(ISSUED_AT, expires_at)}

    with schema_at("play", "0001_initial"), connection.cursor() as cursor:
        cursor.execute("SELECT jti, revoked_at, expires_at FROM play_gamesession ORDER BY id")
        assert cursor.fetchall() == [
            (JTIS[0], None, expires_at),
            (JTIS[1], ended_at, expires_at),
        ]
    assert (
        services.end_sessions_of_player(
            player_id=player.pk, code=SessionEnd.LOGOUT, reason="Logged out.", now=ISSUED_AT
        )
        == 1
    )
