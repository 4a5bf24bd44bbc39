"""What came of a message: the money, or the no."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from agent.approval.audit import record
from agent.approval.slots import lock_account
from agent.approval.tables import Outcome
from agent.foundation.errors import UsageError
from agent.foundation.store import Store
from agent.learning.replies import close_replies, last_delivery


class OutcomeKind(StrEnum):
    """How it ended."""

    UPGRADED = "upgraded"
    BOUGHT = "bought"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    CHURNED = "churned"


def record_outcome(
    store: Store,
    account_id: str,
    kind: OutcomeKind,
    amount_minor: int | None = None,
    *,
    currency: str | None = None,
    who: str,
    now: datetime,
) -> int:
    """Keep an outcome, and close the conversation it ends; answers its number.

    `amount_minor` is what it adds per month (or once), in minor units of `currency`.

    Raises UsageError for an amount without a currency.
    """
    if amount_minor is not None and not currency:
        raise UsageError("An amount needs its currency; give both, for example 4900 EUR.")
    with store.writing() as session:
        lock_account(session, account_id)
        delivery = last_delivery(session, account_id)
        outcome = Outcome(
            account_id=account_id,
            delivery_id=delivery.delivery_id if delivery else None,
            kind=str(kind),
            amount_minor=amount_minor,
            currency=currency,
            who=who,
            at=now,
        )
        session.add(outcome)
        close_replies(session, account_id, who=who, now=now)
        record(
            session,
            at=now,
            who=who,
            what=f"outcome_{kind}",
            subject=f"account:{account_id}",
            after={"amount_minor": amount_minor, "currency": currency},
        )
        session.flush()
        number = outcome.outcome_id
    return number or 0
