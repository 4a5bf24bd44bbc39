"""Approving and sending with the least ceremony, and a channel that does what a test tells it."""

from __future__ import annotations

from typing import Any

from agent.approval.states import DeliveryState
from agent.approval.tables import ContactRule
from agent.delivery.approve import Approved, approve
from agent.delivery.channel import Announce, Channel, Envelope, unannounced
from agent.delivery.outbox import list_deliveries
from agent.foundation.store import Store
from tests.approval.made import NOW, an_assessment, finds_nothing, nothing_around, queued


class ScriptedChannel(Channel):
    """A channel that keeps what it is handed, and meets the next thing of its script each time."""

    name = "eml"

    def __init__(self, *script: BaseException | None, verdict: bool | None = None, **traits: Any) -> None:
        self.script = list(script)
        self.verdict = verdict
        for name, value in traits.items():
            setattr(self, name, value)
        self.handed_over: list[Envelope] = []
        self.erased: list[str] = []

    def deliver(self, envelope: Envelope, announce: Announce = unannounced) -> None:
        """Raise what the script says, else take the envelope; announced first where the test wants it."""
        if self.announces:
            announce()
        happens = self.script.pop(0) if self.script else None
        if happens is not None:
            raise happens
        self.handed_over.append(envelope)

    def was_delivered(self, delivery_id: str) -> bool | None:
        """What the test says."""
        return self.verdict

    def erase(self, delivery_id: str) -> None:
        """Remember what was to be erased."""
        self.erased.append(delivery_id)


def approved(store: Store, draft_id: str, **changes: Any) -> Approved:
    """Dana approves, and everything still holds."""
    values: dict[str, Any] = {
        "who": "Dana",
        "now": NOW,
        "look_again": an_assessment,
        "check": finds_nothing,
        "surroundings": nothing_around,
    }
    return approve(store, draft_id, **{**values, **changes})


def on_its_way(store: Store, account_id: str = "acme", **changes: Any) -> Approved:
    """A draft of that account, approved."""
    now = changes.get("now", NOW)
    return approved(store, queued(store, account_id, now=now).draft_id, **changes)


def states(store: Store) -> dict[str, DeliveryState]:
    """The state of every delivery, by account."""
    return {one.account_id: one.state for one in list_deliveries(store)}


def slot(store: Store, account_id: str = "acme") -> ContactRule:
    """The account's slot."""
    with store.reading() as session:
        return session.get_one(ContactRule, account_id)
