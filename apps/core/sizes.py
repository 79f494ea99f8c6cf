"""Sizes as people read them: one way everywhere."""

from typing import Final

_UNITS: Final = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def display_size(size_bytes: int) -> str:
    """Return a size in its largest whole unit, with one decimal where it has one: "64 KiB"."""
    for unit, unit_bytes in _UNITS:
        if size_bytes >= unit_bytes:
            tenths = size_bytes * 10 // unit_bytes
            whole, rest = divmod(tenths, 10)
            return f"{whole:,}.{rest} {unit}" if rest else f"{whole:,} {unit}"
    return f"{size_bytes:,} bytes"
