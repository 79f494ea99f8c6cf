"""A count with its noun, as a person would say it."""


def counted(count: int, one: str) -> str:
    """Write a count: ``"1 day"``, ``"1,200 days"``."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
