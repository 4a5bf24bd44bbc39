"""The real process: it starts, works, ends when it is told, and goes on where it stopped."""

from __future__ import annotations

import json
import signal
import socket
import time

import pytest
from sqlmodel import select

from agent.approval.runs import RunState
from agent.approval.states import DraftState
from agent.approval.tables_running import Run
from agent.approval.views import list_drafts
from agent.faces.slack.naming import Action
from agent.foundation.settings import open_workspace
from agent.foundation.store import open_store
from agent.wiring import House
from tests.faces.serving.running import Served, wait_for
from tests.faces.serving.workspaces import ACCOUNTS, MOMENT, with_settings
from tests.slackserver import CHANNEL, SlackServer

CLOCK = {"OUTGROWN_NOW": MOMENT.isoformat()}
SLACK = f"""
[slack]
channel = "{CHANNEL}"
approvers = ["U0DANA", "U0RAVI"]
charts = false

[digest]
weekday = "monday"
at = 07:30:00

[delivery]
quiet_from = 00:00:00
quiet_until = 00:00:00
"""


def sqlite_of(folder):
    """The state's URL."""
    return f"sqlite:///{folder / '.outgrown' / 'state.db'}"


def runs_of(url, job="sync"):
    """Every run of a job."""
    store = open_store(url)
    with store.reading() as session:
        found = session.exec(select(Run).where(Run.job == job).order_by(Run.due_at)).all()
    store.close()
    return found


@pytest.mark.parametrize(
    ("options", "environment", "more", "says"),
    [
        pytest.param(["--port", "PORT"], {}, "", "cannot be listened on", id="the port is taken"),
        pytest.param([], {"SLACK_BOT_TOKEN": "xoxb-1"}, "", "SLACK_APP_TOKEN in .env, channel in", id="half of Slack"),
        pytest.param([], {"SLACK_BOT_TOKEN": "secret"}, "", "does not begin with xoxb-", id="no token at all"),
        pytest.param([], {}, "[serve]\nport = 99999", "serve.port", id="no port"),
        pytest.param([], {"OUTGROWN_STATE_URL": "sqlite:////no/such/x.db"}, "", "does not exist", id="no state"),
        pytest.param([], {"OUTGROWN_NOW_SPEED": "10"}, "", "without OUTGROWN_NOW", id="a speed without a time"),
        pytest.param([], {**CLOCK, "OUTGROWN_NOW_SPEED": "fast"}, "", "give a number", id="a speed in words"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_what_keeps_it_from_starting_is_one_sentence(bare, options, environment, more, says):
    """On stderr, without a traceback, and nothing is left running."""
    with_settings(bare, more)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        named = [port if option == "PORT" else option for option in options] or ["--port", "0"]
        with Served(bare, *named, **environment) as one:
            assert one.ended() in (1, 2), one.tell()
            errors = [line for line in one.lines if line.startswith("Error: ")]
            assert len(errors) == 1, one.tell()
            assert says in errors[0]
            assert "Traceback" not in one.tell()
            assert "secret" not in one.tell()


@pytest.mark.slow
def test_a_token_slack_does_not_take_is_one_sentence(bare):
    """The token itself is not shown."""
    with_settings(bare, SLACK)
    with (
        SlackServer() as slack,
        Served(bare, **{**slack.environment, "SLACK_BOT_TOKEN": "xoxb-wrong-99"}) as one,
    ):
        assert one.ended() == 2, one.tell()
        assert "does not take SLACK_BOT_TOKEN (invalid_auth)" in one.lines[-1]
        assert "xoxb-wrong" not in one.tell()


@pytest.mark.slow
def test_it_works_and_ends_when_it_is_told(drafted):
    """Syncs, drafts, says what comes next, is healthy, and exits with 0."""
    with Served(drafted, "--port", "0", **CLOCK) as one:
        one.said(f"draft: 0 new, {ACCOUNTS} waited already")
        assert one.said("Next sync: Monday 2026-02-02 11:00 in UTC.")
        status, text = one.get("/healthz")
        assert (status, json.loads(text)["slack"]) == (200, "off")
        assert f'outgrown_drafts{{state="pending"}} {ACCOUNTS}.0' in one.get("/metrics")[1]
        begun = time.monotonic()
        assert one.stop() == 0, one.tell()
        assert time.monotonic() - begun < 10
        assert one.lines[-1] == "Stopped."
    states = [run.state for job in ("tidy", "sync", "draft") for run in runs_of(sqlite_of(drafted), job)]
    assert set(states) == {RunState.DONE}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_finished(unread, number):
    """A sync that has begun ends before the process does; nothing is left half done."""
    with Served(unread, "--port", "0", **CLOCK) as one:
        one.said("Listening")
        wait_for(lambda: [run for run in runs_of(sqlite_of(unread)) if run.state == "running"], tell=one.tell)
        assert one.stop(number) == 0, one.tell()
    assert [run.state for run in runs_of(sqlite_of(unread))] == [RunState.DONE]
    assert runs_of(sqlite_of(unread), "draft") == []


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(unread):
    """Whoever insists is obeyed."""
    with Served(unread, "--port", "0", **CLOCK) as one:
        one.said("Listening")
        wait_for(lambda: [run for run in runs_of(sqlite_of(unread)) if run.state == "running"], tell=one.tell)
        one.process.send_signal(signal.SIGTERM)
        one.said("Stopping")
        begun = time.monotonic()
        assert one.stop() == 128 + signal.SIGTERM
        assert time.monotonic() - begun < 3


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_where_it_stopped(unread):
    """The next start takes the run over at once, and does what came after it."""
    with Served(unread, "--port", "0", **CLOCK) as one:
        one.said("Listening")
        wait_for(lambda: [run for run in runs_of(sqlite_of(unread)) if run.state == "running"], tell=one.tell)
        assert one.kill() == -signal.SIGKILL
    with Served(unread, "--port", "0", **CLOCK) as one:
        one.said(f"draft: {ACCOUNTS} new")
        assert one.stop() == 0
    (run,) = runs_of(sqlite_of(unread))
    assert (run.state, run.attempts) == (RunState.DONE, 2)


@pytest.mark.slow
def test_once_does_what_is_due_and_ends(drafted):
    """For those whose own clock starts it: cards are posted, the digest too, and a second time nothing is due."""
    with_settings(drafted, SLACK)
    with SlackServer(message_gap=0.0) as slack:
        for says in ("Done: tidy, sync, draft, digest.", "Done: nothing was due."):
            with Served(drafted, "--once", **CLOCK, **slack.environment) as one:
                assert one.ended(120) == 0, one.tell()
                assert says in one.lines, one.tell()
        kinds = [message.metadata["event_type"] for message in slack.messages]
        assert slack.refused == []
    assert sorted(kinds) == ["card"] * ACCOUNTS + ["digest"]


@pytest.mark.slow
def test_of_two_processes_one_posts_the_digest(drafted, postgres_url):
    """And each card; both take clicks, and each approved message leaves once."""
    with_settings(drafted, SLACK)
    copy_drafts(drafted, postgres_url)
    with SlackServer(message_gap=0.0) as slack:
        environment = {**CLOCK, **slack.environment, "OUTGROWN_STATE_URL": postgres_url}
        with (
            Served(drafted, "--port", "0", **environment) as one,
            Served(drafted, "--port", "0", **environment) as two,
        ):
            one.said("Listening")
            two.said("Listening")
            slack.wait_for(lambda: len(slack.messages) > ACCOUNTS, 120)
            cards = [message for message in slack.messages if message.metadata["event_type"] == "card"]
            sent = [slack.click(card, Action.APPROVE) for card in cards[:4] for _ in range(2)]
            assert all(one.wait(20).acked_after is not None for one in sent)
            outbox = drafted / ".outgrown" / "outbox"
            wait_for(lambda: len(list(outbox.glob("*.eml"))) == 4, 120, lambda: one.tell() + two.tell())
            counted = [float(line.split()[1]) for of in (one, two) for line in of.get("/metrics")[1].splitlines()
                       if line.startswith("outgrown_slack_acknowledgement_seconds_count")]  # fmt: skip
            assert sum(counted) >= len(sent)
            assert [of.health()["slack"] for of in (one, two)] == ["connected"] * 2
            assert (one.stop(), two.stop()) == (0, 0)
        kinds = [message.metadata["event_type"] for message in slack.messages]
        assert slack.refused == []
        assert slack.unacknowledged == []
    assert kinds.count("digest") == 1
    assert kinds.count("card") == ACCOUNTS
    for job in ("sync", "draft", "digest"):
        assert [(run.state, run.attempts) for run in runs_of(postgres_url, job)] == [(RunState.DONE, 1)]
    assert len(list(outbox.glob("*.eml"))) == 4


def copy_drafts(folder, url):
    """Drafts in another state, written again from the facts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
        patch.setenv("OUTGROWN_STATE_URL", url)
        house = House(open_workspace(folder))
        house.draft()
        assert len(list_drafts(house.store, DraftState.PENDING)) == ACCOUNTS
        house.close()
