from collections.abc import Iterator

import pytest
import time_machine

from tests.operator_api.builders import NOW


@pytest.fixture(autouse=True)
def _at_a_fixed_moment() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield
