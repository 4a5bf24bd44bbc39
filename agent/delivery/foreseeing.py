"""What a run through the outbox would do, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlmodel import col, select

from agent.approval.states import DeliveryState
from agent.approval.switches import sending_stopped
from agent.approval.tables import Delivery, Draft
from agent.approval.views import DeliveryLine, delivery_lines
from agent.delivery.ceiling import taken_on
from agent.delivery.channel import Channel
from agent.delivery.leasing import why_not_yet, why_silent
from agent.delivery.outbox import said
from agent.delivery.rules import SendingRules
from agent.foundation.store import Store
from agent.signals.finding import Frozen


class Fate(StrEnum):
    """What would become of it."""

    SEND = "send"
    WAIT = "wait"
    CANCEL = "cancel"


class Foreseen(Frozen):
    """One delivery that waits, and what would become of it now."""

    line: DeliveryLine
    fate: Fate
    why: str = ""


def foresee(
    store: Store, channels: Sequence[Channel], rules: SendingRules, now: datetime, limit: int | None = None
) -> tuple[Foreseen, ...]:
    """Everything that waits, oldest first, and what a run would do with it.

    A run also looks again at what was approved a while ago, which this does not.
    """
    by_name = {channel.name: channel for channel in channels}
    with store.reading() as session:
        stopped = sending_stopped(session)
        rows = session.exec(
            select(Delivery, Draft)
            .where(
                col(Delivery.state) == str(DeliveryState.QUEUED),
                col(Draft.draft_id) == col(Delivery.draft_id),
            )
            .order_by(col(Delivery.created_at), col(Delivery.delivery_id))
        ).all()
        free = rules.daily_ceiling - taken_on(session, rules.day_of(now)) if rules.daily_ceiling else None
        found, going = [], 0
        for delivery, draft in rows:
            [line] = delivery_lines([delivery])
            channel = by_name.get(delivery.channel)
            silence = why_silent(session, delivery, now)
            wait = why_not_yet(session, draft, channel, rules, now) if channel else None
            if stopped is not None:
                fate, why = Fate.WAIT, said(stopped)
            elif channel is None:
                fate, why = Fate.WAIT, f"there is no channel {delivery.channel}"
            elif channel.lacks:
                fate, why = Fate.WAIT, f"{channel.name} is not set up: {channel.lacks}"
            elif silence:
                fate, why = Fate.CANCEL, silence
            elif wait:
                fate, why = Fate.WAIT, wait.says
            elif delivery.not_before and delivery.not_before > now:
                again = f"tried again at {delivery.not_before:%Y-%m-%d %H:%M} UTC"
                fate, why = Fate.WAIT, f"{(delivery.last_error or 'it failed').rstrip('.')}; {again}"
            elif limit is not None and going >= limit:
                fate, why = Fate.WAIT, "after the others"
            elif channel.reaches_customers and free is not None and free <= 0:
                fate, why = Fate.WAIT, rules.full(now).says
            else:
                fate, why, going = Fate.SEND, "", going + 1
                free = free - 1 if free is not None and channel.reaches_customers else free
            found.append(Foreseen(line=line.model_copy(update={"waits": why or None}), fate=fate, why=why))
    return tuple(found)
