"""Freshening: whatever waits, for a person or to leave, is looked at again in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from agent.approval.life import lock_draft, message_of, move
from agent.approval.queue import MACHINE
from agent.approval.revalidation import unconfirmed, why_stale
from agent.approval.states import DeliveryState, DraftState
from agent.approval.tables import BriefRow, Delivery, Draft, DraftVersion
from agent.delivery.contacts import ContactState, contact_state
from agent.delivery.outbox import found_delivery
from agent.delivery.records import called_back
from agent.drafting.brief import Brief
from agent.drafting.message import Message
from agent.foundation import clock
from agent.foundation.errors import MoveRefused, NotFound
from agent.foundation.store import Store
from agent.scoring.assessment import Assessment
from agent.wiring.checking import Checking
from agent.wiring.looking import without_own
from agent.wiring.sending import GONE

WAITING = (DraftState.PENDING, DraftState.SNOOZED, DraftState.APPROVED)


@dataclass(frozen=True)
class Waiting:
    """A draft that waits: for a yes, for the end of its snooze, or, approved, to leave."""

    draft_id: str
    account_id: str
    state: DraftState
    version: int
    brief: Brief
    message: Message
    confirmed: tuple[str, ...]
    delivery_id: str | None
    approved_at: datetime | None
    "When the message was approved that has not left."


class Freshening(Checking):
    """What keeps waiting drafts true."""

    def freshen(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Look again at everything that waits, as an approval would; answers what became stale, and why.

        A message that was approved and has not left is called back.
        """
        waiting = self._waiting()
        if not waiting:
            return ()
        own = {one.account_id: one.approved_at for one in waiting if one.approved_at is not None}
        now = clock.now()
        seen = {one.account_id: one for one in self._scan(self.live_day, now, None, own=own).accounts}
        today = {one.account_id: one for one in self._scan(now.date(), now, None, own=own).accounts}
        states = contact_state(self.store, None, now, addresses=self.people.addresses)
        done = []
        for one in waiting:
            assessment = seen.get(one.account_id)
            if assessment is None:
                reasons: Sequence[str] = (GONE,)
            else:
                state = states.get(one.account_id, ContactState())
                assessment = self._with_today(assessment, today.get(one.account_id, assessment))
                reasons = self._why_stale(one, assessment, without_own(state, one.approved_at), now)
            if reasons and self._made_stale(one, "; ".join(reasons), now):
                done.append((one.draft_id, tuple(reasons)))
        return tuple(done)

    def _why_stale(
        self, one: Waiting, seen: Assessment, state: ContactState, now: datetime
    ) -> tuple[str, ...]:
        """What an approval would say against the draft; empty when it still holds."""
        around = self._around(one.account_id, state, now)
        blocks = unconfirmed(self.check(one.message, one.brief, around), one.confirmed)
        reasons = [*why_stale(one.brief, one.message, seen)]
        reasons += [f"{block.message.rstrip('.')} ({block.rule})" for block in blocks]
        return tuple(dict.fromkeys(reasons))

    def _waiting(self) -> tuple[Waiting, ...]:
        with self.store.reading() as session:
            queued = select(Delivery).where(col(Delivery.state) == str(DeliveryState.QUEUED))
            deliveries = {one.draft_id: one for one in session.exec(queued)}
            rows = session.exec(
                select(Draft, DraftVersion, BriefRow)
                .join(BriefRow, col(BriefRow.brief_id) == col(Draft.brief_id))
                .join(DraftVersion, col(DraftVersion.draft_id) == col(Draft.draft_id))
                .where(
                    col(DraftVersion.number) == col(Draft.version),
                    col(Draft.state).in_([str(state) for state in WAITING]),
                )
                .order_by(col(Draft.created_at), col(Draft.draft_id))
            )
            return tuple(_each(rows, deliveries))

    def _made_stale(self, one: Waiting, reason: str, now: datetime) -> bool:
        """Whether it became stale: what a person decided or changed meanwhile, or what has left, stays as it is."""
        # What was moved in between has had its answer.
        with suppress(MoveRefused, NotFound):
            if one.delivery_id is not None:
                return _called_back(self.store, one.delivery_id, now, reason)
            with self.store.writing() as session:
                draft = lock_draft(session, one.draft_id)
                if draft.version != one.version:
                    return False
                move(
                    session, draft, DraftState.STALE, who=MACHINE, now=now, reason=reason, only_from=one.state
                )
                return True
        return False


def _called_back(store: Store, delivery_id: str, now: datetime, reason: str) -> bool:
    """Whether the message was still here to be called back."""
    with store.writing() as session:
        return called_back(session, found_delivery(session, delivery_id), reason, MACHINE, now)


def _each(
    rows: Iterable[tuple[Draft, DraftVersion, BriefRow]], deliveries: dict[str, Delivery]
) -> Iterator[Waiting]:
    for draft, version, brief in rows:
        delivery = deliveries.get(draft.draft_id)
        if draft.state == DraftState.APPROVED and delivery is None:
            continue  # It is just leaving.
        yield Waiting(
            draft.draft_id,
            draft.account_id,
            DraftState(draft.state),
            draft.version,
            Brief.model_validate_json(brief.document),
            message_of(version),
            tuple(version.confirmed),
            delivery.delivery_id if delivery else None,
            delivery.created_at if delivery else None,
        )
