"""What customers answer, and what follows."""

from __future__ import annotations

import pytest
from sqlmodel import select

from agent.approval.states import DeliveryState
from agent.approval.suppressions import suppression_of
from agent.approval.tables import Outcome, Reply
from agent.delivery.contacts import contact_state
from agent.delivery.sender import send
from agent.foundation.errors import Stale, UsageError
from agent.foundation.store import Store
from agent.learning.outcomes import OutcomeKind, record_outcome
from agent.learning.replies import ReplyKind, close_conversation, record_reply
from agent.learning.results import results
from tests.approval.made import AS_OF, DAY, NOW, queued
from tests.delivery.made import ScriptedChannel, approved, on_its_way, states


def sent(store: Store, account_id: str = "acme") -> str:
    """A delivery to that account that has arrived."""
    delivery_id = on_its_way(store, account_id).delivery_id
    send(store, [ScriptedChannel()], now=NOW)
    return delivery_id


def test_a_reply_belongs_to_what_was_sent(store: Store) -> None:
    """The newest delivery, with the words as they came."""
    delivery_id = sent(store)
    record_reply(store, "acme", ReplyKind.NOT_YET, "maybe in May \0 💜", who="Dana", now=NOW + DAY)
    with store.reading() as session:
        kept = session.exec(select(Reply)).one()
    assert (kept.delivery_id, kept.kind, kept.text) == (delivery_id, "not_yet", "maybe in May \ufffd 💜")


def test_stop_silences_the_account_and_the_address(store: Store) -> None:
    """Also for another account with the same address, and also what is on its way."""
    sent(store)
    record_reply(store, "acme", ReplyKind.STOP, "stop", who="Dana", now=NOW + DAY)
    with store.reading() as session:
        for account_id, address in [
            ("acme", None),
            (None, "Ann@ACME.example"),
            ("bolt", "ann@acme.example"),
        ]:
            found = suppression_of(session, account_id=account_id, address=address, now=NOW + DAY)
            assert found == "asked us to stop on 2026-03-03"
        assert suppression_of(session, account_id="bolt", address="bob@bolt.example", now=NOW + DAY) is None


def test_stop_before_anything_was_sent_is_kept_too(store: Store) -> None:
    """The address is that of the draft."""
    queued(store)
    record_reply(store, "acme", ReplyKind.STOP, who="Dana", now=NOW)
    with store.reading() as session:
        assert suppression_of(session, account_id=None, address="ann@acme.example", now=NOW)


def test_stop_makes_a_waiting_draft_stale_at_approval(store: Store) -> None:
    """Whatever the facts say."""
    draft_id = queued(store).draft_id
    record_reply(store, "acme", ReplyKind.STOP, who="Dana", now=NOW)
    with pytest.raises(Stale, match="asked us to stop"):
        approved(store, draft_id)


@pytest.mark.parametrize("ends", ["close", "outcome"])
def test_a_conversation_ends_by_closing_it_or_by_its_outcome(store: Store, ends: str) -> None:
    """Then the account may be ready again."""
    record_reply(store, "acme", ReplyKind.QUESTION, "how much?", who="Dana", now=NOW)
    assert contact_state(store, None, NOW)["acme"].in_conversation
    if ends == "close":
        close_conversation(store, "acme", who="Dana", now=NOW + DAY)
    else:
        record_outcome(store, "acme", OutcomeKind.UPGRADED, 4900, currency="EUR", who="Dana", now=NOW + DAY)
    assert contact_state(store, None, NOW + DAY) == {}


def test_an_outcome_keeps_what_it_brought(store: Store) -> None:
    """With the delivery it came of."""
    delivery_id = sent(store)
    record_outcome(store, "acme", OutcomeKind.UPGRADED, 3_000_000_000, currency="IDR", who="Dana", now=NOW)
    with store.reading() as session:
        kept = session.exec(select(Outcome)).one()
    assert (kept.delivery_id, kept.amount_minor, kept.currency) == (delivery_id, 3_000_000_000, "IDR")


def test_an_amount_needs_a_currency(store: Store) -> None:
    """49 of what?"""
    with pytest.raises(UsageError, match="needs its currency"):
        record_outcome(store, "acme", OutcomeKind.UPGRADED, 4900, who="Dana", now=NOW)


def test_the_week_is_the_seven_days_up_to_now(store: Store) -> None:
    """What was sent, answered, won and skipped in it, and what waits now."""
    from agent.approval.decisions import skip

    sent(store, "old")
    week = NOW + 7.5 * DAY
    on_its_way(store, "acme", now=NOW + DAY)
    send(store, [ScriptedChannel()], now=NOW + DAY)
    on_its_way(store, "lost", now=NOW + DAY)
    send(store, [ScriptedChannel(RuntimeError("?"), verdict=None)], now=NOW + DAY)
    skip(store, queued(store, "bolt").draft_id, who="Dana", reason="met them", now=NOW + 2 * DAY)
    record_reply(store, "old", ReplyKind.NO, who="Dana", now=NOW)
    record_reply(store, "acme", ReplyKind.INTERESTED, who="Dana", now=week)
    record_outcome(store, "acme", OutcomeKind.UPGRADED, 4900, currency="EUR", who="Dana", now=week)
    queued(store, "cora", as_of=AS_OF)
    seen = results(store, week)
    assert seen.sent == ("acme",)
    assert seen.replies == {"interested": 1}
    assert [(one.account_id, one.kind, one.amount_minor) for one in seen.outcomes] == [
        ("acme", "upgraded", 4900)
    ]
    assert [(one.account_id, one.who, one.reason) for one in seen.skipped] == [("bolt", "Dana", "met them")]
    assert seen.waiting == 1
    assert len(seen.unknown) == 1
    assert states(store)["lost"] is DeliveryState.UNKNOWN
