"""The moment of approval."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import update

from agent.approval.decisions import edit_draft, skip, snooze
from agent.approval.slots import reserve_slot
from agent.approval.states import DeliveryState, DraftState
from agent.approval.suppressions import suppress
from agent.approval.tables import Draft
from agent.approval.views import list_drafts, show_draft
from agent.delivery.outbox import list_deliveries
from agent.delivery.sender import send
from agent.drafting.violation import Level, Surroundings
from agent.foundation.errors import MoveRefused, Stale
from agent.foundation.store import Store
from agent.scoring.assessment import OfferKind, Status
from tests.approval.made import (
    AS_OF,
    DAY,
    NOW,
    a_message,
    a_violation,
    an_assessment,
    an_offer,
    finds,
    finds_nothing,
    nothing_around,
    queued,
)
from tests.delivery.made import ScriptedChannel, approved, on_its_way, slot


def test_an_approved_draft_waits_in_the_outbox_and_holds_the_slot(store: Store) -> None:
    """Draft, decision, slot, delivery and trail are written together."""
    done = on_its_way(store)
    seen = show_draft(store, done.draft_id)
    assert seen.line.state is DraftState.APPROVED
    assert [(one.kind, one.who) for one in seen.decisions] == [("approved", "Dana")]
    assert [(one.delivery_id, one.state, one.version) for one in seen.deliveries] == [
        (done.delivery_id, DeliveryState.QUEUED, 1)
    ]
    assert seen.deliveries[0].address == "ann@acme.example"
    assert seen.deliveries[0].message_id == f"<{done.delivery_id}@docs.example>"
    assert [line.what for line in seen.audit] == ["drafted", "pending", "approved", "queued"]
    held = slot(store)
    assert (held.prompted_at, held.reserved_delivery) == (NOW, done.delivery_id)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"look_again": lambda a: an_assessment(a, status=Status.WATCH)}, "watch", id="ready"),
        pytest.param({"look_again": lambda a: an_assessment(a, plan_id="x")}, "plan has changed", id="plan"),
        pytest.param({"check": finds(a_violation())}, "it presses", id="guardrail"),
        pytest.param({"check": finds(a_violation("contact_cap", hard=True))}, "contact_cap", id="hard"),
    ],
)
def test_what_no_longer_holds_makes_the_draft_stale(store: Store, changes: Any, says: str) -> None:
    """Nothing goes out, and the draft says why."""
    draft_id = queued(store).draft_id
    with pytest.raises(Stale, match=says):
        approved(store, draft_id, **changes)
    seen = show_draft(store, draft_id).line
    assert seen.state is DraftState.STALE
    assert says in (seen.reason or "")
    assert list_deliveries(store) == ()


def test_a_warning_does_not_stop_an_approval(store: Store) -> None:
    """Warnings were shown; the person has judged."""
    warning = finds(a_violation("tone", level=Level.WARN))
    assert on_its_way(store, check=warning).delivery_id


@pytest.mark.parametrize(("hard", "goes"), [(False, True), (True, False)])
def test_a_confirmed_block_passes_and_a_hard_one_never(store: Store, hard: bool, goes: bool) -> None:
    """What was confirmed at the edit holds at the approval, unless it has become a hard rule's business."""
    draft_id = queued(store).draft_id
    edit_draft(
        store,
        draft_id,
        a_message(subject="Now 5 more"),
        who="Dana",
        base_version=1,
        check=finds(a_violation()),
        surroundings=nothing_around,
        confirm=("no_pressure",),
        now=NOW,
    )
    later = finds(a_violation(hard=hard))
    if goes:
        assert approved(store, draft_id, check=later).version == 2
    else:
        with pytest.raises(Stale):
            approved(store, draft_id, check=later)


def test_a_failure_to_look_again_leaves_the_draft_waiting(store: Store) -> None:
    """Without the facts nothing is approved, and nothing is lost."""

    def no_facts(account_id: str) -> Any:
        raise OSError("no facts")

    draft_id = queued(store).draft_id
    with pytest.raises(OSError, match="no facts"):
        approved(store, draft_id, look_again=no_facts)
    assert show_draft(store, draft_id).line.state is DraftState.PENDING


def test_the_second_to_approve_is_told_who_was_first(store: Store) -> None:
    """One click wins."""
    done = on_its_way(store)
    with pytest.raises(MoveRefused, match="approved since 2026-03-02 09:00, by Dana"):
        approved(store, done.draft_id, who="Eli")
    assert len(list_deliveries(store)) == 1


def test_an_approval_after_somebody_decided_while_we_looked_changes_nothing(store: Store) -> None:
    """The slow look at the facts is no licence: a skip in between stands, a stale verdict does not undo."""
    draft_id = queued(store).draft_id

    def meanwhile_skipped(account_id: str) -> Any:
        skip(store, draft_id, who="Eli", reason="no", now=NOW)
        return an_assessment(account_id, status=Status.WATCH)

    with pytest.raises(MoveRefused, match="by Eli"):
        approved(store, draft_id, look_again=meanwhile_skipped)
    assert show_draft(store, draft_id).line.state is DraftState.SKIPPED


def test_a_stale_verdict_does_not_undo_an_approval_made_meanwhile(store: Store) -> None:
    """Who looked longer comes second, also with bad news."""
    draft_id = queued(store).draft_id

    def meanwhile_approved(account_id: str) -> Any:
        approved(store, draft_id, who="Eli")
        return an_assessment(account_id, status=Status.WATCH)

    with pytest.raises(MoveRefused, match="by Eli"):
        approved(store, draft_id, look_again=meanwhile_approved)
    assert show_draft(store, draft_id).line.state is DraftState.APPROVED


def test_an_edit_while_we_looked_needs_a_new_look(store: Store) -> None:
    """Nobody approves a text they have not read."""
    draft_id = queued(store).draft_id

    def meanwhile_edited(account_id: str) -> Any:
        edit_draft(
            store,
            draft_id,
            a_message(subject="Other"),
            who="Eli",
            base_version=1,
            check=finds_nothing,
            surroundings=nothing_around,
            now=NOW,
        )
        return an_assessment(account_id)

    with pytest.raises(MoveRefused, match="you read version 1, it is at version 2"):
        approved(store, draft_id, look_again=meanwhile_edited)
    with pytest.raises(MoveRefused, match="you read version 1"):
        approved(store, draft_id, version=1)
    assert approved(store, draft_id, version=2).version == 2


def test_a_snoozed_draft_is_not_approved(store: Store) -> None:
    """It has to be woken first."""
    draft_id = queued(store).draft_id
    snooze(store, draft_id, days=3, who="Dana", now=NOW)
    with pytest.raises(MoveRefused, match="snoozed"):
        approved(store, draft_id)


@pytest.mark.parametrize(
    "whom",
    [
        pytest.param({"account_id": "acme", "address": None}, id="account"),
        pytest.param({"account_id": None, "address": " ANN@Acme.example "}, id="address, spelt otherwise"),
    ],
)
def test_a_suppressed_customer_gets_nothing(store: Store, whom: Any) -> None:
    """Whatever the guardrails were told."""
    draft_id = queued(store).draft_id
    with store.writing() as session:
        suppress(session, **whom, reason="asked us to stop", who="Dana", now=NOW)
    with pytest.raises(Stale, match="asked us to stop"):
        approved(store, draft_id)
    assert list_deliveries(store) == ()


@pytest.mark.parametrize(
    ("days", "free"),
    [(1, False), (29, False), (30, True), (31, True)],
)
def test_one_prompt_in_thirty_days(store: Store, days: int, free: bool) -> None:
    """The cap counts from the sending, and ends with the thirtieth day."""
    on_its_way(store)
    sent_at = NOW + DAY
    send(store, [ScriptedChannel()], now=sent_at)
    later = slot(store).prompted_at + days * DAY
    draft_id = queued(store, now=later, as_of=AS_OF + days * DAY).draft_id
    if free:
        assert approved(store, draft_id, now=later).delivery_id
    else:
        with pytest.raises(Stale, match="had an upgrade prompt"):
            approved(store, draft_id, now=later)


def test_a_message_still_on_its_way_holds_the_slot_however_long(store: Store) -> None:
    """A queue that nobody emptied for a month does not let two messages out on one day."""
    on_its_way(store)
    with store.writing() as session:
        assert not reserve_slot(
            session,
            account_id="acme",
            delivery_id="other",
            groups=["growth"],
            offer_kind="seat_expansion",
            now=NOW + 40 * DAY,
            second_prompt=True,
        )


SECOND = {
    "groups": ("team_expansion",),
    "offer": an_offer(kind=OfferKind.SEAT_EXPANSION, name="5 more seats"),
}


@pytest.mark.parametrize(
    ("is_on", "changes", "passes"),
    [
        pytest.param(True, SECOND, True, id="other group, other kind"),
        pytest.param(False, SECOND, False, id="switched off"),
        pytest.param(True, {**SECOND, "groups": ("growth", "team_expansion")}, False, id="a group in common"),
        pytest.param(True, {**SECOND, "offer": an_offer(name="Scale")}, False, id="same kind"),
    ],
)
def test_a_second_prompt_differs_in_group_and_kind(
    store: Store, is_on: bool, changes: Any, passes: bool
) -> None:
    """Where it is switched on at all."""
    on_its_way(store)
    send(store, [ScriptedChannel()], now=NOW)
    assert second(store, 5, is_on, changes) is passes


def test_a_third_prompt_never_passes(store: Store) -> None:
    """However it differs, while two of the last thirty days are known."""
    on_its_way(store)
    send(store, [ScriptedChannel()], now=NOW)
    assert second(store, 5, True, SECOND)
    send(store, [ScriptedChannel()], now=NOW + 5 * DAY)
    third = {"groups": ("urgency",), "offer": an_offer(kind=OfferKind.SPRINT_PACKAGE, name="Sprint")}
    assert not second(store, 10, True, third)
    assert second(store, 31, True, third)


def second(store: Store, day: int, is_on: bool, changes: Any) -> bool:
    """Whether another draft of the account passes that many days later."""
    now = NOW + day * DAY
    draft_id = queued(store, now=now, as_of=AS_OF + day * DAY, **changes).draft_id
    try:
        approved(
            store,
            draft_id,
            now=now,
            look_again=lambda a: an_assessment(a, offer=changes["offer"]),
            surroundings=lambda a: Surroundings(now=now, second_prompt=is_on),
        )
    except Stale:
        return False
    return True


def test_no_new_draft_is_made_while_one_is_on_its_way(store: Store) -> None:
    """The next morning's run finds the approved one."""
    first = on_its_way(store)
    assert queued(store, now=NOW, as_of=AS_OF + DAY).draft_id == first.draft_id
    assert [line.state for line in list_drafts(store)] == [DraftState.APPROVED]


def test_of_two_pending_drafts_of_one_account_one_goes_and_the_other_says_why_not(store: Store) -> None:
    """However they came to be two."""
    old, new = queued(store).draft_id, queued(store, as_of=AS_OF + DAY).draft_id
    with store.writing() as session:
        session.execute(update(Draft).values(state="pending"))
    winner = approved(store, new)
    with pytest.raises(Stale, match=f"on its way .delivery {winner.delivery_id}"):
        approved(store, old)
    assert show_draft(store, old).line.state is DraftState.STALE
    assert len(list_deliveries(store)) == 1
