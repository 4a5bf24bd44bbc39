"""The fixtures of this room's tests: a company with drafts waiting, made once and copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faces.slack.desks import Office, an_office, copied, ready_workspace, state_on
from tests.slackserver import SlackServer


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with five drafts that wait for an answer; not to be changed."""
    return ready_workspace(tmp_path_factory.mktemp("waiting") / "w", 5)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    """A Slack that takes messages as fast as they come."""
    with SlackServer(message_gap=0) as server:
        yield server


@pytest.fixture
def office(
    request: pytest.FixtureRequest,
    waiting: Path,
    slack: SlackServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    """The company's office, its state on SQLite unless a test asks for PostgreSQL; `open()` a desk in it."""
    database = getattr(request, "param", "sqlite")
    folder = copied(waiting, tmp_path / "w")
    state_on(database, request, monkeypatch)
    with an_office(folder, slack, monkeypatch) as opened:
        if database == "postgresql":
            opened.house.draft()
        yield opened
