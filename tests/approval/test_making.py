"""How a text came to be, what is kept of it, and what the writer may learn from."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from agent.approval.decisions import edit_draft, skip, snooze
from agent.approval.edits import approved_edits
from agent.approval.queue import kept_draft, queue_draft
from agent.approval.states import DraftState
from agent.approval.views import list_drafts, show_draft
from agent.drafting.making import Making
from agent.foundation.store import Store
from tests.approval.made import (
    AS_OF,
    DAY,
    NOW,
    a_brief,
    a_message,
    a_violation,
    an_assessment,
    finds,
    finds_nothing,
    nothing_around,
    queued,
)
from tests.delivery.made import approved

MADE = Making(
    writer="model",
    model="openai:gpt-5-mini",
    prompts={"draft": "0123456789ab", "system": "ba9876543210"},
    examples=("d1", "d2"),
    rounds=1,
    calls=2,
    tokens_in=2400,
    tokens_cached=1024,
    tokens_out=180,
    seconds=3.5,
    cost_micro=790,
)


def edited(store: Store, draft_id: str, body: str = "In my own words.", **changes: Any) -> None:
    """A person's text for that draft."""
    values: dict[str, Any] = {
        "who": "Dana",
        "base_version": 1,
        "check": finds_nothing,
        "surroundings": nothing_around,
        "now": NOW,
        **changes,
    }
    edit_draft(store, draft_id, a_message(body=body), **values)


def test_a_version_keeps_how_it_was_made(store: Store) -> None:
    """Who wrote, from which prompts, at what cost; a person's edit is a person's."""
    draft_id = queue_draft(
        store, a_brief(), a_message(), [], an_assessment(), author="model", now=NOW, making=MADE
    ).draft_id
    edited(store, draft_id)
    first, second = show_draft(store, draft_id).versions
    assert first.making == MADE
    assert second.making == Making(writer="person")


def test_a_draft_without_a_making_is_a_template_s(store: Store) -> None:
    """As all were."""
    assert show_draft(store, queued(store).draft_id).versions[0].making == Making()


def test_an_older_text_is_known_by_its_author(store: Store) -> None:
    """Those from before it was kept how they were made."""
    draft_id = queued(store).draft_id
    with store.writing() as session:
        for number, author in ((2, "Dana"), (3, "template")):
            session.execute(
                text(
                    "INSERT INTO draft_versions (draft_id, number, subject, body, author, violations, confirmed,"
                    " created_at) VALUES (:id, :number, 's', 'b', :author, '[]', '[]', :at)"
                ),
                {"id": draft_id, "number": number, "author": author, "at": NOW},
            )
    assert [one.making.writer for one in show_draft(store, draft_id).versions] == [
        "template",
        "person",
        "template",
    ]


def pending(store: Store) -> None:
    """An untouched draft of another day: a newer one takes its place."""
    queued(store, as_of=AS_OF - DAY)


def same(store: Store) -> None:
    """The draft of this very brief."""
    queued(store)


def touched(store: Store) -> None:
    """A draft of another day that somebody has edited."""
    edited(store, queued(store, as_of=AS_OF - DAY).draft_id)


def snoozed(store: Store) -> None:
    """A draft of another day that is put off."""
    snooze(store, queued(store, as_of=AS_OF - DAY).draft_id, days=3, who="Dana", now=NOW)


def skipped(store: Store) -> None:
    """The same offer, skipped this week."""
    skip(store, queued(store, as_of=AS_OF - DAY).draft_id, who="Dana", reason="no", now=NOW)


def on_its_way(store: Store) -> None:
    """A draft of another day that is approved."""
    approved(store, queued(store, as_of=AS_OF - DAY).draft_id)


@pytest.mark.parametrize("before", [None, pending, same, touched, snoozed, skipped, on_its_way])
def test_whether_a_draft_is_kept_is_known_before_one_is_written(store: Store, before: Any) -> None:
    """So that no model is paid for a text nobody would see; asking changes nothing."""
    if before is not None:
        before(store)
    lines = list_drafts(store)
    kept = kept_draft(store, a_brief(), NOW)
    assert list_drafts(store) == lines
    done = queue_draft(store, a_brief(), a_message(), [], an_assessment(), author="template", now=NOW)
    assert (kept is None) is done.is_new
    if kept is not None:
        assert kept == done
        assert kept.says


def test_texts_that_a_person_wrote_and_approved_are_examples_newest_first(store: Store) -> None:
    """With the brief they are about, and no more than asked for."""
    for number, account_id in enumerate(("acme", "bolt", "cog")):
        draft_id = queued(store, account_id).draft_id
        edited(store, draft_id, f"For {account_id}.")
        approved(store, draft_id, now=NOW + number * DAY)
    found = approved_edits(store, 2)
    assert [(one.message.body, one.brief.recipient.account_id, one.at) for one in found] == [
        ("For cog.", "cog", NOW + 2 * DAY),
        ("For bolt.", "bolt", NOW + DAY),
    ]
    assert found[0].draft_id == found[0].brief.brief_id
    assert approved_edits(store, 0) == []


def test_other_texts_are_no_examples(store: Store) -> None:
    """Neither a template's, nor an edit nobody approved, nor one that was confirmed past a guardrail."""
    approved(store, queued(store, "acme").draft_id)
    edited(store, queued(store, "bolt").draft_id)
    pressing = queued(store, "cog").draft_id
    edited(store, pressing, check=finds(a_violation()), confirm=["no_pressure"])
    approved(store, pressing, check=finds(a_violation()))
    assert {line.state for line in list_drafts(store)} == {DraftState.APPROVED, DraftState.PENDING}
    assert approved_edits(store, 5) == []
