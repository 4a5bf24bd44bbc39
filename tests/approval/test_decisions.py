"""Editing, skipping, snoozing, and what time does."""

from __future__ import annotations

from typing import Any

import pytest

from agent.approval.decisions import edit_draft, expire_old, skip, snooze, wake, wake_snoozed
from agent.approval.states import DraftState
from agent.approval.views import show_draft
from agent.drafting.violation import Level
from agent.foundation.errors import Blocked, MoveRefused, UsageError
from agent.foundation.store import Store
from tests.approval.made import DAY, NOW, a_message, a_violation, finds, finds_nothing, nothing_around, queued

MINE = a_message(subject="My own words")


def edit(store: Store, draft_id: str, **changes: Any) -> Any:
    """An edit by Dana of the first version, without a complaint."""
    values: dict[str, Any] = {
        "message": MINE,
        "who": "Dana",
        "base_version": 1,
        "check": finds_nothing,
        "surroundings": nothing_around,
        "now": NOW,
    }
    values.update(changes)
    return edit_draft(store, draft_id, values.pop("message"), **values)


def test_an_edit_is_the_next_version_and_the_first_stays(store: Store) -> None:
    """Versions are appended."""
    draft_id = queued(store).draft_id
    assert edit(store, draft_id).version == 2
    seen = show_draft(store, draft_id)
    assert seen.message == MINE
    assert [one.message for one in seen.versions] == [a_message(), MINE]
    assert [(one.kind, one.who, one.version) for one in seen.decisions] == [("edited", "Dana", 2)]


def test_saving_without_a_change_makes_no_version(store: Store) -> None:
    """Closing the editor is not an edit."""
    draft_id = queued(store).draft_id
    assert edit(store, draft_id, message=a_message()).version == 1
    assert len(show_draft(store, draft_id).versions) == 1


def test_an_edit_of_an_old_version_is_refused_and_shows_the_newer(store: Store) -> None:
    """Two people editing do not overwrite each other."""
    draft_id = queued(store).draft_id
    edit(store, draft_id)
    with pytest.raises(MoveRefused) as refused:
        edit(store, draft_id, message=a_message(subject="Late"), who="Eli")
    assert "edited by Dana" in str(refused.value)
    assert MINE.text in str(refused.value)
    assert len(show_draft(store, draft_id).versions) == 2


@pytest.mark.parametrize(
    ("found", "confirm", "kept"),
    [
        pytest.param(a_violation(), (), False, id="block, not confirmed"),
        pytest.param(a_violation(), ("tone",), False, id="block, another rule confirmed"),
        pytest.param(a_violation(), ("no_pressure",), True, id="block, confirmed"),
        pytest.param(
            a_violation("contact_cap", hard=True), ("contact_cap",), False, id="hard block, confirmed"
        ),
        pytest.param(a_violation("tone", level=Level.WARN), (), True, id="warning"),
    ],
)
def test_a_person_may_confirm_past_content_rules_only(
    store: Store, found: Any, confirm: Any, kept: bool
) -> None:
    """A confirmation names its rule, is recorded, and never opens a hard rule."""
    draft_id = queued(store).draft_id
    if not kept:
        with pytest.raises(Blocked, match=found.rule):
            edit(store, draft_id, check=finds(found), confirm=confirm)
        assert len(show_draft(store, draft_id).versions) == 1
        return
    edit(store, draft_id, check=finds(found), confirm=confirm)
    newest = show_draft(store, draft_id).versions[-1]
    assert newest.violations == (found,)
    assert newest.confirmed == (confirm if found.level is Level.BLOCK else ())


def test_a_confirmation_of_a_rule_that_is_not_broken_is_not_recorded(store: Store) -> None:
    """Nobody confirms in advance."""
    draft_id = queued(store).draft_id
    edit(store, draft_id, confirm=("no_pressure",))
    assert show_draft(store, draft_id).versions[-1].confirmed == ()


@pytest.mark.parametrize("text", ["a\0b", "a\udc80b"])
def test_text_no_database_holds_is_made_harmless(store: Store, text: str) -> None:
    """A NUL or half a character comes back as a mark, on either database."""
    draft_id = queued(store).draft_id
    edit(store, draft_id, message=a_message(body=text))
    assert show_draft(store, draft_id).message.body.strip("ab") in ("\ufffd", "\ufffd" * 3)


def test_a_skipped_draft_keeps_its_reason_and_cannot_be_edited(store: Store) -> None:
    """No is an answer, and the last one."""
    draft_id = queued(store).draft_id
    skip(store, draft_id, who="Dana", reason="we met them yesterday", now=NOW)
    assert show_draft(store, draft_id).line.reason == "we met them yesterday"
    with pytest.raises(MoveRefused, match="by Dana"):
        edit(store, draft_id)
    with pytest.raises(MoveRefused, match="skipped since"):
        skip(store, draft_id, who="Eli", reason="me too", now=NOW)


def test_a_snoozed_draft_wakes_on_its_day(store: Store) -> None:
    """Not a moment before."""
    draft_id = queued(store).draft_id
    until = snooze(store, draft_id, days=3, who="Dana", now=NOW)
    assert until == NOW + 3 * DAY
    assert wake_snoozed(store, until - DAY / 86400) == ()
    assert wake_snoozed(store, until) == (draft_id,)
    seen = show_draft(store, draft_id).line
    assert (seen.state, seen.snoozed_until) == (DraftState.PENDING, None)


def test_a_snoozed_draft_can_be_woken_by_hand(store: Store) -> None:
    """Minds change."""
    draft_id = queued(store).draft_id
    snooze(store, draft_id, days=3, who="Dana", now=NOW)
    wake(store, draft_id, who="Dana", now=NOW)
    assert show_draft(store, draft_id).line.state is DraftState.PENDING


@pytest.mark.parametrize("days", [-1, 0, 91])
def test_a_snooze_has_sensible_days(store: Store, days: int) -> None:
    """Neither none nor for ever."""
    draft_id = queued(store).draft_id
    with pytest.raises(UsageError, match="1 to 90 days"):
        snooze(store, draft_id, days=days, who="Dana", now=NOW)


def test_an_unanswered_draft_expires_after_two_weeks(store: Store) -> None:
    """Silence is an answer in the end."""
    draft_id = queued(store).draft_id
    assert expire_old(store, NOW + 14 * DAY - DAY / 86400) == ()
    assert expire_old(store, NOW + 14 * DAY) == (draft_id,)
    assert show_draft(store, draft_id).line.state is DraftState.EXPIRED


def test_a_snooze_stops_the_expiry_clock(store: Store) -> None:
    """A draft put away for three weeks comes back alive."""
    draft_id = queued(store).draft_id
    snooze(store, draft_id, days=21, who="Dana", now=NOW)
    assert expire_old(store, NOW + 21 * DAY) == ()
    wake_snoozed(store, NOW + 21 * DAY)
    assert expire_old(store, NOW + 35 * DAY) == (draft_id,)
