"""`outgrown drafts show ID --preview FILE`: the card as a page, out of a real workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.faces.cli import app
from agent.faces.common import open_house
from tests.approval.made import queued
from tests.exports import write_workspace
from tests.faces.test_commands import company
from tests.pages import Page
from tests.worlds import MOMENT


def run(workspace: Path, *words: str, fails: bool = False) -> str:
    """What a command prints; what is wrong where it fails."""
    result = CliRunner().invoke(app, [*words, "--workspace", str(workspace)])
    assert (result.exit_code != 0) is fails, result.output
    return str(result.exception) if fails else result.stdout


@pytest.fixture
def synced(tmp_path: Path) -> Path:
    """A workspace with facts, and the draft they led to."""
    folder = write_workspace(tmp_path / "synced", company().facts)
    run(folder, "sync")
    run(folder, "draft")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a draft and without facts."""
    folder = write_workspace(tmp_path / "workspace", [])
    store = open_house(folder).store
    queued(store, now=MOMENT)
    store.close()
    return folder


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's moment."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    monkeypatch.delenv("OUTGROWN_STATE_URL", raising=False)


def the_draft(workspace: Path) -> str:
    """Its id."""
    (line,) = json.loads(run(workspace, "drafts", "--json"))["drafts"]
    return str(line["draft_id"])


def shown(workspace: Path, page: Path) -> str:
    """The page of the draft."""
    assert run(workspace, "drafts", "show", the_draft(workspace), "--preview", str(page)) == ""
    return page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_preview_follows_the_draft(synced, tmp_path):
    """Waiting, with its chart and its dialogues; then edited, with its history; then approved, with the way back."""
    page = tmp_path / "page.html"
    text = shown(synced, page)
    assert [tag for tag, _ in Page(text).tags].count("img") == 1
    for words in (
        "Approve &amp; send",
        "3 rows of events",
        "Edit the message",
        "Skip this draft",
        "How it scores",
    ):
        assert words in text

    written = json.loads(run(synced, "drafts", "show", the_draft(synced), "--json"))["message"]
    other = tmp_path / "other.txt"
    other.write_text(
        f"{written['subject']}\n\n{written['body'].replace('Hi ', 'Hello ', 1)}", encoding="utf-8"
    )
    run(synced, "edit", the_draft(synced), str(other))
    assert "<strong>Hello</strong>" in shown(synced, page)

    run(synced, "approve", the_draft(synced))
    text = shown(synced, page)
    assert "Approve &amp; send" not in text
    assert "Call it back" in text


def test_without_facts_there_is_no_chart(workspace, tmp_path):
    """The state alone makes the page."""
    text = shown(workspace, tmp_path / "page.html")
    assert "Approve &amp; send" in text
    assert "<img" not in text


def test_json_is_printed_beside_the_page(workspace, tmp_path):
    """The two do not exclude each other."""
    page = tmp_path / "page.html"
    printed = run(workspace, "drafts", "show", the_draft(workspace), "--preview", str(page), "--json")
    assert json.loads(printed)["line"]["draft_id"] == the_draft(workspace)
    assert page.is_file()


def test_a_page_that_cannot_be_written_is_one_sentence(workspace, tmp_path):
    """It names the option to mend."""
    said = run(workspace, "drafts", "show", the_draft(workspace), "--preview", str(tmp_path), fails=True)
    assert "name another file with --preview" in said
