"""The command that answers a question in the terminal."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from agent.faces.cli import app
from agent.faces.common import close_houses
from tests.faces.slack.askings import NOW, a_house, draft_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the small state."""
    monkeypatch.setenv("OUTGROWN_NOW", NOW.isoformat())
    with a_house(tmp_path):
        return tmp_path


def ask(folder, *words):
    """What the command prints."""
    done = CliRunner().invoke(app, ["ask", *words, "--workspace", str(folder)])
    close_houses()
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_question_is_answered_in_the_terminal(folder):
    """As in Slack, in lines; quotes around the question are not needed."""
    said = ask(folder, "why", "is", "Acme", "not", "ready?")
    assert said.splitlines()[:2] == [
        "As of 21 November 2026.",
        "- Acme is not ready, on watch: 6 points, composite 63.5.",
    ]
    assert "and 5 more." in ask(folder, "who is near their limit?")


def test_what_was_sent_is_shown_word_for_word(folder):
    """Line for line."""
    assert "    | exports stopped 5 times <!here>." in ask(folder, "show what we sent Initech").splitlines()


def test_what_could_be_done_is_a_command(folder):
    """The terminal has no button: it is told how."""
    with_id = ask(folder, "snooze Globex for 2 weeks").splitlines()[-1]
    with a_house_again(folder) as house:
        assert with_id == f"To do it: `outgrown snooze {draft_of(house, 'globex').draft_id[:8]} --days 14`."
    assert ask(folder, "stop").splitlines()[-1] == "To do it: `outgrown stop`."


def test_programs_get_a_document(folder):
    """Who worded it, what was looked up, and what could be done."""
    document = json.loads(ask(folder, "snooze Globex for 2 weeks", "--json"))
    assert document["how"] == "house"
    assert document["told"][0]["proposal"]["days"] == 14
    assert document["to_do"][0].endswith("--days 14")


def a_house_again(folder):
    """The same state, opened once more."""
    from contextlib import closing

    from agent.foundation.settings import open_workspace
    from agent.wiring import House

    return closing(House(open_workspace(folder)))
