"""A fact store in memory for the tests of the door."""

import pytest

from agent.foundation.warehouse import open_warehouse


@pytest.fixture
def warehouse():
    """An empty fact store."""
    with open_warehouse(None, write=True) as opened:
        yield opened
