"""Desks at work in tests: a small company with several ready accounts, its drafts, and a Slack to click in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from agent.approval.tables import AuditLine, Draft
from agent.approval.tables_running import Click, Post
from agent.approval.views import DeliveryLine, DraftView, show_draft
from agent.faces.slack.desk import Desk
from agent.faces.slack.naming import Action
from agent.foundation.settings import open_workspace
from agent.wiring import House
from tests.exports import TOML, write_workspace
from tests.slackserver import CHANNEL, TEAM, Message, SlackServer
from tests.worlds import World

MONDAY = "2026-02-02T10:00:00"
"The clock of these tests: facts end on the Sunday before."
ROOT = Path(__file__).resolve().parents[3]
DANA, RAVI, EVE = "U0DANA", "U0RAVI", "U0EVE"
"Two founders, and somebody who is none."
SLACK = f"""
[slack]
channel = "{CHANNEL}"
approvers = ["{DANA}", "{RAVI}"]
charts = false

[delivery]
quiet_from = "00:00"
quiet_until = "00:00"
"""


def who(user: str = DANA, team: str = TEAM) -> str:
    """As the state names a person of Slack."""
    return f"slack:{team}/{user}"


def company(accounts: int) -> World:
    """So many accounts that are ready, each for the same reasons."""
    w = World()
    for number in range(accounts):
        a = w.account(f"acme{number:03}", seats=20)
        w.measure(a, "storage", {0: 95, 7: 90, 14: 85})
        w.member(a, "u1", 100)
        w.member(a, "u2", 5)
        w.member(a, "u3", 3)
        w.event(a, "used", 2, user_id="u1", feature="reports", team="ops")
        w.event(a, "blocked", 2, times=2, feature="sso")
        w.event(a, "blocked", 5, feature="sso")
    return w


def ready_workspace(folder: Path, accounts: int, **environment: str) -> Path:
    """A workspace whose exports are read and whose ready accounts have drafts waiting."""
    write_workspace(folder, company(accounts).facts, TOML + SLACK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", MONDAY)
        for name, value in environment.items():
            patch.setenv(name, value)
        house = House(open_workspace(folder))
        house.sync()
        written, _ = house.draft()
        # Looked at once as a click will, so that the plans are written.
        house.look_again("acme000")
        house.close()
    assert [one.queued is not None for one in written] == [True] * accounts
    return folder


class Office:
    """One workspace, its Slack, and as many desks as a test opens."""

    def __init__(self, folder: Path, slack: SlackServer) -> None:
        self.folder = folder
        self.slack = slack
        self.house = House(open_workspace(folder), "terminal")
        self._desks: list[Desk] = []

    def open(self, *, connects: bool = True, **options: Any) -> Desk:
        """A desk that is connected, with its own house, as another process has."""
        before = self.slack.connected
        desk = Desk(House(open_workspace(self.folder)), **{"pace_seconds": 0.0} | options)
        self._desks.append(desk)
        desk.start()
        if connects:
            self.slack.wait_for(lambda: self.slack.connected > before)
        return desk

    def close(self, desk: Desk | None = None) -> None:
        """End one desk, or everything."""
        for one in [desk] if desk else list(self._desks):
            self._desks.remove(one)
            one.stop(10)
            one.house.close()
        if desk is None:
            self.house.close()

    # What is looked at.

    def card(self, number: int = 0) -> Message:
        """The card of a draft, waited for."""
        return self.slack.wait_for(lambda: self.cards()[number : number + 1] or None)[0]

    def cards(self) -> list[Message]:
        """All cards, in the order they were posted."""
        return [one for one in self.slack.messages if (one.metadata or {}).get("event_type") == "card"]

    def draft_of(self, card: Message) -> str:
        """The draft a card shows."""
        return str((card.metadata or {})["event_payload"]["post_id"]).split(":")[1]

    def seen(self, card: Message) -> DraftView:
        """Everything the state knows of a card's draft."""
        return show_draft(self.house.store, self.draft_of(card))

    def decisions(self, card: Message) -> list[tuple[str, str]]:
        """What was decided about it, and by whom."""
        return [(one.kind, one.who) for one in self.seen(card).decisions]

    def deliveries(self) -> tuple[DeliveryLine, ...]:
        """Everything in the outbox."""
        return self.house.outbox()

    def sent(self, card: Message) -> DeliveryLine:
        """The delivery of a card's draft, once it has left."""
        draft_id = self.draft_of(card)

        def left() -> DeliveryLine | None:
            return next((o for o in self.deliveries() if o.draft_id == draft_id and o.state == "sent"), None)

        return self.slack.wait_for(left, 90)

    def files(self) -> list[str]:
        """Every message that left, by the name of its file."""
        return sorted(path.name for path in self.house.workspace.outbox_folder.glob("*.eml"))

    def audited(self, what: str) -> list[AuditLine]:
        """Lines of the trail."""
        with self.house.store.reading() as session:
            return list(session.exec(select(AuditLine).where(col(AuditLine.what) == what)))

    def states(self) -> Counter[str]:
        """How many drafts stand where."""
        with self.house.store.reading() as session:
            return Counter(session.exec(select(Draft.state)))

    def clicks(self) -> list[Click]:
        """What was kept of what people did."""
        with self.house.store.reading() as session:
            return list(session.exec(select(Click)))

    def posts(self) -> list[Post]:
        """What we believe to stand in Slack."""
        with self.house.store.reading() as session:
            return list(session.exec(select(Post)))

    def all_done(self) -> bool:
        """Whether every kept click is done."""
        return all(one.state == "done" for one in self.clicks())

    def word_to(self, user: str) -> str:
        """What that person alone was told, waited for."""
        found = self.slack.wait_for(lambda: [o["text"] for o in self.slack.ephemerals if o["user"] == user])
        return str(found[-1])


def buttons(card: Message) -> set[str]:
    """What can be pressed on a card that decides something."""
    return set(card.action_ids) & {Action.APPROVE, Action.EDIT, Action.SKIP, Action.SNOOZE}


@contextmanager
def an_office(folder: Path, slack: SlackServer, patch: pytest.MonkeyPatch) -> Iterator[Office]:
    """The office of that workspace, at the tests' moment."""
    patch.setenv("OUTGROWN_NOW", MONDAY)
    for name, value in slack.environment.items():
        patch.setenv(name, value)
    office = Office(folder, slack)
    try:
        yield office
    finally:
        office.close()
    assert slack.refused == []


@contextmanager
def a_process(office: Office) -> Iterator[subprocess.Popen[bytes]]:
    """A desk in a process of its own, connected; killed at the end."""
    before = office.slack.connected
    command = [sys.executable, "-m", "tests.faces.slack.deskprocess", str(office.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as process:
        try:
            office.slack.wait_for(lambda: office.slack.connected > before or process.poll() is not None)
            assert process.poll() is None, "the desk ended by itself; see its words above"
            yield process
        finally:
            process.kill()


def copied(folder: Path, to: Path) -> Path:
    """A workspace of one's own."""
    return Path(shutil.copytree(folder, to))


def state_on(database: str, request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> None:
    """Where the state of the next office lies: in its folder, or in a PostgreSQL of its own."""
    if database == "postgresql":
        patch.setenv("OUTGROWN_STATE_URL", request.getfixturevalue("postgres_url"))
    else:
        patch.delenv("OUTGROWN_STATE_URL", raising=False)


def has_card(office: Office) -> bool:
    """Whether every waiting draft has its card."""
    return len(office.cards()) == sum(office.states().values())
