import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import InvalidAmountError, UnknownCurrencyError
from apps.core.money import (
    EXPONENTS,
    MAX_MINOR,
    display_money,
    exponent,
    format_minor,
    split_minor,
    to_minor,
)

currencies = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [
        *(("AUD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("CLP", 0), ("UGX", 0), ("ISK", 0)),
        *(("KWD", 3), ("BHD", 3), ("OMR", 3), ("JOD", 3), ("TND", 3), ("IQD", 3), ("LYD", 3)),
        *(("CLF", 4), ("UYW", 4), ("RSD", 2), ("ALL", 2), ("MMK", 2)),
    ],
)
def test_exponents_are_those_of_iso_4217(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


def test_the_table_holds_every_active_code_with_a_minor_unit() -> None:
    assert len(EXPONENTS) == 165
    assert {code for code, decimals in EXPONENTS.items() if decimals == 3} == {
        *("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
    }
    assert {code for code, decimals in EXPONENTS.items() if decimals == 4} == {"CLF", "UYW"}


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "aud", "Aud", " AUD", "AUDD", "", "HRK"])
def test_a_code_that_is_no_currency_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrencyError):
        exponent(code)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        *(("12.34", "AUD", 1234), ("12.3", "AUD", 1230), ("12", "AUD", 1200), ("0", "AUD", 0)),
        *(("0.00", "AUD", 0), ("0.05", "AUD", 5), ("12", "JPY", 12), ("1.234", "KWD", 1234)),
        *(("0.0001", "CLF", 1), ("999999999999999.99", "AUD", 99999999999999999)),
    ],
)
def test_amounts_are_read_exactly(text: str, currency: str, minor: int) -> None:
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-1", "+1", "1.", ".5", "01", "00", "1e3", "1E3", "NaN", "Infinity", "1,000"),
        *("1_000", " 1", "1 ", "1\n", "0x10", "\u0661", "1.2.3", "1.\u0665", "1" * 16, "1.234"),
        *("12.340", "1.000", "\u22121", "1\x00"),
    ],
)
def test_text_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmountError):
        to_minor(text, "AUD")


@pytest.mark.parametrize("value", [1, 1.5, None, b"2", True])
def test_a_value_that_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidAmountError):
        to_minor(value, "AUD")


def test_decimals_that_a_currency_does_not_have_are_refused_even_as_zeros() -> None:
    with pytest.raises(InvalidAmountError):
        to_minor("12.0", "JPY")


def test_an_amount_beyond_64_bits_is_refused() -> None:
    assert to_minor("922337203685477.5807", "CLF") == MAX_MINOR
    with pytest.raises(InvalidAmountError):
        to_minor("922337203685477.5808", "CLF")


@given(minor=st.integers(0, 10**15 - 1), currency=currencies)
def test_reading_undoes_writing(minor: int, currency: str) -> None:
    assert to_minor(format_minor(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        *((1234, "AUD", "12.34"), (-5, "AUD", "-0.05"), (5, "AUD", "0.05"), (0, "AUD", "0.00")),
        *((12, "JPY", "12"), (-12, "JPY", "-12"), (1, "KWD", "0.001"), (-10000, "CLF", "-1.0000")),
    ],
)
def test_amounts_are_written_plainly(minor: int, currency: str, text: str) -> None:
    assert format_minor(minor, currency) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123450, "AUD", "1,234.50 AUD"),
        (-123456789, "EUR", "-1,234,567.89 EUR"),
        (1234567, "JPY", "1,234,567 JPY"),
        (99, "AUD", "0.99 AUD"),
    ],
)
def test_people_see_separators_and_the_currency(minor: int, currency: str, text: str) -> None:
    assert display_money(minor, currency) == text


def test_a_hundred_in_three_is_34_33_33() -> None:
    assert split_minor(100, [1, 1, 1]) == [34, 33, 33]


@given(
    total=st.integers(-(10**15), 10**15),
    weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any),
)
def test_parts_add_up_to_the_whole_and_none_is_off_by_a_unit(
    total: int, weights: list[int]
) -> None:
    parts = split_minor(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total * weight) < whole
        assert weight or part == 0


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [-1]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split_minor(100, weights)
