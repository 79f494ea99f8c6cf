"""Strict reading of JSON messages, shared by the adapters. Pure: no ORM, no clock, no I/O.

What is not plainly right is refused: repeated keys, NaN, a fraction or ``true`` for a whole
number, text that PostgreSQL can't keep. Fields that we don't know are let through.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from decimal import Decimal
from typing import Any, Final, NoReturn

from apps.providers.adapters.contract import EnvelopeError

LARGEST_READ_MINOR: Final = 10**15
"""The most that is read as money, balances too. What one message may move is less: the wallet's
``LARGEST_AMOUNT_MINOR``, asked once a message is known to be new."""
LARGEST_WHOLE: Final = 2**63 - 1

ID: Final = re.compile(r"[A-Za-z0-9_.~-]{1,128}", re.ASCII)
"""Ids of a provider. It has no colon and no at sign: with those we mark ids of our own."""
REF: Final = re.compile(r"[A-Za-z0-9_.:~-]{1,128}", re.ASCII)
"""Refs of players, sessions, rounds and games."""
CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)

_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


class Refused(Exception):  # noqa: N818 - a signal inside the adapters, never seen outside
    """One message is refused; ``code`` is stable, ``detail`` names the field."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        EnvelopeError: not strict UTF-8 JSON, not an object, or text that can't be stored.
    """
    try:
        parsed = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object_without_repeats,
            parse_constant=_refuse_constant,
            parse_float=_decimal,
        )
    except UnicodeDecodeError:
        raise EnvelopeError("not_utf8") from None
    except (ValueError, RecursionError):
        raise EnvelopeError("malformed_json") from None
    if not isinstance(parsed, dict):
        raise EnvelopeError("not_an_object")
    if b"\\u" in body and not _is_storable(parsed):
        raise EnvelopeError("unstorable_text")
    return parsed


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _decimal(text: str) -> Decimal:
    """Read a number that is no integer; one beyond all exponents is malformed, not a crash."""
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(text[:40]) from None


def _is_storable(parsed: dict[str, Any]) -> bool:
    """Tell whether every text can be kept: PostgreSQL holds no NUL and no lone surrogate."""
    text = json.dumps(parsed, ensure_ascii=False, default=str)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in text


@dataclass(frozen=True, slots=True)
class Fields:
    """Typed access to a message; null is the same as absent."""

    raw: Mapping[str, Any]

    def has(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def text(self, name: str, pattern: re.Pattern[str]) -> str:
        value = self._required(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Refused("bad_field", name)
        return value

    def optional_text(self, name: str, pattern: re.Pattern[str]) -> str:
        """Return the text, or an empty one where the field is absent or empty."""
        is_given = self.has(name) and self.raw[name] != ""
        return self.text(name, pattern) if is_given else ""

    def whole(self, name: str) -> int:
        value = self._required(name)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_WHOLE:
            raise Refused("bad_field", name)
        return value

    def amount(self, name: str) -> int:
        """Return a whole number that is not negative, in whatever unit the protocol has."""
        value = self.whole(name)
        if value < 0:
            raise Refused("bad_amount", name)
        return value

    def flag(self, name: str) -> bool:
        value = self._required(name)
        if not isinstance(value, bool):
            raise Refused("bad_field", name)
        return value

    def optional_flag(self, name: str) -> bool:
        return self.has(name) and self.flag(name)

    def moment(self, name: str) -> datetime:
        return moment_of(self._required(name), name)

    def _required(self, name: str) -> Any:
        value = self.raw.get(name)
        if value is None:
            raise Refused("missing_field", name)
        return value


def moment_of(value: Any, name: str) -> datetime:
    """Return the moment in UTC; a time without a zone is refused, never guessed.

    So is one in the first or the last year of the calendar: in some zone it would lie outside.

    Raises:
        Refused: the field ``name`` is no such time.
    """
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise Refused("bad_field", name)
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("bad_field", name) from None
    if not MINYEAR < moment.year < MAXYEAR:
        raise Refused("bad_field", name)
    return moment


def shown_id(raw: Mapping[str, Any], name: str) -> str:
    """Return the id a refused message carries, if it is one, to find it by."""
    value = raw.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_WHOLE:
        return str(value)
    return value if isinstance(value, str) and ID.fullmatch(value) else ""


def fingerprint_of(*facts: str | int | bool | None) -> str:
    """Return the hex SHA-256 of what makes two messages the same one."""
    return hashlib.sha256(json.dumps(facts, ensure_ascii=True).encode()).hexdigest()


def without_spare_zeros(amount: str) -> str:
    """Return a decimal amount without the zeros that change nothing: 1.50 is 1.5 and 100.00 100."""
    return amount.rstrip("0").rstrip(".") if "." in amount else amount


def named_in(body: bytes, name: str) -> str:
    """Return the id in a body by which people find a delivery; judging never uses it.

    A body without one is named by its digest.
    """
    found = re.search(rb'"%s"\s*:\s*"?([A-Za-z0-9_.~-]{1,64})"?[\s,}]' % name.encode(), body)
    return found[1].decode() if found else hashlib.sha256(body).hexdigest()[:32]


def decode_text_secret(text: str, *, fewest: int = 16) -> bytes:
    """Return the bytes of a secret that is used as it is written.

    Raises:
        ValueError: shorter than ``fewest`` characters, longer than 512, or not printable ASCII.
    """
    if not fewest <= len(text) <= 512 or not text.isascii() or not text.isprintable():
        raise ValueError(f"expected {fewest} to 512 printable ASCII characters")
    if text != text.strip():
        raise ValueError("spaces around it")
    return text.encode("ascii")
