"""Sending: approving, handing over, stopping, and what a person or a provider says of it afterwards."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from agent.approval.life import brief_of, message_of, version_of
from agent.approval.revalidation import unconfirmed, why_stale
from agent.approval.states import DeliveryState
from agent.approval.switches import resume_sending, sending_stopped, stop_sending
from agent.approval.tables import Delivery, Draft
from agent.approval.tables_running import Switch
from agent.approval.views import DeliveryLine
from agent.delivery.approve import Approved, approve
from agent.delivery.bounces import BounceKind, note_bounce
from agent.delivery.choosing import channel_for
from agent.delivery.contacts import ContactState, contact_state
from agent.delivery.foreseeing import Foreseen, foresee
from agent.delivery.outbox import call_back, list_deliveries, settle_unknown, under_way
from agent.delivery.rules import SendingRules, rules_of
from agent.delivery.sender import Sent, send
from agent.foundation import clock
from agent.foundation.errors import NotFound
from agent.signals.finding import Frozen
from agent.wiring.checking import Checking
from agent.wiring.looking import without_own

GONE = "the account is no longer among the facts"


class StoppedSending(Frozen):
    """Sending is stopped."""

    since: datetime
    who: str
    reason: str
    under_way: tuple[str, ...]
    "Deliveries that were being handed over at that moment, which nobody can call back."


class Sending(Checking):
    """What sends what was approved."""

    def approve(self, draft_id: str, version: int | None = None) -> Approved:
        """Approve a draft after looking at everything again; see `agent.delivery.approve`."""
        return approve(
            self.store,
            draft_id,
            who=self.who,
            now=clock.now(),
            look_again=self.look_again,
            check=self.check,
            surroundings=self.surroundings,
            channel=partial(channel_for, self.settings.delivery),
            version=version,
        )

    @property
    def sending_rules(self) -> SendingRules:
        """The hours and the ceiling of this workspace."""
        return rules_of(self.settings.delivery, self.settings.company)

    def send(self, limit: int | None = None) -> tuple[Sent, ...]:
        """Deliver what is approved, each once, when it may leave."""
        return send(
            self.store,
            self.channels,
            now=clock.now(),
            limit=limit,
            rules=self.sending_rules,
            look_again=self.why_no_more,
        )

    def would_send(self, limit: int | None = None) -> tuple[Foreseen, ...]:
        """What `send` would do with everything that waits, as far as the state and the hours tell."""
        return foresee(self.store, self.channels, self.sending_rules, clock.now(), limit)

    def why_no_more(self, delivery_id: str) -> tuple[str, ...]:
        """What no longer holds of a message that was approved and has not left, a clause each."""
        with self.store.reading() as session:
            delivery = session.get_one(Delivery, delivery_id)
            draft = session.get_one(Draft, delivery.draft_id)
            brief, text = brief_of(session, draft), version_of(session, draft, delivery.version)
        account_id, now = delivery.account_id, clock.now()
        own = {account_id: delivery.created_at}
        try:
            seen = self._scan(self.live_day, now, account_id, show_rows=True, own=own).accounts[0]
            today = self._scan(now.date(), now, account_id, show_rows=True, own=own).accounts[0]
        except NotFound:
            return (GONE,)
        seen = self._with_today(seen, today)
        address = self.people.addresses.get(account_id)
        known = {account_id: address} if address else {}
        state = contact_state(self.store, [account_id], now, addresses=known).get(account_id, ContactState())
        around = self._around(account_id, without_own(state, delivery.created_at), now)
        blocks = unconfirmed(self.check(message_of(text), brief, around), text.confirmed)
        reasons = [*why_stale(brief, message_of(text), seen)]
        reasons += [f"{one.message.rstrip('.')} ({one.rule})" for one in blocks]
        return tuple(dict.fromkeys(reasons))

    def outbox(self, state: DeliveryState | None = None) -> tuple[DeliveryLine, ...]:
        """Deliveries, newest first, each with what it waits for."""
        lacks = {channel.name: channel.lacks for channel in self.channels if channel.lacks}
        return tuple(
            line.model_copy(
                update={"waits": line.waits or f"{line.channel} is not set up: {lacks[line.channel]}"}
            )
            if line.state is DeliveryState.QUEUED and line.channel in lacks
            else line
            for line in list_deliveries(self.store, state)
        )

    def settle(self, delivery_id: str, *, arrived: bool) -> None:
        """A person's word about a delivery of unknown fate."""
        settle_unknown(self.store, delivery_id, arrived=arrived, who=self.who, now=clock.now())

    def call_back(self, delivery_id: str, reason: str = "") -> None:
        """Keep an approved message from leaving.

        Raises NotFound, and MoveRefused when it no longer waits.
        """
        call_back(self.store, delivery_id, who=self.who, now=clock.now(), reason=reason)

    def stop(self, reason: str = "") -> StoppedSending:
        """Let nothing be handed over from now on; answers what was being handed over at that moment."""
        switch = stop_sending(self.store, who=self.who, reason=reason, now=clock.now())
        return StoppedSending(
            since=switch.since, who=switch.who, reason=switch.reason, under_way=under_way(self.store)
        )

    def resume(self) -> bool:
        """Let messages leave again; False when nothing was stopped."""
        return resume_sending(self.store, who=self.who, now=clock.now())

    @property
    def stopped(self) -> Switch | None:
        """The switch, when sending is stopped."""
        with self.store.reading() as session:
            return sending_stopped(session)

    def bounced(
        self,
        kind: BounceKind,
        *,
        address: str | None = None,
        delivery_id: str | None = None,
        message_id: str | None = None,
        event_id: str = "",
    ) -> bool:
        """What a provider says came back: the address is silent from now on; False when that was known.

        Raises NotFound when nothing tells which address it is about.
        """
        return note_bounce(
            self.store,
            kind,
            who=self.who,
            now=clock.now(),
            address=address,
            delivery_id=delivery_id,
            message_id=message_id,
            event_id=event_id,
        )
