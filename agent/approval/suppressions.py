"""Who may not be written to, by account and by address."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from agent.approval.audit import record
from agent.approval.tables import Suppression
from agent.foundation.store import Store, changed


def hash_address(address: str) -> str:
    """What is kept of an address after `forget`: equal for every spelling in case and surrounding space."""
    return hashlib.sha256(b"outgrown:" + address.strip().casefold().encode("utf-8", "replace")).hexdigest()


def suppress(
    session: Session, *, account_id: str | None, address: str | None, reason: str, who: str, now: datetime
) -> None:
    """Stop writing to an account, an address, or both; saying so twice changes nothing."""
    hashed = hash_address(address) if address else None
    same = session.exec(
        select(Suppression).where(
            col(Suppression.account_id) == account_id,
            col(Suppression.address_hash) == hashed,
            col(Suppression.lifted_at).is_(None),
        )
    ).first()
    if same is not None:
        return
    session.add(
        Suppression(account_id=account_id, address=address, address_hash=hashed, reason=reason, since=now)
    )
    subject = f"account:{account_id}" if account_id else f"address:{hashed}"
    record(session, at=now, who=who, what="suppressed", subject=subject, after={"reason": reason})


def suppression_of(
    session: Session, *, account_id: str | None, address: str | None, now: datetime
) -> str | None:
    """Why the account or the address may not be written to at `now`; None when it may."""
    wanted = []
    if account_id:
        wanted.append(col(Suppression.account_id) == account_id)
    if address:
        wanted.append(col(Suppression.address_hash) == hash_address(address))
    if not wanted:
        return None
    found = session.exec(
        select(Suppression)
        .where(
            or_(*wanted),
            col(Suppression.since) <= now,
            or_(col(Suppression.lifted_at).is_(None), col(Suppression.lifted_at) > now),
        )
        .order_by(col(Suppression.since), col(Suppression.suppression_id))
    ).first()
    return None if found is None else f"{found.reason} on {found.since:%Y-%m-%d}"


def lift_suppression(
    store: Store, *, account_id: str, address: str | None = None, who: str, now: datetime
) -> int:
    """Allow writing again because the customer asked for it; answers how many suppressions ended."""
    wanted = [col(Suppression.account_id) == account_id]
    if address:
        wanted.append(col(Suppression.address_hash) == hash_address(address))
    with store.writing() as session:
        ended = changed(
            session,
            update(Suppression)
            .where(or_(*wanted), col(Suppression.lifted_at).is_(None))
            .values(lifted_at=now),
        )
        if ended:
            record(session, at=now, who=who, what="suppression_lifted", subject=f"account:{account_id}")
    return ended


def suppressed_hashes(store: Store) -> set[str]:
    """The hashes of all addresses that were ever suppressed."""
    with store.reading() as session:
        hashes = session.exec(select(Suppression.address_hash)).all()
    return {one for one in hashes if one is not None}
