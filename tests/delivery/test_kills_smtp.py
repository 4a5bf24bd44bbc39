"""Killed while mail leaves by SMTP, and the mail server dies too: nothing lost, nothing doubled, every doubt explained."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from agent.approval.states import DeliveryState, DraftState
from agent.approval.views import list_drafts
from agent.delivery.outbox import list_deliveries
from agent.foundation.store import Store
from tests.approval.made import NOW, queued
from tests.delivery.driver import BEGUN
from tests.delivery.driving import Driver, driver
from tests.delivery.test_kills import KILLED, note
from tests.mailserver import DIES_AFTER_DATA, DIES_AT_THE_END, TAKES_AND_DIES, Fault, MailServer

__all__ = ["driver"]

pytestmark = pytest.mark.slow

RUNS = 150
"On each of two databases."
FAULTS = (TAKES_AND_DIES, DIES_AT_THE_END, DIES_AFTER_DATA)
ONE_IN = 6
"Of so many messages one meets each of the faults."
EARLY = 7
"One kill of so many may fall before the first draft is come to."


class Chance:
    """What the server does to a message: the same for the same test, and known for each recipient."""

    def __init__(self) -> None:
        self._random = random.Random(5)

    def __call__(self, _address: str) -> Fault | None:
        number = self._random.randrange(ONE_IN * len(FAULTS))
        return FAULTS[number] if number < len(FAULTS) else None


def later(number: int) -> str:
    """The clock of a restart: well after every pause of the one before."""
    return (NOW + timedelta(minutes=10 * number)).isoformat()


def fate(store: Store, delivery_id: str) -> str:
    """Where the kill fell, as far as the state shows."""
    for one in list_deliveries(store):
        if one.delivery_id == delivery_id:
            return {"sending": "leased, not recorded", "queued": "approved, not leased"}.get(
                one.state, one.state
            )
    return "before the approval"


def test_killed_at_random_moments_over_smtp(
    driver: Driver, store: Store, state_url: str, tmp_path: Path
) -> None:
    """Approve, kill at a random moment, restart, drain; the server meanwhile takes and dies, or hangs up."""
    chance, killed_at, interrupted = random.Random(3), Counter[str](), set[str]()
    kills = 0
    with MailServer(tmp_path, choose=Chance()) as server:
        kind = f"smtp:{server.port}"

        def start(number: int) -> int:
            return driver.start("work", url=state_url, folder=str(tmp_path), kind=kind, now=later(number))

        begun = tmp_path / BEGUN
        longest = 0.1
        for run in range(RUNS):
            draft_id = queued(store, f"a{run}", now=NOW).draft_id
            begun.unlink(missing_ok=True)
            pid = start(2 * run)
            while run % EARLY and not begun.exists():
                time.sleep(0.003)
            time.sleep(chance.uniform(0.0, longest))
            if driver.kill(pid) == KILLED:
                kills += 1
                where = fate(store, f"{draft_id}-1")
                killed_at[where] += 1
                longest *= 1.0 if where.startswith("leased") else 1.03
                interrupted |= {one.delivery_id for one in list_deliveries(store, DeliveryState.SENDING)}
            else:
                longest *= 0.8  # It was done before: the next ones are to be met at work.
            assert driver.wait(start(2 * run + 1)) == 0
        for again in range(3):
            assert driver.wait(start(2 * RUNS + 60 * again)) == 0

        lines, deliveries = list_drafts(store), list_deliveries(store)
        hung_up = {one.to for one in server.interrupted}
        copies = Counter(one.message_id for one in server.messages)
        final = Counter(str(one.state) for one in deliveries)
        doubts = Counter[str]()
        for one in deliveries:
            if one.state is DeliveryState.UNKNOWN:
                by = "the server" if one.address in hung_up else "the kill"
                doubts[f"by {by}, {'arrived' if copies[one.message_id] else 'not arrived'}"] += 1
        note(
            test="smtp",
            database=store.engine.dialect.name,
            channel="smtp",
            runs=RUNS,
            kills=kills,
            at=killed_at,
            server=Counter(
                "takes and dies" if one.fault.takes else f"dies at {one.fault.at}"
                for one in server.interrupted
            ),
            final=final,
            doubts=doubts,
            doubled=sum(number > 1 for number in copies.values()),
        )
        # Nothing is lost: every draft has come to an end, with one delivery.
        assert len(lines) == len(deliveries) == RUNS
        assert {line.state for line in lines} <= {DraftState.SENT, DraftState.UNKNOWN}
        # Nothing is doubled, and nothing left that nobody approved.
        assert set(copies.values()) <= {1}
        assert set(copies) <= {one.message_id for one in deliveries}
        for one in deliveries:
            if one.state is DeliveryState.SENT:
                assert copies[one.message_id] == 1
                continue
            # Every doubt says why, and the server's book or the kill shows the interruption of exactly that message.
            assert one.last_error
            if "had the whole message" in one.last_error:
                assert one.address in hung_up
            else:
                assert "interrupted" in one.last_error
                assert one.delivery_id in interrupted
        assert kills > RUNS / 3
        assert final["sent"] > RUNS / 3
        assert final["unknown"]
