"""The one table of moves, every pair of it."""

from __future__ import annotations

from itertools import product

import pytest
from sqlmodel import col, update

from agent.approval.life import find_draft, move
from agent.approval.states import MOVES, DraftState, check_move
from agent.approval.tables import Draft
from agent.approval.views import show_draft
from agent.foundation.errors import MoveRefused
from agent.foundation.store import Store
from tests.approval.made import NOW, queued

ALLOWED = {
    ("drafted", "pending"),
    ("pending", "approved"),
    ("pending", "skipped"),
    ("pending", "snoozed"),
    ("pending", "stale"),
    ("pending", "expired"),
    ("snoozed", "pending"),
    ("snoozed", "skipped"),
    ("snoozed", "stale"),
    ("snoozed", "expired"),
    ("approved", "sending"),
    ("approved", "stale"),
    ("sending", "sent"),
    ("sending", "approved"),
    ("sending", "stale"),
    ("sending", "failed"),
    ("sending", "unknown"),
    ("unknown", "sent"),
    ("unknown", "pending"),
    ("unknown", "failed"),
}
PAIRS = [pytest.param(*pair, id=f"{pair[0]} to {pair[1]}") for pair in product(DraftState, repeat=2)]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_pair_of_states_is_either_in_the_table_or_refused(
    before: DraftState, after: DraftState
) -> None:
    """All 121 pairs: those the rule book's life has, and no other."""
    if (before, after) in ALLOWED:
        check_move(before, after, lambda: "Draft x is here")
    else:
        with pytest.raises(MoveRefused, match=f"a draft that is {before} cannot become {after}"):
            check_move(before, after, lambda: "Draft x is here")


def test_the_table_knows_every_state() -> None:
    """A state without a line would be a KeyError on some bad day."""
    assert set(MOVES) == set(DraftState)


@pytest.mark.parametrize("before", list(DraftState))
def test_a_move_changes_the_stored_draft_or_nothing(store: Store, before: DraftState) -> None:
    """What the table refuses leaves the row and the trail as they were."""
    draft_id = queued(store).draft_id
    for after in DraftState:
        _try(store, draft_id, before, after)


def _try(store: Store, draft_id: str, before: DraftState, after: DraftState) -> None:
    with store.writing() as session:
        session.execute(update(Draft).where(col(Draft.draft_id) == draft_id).values(state=str(before)))
    lines = len(show_draft(store, draft_id).audit)
    try:
        with store.writing() as session:
            move(session, find_draft(session, draft_id), after, who="Dana", now=NOW, reason="so")
    except MoveRefused:
        assert (before, after) not in ALLOWED
    else:
        assert (before, after) in ALLOWED
    seen = show_draft(store, draft_id)
    moved = (before, after) in ALLOWED
    assert seen.line.state == (after if moved else before)
    assert len(seen.audit) == lines + moved


def test_who_comes_second_is_told_who_was_first(store: Store) -> None:
    """A move from a state read earlier, and changed since, has no effect."""
    draft_id = queued(store).draft_id
    with store.reading() as session:
        read_before = find_draft(session, draft_id)
    with store.writing() as session:
        move(session, find_draft(session, draft_id), DraftState.SKIPPED, who="Dana", now=NOW, reason="no")
    with (
        pytest.raises(MoveRefused, match="skipped since 2026-03-02 09:00, by Dana"),
        store.writing() as session,
    ):
        move(session, read_before, DraftState.APPROVED, who="Eli", now=NOW)
    assert show_draft(store, draft_id).line.moved_by == "Dana"
