"""Sizes are said in one way."""

import pytest

from apps.core.sizes import display_size


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1 KiB"),
        (64 * 1024, "64 KiB"),
        (1536, "1.5 KiB"),
        (10 << 20, "10 MiB"),
        ((10 << 20) - 1, "9.9 MiB"),
        (1 << 30, "1 GiB"),
        (5 << 40, "5,120 GiB"),
    ],
)
def test_a_size_is_said_in_its_largest_unit_and_never_as_more_than_it_is(
    size: int, said: str
) -> None:
    assert display_size(size) == said
