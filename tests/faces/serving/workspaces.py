"""Workspaces for the service: one with a state alone, and a small company with its drafts waiting."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from agent.foundation.settings import FILE, open_workspace
from agent.wiring import House
from tests.exports import TOML, write_workspace
from tests.faces.slack.desks import company

MOMENT = datetime(2026, 2, 2, 10)
"A Monday morning; the facts end on the Saturday before."
ACCOUNTS = 8


@pytest.fixture
def bare(tmp_path: Path, ready_sqlite: Path) -> Path:
    """A workspace without facts."""
    folder = tmp_path / "bare"
    (folder / ".outgrown").mkdir(parents=True)
    (folder / FILE).write_text(TOML)
    shutil.copy(ready_sqlite, folder / ".outgrown" / "state.db")
    return folder


@pytest.fixture(scope="session")
def unread_company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company whose accounts are all ready, not read yet."""
    return write_workspace(tmp_path_factory.mktemp("unread"), company(ACCOUNTS).facts, TOML)


@pytest.fixture(scope="session")
def read_company(unread_company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, read, its drafts waiting in SQLite."""
    folder = tmp_path_factory.mktemp("read") / "company"
    shutil.copytree(unread_company, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
        house = House(open_workspace(folder))
        house.sync()
        house.draft()
        house.close()
    return folder


@pytest.fixture
def unread(unread_company: Path, tmp_path: Path) -> Path:
    """A copy of the company that nobody has read."""
    return Path(shutil.copytree(unread_company, tmp_path / "unread"))


@pytest.fixture
def drafted(read_company: Path, tmp_path: Path) -> Path:
    """A copy of the company with drafts."""
    return Path(shutil.copytree(read_company, tmp_path / "drafted"))


def with_settings(folder: Path, more: str) -> Path:
    """The workspace with more settings."""
    path = folder / FILE
    path.write_text(f"{path.read_text()}\n{more}\n")
    return folder


@pytest.fixture
def house(bare: Path) -> Iterator[House]:
    """The house of the bare workspace."""
    opened = House(open_workspace(bare), "outgrown")
    yield opened
    opened.close()
