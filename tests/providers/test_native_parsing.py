"""From authentic bytes to canonical events: strict, typed, and never another exception."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.providers.adapters.contract import EnvelopeError
from apps.providers.adapters.native.parse import parse_body, parse_event
from apps.providers.adapters.native.signing import CHECKSUM_FIELDS, checksum
from apps.providers.contracts import CanonicalEvent, EventRefusal

SECRET = b"s" * 32
REQUIRED = (*CHECKSUM_FIELDS, "finalized", "checksum")


def raw_event(**changes: Any) -> dict[str, Any]:
    event = {
        "event_id": "a1-000001",
        "round_id": "r-77",
        "player_id": "p-1001",
        "timestamp": "2026-11-20T10:15:30.123Z",
        "bet_amount": "2.00",
        "win_amount": "3.50",
        "currency": "AUD",
        "game_code": "aurora-reef",
        "round_type": "base",
        "balance_before": "100.00",
        "balance_after": "101.50",
        "finalized": True,
        "session_token": None,
        "promo": {"campaign": "double-weekend", "multiplier": "2.0"},
        "reference_event_id": None,
        **changes,
    }
    return {"checksum": checksum(SECRET, event), **event}


def parsed(**changes: Any) -> CanonicalEvent:
    event = parse_event(raw_event(**changes), [SECRET])
    assert isinstance(event, CanonicalEvent)
    return event


def refusal(raw: Any) -> tuple[str, str]:
    event = parse_event(raw, [SECRET])
    assert isinstance(event, EventRefusal), f"{raw!r:.200} was taken"
    return event.code, event.detail


def test_an_event_becomes_minor_units_in_utc() -> None:
    event = parsed(timestamp="2026-11-20T12:15:30.123+02:00")
    assert event.occurred_at == datetime(2026, 11, 20, 10, 15, 30, 123_000, tzinfo=UTC)
    assert (event.bet_minor, event.win_minor) == (200, 350)
    assert (event.balance_before_minor, event.balance_after_minor) == (10_000, 10_150)
    assert (event.round_ref, event.player_ref, event.game_code) == ("r-77", "p-1001", "aurora-reef")
    assert (event.promo_campaign, event.promo_multiplier) == ("double-weekend", "2.0")
    assert event.finalized


def test_a_round_that_is_not_named_is_called_like_its_event() -> None:
    raw = raw_event()
    del raw["round_id"]
    event = parse_event(raw, [SECRET])
    assert isinstance(event, CanonicalEvent)
    assert event.round_ref == "a1-000001"


def test_a_providers_own_balance_may_be_negative() -> None:
    assert parsed(balance_before="-0.05").balance_before_minor == -5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"{} x", "malformed_json"),
        (b"{}{}", "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": Infinity}', "malformed_json"),
        (b'{"a": -Infinity}', "malformed_json"),
        (b'{"a": 1e99999999999999999999}', "malformed_json"),
        (b'{"a": 1e-99999999999999999999}', "malformed_json"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "malformed_json"),
        (b'{"a": 1, "a": 2}', "malformed_json"),
        (b'{"events": [{"event_id": "x", "event_id": "y"}]}', "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "malformed_json"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        (b'{"a": "\x00"}', "malformed_json"),
        ('{"a": 1}'.encode("utf-16"), "not_utf8"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "not_utf8"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"1", "not_an_object"),
        (b'{"a": "\\u0000"}', "unstorable_text"),
        (b'{"a": "\\ud800"}', "unstorable_text"),
        (b'{"\\udc00": 1}', "unstorable_text"),
        (b'{"events": []}', "no_events"),
        (b'{"events": null}', "no_events"),
        (b'{"events": {"0": {}}}', "no_events"),
        (b'{"events": [' + b"{}," * 1_000 + b"{}]}", "too_many_events"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:24]),
)
def test_a_body_that_is_not_strict_json_of_events_is_refused_by_name(
    body: bytes, code: str
) -> None:
    with pytest.raises(EnvelopeError) as refused:
        parse_body(body)
    assert refused.value.code == code


def test_one_event_or_a_list_of_up_to_a_thousand_may_come() -> None:
    assert parse_body(b'{"event_id": "x"}') == [{"event_id": "x"}]
    assert len(parse_body(b'{"events": [' + b"{}," * 999 + b"{}]}")) == 1_000


@pytest.mark.parametrize("name", REQUIRED)
def test_each_required_field_is_missed_by_name(name: str) -> None:
    absent = {field: value for field, value in raw_event().items() if field != name}
    assert refusal(absent) == ("missing_field", name)
    assert refusal(raw_event() | {name: None}) == ("missing_field", name)


@pytest.mark.parametrize("raw", [None, 1, "text", [], True])
def test_an_event_that_is_no_object_is_a_bad_field(raw: Any) -> None:
    assert refusal(raw)[0] == "bad_field"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event_id", 7),
        ("event_id", "with space"),
        ("event_id", "x" * 129),
        ("event_id", "é"),
        ("event_id", "a|b"),
        ("event_id", "line\n"),
        ("player_id", ["p-1"]),
        ("game_code", {"code": "x"}),
        ("round_id", "a/b"),
        ("round_id", 5),
        ("reference_event_id", "a b"),
        ("round_type", "spin"),
        ("round_type", 1),
        ("finalized", "true"),
        ("finalized", 1),
        ("currency", "aud"),
        ("currency", "AU"),
        ("currency", 36),
        ("timestamp", "2026-11-20T10:15:30"),
        ("timestamp", "2026-11-20"),
        ("timestamp", "2026-13-20T10:15:30Z"),
        ("timestamp", "2026-11-20T10:15:60Z"),
        ("timestamp", "2026-11-20T10:15:30.1234567Z"),
        ("timestamp", "0001-01-01T00:00:00+14:00"),
        ("timestamp", "0001-12-31T23:59:59Z"),
        ("timestamp", "9999-01-01T00:00:00Z"),
        ("timestamp", "2026-11-20T10:15:30+24:00"),
        ("timestamp", 1_763_633_730),
        ("timestamp", "٢٠٢٦-11-20T10:15:30Z"),
        ("session_token", 5),
        ("session_token", "x" * 4_097),
        ("promo", "double-weekend"),
        ("promo", {}),
        ("promo", {"campaign": "a b"}),
        ("promo", {"campaign": "x" * 65}),
        ("promo", {"campaign": "x", "multiplier": 2}),
        ("promo", {"campaign": "x", "multiplier": "-2"}),
        ("promo", {"campaign": "x", "multiplier": "1e3"}),
    ],
)
def test_a_field_of_another_form_is_a_bad_field_even_under_a_good_checksum(
    name: str, value: Any
) -> None:
    assert refusal(raw_event(**{name: value}))[0] == "bad_field"


def test_a_rollback_must_name_what_it_rolls_back() -> None:
    assert refusal(raw_event(round_type="rollback")) == ("missing_field", "reference_event_id")
    assert refusal(raw_event(round_type="rollback", reference_event_id=""))[0] == "missing_field"
    assert parsed(round_type="rollback", reference_event_id="e-0").reference_event_id == "e-0"


BAD_AMOUNTS: list[tuple[str, Any]] = [
    ("AUD", 2.0),
    ("AUD", 2),
    ("AUD", True),
    ("AUD", ["2.00"]),
    ("AUD", ""),
    ("AUD", " 1"),
    ("AUD", "1 "),
    ("AUD", "+1"),
    ("AUD", "-1"),
    ("AUD", "-0"),
    ("AUD", "01.0"),
    ("AUD", "1."),
    ("AUD", ".5"),
    ("AUD", "1e3"),
    ("AUD", "NaN"),
    ("AUD", "Infinity"),
    ("AUD", "0x10"),
    ("AUD", "1,000.00"),
    ("AUD", "1_000"),
    ("AUD", "\u0661"),
    ("AUD", "1.005"),
    ("AUD", "1.000"),
    ("AUD", "9223372036854775807"),
    ("AUD", "9999999999999.99"[::-1] + "9"),
    ("AUD", "1" * 65),
    ("JPY", "1.5"),
    ("JPY", "1.0"),
    ("KWD", "1.0000"),
    ("CLF", "1.00000"),
]


@pytest.mark.parametrize(("currency", "value"), BAD_AMOUNTS)
@pytest.mark.parametrize("name", ["bet_amount", "win_amount"])
def test_an_amount_is_a_plain_decimal_text_no_finer_than_its_currency(
    name: str, currency: str, value: Any
) -> None:
    assert refusal(
        raw_event(currency=currency, **{"bet_amount": "1", "win_amount": "1", name: value})
    ) == ("bad_amount", name)


@pytest.mark.parametrize("value", ["--5", "-+5", "- 5", "-1e3", "-", "5-", -5, "-1.005"])
def test_a_balance_of_another_form_is_a_bad_amount(value: Any) -> None:
    assert refusal(raw_event(balance_after=value)) == ("bad_amount", "balance_after")


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [
        ("AUD", "0", 0),
        ("AUD", "0.00", 0),
        ("AUD", "2", 200),
        ("AUD", "2.5", 250),
        ("AUD", "9999999999999.99", 999_999_999_999_999),
        ("JPY", "150", 150),
        ("KWD", "1.005", 1_005),
        ("CLF", "1.0005", 10_005),
    ],
)
def test_an_amount_is_exact_in_the_minor_units_of_its_currency(
    currency: str, text: str, minor: int
) -> None:
    changes = {"balance_before": "0", "balance_after": "0", "win_amount": "0"}
    assert parsed(currency=currency, bet_amount=text, **changes).bet_minor == minor


@pytest.mark.parametrize("currency", ["XXX", "XTS", "ZZZ", "DEM"])
def test_a_currency_that_is_no_money_is_wrong(currency: str) -> None:
    assert refusal(raw_event(currency=currency)) == ("wrong_currency", "currency")


@pytest.mark.parametrize("name", [*CHECKSUM_FIELDS, "finalized"])
def test_a_value_altered_after_the_checksum_is_noticed(name: str) -> None:
    altered = {
        "timestamp": "2026-11-20T10:15:31Z",
        "currency": "NZD",
        "round_type": "bonus",
        "finalized": False,
        "event_id": "a1-000002",
        "player_id": "p-1002",
        "game_code": "aurora-peak",
    }
    assert refusal(raw_event() | {name: altered.get(name, "7.00")})[0] == "bad_checksum"


@pytest.mark.parametrize("value", ["", "0" * 64, "é" * 64, 7, "z"])
def test_a_checksum_of_another_form_or_key_is_bad(value: Any) -> None:
    assert refusal(raw_event() | {"checksum": value}) == ("bad_checksum", "checksum")


def test_any_active_secret_may_have_made_the_checksum() -> None:
    assert isinstance(parse_event(raw_event(), [b"o" * 32, SECRET]), CanonicalEvent)
    assert isinstance(parse_event(raw_event(), [b"o" * 32]), EventRefusal)
    assert isinstance(parse_event(raw_event(), []), EventRefusal)


def test_the_fingerprint_covers_content_and_leaves_token_checksum_and_extras_out() -> None:
    first = parsed()
    assert parsed(session_token="a", extra={"raw": 1}).fingerprint == first.fingerprint
    assert parsed(bet_amount="2.0").fingerprint == first.fingerprint
    for name, value in {
        "round_id": "r-78",
        "win_amount": "3.51",
        "balance_after": "101.51",
        "finalized": False,
        "promo": None,
    }.items():
        assert parsed(**{name: value}).fingerprint != first.fingerprint


def test_a_token_is_not_kept_with_the_content() -> None:
    event = parsed(session_token="secret-token", extra=1)
    assert event.session_token == "secret-token"
    assert "secret-token" not in json.dumps(event.content)
    assert event.content["extra"] == 1


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["1.00", "AUD", "base", "2026-11-20T10:15:30Z", "-1.00"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from([*REQUIRED, "promo", "round_id", "session_token"]), JSON))
def test_whatever_a_field_holds_an_event_is_taken_or_refused_and_nothing_escapes(
    changes: dict[str, Any],
) -> None:
    raw = raw_event(**changes)
    raw.setdefault("checksum", "x")
    assert isinstance(parse_event(raw, [SECRET]), CanonicalEvent | EventRefusal)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_bytes_come_only_the_envelopes_own_error_escapes(body: bytes) -> None:
    try:
        events = parse_body(body)
    except EnvelopeError:
        return
    for raw in events:
        assert isinstance(parse_event(raw, [SECRET]), CanonicalEvent | EventRefusal)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_body_with_one_byte_altered_is_read_or_refused_by_name(data: st.DataObject) -> None:
    body = bytearray(json.dumps({"events": [raw_event(), raw_event()]}).encode())
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        events = parse_body(bytes(body))
    except EnvelopeError:
        return
    for raw in events:
        assert isinstance(parse_event(raw, [SECRET]), CanonicalEvent | EventRefusal)
