"""Only the exact token that we issued holds, and only while its session does."""

import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.play import services
from apps.play.contracts import OpenedSession
from apps.play.enums import SessionEnd
from apps.play.jwt import new_key_pair
from apps.play.models import GameplayToken, SigningKey
from tests.factories import make_cover, make_game, make_player, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(now: datetime) -> OpenedSession:
    make_cover(make_game(make_provider()))
    make_player("p-1001")
    return services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )


def _live(tokens: list[str], now: datetime) -> dict[str, str]:
    with connection.cursor() as cursor:
        found = services.live_sessions(cursor, tokens, now)
    return {token: session.player_ref for token, session in found.items()}


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        jwt.get_unverified_header(token),
        jwt.decode(token, options={"verify_signature": False}),
    )


def _resign(token: str, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Sign changed claims with the real key: what a stolen signer could write."""
    old_header, old_claims = _parts(token)
    key = SigningKey.objects.get()
    merged = {**old_claims, **claims}
    return jwt.encode(
        {name: value for name, value in merged.items() if value is not ...},
        key.private_pem,
        algorithm="EdDSA",
        headers={"kid": old_header["kid"], **(header or {})},
    )


def _segment(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _raw_signed(header: bytes, claims: bytes) -> str:
    """Sign any bytes with the real key, past what a library would write."""
    key = jwt.algorithms.OKPAlgorithm().prepare_key(SigningKey.objects.get().private_pem)
    assert isinstance(key, Ed25519PrivateKey)
    signed = f"{_segment(header)}.{_segment(claims)}"
    return f"{signed}.{_segment(key.sign(signed.encode()))}"


def test_a_token_is_live_for_its_player_until_its_last_second(
    opened: OpenedSession, now: datetime
) -> None:
    assert _live([opened.token], now) == {opened.token: "p-1001"}
    last = opened.expires_at - timedelta(microseconds=1)
    assert _live([opened.token], last) == {opened.token: "p-1001"}
    assert _live([opened.token], opened.expires_at) == {}


def test_a_token_says_which_provider_and_game_it_is_for(
    opened: OpenedSession, now: datetime
) -> None:
    with connection.cursor() as cursor:
        session = services.live_sessions(cursor, [opened.token], now)[opened.token]
    assert (session.provider_code, session.game_code) == ("aurora", "aurora-reef")


def test_a_revoked_session_and_a_revoked_key_end_the_token_at_once(
    opened: OpenedSession, now: datetime
) -> None:
    other = services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )
    services.end_session(
        session_id=opened.session_id, code=SessionEnd.PROTECTION, reason="Self-excluded.", now=now
    )
    assert _live([opened.token, other.token], now) == {other.token: "p-1001"}
    key = SigningKey.objects.get()
    officer = make_user()
    services.retire_key(key_id=key.pk, acting_user=officer, reason="Quarterly change.", now=now)
    assert _live([other.token], now) == {other.token: "p-1001"}
    services.revoke_key(key_id=key.pk, acting_user=officer, reason="It leaked.", now=now)
    assert _live([other.token], now) == {}


def test_a_batch_costs_one_statement_and_rubbish_none(opened: OpenedSession, now: datetime) -> None:
    tokens = [opened.token] + [
        services.open_session(
            player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
        ).token
        for _ in range(4)
    ]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(_live([*tokens, "rubbish", ""], now)) == 5
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        assert _live(["rubbish", "", "a.b.c", "\x00", "é" * 50, "x" * 1_000_000], now) == {}
    assert len(queries) == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": ...},
        {"iat": ...},
        {"nbf": ...},
        {"iss": ...},
        {"aud": ...},
        {"sub": ...},
        {"jti": ...},
        {"game": ...},
        {"iss": "somebody"},
        {"aud": "borealis"},
        {"aud": ["aurora"]},
        {"aud": ["aurora", "borealis"]},
        {"sub": "p-1002"},
        {"game": "aurora-crown"},
        {"exp": 10**20},
        {"exp": 1e20},
        {"exp": True},
        {"exp": "2026-11-22T10:30:30Z"},
        {"nbf": 10**10},
        {"iat": 0},
        {"jti": "not-a-uuid"},
        {"jti": 7},
        {"jti": "00000000-0000-4000-8000-000000000000"},
        {"admin": True},
    ],
    ids=str,
)
def test_claims_that_differ_from_the_session_are_refused_even_if_signed(
    opened: OpenedSession, now: datetime, claims: dict[str, Any]
) -> None:
    assert _live([_resign(opened.token, **claims)], now) == {}


def test_a_longer_life_than_the_session_is_refused_even_if_signed(
    opened: OpenedSession, now: datetime
) -> None:
    _, claims = _parts(opened.token)
    longer = _resign(opened.token, exp=claims["exp"] + 3600)
    assert _live([longer], now) == {}
    as_float = _resign(opened.token, exp=float(claims["exp"]))
    assert _live([as_float], now) == {}


def test_an_unsigned_or_otherwise_signed_token_is_refused(
    opened: OpenedSession, now: datetime
) -> None:
    header, claims = _parts(opened.token)
    kid = {"kid": header["kid"]}
    public_pem = SigningKey.objects.get().public_pem
    stranger, _ = new_key_pair()
    hs_header = _segment(json.dumps({"alg": "HS256", "typ": "JWT", **kid}).encode())
    head, body, signature = opened.token.split(".")
    forged = [
        jwt.encode(claims, "", algorithm="none", headers=kid),
        jwt.encode(claims, "k" * 64, algorithm="HS256", headers=kid),
        jwt.encode(claims, stranger, algorithm="EdDSA", headers=kid),
        f"{hs_header}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
    ]
    for name in ("none", "None", "NONE", "nOnE", "RS256", "ES256", "HS256"):
        renamed = _segment(json.dumps({"alg": name, "typ": "JWT", **kid}).encode())
        forged += [f"{renamed}.{body}.{signature}", f"{renamed}.{body}.{'A' * 86}"]
    assert "BEGIN PUBLIC KEY" in public_pem
    assert _live(forged, now) == {}


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"crit": ["exp"]},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"kid": "play-000000000000"},
        {"cty": "JWT"},
    ],
    ids=str,
)
def test_a_header_we_do_not_write_is_refused_even_if_signed(
    opened: OpenedSession, now: datetime, header: dict[str, Any]
) -> None:
    assert _live([_resign(opened.token, header=header)], now) == {}


def test_another_spelling_of_the_same_token_is_refused(
    opened: OpenedSession, now: datetime
) -> None:
    header, claims = _parts(opened.token)
    header_json, claims_json = json.dumps(header), json.dumps(claims)
    twice = claims_json[:-1] + f', "sub": "{claims["sub"]}"}}'
    head, body, signature = opened.token.split(".")
    spelled = [
        f"{opened.token}=",
        f" {opened.token}",
        f"{opened.token}\n",
        f"Bearer {opened.token}",
        f"{opened.token}.{signature}",
        f"{head}.{body}.{signature[:-1]}{_neighbour(signature[-1])}",
        _raw_signed(header_json.encode(), twice.encode()),
        _raw_signed((header_json[:-1] + ', "alg": "EdDSA"}').encode(), claims_json.encode()),
        _raw_signed(b"[]", claims_json.encode()),
        _raw_signed(header_json.encode(), b"null"),
        _raw_signed(header_json.encode(), b"[" * 500),
    ]
    assert _live(spelled, now) == {}
    # The control: the same bytes signed the same way hold, so the refusals above have their cause.
    again = _raw_signed(header_json.encode(), claims_json.encode())
    assert _live([again], now) == {again: "p-1001"}


def _neighbour(letter: str) -> str:
    """Return the letter whose unused low bits differ: the same signature, spelled otherwise."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) ^ 1]


def test_a_token_moved_to_another_session_or_environment_is_refused(
    opened: OpenedSession, now: datetime
) -> None:
    other = services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )
    other_jti = str(GameplayToken.objects.get(session_id=other.session_id).jti)
    assert _live([_resign(opened.token, jti=str(uuid4()))], now) == {}
    # Signed by us and for the same player, so it is that other session's own token.
    moved = _resign(opened.token, jti=other_jti)
    assert _live([moved], now) == {moved: "p-1001"}


def test_not_before_has_seconds_of_leeway_and_the_end_has_none(
    opened: OpenedSession, now: datetime
) -> None:
    assert _live([opened.token], now - timedelta(seconds=5)) != {}
    assert _live([opened.token], now - timedelta(seconds=6)) == {}


def _mutators() -> list[Callable[[str, random.Random], str]]:
    def flip(token: str, chance: random.Random) -> str:
        place = chance.randrange(len(token))
        return token[:place] + chance.choice("AZaz09-_.=+/ é") + token[place + 1 :]

    def cut(token: str, chance: random.Random) -> str:
        place = chance.randrange(len(token))
        return token[:place] + token[place + chance.randrange(1, 5) :]

    def insert(token: str, chance: random.Random) -> str:
        place = chance.randrange(len(token))
        return token[:place] + chance.choice("AZaz09-_.=") + token[place:]

    return [flip, cut, insert]


def test_only_the_exact_original_verifies(opened: OpenedSession, now: datetime) -> None:
    chance = random.Random(20261122)
    mutants = {mutate(opened.token, chance) for mutate in _mutators() for _ in range(1500)} - {
        opened.token
    }
    assert len(mutants) > 3000
    assert _live([*mutants, opened.token], now) == {opened.token: "p-1001"}


def test_the_row_is_what_counts_not_the_claims(opened: OpenedSession, now: datetime) -> None:
    copy = replace(opened, token=_resign(opened.token, exp=int(now.timestamp()) + 10))
    assert _live([copy.token], now) == {}
