"""The state on both databases: a test that asks for `store` runs on each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.foundation.store import Store, open_store

BOTH = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def ready_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every migration run, to be copied."""
    path = tmp_path_factory.mktemp("ready") / "state.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=BOTH)
def state_url(request: pytest.FixtureRequest, ready_sqlite: Path, tmp_path: Path) -> str:
    """The URL of an empty, up-to-date state."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{shutil.copy(ready_sqlite, tmp_path / 'state.db')}"


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    """An empty state, open."""
    opened = open_store(state_url)
    yield opened
    opened.close()
