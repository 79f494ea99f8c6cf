"""Run things at the same moment, each on its own database connection."""

import threading
from collections.abc import Callable, Sequence

from django.db import connection


def race[T](contenders: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start all contenders together; return each one's result or what it raised, in their order."""
    start = threading.Barrier(len(contenders))
    outcomes: list[T | Exception] = [RuntimeError("never ran")] * len(contenders)

    def run(place: int, contender: Callable[[], T]) -> None:
        start.wait(timeout=30)
        try:
            outcomes[place] = contender()
        except Exception as error:  # noqa: BLE001 - a contender's refusal is a result here
            outcomes[place] = error
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(place, contender))
        for place, contender in enumerate(contenders)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes
