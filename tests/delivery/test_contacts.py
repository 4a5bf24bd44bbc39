"""What scoring is told about writing to an account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.approval.slots import remember_prompt
from agent.approval.suppressions import lift_suppression, suppress
from agent.delivery.channel import PermanentFailure
from agent.delivery.contacts import contact_state
from agent.delivery.sender import send
from agent.foundation.store import Store
from agent.learning.forget import forget
from agent.learning.replies import ReplyKind, close_conversation, record_reply
from tests.approval.made import DAY, NOW, queued
from tests.delivery.made import ScriptedChannel, on_its_way

SECOND = timedelta(seconds=1)


def test_an_account_nobody_wrote_to_is_left_out(store: Store) -> None:
    """A draft that waits is not a prompt."""
    queued(store)
    assert contact_state(store, None, NOW) == {}
    assert contact_state(store, ["acme"], NOW) == {}


def test_a_prompt_counts_from_its_approval_and_dates_from_its_sending(store: Store) -> None:
    """Also when the day looked at lies in the past."""
    on_its_way(store)
    assert [one.sent_at for one in contact_state(store, None, NOW)["acme"].prompts] == [NOW]
    send(store, [ScriptedChannel()], now=NOW + DAY)
    after = contact_state(store, ["acme"], NOW + 2 * DAY)["acme"].prompts
    assert len(after) == 1
    assert NOW + DAY <= after[0].sent_at < NOW + DAY + timedelta(minutes=1)
    assert after[0].offer_kind == "plan_upgrade"
    assert contact_state(store, None, NOW - SECOND) == {}
    assert [one.sent_at for one in contact_state(store, None, NOW + SECOND)["acme"].prompts] == [NOW]


def test_a_delivery_of_unknown_fate_counts(store: Store) -> None:
    """It may have arrived."""
    on_its_way(store)
    send(store, [ScriptedChannel(RuntimeError("lost"), verdict=None)], now=NOW)
    assert len(contact_state(store, None, NOW + DAY)["acme"].prompts) == 1


def test_a_failed_delivery_does_not_count(store: Store) -> None:
    """It certainly did not arrive."""
    on_its_way(store)
    send(store, [ScriptedChannel(PermanentFailure("no"))], now=NOW)
    assert contact_state(store, None, NOW + DAY) == {}


def test_a_prompt_by_other_means_counts_beside_our_own(store: Store) -> None:
    """A date without a delivery is a prompt all the same, before ours or after."""
    with store.writing() as session:
        remember_prompt(session, "acme", NOW - 40 * DAY)
    on_its_way(store)
    send(store, [ScriptedChannel()], now=NOW)
    assert len(contact_state(store, None, NOW + DAY)["acme"].prompts) == 2
    with store.writing() as session:
        remember_prompt(session, "acme", NOW + 5 * DAY)
    assert contact_state(store, None, NOW + 6 * DAY)["acme"].prompts[0].sent_at == NOW + 5 * DAY


def test_what_was_forgotten_still_counts(store: Store) -> None:
    """The date stays, the message does not."""
    on_its_way(store)
    send(store, [ScriptedChannel()], now=NOW)
    forget(store, "acme", who="Dana", now=NOW + DAY)
    seen = contact_state(store, None, NOW + 2 * DAY)["acme"]
    assert len(seen.prompts) == 1
    assert seen.opted_out == "forgotten on 2026-03-03"


def test_a_suppressed_address_silences_every_account_that_has_it(store: Store) -> None:
    """Whoever it belongs to now."""
    with store.writing() as session:
        suppress(session, account_id=None, address="Ann@Acme.example", reason="bounced", who="x", now=NOW)
    addresses = {"acme": "ann@acme.example", "bolt": "bob@bolt.example"}
    seen = contact_state(store, None, NOW, addresses=addresses)
    assert {account: state.opted_out for account, state in seen.items()} == {"acme": "bounced on 2026-03-02"}
    assert contact_state(store, None, NOW) == {}


def test_a_suppression_holds_from_its_day_to_its_lifting(store: Store) -> None:
    """Looked at from any day."""
    with store.writing() as session:
        suppress(session, account_id="acme", address=None, reason="asked", who="x", now=NOW)
    assert lift_suppression(store, account_id="acme", who="Dana", now=NOW + DAY) == 1
    days = [NOW - SECOND, NOW, NOW + DAY - SECOND, NOW + DAY]
    assert [bool(contact_state(store, None, day)) for day in days] == [False, True, True, False]


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        (ReplyKind.INTERESTED, True),
        (ReplyKind.QUESTION, True),
        (ReplyKind.NOT_YET, False),
        (ReplyKind.NO, False),
    ],
)
def test_a_reply_that_waits_for_an_answer_holds_until_it_is_closed(
    store: Store, kind: ReplyKind, holds: bool
) -> None:
    """Nobody is prompted in the middle of a conversation."""
    record_reply(store, "acme", kind, "text", who="Dana", now=NOW)
    assert close_conversation(store, "acme", who="Dana", now=NOW + DAY) == int(holds)
    days = [NOW - SECOND, NOW, NOW + DAY - SECOND, NOW + DAY]
    talking = [contact_state(store, None, day) for day in days]
    assert [bool(seen) for seen in talking] == [False, holds, holds, False]
