"""`stop`, `resume`, `outbox cancel` and what `send --dry-run` and `outbox` say of waiting."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.faces.cli import app
from tests.faces.slack.desks import MONDAY, ready_workspace


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two drafts that wait."""
    return ready_workspace(tmp_path_factory.mktemp("company") / "read", 2)


@pytest.fixture
def run(company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line in a copy of it whose messages leave by Resend."""
    monkeypatch.setenv("OUTGROWN_NOW", MONDAY)
    monkeypatch.delenv("OUTGROWN_WORKSPACE", raising=False)
    folder = shutil.copytree(company, tmp_path / "copy")
    path = folder / "outgrown.toml"
    path.write_text(path.read_text().partition("[delivery]")[0] + '[delivery]\nchannel = "resend"\n')

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--workspace", str(folder)])

    return invoke


def document(result: Result) -> Any:
    """What a program reads."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def approved(run: Any) -> str:
    """The first draft, approved; its delivery."""
    drafts = document(run("drafts", "--json"))["drafts"]
    return str(document(run("approve", drafts[0]["draft_id"], "--json"))["delivery_id"])


def test_stop_holds_and_resume_lets_go(run: Any) -> None:
    """In words and as JSON, twice without harm."""
    assert document(run("stop", "--reason", "a wrong price", "--json"))["reason"] == "a wrong price"
    assert "Sending is stopped" in run("stop").stdout
    delivery_id = approved(run)
    sent = run("send")
    assert (sent.exit_code, "Sending is stopped" in sent.stdout, "outgrown resume" in sent.stdout) == (
        0,
        True,
        True,
    )
    assert "a wrong price" in run("outbox").stdout
    assert "a wrong price" in document(run("outbox", "--json"))["deliveries"][0]["waits"]
    assert document(run("send", "--dry-run", "--json"))["would_not"][0]["delivery_id"] == delivery_id
    assert document(run("resume", "--json")) == {"resumed": True}
    assert "Nothing was stopped" in run("resume").stdout


def test_what_waits_says_for_what(run: Any) -> None:
    """In the outbox, in a dry run, and after a run in which nothing could leave."""
    approved(run)
    for words in (["outbox"], ["send", "--dry-run"]):
        assert "RESEND_API_KEY" in run(*words).stdout
    assert "1 waits" in run("send").stdout
    assert document(run("send", "--dry-run", "--json"))["would_send"] == []


def test_a_message_is_called_back(run: Any) -> None:
    """Once; what is gone cannot be called back again."""
    delivery_id = approved(run)
    assert "does not leave" in run("outbox", "cancel", delivery_id, "--reason", "wrong person").stdout
    assert document(run("outbox", "--json"))["deliveries"][0]["state"] == "cancelled"
    again = run("outbox", "cancel", delivery_id)
    assert again.exit_code == 1
    assert run("outbox", "cancel", "nope").exit_code == 1
