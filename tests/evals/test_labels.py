"""A founder's decisions as labels, and how the judges stand to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.approval.decisions import edit_draft, skip, snooze
from agent.delivery.sender import send
from agent.drafting.message import Message
from agent.foundation.store import Store, open_store
from evals.quality.judges import Grade, rubrics
from evals.quality.labels import Label, agreements, class_of, edits, labels, sent_drafts
from tests.approval.made import DAY, NOW, a_message, finds_nothing, nothing_around, queued
from tests.delivery.made import ScriptedChannel, approved, on_its_way
from tests.models import ScriptedModel
from tests.stores import ready_sqlite

__all__ = ["ready_sqlite"]
SHORTER = Message(subject="Exports that stop", body="Hi Ann,\n\nexports stopped 5 times.\n\nDana")


@pytest.fixture
def store(ready_sqlite: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty state; what a label is does not hang on the database."""
    opened = open_store(f"sqlite:///{shutil.copy(ready_sqlite, tmp_path / 'state.db')}")
    yield opened
    opened.close()


def edit(store: Store, draft_id: str) -> None:
    """Dana makes the text shorter."""
    given = {"base_version": 1, "check": finds_nothing, "surroundings": nothing_around, "now": NOW}
    edit_draft(store, draft_id, SHORTER, who="Dana", **given)


def some_decisions(store: Store) -> dict[str, str]:
    """Six drafts and what became of each, by account."""
    ids = {
        name: queued(store, name).draft_id for name in ("sent", "edited", "both", "skipped", "snoozed", "new")
    }
    approved(store, ids["sent"])
    edit(store, ids["edited"])
    edit(store, ids["both"])
    skip(store, ids["skipped"], who="Dana", reason="we met", now=NOW)
    snooze(store, ids["snoozed"], who="Dana", days=3, now=NOW)
    return {draft_id: name for name, draft_id in ids.items()}


def test_decisions_become_labels_of_the_text_that_was_shown(store):
    """Approved as it was is good, changed is fair, skipped is bad; what is undecided has no label."""
    names = some_decisions(store)
    approved(store, next(one for one, name in names.items() if name == "both"))
    found = {names[one.draft_id]: one for one in labels(store)}
    assert {name: one.label for name, one in found.items()} == {
        "sent": Label.GOOD,
        "edited": Label.FAIR,
        "both": Label.FAIR,
        "skipped": Label.BAD,
    }
    assert {one.message for one in found.values()} == {a_message()}
    assert found["sent"].edited == 0 < found["edited"].edited < 1


def test_how_much_was_changed_before_it_was_sent_is_told_by_draft(store):
    """Only what arrived counts, and no word of it is told."""
    as_it_was, changed = on_its_way(store, "acme").draft_id, queued(store, "birch").draft_id
    edit(store, changed)
    approved(store, changed)
    queued(store, "waiting")
    assert edits(sent_drafts(store)).mean is None
    send(store, [ScriptedChannel()], now=NOW + DAY)
    told = edits(sent_drafts(store))
    assert (told.sent, told.unchanged) == (2, 1)
    assert told.by_draft[as_it_was] == 0 < told.by_draft[changed]
    assert "Ann" not in told.model_dump_json()


@pytest.mark.parametrize(
    ("score", "label"), [(1, Label.BAD), (2, Label.BAD), (3, Label.FAIR), (4, Label.GOOD), (5, Label.GOOD)]
)
def test_a_judge_s_score_in_the_founder_s_terms(score, label):
    """Five steps onto three."""
    assert class_of(score) is label


def test_a_judge_that_scores_as_the_founder_decides_agrees_fully(store):
    """Kappa is 1, with as many labels as there were scores."""
    for number in range(6):
        approved(store, queued(store, f"good{number}").draft_id)
        skip(store, queued(store, f"bad{number}").draft_id, who="Dana", reason="no", now=NOW)
    given = labels(store)
    by_account = {one.brief.recipient.account_id: one.label for one in given}
    judge = ScriptedModel(
        forever=lambda asked: Grade(reason="-", score=5 if by_account[asked.about] is Label.GOOD else 1)
    )
    (agreement,) = agreements(given, judge, rubrics()[:1])
    assert (agreement.judge, agreement.labels, agreement.kappa) == ("control", 12, 1.0)
    assert agreement.interval == (1.0, 1.0)


def test_few_decisions_say_nothing(store):
    """No kappa from a handful."""
    some_decisions(store)
    (agreement,) = agreements(labels(store), ScriptedModel(forever=Grade(reason="-", score=3)), rubrics()[:1])
    assert (agreement.labels, agreement.kappa, agreement.interval) == (4, None, None)
