"""The state on both databases: a test that asks for `store` runs on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.foundation.store import Store, open_store

BOTH = ("sqlite", "postgresql")


@pytest.fixture(params=BOTH)
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty state."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    """An empty state, open."""
    opened = open_store(state_url)
    yield opened
    opened.close()
