"""What the digest takes from the state: last week's results, what waits for a word, whether messages may leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlmodel import col, select

from agent.approval.states import DeliveryState
from agent.approval.switches import sending_stopped
from agent.approval.tables import Delivery
from agent.approval.tables_running import SendingDay
from agent.delivery.outbox import list_deliveries
from agent.delivery.rules import rules_of
from agent.faces.digest import LastWeek, Sending, Skipped, Unsettled, Won
from agent.foundation import clock
from agent.learning.outcomes import OutcomeKind
from agent.learning.results import results

if TYPE_CHECKING:
    from agent.foundation.sections_running import Delivery as Leaving
    from agent.wiring import House

BOUGHT = (OutcomeKind.UPGRADED, OutcomeKind.BOUGHT)
"What counts as won."


def last_week(house: House, names: Mapping[str, str]) -> LastWeek:
    """The results of the last seven days; `names` by account id."""
    week = results(house.store, clock.now())
    won = tuple(
        Won(
            account_id=one.account_id,
            name=names.get(one.account_id, one.account_id),
            kind=one.kind,
            amount_minor=one.amount_minor,
            currency=one.currency,
        )
        for one in week.outcomes
        if one.kind in BOUGHT
    )
    skips = tuple(
        Skipped(account_id=one.account_id, name=names.get(one.account_id, one.account_id), reason=one.reason)
        for one in week.skipped
    )
    return LastWeek(
        sent=len(week.sent),
        replied=sum(week.replies.values()),
        upgraded=len(won),
        skipped=len(skips),
        waiting=week.waiting,
        replies=week.replies,
        won=won,
        skips=skips,
    )


def unsettled(house: House, names: Mapping[str, str]) -> tuple[Unsettled, ...]:
    """Messages of unknown fate, oldest first."""
    lines = list_deliveries(house.store, DeliveryState.UNKNOWN)
    return tuple(
        Unsettled(
            delivery_id=line.delivery_id,
            draft_id=line.draft_id,
            account_id=line.account_id,
            name=names.get(line.account_id, line.account_id),
            channel=line.channel,
            tried_at=line.created_at,
        )
        for line in sorted(lines, key=lambda line: (line.created_at, line.delivery_id))
    )


def sending(house: House) -> Sending:
    """Whether messages may leave now, and how many have left today of those that may."""
    settings = house.settings
    today = rules_of(settings.delivery, settings.company).day_of(clock.now())
    with house.store.reading() as session:
        stopped = sending_stopped(session)
        day = session.get(SendingDay, today)
        queued = session.exec(
            select(func.count()).select_from(Delivery).where(col(Delivery.state) == str(DeliveryState.QUEUED))
        ).one()
        return Sending(
            is_stopped=stopped is not None,
            stopped_at=stopped.since if stopped else None,
            stopped_by=stopped.who if stopped else "",
            reason=stopped.reason if stopped else "",
            ceiling=_ceiling(settings.delivery),
            today=day.taken if day else 0,
            queued=queued,
        )


def _ceiling(leaving: Leaving) -> int | None:
    """The day's ceiling; files in a folder are not counted."""
    counted = leaving.channel != "eml" or any(route.channel != "eml" for route in leaving.routes)
    return leaving.daily_ceiling if counted and leaving.daily_ceiling else None
