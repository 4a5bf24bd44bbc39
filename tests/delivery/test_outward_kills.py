"""Killed between the call and its recording, and several at once: each record is there once, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from agent.delivery.outward_states import OutwardState
from agent.foundation.store import Store
from tests.delivery.driving import ROOT, Driver
from tests.delivery.outward_made import ScriptedTarget, came_of_it, rows, states, told
from tests.vendors import gainsight, hooksink, hubspot_out, intercom_out, salesforce

pytestmark = pytest.mark.slow

SINKS: dict[str, Any] = {
    "hubspot": (hubspot_out.HubspotOut, hubspot_out.ENV),
    "salesforce": (salesforce.Salesforce, salesforce.ENV),
    "gainsight": (gainsight.Gainsight, gainsight.ENV),
    "intercom": (intercom_out.IntercomNotes, intercom_out.ENV),
    "webhook": (hooksink.HookSink, hooksink.ENV),
}
RECORDS = 5
SETTLES = 1.1
"A little longer than the driver's targets wait before they look."
PUSHERS = 6


@pytest.fixture(params=SINKS)
def name(request: pytest.FixtureRequest) -> str:
    """The name of a target."""
    return str(request.param)


@pytest.fixture
def sink(name: str) -> Iterator[Any]:
    """Its stand-in."""
    with SINKS[name][0]() as running:
        yield running


class OutwardDriver(Driver):
    """Its children have every stand-in's keys."""

    def __init__(self) -> None:
        keys = {key: value for _, env in SINKS.values() for key, value in env.items()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.outward_driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **keys},
        )


@pytest.fixture(scope="module")
def driver() -> Iterator[OutwardDriver]:
    """One driver for this file."""
    running = OutwardDriver()
    yield running
    running.close()


def something_happened(store: Store, name: str, number: int) -> None:
    """The target is switched on, then so many outcomes are recorded."""
    told(store, ScriptedTarget(name=name))
    for one in range(number):
        came_of_it(store, f"a{one}")


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_call_there_is_one_record(
    driver: Driver, store: Store, state_url: str, name: str, sink: Any, when: str
) -> None:
    """Whether it was written or not: nobody knew, and a restart leaves one of each."""
    something_happened(store, name, RECORDS)
    assert driver.run("push", url=state_url, name=name, address=sink.url, when=when) == -9
    known = set(sink.records())
    assert len(known) == (0 if when == "before" else RECORDS if name == "hubspot" else 1)
    assert OutwardState.DONE not in states(store)
    assert all(row.tried_at for row in rows(store))
    # A restart takes over at once where the target upserts; where it is looked for, after a moment.
    time.sleep(SETTLES if name in ("gainsight", "intercom") else 0)
    assert driver.run("push", url=state_url, name=name, address=sink.url) == 0
    assert states(store) == [OutwardState.DONE] * RECORDS
    assert Counter(sink.records()) == {row.our_id: 1 for row in rows(store)}
    assert driver.run("push", url=state_url, name=name, address=sink.url) == 0
    assert len(sink.records()) == RECORDS


def test_killed_again_and_again_there_is_one_of_each(
    driver: Driver, store: Store, state_url: str, name: str, sink: Any
) -> None:
    """Every run ends right after its first call, until nothing is left."""
    something_happened(store, name, 3)
    for _ in range(4):
        if set(states(store)) == {OutwardState.DONE}:
            break
        driver.run("push", url=state_url, name=name, address=sink.url, when="after")
        time.sleep(SETTLES if name in ("gainsight", "intercom") else 0)
    assert driver.run("push", url=state_url, name=name, address=sink.url) == 0
    assert states(store) == [OutwardState.DONE] * 3
    assert Counter(sink.records()) == {row.our_id: 1 for row in rows(store)}


def test_of_several_pushers_each_record_is_told_by_one(
    driver: Driver, store: Store, state_url: str, name: str, sink: Any
) -> None:
    """They begin together; nobody enters or tells anything twice."""
    number = 60
    something_happened(store, name, number)
    at = time.monotonic() + 1.0
    pushers = [
        driver.start("push", url=state_url, name=name, address=sink.url, at=at) for _ in range(PUSHERS)
    ]
    assert [driver.wait(one) for one in pushers] == [0] * PUSHERS
    assert states(store) == [OutwardState.DONE] * number
    assert Counter(sink.records()) == {row.our_id: 1 for row in rows(store)}
    if name != "hubspot":
        # Not even a repetition that upsert would have hidden.
        assert sink.writes == number
    assert {row.attempts for row in rows(store)} == {1}
