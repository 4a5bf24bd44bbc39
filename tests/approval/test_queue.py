"""Putting drafts before a person."""

from __future__ import annotations

import pytest

from agent.approval.decisions import edit_draft, skip, snooze
from agent.approval.states import DraftState
from agent.approval.views import list_drafts, show_draft
from agent.drafting.violation import Level
from agent.foundation.errors import Blocked, NotFound
from agent.foundation.store import Store
from tests.approval.made import (
    AS_OF,
    DAY,
    NOW,
    a_brief,
    a_message,
    a_violation,
    an_assessment,
    an_offer,
    finds_nothing,
    nothing_around,
    queue_draft,
    queued,
)


def test_a_queued_draft_is_pending_with_all_it_rests_on(store: Store) -> None:
    """What was queued can be read back whole, brief included."""
    made = queued(store)
    seen = show_draft(store, made.draft_id)
    assert made.is_new
    assert seen.line.state is DraftState.PENDING
    assert seen.brief == a_brief()
    assert seen.message == a_message()
    assert [(one.number, one.author) for one in seen.versions] == [(1, "template")]
    assert [(line.who, line.what) for line in seen.audit] == [
        ("template", "drafted"),
        ("template", "pending"),
    ]


def test_the_same_brief_twice_makes_one_draft(store: Store) -> None:
    """Running the drafting again on the same day changes nothing."""
    first, second = queued(store), queued(store, now=NOW + DAY)
    assert second.draft_id == first.draft_id
    assert not second.is_new
    assert len(list_drafts(store)) == 1


def test_a_newer_brief_replaces_the_pending_draft(store: Store) -> None:
    """One account has one draft waiting: the newest."""
    old = queued(store)
    new = queued(store, now=NOW + DAY, as_of=AS_OF + DAY)
    assert new.replaced == (old.draft_id,)
    assert show_draft(store, old.draft_id).line.state is DraftState.STALE
    assert [line.draft_id for line in list_drafts(store, DraftState.PENDING)] == [new.draft_id]


def test_drafts_of_different_accounts_do_not_meet(store: Store) -> None:
    """Replacing looks at the account."""
    queued(store, "acme")
    assert queued(store, "bolt", as_of=AS_OF + DAY).replaced == ()
    assert len(list_drafts(store, DraftState.PENDING)) == 2


def test_a_text_a_person_edited_is_not_replaced(store: Store) -> None:
    """Somebody's work is not thrown away by the next morning's run."""
    old = queued(store)
    text = a_message(subject="My own words")
    edit_draft(
        store,
        old.draft_id,
        text,
        who="Dana",
        base_version=1,
        check=finds_nothing,
        surroundings=nothing_around,
        now=NOW,
    )
    new = queued(store, now=NOW + DAY, as_of=AS_OF + DAY)
    assert not new.is_new
    assert new.draft_id == old.draft_id


def test_a_snoozed_account_is_left_alone(store: Store) -> None:
    """Later means later."""
    old = queued(store)
    snooze(store, old.draft_id, days=5, who="Dana", now=NOW)
    assert not queued(store, now=NOW + DAY, as_of=AS_OF + DAY).is_new


@pytest.mark.parametrize(
    ("days", "offer", "is_new"),
    [
        pytest.param(1, an_offer(), False, id="same offer next day"),
        pytest.param(6, an_offer(), False, id="same offer, just inside the week"),
        pytest.param(7, an_offer(), True, id="same offer after a week"),
        pytest.param(1, an_offer(price_minor=9900, name="Scale"), True, id="another offer next day"),
        pytest.param(1, an_offer(adds_monthly_minor=1), False, id="same to the customer"),
    ],
)
def test_a_skipped_offer_is_quiet_for_a_week(store: Store, days: int, offer: object, is_new: bool) -> None:
    """Who said no yesterday is not asked the same today."""
    skip(store, queued(store).draft_id, who="Dana", reason="not them", now=NOW)
    again = queued(store, now=NOW + days * DAY, as_of=AS_OF + days * DAY, offer=offer)
    assert again.is_new is is_new


def test_a_blocked_message_cannot_be_queued(store: Store) -> None:
    """A guardrail that blocks keeps the draft out, and leaves nothing behind."""
    with pytest.raises(Blocked, match="no_pressure"):
        queue_draft(
            store, a_brief(), a_message(), [a_violation()], an_assessment(), author="template", now=NOW
        )
    assert list_drafts(store) == ()


def test_a_warning_is_queued_and_shown(store: Store) -> None:
    """A warning is the approver's to judge."""
    warning = a_violation("tone", level=Level.WARN)
    queue_draft(store, a_brief(), a_message(), [warning], an_assessment(), author="template", now=NOW)
    assert list_drafts(store)[0].warnings == ("tone",)


def test_drafts_are_listed_best_first(store: Store) -> None:
    """By composite, then by what the offer adds, then by account id."""
    for account, composite, adds in [("d", 60, 1), ("c", None, 9), ("b", 60, 5), ("a", 60, 1), ("e", 90, 0)]:
        queue_draft(
            store,
            a_brief(account, offer=an_offer(adds_monthly_minor=adds)),
            a_message(),
            [],
            an_assessment(account, composite=composite),
            author="template",
            now=NOW,
        )
    assert [line.account_id for line in list_drafts(store)] == ["e", "b", "a", "d", "c"]


def test_a_draft_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    """Four characters suffice where they are unmistakable."""
    made = queued(store)
    assert show_draft(store, made.draft_id[:4].upper()).line.draft_id == made.draft_id


@pytest.mark.parametrize("given", ["", "abc", "____", "%%%%", "nothing-like-it"])
def test_an_unknown_draft_is_said_to_be_unknown(store: Store, given: str) -> None:
    """Neither a stub of an id nor a pattern finds anything."""
    queued(store)
    with pytest.raises(NotFound, match="There is no draft"):
        show_draft(store, given)
