"""Drafting as a founder runs it: who words a draft, what is kept, and what is paid for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.approval.edits import approved_edits
from agent.approval.states import DraftState
from agent.approval.views import list_drafts, show_draft
from agent.drafting.message import Message
from agent.drafting.model_writer import write_with_model
from agent.drafting.voice import Candidate, nearest
from agent.faces.telling import made_by, worded
from agent.facts.sample import SAMPLE_NOW, write_sample
from agent.foundation import clock
from agent.foundation.settings import FILE, open_workspace
from agent.wiring import House
from evals.standin import Standin, Status
from evals.standin.scripted import scripted_answer


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample company, read."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, clock.last_complete_day(SAMPLE_NOW))
    toml = folder / FILE
    toml.write_text(toml.read_text().replace('model = ""', 'model = "openai:gpt-5-mini"'))
    house = House(open_workspace(folder))
    house.sync()
    # The copies find what an evaluation need not write again.
    house.look()
    house.close()
    return folder


@pytest.fixture
def folder(sample, tmp_path, monkeypatch) -> Path:
    """A copy of it at its own moment, with a key."""
    monkeypatch.setenv(clock.SETTING, SAMPLE_NOW.isoformat())
    monkeypatch.setenv("OUTGROWN_LLM_KEY", "sk-of-the-tests")
    return shutil.copytree(sample, tmp_path / "workspace")


@pytest.fixture
def standin(monkeypatch):
    """A model that answers well."""
    with Standin(scripted_answer) as server:
        monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", server.base_url)
        yield server


def drafted(folder: Path, **how):
    """What `draft` writes in a workspace."""
    house = House(open_workspace(folder))
    try:
        return house.draft(**how)[0]
    finally:
        house.close()


def test_a_model_words_what_is_new_and_nobody_pays_twice(folder, standin):
    """Every new draft is the model's, with what it took; the second run keeps all of them and asks nothing."""
    first = drafted(folder, top=3)
    asked = len(standin.requests)
    assert [one.making.writer for one in first] == ["model"] * 3
    assert all(one.making.calls and one.making.tokens_in and one.making.prompts["draft"] for one in first)
    assert asked == sum(one.making.calls for one in first)
    again = drafted(folder, top=3)
    assert len(standin.requests) == asked
    assert [one.message for one in again] == [one.message for one in first]
    assert [one.making for one in again] == [one.making for one in first]
    assert not any(one.queued.is_new for one in again)


def test_the_making_is_kept_with_the_draft(folder, standin):
    """Whoever opens the draft later sees who worded it, and from which prompts."""
    (written,) = drafted(folder, top=1)
    house = House(open_workspace(folder))
    (version,) = show_draft(house.store, written.queued.draft_id).versions
    spent = house.spending.month()
    house.close()
    assert version.making == written.making
    assert (spent.calls, spent.tokens) == (
        written.making.calls,
        written.making.tokens_in + written.making.tokens_out,
    )


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        pytest.param("write = false", {}, id="switched off for drafts"),
        pytest.param("", {"by_model": False}, id="not wanted this once"),
        pytest.param("monthly_tokens = 0", {}, id="nothing may be spent"),
    ],
)
def test_templates_write_where_no_model_may(folder, standin, settings, how):
    """No question leaves the house, and the drafts are there all the same."""
    toml = folder / FILE
    toml.write_text(toml.read_text().replace("[llm]\n", f"[llm]\n{settings}\n"))
    written = drafted(folder, top=2, **how)
    assert not standin.requests
    assert [one.making.writer for one in written] == ["template"] * 2
    assert all(one.queued.state is DraftState.PENDING for one in written)


def test_a_founders_own_text_is_the_example_of_the_next(folder, standin):
    """What was edited and approved shows the voice, in slots: neither its customer nor its figures go out."""
    written = drafted(folder, by_model=False)
    first = written[0]
    house = House(open_workspace(folder))
    own = first.message.body.replace("Not yet is fine", "Not yet is quite fine")
    house.edit(first.queued.draft_id, Message(subject=first.message.subject, body=own))
    house.approve(first.queued.draft_id)
    other = next(one for one in written[1:] if one.assessment.play == first.assessment.play)
    brief = house.brief_of(other.assessment)
    examples = nearest((Candidate(*edit) for edit in approved_edits(house.store, 5)), brief)
    with house.asking() as model:
        done = write_with_model(brief, model, lambda _: [], examples)
    house.close()
    asked = standin.requests[-1].text
    assert done.making.examples == (first.queued.draft_id,)
    assert "Not yet is quite fine" in asked
    assert first.assessment.contact_name.split()[0] not in asked
    assert first.assessment.name not in asked


def test_a_failing_model_is_said_in_words(folder, monkeypatch):
    """The founder reads why the template stands in, without opening a log."""
    with Standin(lambda _: Status(401)) as server:
        monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", server.base_url)
        written = drafted(folder, top=2)
    assert worded(one.making for one in written).endswith(
        "2 by the template, since the model's server did not take the key."
    )
    assert "since the model's server did not take the key" in made_by(written[0].making)
    house = House(open_workspace(folder))
    assert {line.state for line in list_drafts(house.store)} == {DraftState.PENDING}
    house.close()
