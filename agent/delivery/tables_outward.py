"""The ledger of what goes out to the founder's own tools, and since when each is told what."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, DateTime, Index, Text
from sqlmodel import Field, SQLModel


class Outward(SQLModel, table=True):
    """One record for one target: it is told once, however often that is tried."""

    __tablename__ = "outward"
    __table_args__ = (
        Index("ix_outward_target_state", "target", "state", "created_at"),
        Index("ix_outward_source", "target", "kind", "source_id"),
    )

    target: str = Field(primary_key=True)
    our_id: str = Field(primary_key=True)
    kind: str
    source_id: str
    "The delivery, the outcome's number, or the first day on which the account was ready."
    account_id: str = Field(index=True)
    document: str = Field(default="", sa_type=Text)
    "The OutwardRecord, as JSON; emptied when it is done, or by `forget`."
    state: str
    created_at: datetime = Field(sa_type=DateTime)
    "When it happened, by our clock; everything below goes by the machine's."
    attempts: int = 0
    tried_at: datetime | None = Field(default=None, sa_type=DateTime)
    "When an attempt began that may have been written: from then on it may be there although nobody was told."
    not_before: datetime | None = Field(default=None, sa_type=DateTime)
    leased_by: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=DateTime)
    done_at: datetime | None = Field(default=None, sa_type=DateTime)
    their_id: str | None = None
    "What the target calls it."
    says: str = Field(default="", sa_type=Text)
    "Why it waits or has failed, or what to know all the same."


class OutwardSwitch(SQLModel, table=True):
    """Since when a target is told one kind of thing: what happened before is not its business."""

    __tablename__ = "outward_switches"

    target: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    since: datetime = Field(sa_type=DateTime)
    as_of: date | None = None
    "The newest scan's day when it was switched on."
    ready_before: list[str] = Field(default_factory=list, sa_type=JSON)
    "Accounts that were ready then: known already, until they are ready anew."
    scan_id: int = 0
    "The newest scan that was looked through for accounts that are ready."
