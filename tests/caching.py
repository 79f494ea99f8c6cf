"""What tests keep in the cache: every test begins with an empty one, which no other test empties.

Workers share one Valkey and number their rows alike, so that without this one worker's clients and
people would meet what another's have used up, or lose it in the middle of a test.
"""

import uuid

_words = [uuid.uuid4().hex]


def key_of(key: str, prefix: str, version: int) -> str:
    """Return a cache key that this test alone reads: the test settings' KEY_FUNCTION."""
    return f"{prefix}:{_words[0]}:{version}:{key}"


def begin_with_an_empty_cache() -> None:
    """Forget all that was kept; it goes from Valkey when its time is over."""
    _words[0] = uuid.uuid4().hex
