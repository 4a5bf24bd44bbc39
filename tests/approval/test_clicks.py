"""Clicks kept until they are done: once each, whoever does them, whatever ends in between."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from agent.approval import clicks
from agent.approval.clicks import ClickState, Work
from agent.approval.tables_running import Click
from agent.foundation.holder import this_holder
from tests.approval.made import NOW

LEASE = timedelta(minutes=5)


def a_click(click_id="c1", **changes) -> Work:
    """Somebody approved something."""
    values = {
        "click_id": click_id,
        "at": NOW,
        "kind": "draft_approve",
        "who": "slack:T1/U1",
        "document": "{}",
    }
    return Work(**{**values, **changes})


def row(store, click_id="c1") -> Click:
    """As it is kept."""
    with store.reading() as session:
        return session.get_one(Click, click_id)


def ended_holder() -> str:
    """Somebody on this machine who has certainly ended."""
    process = subprocess.run(
        [sys.executable, "-c", "from agent.foundation.holder import this_holder; print(this_holder())"],
        capture_output=True, text=True, check=True, cwd=Path.cwd(),
    )  # fmt: skip
    return process.stdout.strip()


def test_what_comes_twice_is_kept_once(store):
    """In one transaction as in two; the answer tells which were new."""
    assert clicks.keep(store, [a_click(), a_click(), a_click("c2")]) == {"c1", "c2"}
    assert clicks.keep(store, [a_click("c2"), a_click("c3")]) == {"c3"}
    assert clicks.undone(store) == 3


def test_of_many_at_once_one_takes_it(store):
    """As many processes would."""
    clicks.keep(store, [a_click()])

    def take(number: int) -> bool:
        return clicks.take(store, "c1", now=NOW, holder=f"h/{number}/x", lease=LEASE) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(16))) == 1


def test_done_is_done_and_what_it_carried_is_gone(store):
    """Nobody takes it again, and Slack's repetition of it is known."""
    clicks.keep(store, [a_click(document='{"body": "words"}')])
    assert clicks.take(store, "c1", now=NOW, holder="me", lease=LEASE).document
    assert clicks.finish(store, "c1", now=NOW, holder="me")
    assert (row(store).state, row(store).document) == (ClickState.DONE, "")
    assert clicks.take(store, "c1", now=NOW, holder="you", lease=LEASE) is None
    assert clicks.keep(store, [a_click()]) == frozenset()
    assert clicks.waiting(store, NOW) == ()


def test_what_was_kept_for_one_is_nobody_elses_until_their_time_is_over(store):
    """Their own look takes nothing away; after it, anybody may."""
    clicks.keep(store, [a_click()], holder="me", until=NOW + LEASE)
    assert clicks.waiting(store, NOW) == ()
    assert clicks.take(store, "c1", now=NOW, holder="you", lease=LEASE) is None
    assert clicks.held(store, "c1", now=NOW, holder="me").attempts == 1
    assert clicks.held(store, "c1", now=NOW, holder="you") is None
    later = NOW + LEASE
    assert clicks.held(store, "c1", now=later, holder="me") is None
    assert clicks.waiting(store, later) == ("c1",)
    assert clicks.take(store, "c1", now=later, holder="you", lease=LEASE).attempts == 2
    assert not clicks.finish(store, "c1", now=later, holder="me")


def test_what_a_killed_process_left_is_taken_at_once(store):
    """It is seen to be gone; nobody waits for its lease."""
    clicks.keep(store, [a_click()], holder=ended_holder(), until=NOW + LEASE)
    assert clicks.waiting(store, NOW) == ("c1",)
    assert clicks.take(store, "c1", now=NOW, holder="you", lease=LEASE) is not None


def test_what_a_living_process_holds_is_left_to_it(store):
    """Alive is not gone."""
    clicks.keep(store, [a_click()], holder=this_holder(), until=NOW + LEASE)
    assert clicks.waiting(store, NOW) == ()


def test_what_is_given_back_waits_its_pause(store):
    """And is then anybody's."""
    clicks.keep(store, [a_click()], holder="me", until=NOW + LEASE)
    pause = NOW + timedelta(seconds=4)
    assert clicks.give_back(store, "c1", holder="me", not_before=pause)
    assert clicks.waiting(store, NOW) == ()
    assert clicks.waiting(store, pause) == ("c1",)
    assert not clicks.give_back(store, "c1", holder="me")


def test_an_ending_process_leaves_what_it_has_not_done(store):
    """What it did stays done."""
    clicks.keep(store, [a_click(), a_click("c2")], holder="me", until=NOW + LEASE)
    clicks.keep(store, [a_click("c3")], holder="me", until=NOW + LEASE, finished=["c1"], now=NOW)
    assert clicks.give_all_back(store, "me") == 2
    assert clicks.waiting(store, NOW) == ("c2", "c3")


@pytest.mark.parametrize(("days", "gone"), [(29, 0), (31, 1)])
def test_what_was_done_long_ago_is_forgotten(store, days, gone):
    """Slack repeats nothing for so long; what is still to be done stays however old it is."""
    clicks.keep(store, [a_click(), a_click("c2")], holder="me", until=NOW + LEASE)
    clicks.finish(store, "c1", now=NOW, holder="me")
    assert clicks.drop_old(store, NOW + timedelta(days=days)) == gone
    assert clicks.undone(store) == 1
