"""Killed at any moment: nothing lost, nothing sent twice, and what cannot be known says so."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from agent.approval.states import DeliveryState, DraftState
from agent.approval.tables import ContactRule
from agent.approval.views import list_drafts, show_draft
from agent.delivery.outbox import list_deliveries
from agent.foundation.store import Store
from tests.approval.made import NOW, queued
from tests.delivery.driving import Driver, driver

__all__ = ["driver"]

pytestmark = pytest.mark.slow

KILLED = -9
RANDOM_KILLS = 60
"For each of two databases and two channels: 240 in all."

KINDS = ["eml", "mailbox"]
TABLE = "OUTGROWN_KILL_TABLE"
"Where to append, as JSON lines, how many kills fell where; for a person who wants to know."


def later(number: int) -> str:
    """The clock of a restart: well after every pause of the one before."""
    return (NOW + timedelta(minutes=10 * number)).isoformat()


def drain(driver: Driver, url: str, folder: Path, kind: str, number: int) -> None:
    """Restart without killing until nothing is left to do."""
    for again in (1, 2):
        assert driver.run("work", url=url, folder=str(folder), kind=kind, now=later(number + again)) == 0


def handed_over(folder: Path, kind: str) -> list[str]:
    """Every delivery that reached the other side, as often as it did."""
    if kind == "eml":
        return [path.stem for path in folder.glob("*.eml")]
    log = folder / "mailbox.log"
    return log.read_text().split() if log.exists() else []


def check(store: Store, folder: Path, kind: str, accounts: int) -> Counter[str]:
    """The promise, after everything has been restarted and drained."""
    deliveries, arrived = list_deliveries(store), Counter(handed_over(folder, kind))
    lines = list_drafts(store)
    # Nothing lost: every draft has come to an end, and has one delivery.
    assert len(lines) == len(deliveries) == accounts
    assert {line.state for line in lines} <= {DraftState.SENT, DraftState.UNKNOWN}
    # Nothing twice, and nothing that nobody approved.
    assert set(arrived.values()) <= {1}
    assert set(arrived) <= {one.delivery_id for one in deliveries}
    by_draft = {line.draft_id: line for line in lines}
    for one in deliveries:
        assert by_draft[one.draft_id].state == one.state
        # Sent means arrived; only what is unknown may be either.
        assert one.state is DeliveryState.UNKNOWN or one.delivery_id in arrived
        with store.reading() as session:
            rule = session.get_one(ContactRule, one.account_id)
        assert rule.prompted_at is not None
        assert rule.reserved_delivery == (one.delivery_id if one.state is DeliveryState.UNKNOWN else None)
        seen = show_draft(store, one.draft_id)
        assert [decision.kind for decision in seen.decisions] == ["approved"]
        steps = Counter(line.what for line in seen.audit)
        assert steps[one.state] == 2  # The draft's line and the delivery's.
    if kind == "eml":
        # A file can be looked for: nothing is ever unknown, and no half of one is left.
        assert {one.state for one in deliveries} == {DeliveryState.SENT}
        assert all(path.read_bytes().endswith(b"\r\n") for path in folder.glob("*.eml"))
        assert list(folder.glob(".*.part")) == []
    return Counter(str(one.state) for one in deliveries)


def note(**what: object) -> None:
    """Keep a line of the kill table where somebody asked for it."""
    if os.environ.get(TABLE):
        with Path(os.environ[TABLE]).open("a") as file:
            file.write(json.dumps(what) + "\n")


@pytest.mark.parametrize("kind", KINDS)
def test_killed_before_each_single_step(
    driver: Driver, store: Store, state_url: str, tmp_path: Path, kind: str
) -> None:
    """One account, killed before its first statement, its second, and so on until it survives."""
    killed_at: Counter[str] = Counter()
    for step in range(1, 500):
        account = f"a{step}"
        queued(store, account, now=NOW)
        ended = driver.run(
            "work", url=state_url, folder=str(tmp_path), kind=kind, now=later(10 * step), die_at=step
        )
        if ended == KILLED:
            killed_at[(tmp_path / "died_at").read_text()] += 1
        drain(driver, state_url, tmp_path, kind, 10 * step)
        if ended == 0:
            break
    final = check(store, tmp_path, kind, step)
    note(test="each step", database=store.engine.dialect.name, channel=kind, at=killed_at, final=final)
    assert sum(killed_at.values()) == step - 1 > 30
    if kind == "mailbox":
        # Both fates of a kill between leasing and recording were met, and neither was guessed.
        unknown = {one.delivery_id for one in list_deliveries(store, DeliveryState.UNKNOWN)}
        assert unknown & set(handed_over(tmp_path, kind))
        assert unknown - set(handed_over(tmp_path, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_random_moments(
    driver: Driver, store: Store, state_url: str, tmp_path: Path, kind: str
) -> None:
    """Approving and sending in a loop, killed, restarted, killed."""
    chance, seen, accounts, kills, number = random.Random(2), Counter[str](), 0, 0, 0
    interrupted: set[str] = set()
    found = ("", "")
    while kills < RANDOM_KILLS:
        while len(list_drafts(store, DraftState.PENDING)) < 12:
            accounts += 1
            queued(store, f"a{accounts}", now=NOW)
        number += 1
        pid = driver.start("work", url=state_url, folder=str(tmp_path), kind=kind, now=later(number))
        time.sleep(chance.uniform(0.005, 0.25))
        if driver.kill(pid) == KILLED:
            kills += 1
            before, found = found, where(store, kind, tmp_path)
            seen["before its first step" if found == before else found[0]] += 1
            interrupted |= {one.delivery_id for one in list_deliveries(store, DeliveryState.SENDING)}
    drain(driver, state_url, tmp_path, kind, number)
    final = check(store, tmp_path, kind, accounts)
    note(test="random", database=store.engine.dialect.name, channel=kind, at=seen, final=final)
    # Only what a kill was seen to interrupt is unknown.
    assert {one.delivery_id for one in list_deliveries(store, DeliveryState.UNKNOWN)} <= interrupted


def where(store: Store, kind: str, folder: Path) -> tuple[str, str]:
    """Where the kill fell, as far as the state shows, and what it stood at."""
    arrived = set(handed_over(folder, kind))
    deliveries = list_deliveries(store)
    for one in deliveries:
        if one.state is DeliveryState.SENDING:
            handed = one.delivery_id in arrived
            return "handed over, not recorded" if handed else "leased, not handed over", one.delivery_id
        if one.state is DeliveryState.QUEUED:
            return "approved, not leased", one.delivery_id
    return "between two drafts", f"{len(deliveries)}"
