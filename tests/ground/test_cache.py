"""The cache: what tests keep apart in it."""

from django.core.cache import cache

from tests.caching import begin_with_an_empty_cache


def test_what_one_test_kept_the_next_does_not_find_and_the_first_still_has() -> None:
    cache.set("calls", 1, timeout=60)
    seen_by_the_first = cache.make_key("calls")

    begin_with_an_empty_cache()

    assert cache.get("calls") is None
    cache.set("calls", 2, timeout=60)
    assert cache.make_key("calls") != seen_by_the_first
