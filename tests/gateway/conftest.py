import pytest

from tests.gateway.builders import Casino, open_casino


@pytest.fixture
def casino(db: None) -> Casino:
    """The provider aurora and its player p-1001, who has 100.00 AUD in cash."""
    return open_casino()
