"""The ledger of runs: of several processes exactly one does each, and a failed one comes again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from agent.approval.runs import (
    FIRST_PAUSE,
    LEASE,
    LONGEST_PAUSE,
    MOST_ATTEMPTS,
    RunState,
    claim,
    finish,
    newest,
    prune,
    renew,
    state_of,
)
from agent.foundation.holder import this_holder
from tests.approval.made import DAY, NOW

ROOT = Path(__file__).resolve().parents[2]
MINUTE = timedelta(minutes=1)
GONE = this_holder().rsplit("/", 2)[0] + "/999999999/gone"
"A process of this host that is not there."
AWAY = "another-host:1/17/abc"
"A process that cannot be seen from here."


def test_a_run_is_claimed_once(store):
    """The second who asks gets nothing, while it is under way and when it is done."""
    first = claim(store, "digest", NOW, NOW, AWAY)
    assert first is not None
    assert first.attempts == 1
    assert claim(store, "digest", NOW, NOW, "b") is None
    assert finish(store, first, NOW + MINUTE, "posted", ok=True) is RunState.DONE
    assert claim(store, "digest", NOW, NOW + DAY, "b") is None
    last = newest(store, "digest")
    assert (last.state, last.says, last.ended_at) == (RunState.DONE, "posted", NOW + MINUTE)


def test_runs_of_other_jobs_and_moments_are_their_own(store):
    """A job's next moment, or another job at the same moment, is another run."""
    assert claim(store, "sync", NOW, NOW, AWAY)
    assert claim(store, "sync", NOW + MINUTE, NOW, AWAY)
    assert claim(store, "draft", NOW, NOW, AWAY)
    assert state_of(store, "draft", NOW) is RunState.RUNNING
    assert state_of(store, "digest", NOW) is None
    assert newest(store, "sync").due_at == NOW + MINUTE
    assert newest(store, "digest") is None


@pytest.mark.parametrize(
    ("holder", "after", "is_taken"),
    [
        pytest.param(GONE, MINUTE, True, id="its process has ended"),
        pytest.param(AWAY, MINUTE, False, id="its process cannot be seen, and its lease is not over"),
        pytest.param(AWAY, LEASE, True, id="its lease is over"),
        pytest.param(this_holder(), MINUTE, False, id="its process is at work"),
    ],
)
def test_a_run_is_taken_over_from_who_is_gone(store, holder, after, is_taken):
    """Not from who may still be at work."""
    held = claim(store, "sync", NOW, NOW, holder)
    again = claim(store, "sync", NOW, NOW + after, "second")
    assert (again is not None) is is_taken
    if again:
        assert again.attempts == 2
        # The first one, should it wake up, changes nothing any more.
        assert finish(store, held, NOW + after, "late", ok=True) is None
        assert renew(store, held, NOW + after) is False
        assert newest(store, "sync").state is RunState.RUNNING


def test_a_lease_is_held_on_to(store):
    """A long run is not taken over while it is renewed."""
    held = claim(store, "sync", NOW, NOW, AWAY)
    assert renew(store, held, NOW + LEASE - MINUTE)
    assert claim(store, "sync", NOW, NOW + LEASE + MINUTE, "second") is None


def test_a_failed_run_comes_again_a_few_times_with_a_growing_pause(store):
    """Then it is given up."""
    moment = NOW
    for attempt in range(1, MOST_ATTEMPTS + 1):
        held = claim(store, "sync", NOW, moment, AWAY)
        assert held.attempts == attempt
        state = finish(store, held, moment, f"failed {attempt}", ok=False)
        pause = min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)
        assert claim(store, "sync", NOW, moment + pause - timedelta(seconds=1), "early") is None
        moment += pause
    assert state is RunState.GIVEN_UP
    assert claim(store, "sync", NOW, moment + DAY, "late") is None
    assert newest(store, "sync").says == f"failed {MOST_ATTEMPTS}"


def test_a_run_that_kills_its_processes_is_given_up(store):
    """It is not begun for ever."""
    begun = [claim(store, "sync", NOW, NOW + n * MINUTE, GONE) for n in range(MOST_ATTEMPTS + 2)]
    assert [one is not None for one in begun] == [True] * MOST_ATTEMPTS + [False] * 2
    last = newest(store, "sync")
    assert last.state is RunState.GIVEN_UP
    assert last.says


def test_old_runs_are_forgotten_but_the_newest(store):
    """A weekly digest's last run outlives the hourly ones."""
    for hours in range(5):
        claim(store, "sync", NOW + hours * timedelta(hours=1), NOW, AWAY)
    claim(store, "digest", NOW - 7 * DAY, NOW, AWAY)
    assert prune(store, "sync", NOW + timedelta(hours=3)) == 3
    assert prune(store, "digest", NOW) == 0
    assert newest(store, "digest").due_at == NOW - 7 * DAY
    assert state_of(store, "sync", NOW + timedelta(hours=2)) is None
    assert state_of(store, "sync", NOW + timedelta(hours=3)) is RunState.RUNNING


RACER = """
import sys, time
from datetime import datetime, timedelta
from agent.approval.runs import claim, finish
from agent.foundation.holder import this_holder
from agent.foundation.store import open_store

url, at, start = sys.argv[1], float(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
store = open_store(url)
time.sleep(max(0.0, at - time.time()))
for number in range(40):
    held = claim(store, "tidy", start + timedelta(minutes=number), start, this_holder())
    if held:
        print(number, flush=True)
        finish(store, held, start, ok=True)
"""


@pytest.mark.slow
def test_of_four_processes_one_does_each_run(state_url):
    """Raced on both databases: forty runs, each claimed once."""
    command = [sys.executable, "-c", RACER, state_url, str(time.time() + 3), NOW.isoformat()]
    racers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    won = Counter(line for racer in racers for line in racer.communicate(timeout=60)[0].split())
    assert [racer.returncode for racer in racers] == [0] * 4
    assert won == {str(number): 1 for number in range(40)}
