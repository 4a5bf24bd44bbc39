"""What customers answered, and what follows from it at once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import update
from sqlmodel import Session, col, select

from agent.approval.audit import record
from agent.approval.decisions import storable
from agent.approval.slots import lock_account
from agent.approval.states import DeliveryState
from agent.approval.suppressions import suppress
from agent.approval.tables import BriefRow, Delivery, Reply
from agent.drafting.brief import Brief
from agent.foundation.store import Store, changed


class ReplyKind(StrEnum):
    """What an answer says."""

    INTERESTED = "interested"
    NOT_YET = "not_yet"
    NO = "no"
    STOP = "stop"
    QUESTION = "question"


WAITING = frozenset({ReplyKind.INTERESTED, ReplyKind.QUESTION})
"Answers that wait for the founder: the account is in conversation until it is closed."


def record_reply(
    store: Store,
    account_id: str,
    kind: ReplyKind,
    text: str = "",
    *,
    who: str,
    now: datetime,
    address: str | None = None,
) -> int:
    """Keep a reply; answers its number.

    `stop` suppresses the account and the address it was last written to (or the one given) for good;
    `interested` and `question` hold the account until `close_conversation`.
    """
    with store.writing() as session:
        lock_account(session, account_id)
        delivery = last_delivery(session, account_id)
        reply = Reply(
            account_id=account_id,
            delivery_id=delivery.delivery_id if delivery else None,
            kind=str(kind),
            opens_conversation=kind in WAITING,
            text=storable(text),
            who=who,
            at=now,
        )
        session.add(reply)
        record(session, at=now, who=who, what=f"reply_{kind}", subject=f"account:{account_id}")
        if kind is ReplyKind.STOP:
            known = address or (delivery.address if delivery else _address_in_brief(session, account_id))
            suppress(
                session, account_id=account_id, address=known, reason="asked us to stop", who=who, now=now
            )
        session.flush()
        number = reply.reply_id
    return number or 0


def close_conversation(store: Store, account_id: str, *, who: str, now: datetime) -> int:
    """The founder has answered; answers how many replies were waiting."""
    with store.writing() as session:
        return close_replies(session, account_id, who=who, now=now)


def close_replies(session: Session, account_id: str, *, who: str, now: datetime) -> int:
    """Close the account's open replies in the transaction at hand."""
    closed = changed(
        session,
        update(Reply)
        .where(
            col(Reply.account_id) == account_id,
            col(Reply.opens_conversation).is_(True),
            col(Reply.closed_at).is_(None),
        )
        .values(closed_at=now, closed_by=who),
    )
    if closed:
        record(session, at=now, who=who, what="conversation_closed", subject=f"account:{account_id}")
    return closed


def last_delivery(session: Session, account_id: str) -> Delivery | None:
    """The newest delivery the account can have had: what a reply or an outcome belongs to."""
    arrived = [str(DeliveryState.SENT), str(DeliveryState.UNKNOWN)]
    return session.exec(
        select(Delivery)
        .where(col(Delivery.account_id) == account_id, col(Delivery.state).in_(arrived))
        .order_by(col(Delivery.created_at).desc(), col(Delivery.delivery_id).desc())
        .limit(1)
    ).first()


def _address_in_brief(session: Session, account_id: str) -> str | None:
    row = session.exec(
        select(BriefRow)
        .where(col(BriefRow.account_id) == account_id)
        .order_by(col(BriefRow.created_at).desc())
        .limit(1)
    ).first()
    return Brief.model_validate_json(row.document).recipient.contact_email if row else None
