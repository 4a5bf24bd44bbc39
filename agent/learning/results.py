"""What happened lately: the figures of the digest."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlmodel import col, select

from agent.approval.states import DecisionKind, DeliveryState, DraftState
from agent.approval.tables import Decision, Delivery, Draft, Outcome, Reply
from agent.foundation.store import Store
from agent.signals.finding import Frozen


class SkippedDraft(Frozen):
    """A draft somebody decided against."""

    draft_id: str
    account_id: str
    who: str
    reason: str | None


class WonOutcome(Frozen):
    """An outcome with what it brought."""

    account_id: str
    kind: str
    amount_minor: int | None
    currency: str | None


class Results(Frozen):
    """What happened from `since` to `until`."""

    since: datetime
    until: datetime
    sent: tuple[str, ...]
    "Accounts written to, in order."
    replies: dict[str, int]
    "Replies by kind."
    outcomes: tuple[WonOutcome, ...]
    skipped: tuple[SkippedDraft, ...]
    edited: int
    waiting: int
    "Drafts that wait for an answer now."
    unknown: tuple[str, ...]
    "Deliveries that wait for a person's word now."


def results(store: Store, now: datetime, days: int = 7) -> Results:
    """The results of the `days` up to `now`."""
    since = now - timedelta(days=days)
    with store.reading() as session:
        sent = session.exec(
            select(Delivery.account_id)
            .where(
                col(Delivery.state) == str(DeliveryState.SENT),
                col(Delivery.sent_at) > since,
                col(Delivery.sent_at) <= now,
            )
            .order_by(col(Delivery.sent_at), col(Delivery.delivery_id))
        ).all()
        replies = session.exec(select(Reply.kind).where(col(Reply.at) > since, col(Reply.at) <= now)).all()
        outcomes = session.exec(
            select(Outcome)
            .where(col(Outcome.at) > since, col(Outcome.at) <= now)
            .order_by(col(Outcome.at), col(Outcome.outcome_id))
        ).all()
        decisions = session.exec(
            select(Decision, Draft.account_id)
            .where(
                col(Decision.draft_id) == col(Draft.draft_id),
                col(Decision.at) > since,
                col(Decision.at) <= now,
            )
            .order_by(col(Decision.at), col(Decision.decision_id))
        ).all()
        waiting = session.exec(
            select(Draft.draft_id).where(col(Draft.state) == str(DraftState.PENDING))
        ).all()
        unknown = session.exec(
            select(Delivery.delivery_id)
            .where(col(Delivery.state) == str(DeliveryState.UNKNOWN))
            .order_by(col(Delivery.created_at), col(Delivery.delivery_id))
        ).all()
    return Results(
        since=since,
        until=now,
        sent=tuple(sent),
        replies=dict(sorted(Counter(replies).items())),
        outcomes=tuple(
            WonOutcome(
                account_id=one.account_id, kind=one.kind, amount_minor=one.amount_minor, currency=one.currency
            )
            for one in outcomes
        ),
        skipped=tuple(
            SkippedDraft(draft_id=one.draft_id, account_id=account_id, who=one.who, reason=one.reason)
            for one, account_id in decisions
            if one.kind == DecisionKind.SKIPPED
        ),
        edited=sum(one.kind == DecisionKind.EDITED for one, _ in decisions),
        waiting=len(waiting),
        unknown=tuple(unknown),
    )
