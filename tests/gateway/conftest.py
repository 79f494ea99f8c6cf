from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.builders import Casino, open_casino
from tests.gateway.game_wallet import GameWallet, served


@pytest.fixture
def casino(db: None) -> Casino:
    """The provider aurora and its player p-1001, who has 100.00 AUD in cash."""
    return open_casino()


@pytest.fixture
def game_wallet(settings: Any) -> Iterator[GameWallet]:
    """Serve a provider's own wallet on this machine, which may be called here."""
    settings.PITBOSS_HTTP_ALLOWED_HOSTS = ["127.0.0.1"]
    with served(GameWallet()) as wallet:
        yield wallet
