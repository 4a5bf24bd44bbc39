"""How long Slack waits for us when everybody clicks at the same moment: over a real websocket, to a real desk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.faces.slack.naming import Action
from tests.faces.slack.desks import (
    DANA,
    RAVI,
    Office,
    a_process,
    an_office,
    copied,
    ready_workspace,
    state_on,
)
from tests.slackserver import Message, SlackServer
from tests.stores import BOTH

pytestmark = pytest.mark.timing

DRAFTS = 200
P99 = 0.250
"Seconds, for 200 clicks of the same moment."
PATIENCE = 3.0
"Seconds after which Slack tells the person that it did not work."


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred drafts that wait for an answer."""
    return ready_workspace(tmp_path_factory.mktemp("crowded") / "w", DRAFTS)


@pytest.fixture(params=BOTH)
def crowd(
    request: pytest.FixtureRequest,
    crowded: Path,
    slack: SlackServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    """Their office, with the state on either database."""
    folder = copied(crowded, tmp_path / "w")
    state_on(request.param, request, monkeypatch)
    with an_office(folder, slack, monkeypatch) as office:
        if request.param == "postgresql":
            office.house.draft()
        yield office


def clicked(office: Office, cards: list[Message], user: str) -> list[float]:
    """How long each of these clicks of one moment waited for its acknowledgement."""
    with office.slack.at_once():
        sent = [office.slack.click(card, Action.APPROVE, user=user) for card in cards]
    return sorted(one.wait(30).acked_after or 30.0 for one in sent)


def row(name: str, seconds: list[float]) -> str:
    """One line of the table, in milliseconds."""
    at = [seconds[min(len(seconds) - 1, int(share * len(seconds)))] for share in (0.5, 0.9, 0.99)]
    return f"{name:<28}" + "".join(f"{one * 1000:8.0f}" for one in (*at, seconds[-1]))


def test_two_hundred_clicks_of_one_moment_are_acknowledged_at_once(crowd, request):
    """All are kept before they are acknowledged; and while they are worked on, Slack's three seconds hold too."""
    with a_process(crowd):
        crowd.slack.wait_for(lambda: len(crowd.cards()) == DRAFTS, 120)
        time.sleep(2)
        cards = crowd.cards()
        first = clicked(crowd, cards, DANA)
        kept = len(crowd.clicks())
        again = clicked(crowd, cards, RAVI)
    table = [
        f"{request.node.callspec.params['crowd'] + ', milliseconds':<28}"
        + "".join(f"{one:>8}" for one in ("p50", "p90", "p99", "max")),
        row("200 clicks of one moment", first),
        row("200 more, during their work", again),
    ]
    print("\n" + "\n".join(table))  # noqa: T201
    assert kept == DRAFTS
    assert first[int(0.99 * DRAFTS)] < P99
    assert again[-1] < PATIENCE
    assert crowd.slack.unacknowledged == []
