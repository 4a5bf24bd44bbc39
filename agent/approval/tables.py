"""Every table of the state; times are UTC without a zone mark, money is in minor units."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Index, Text
from sqlmodel import Field, SQLModel


class ScanRun(SQLModel, table=True):
    """One recorded evaluation of every account."""

    __tablename__ = "scan_runs"

    scan_id: int | None = Field(default=None, primary_key=True)
    as_of: date = Field(index=True)
    recorded_at: datetime = Field(sa_type=DateTime)
    accounts: int
    ready: int
    held: int


class Opportunity(SQLModel, table=True):
    """One account as of one day; the primary key finds an account's newest quickly."""

    __tablename__ = "opportunities"

    account_id: str = Field(primary_key=True)
    as_of: date = Field(primary_key=True, index=True)
    scan_id: int = Field(foreign_key="scan_runs.scan_id", index=True)
    status: str
    points: int
    composite: float | None = None
    play: str | None = None
    document: str = Field(sa_type=Text)
    "The Assessment, as JSON."


class ContactRule(SQLModel, table=True):
    """An account's 30-day slot: its newest prompt, the one before, the delivery that holds it now."""

    __tablename__ = "contact_rules"

    account_id: str = Field(primary_key=True)
    prompted_at: datetime | None = Field(default=None, sa_type=DateTime)
    prompted_groups: list[str] = Field(default_factory=list, sa_type=JSON)
    prompted_offer: str | None = None
    earlier_at: datetime | None = Field(default=None, sa_type=DateTime)
    earlier_groups: list[str] = Field(default_factory=list, sa_type=JSON)
    earlier_offer: str | None = None
    reserved_delivery: str | None = None
    "Set from approval until the delivery has arrived, failed or been cancelled."


class BriefRow(SQLModel, table=True):
    """A brief, whole; never changed."""

    __tablename__ = "briefs"

    brief_id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    as_of: date
    created_at: datetime = Field(sa_type=DateTime)
    document: str = Field(sa_type=Text)
    "The Brief, as JSON."


class Draft(SQLModel, table=True):
    """A draft: where it stands; its texts are its versions."""

    __tablename__ = "drafts"
    __table_args__ = (Index("ix_drafts_account_state", "account_id", "state"),)

    draft_id: str = Field(primary_key=True)
    "The brief's id: one brief makes one draft."
    brief_id: str = Field(foreign_key="briefs.brief_id", unique=True)
    account_id: str
    state: str = Field(index=True)
    version: int
    points: int
    composite: float | None = None
    adds_monthly_minor: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=DateTime)
    expires_at: datetime = Field(sa_type=DateTime)
    snoozed_until: datetime | None = Field(default=None, sa_type=DateTime)
    reason: str | None = Field(default=None, sa_type=Text)
    moved_at: datetime = Field(sa_type=DateTime)
    moved_by: str


class DraftVersion(SQLModel, table=True):
    """One text of a draft; appended, never changed."""

    __tablename__ = "draft_versions"

    draft_id: str = Field(primary_key=True, foreign_key="drafts.draft_id")
    number: int = Field(primary_key=True)
    subject: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    author: str
    violations: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    confirmed: list[str] = Field(default_factory=list, sa_type=JSON)
    "Guardrails a person confirmed past."
    created_at: datetime = Field(sa_type=DateTime)
    making: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    "The Making; empty for texts that are older than it."


class Decision(SQLModel, table=True):
    """What a person decided about a draft."""

    __tablename__ = "decisions"

    decision_id: int | None = Field(default=None, primary_key=True)
    draft_id: str = Field(foreign_key="drafts.draft_id", index=True)
    version: int
    kind: str
    who: str
    at: datetime = Field(index=True, sa_type=DateTime)
    reason: str | None = Field(default=None, sa_type=Text)


class Delivery(SQLModel, table=True):
    """The outbox: one message on its way to one address."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_state_created", "state", "created_at"),)

    delivery_id: str = Field(primary_key=True)
    draft_id: str = Field(foreign_key="drafts.draft_id", index=True)
    version: int
    account_id: str = Field(index=True)
    channel: str
    address: str
    message_id: str = Field(unique=True)
    groups: list[str] = Field(default_factory=list, sa_type=JSON)
    offer_kind: str
    state: str
    created_at: datetime = Field(sa_type=DateTime)
    sent_at: datetime | None = Field(default=None, index=True, sa_type=DateTime)
    lease_until: datetime | None = Field(default=None, sa_type=DateTime)
    leased_by: str | None = None
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=DateTime)
    last_error: str | None = Field(default=None, sa_type=Text)


class Suppression(SQLModel, table=True):
    """Somebody who may not be written to; outlives `forget` by its hash."""

    __tablename__ = "suppressions"

    suppression_id: int | None = Field(default=None, primary_key=True)
    account_id: str | None = Field(default=None, index=True)
    address: str | None = None
    "For a person to read; emptied by `forget`."
    address_hash: str | None = Field(default=None, index=True)
    reason: str
    since: datetime = Field(sa_type=DateTime)
    lifted_at: datetime | None = Field(default=None, sa_type=DateTime)


class Reply(SQLModel, table=True):
    """What a customer answered."""

    __tablename__ = "replies"

    reply_id: int | None = Field(default=None, primary_key=True)
    account_id: str = Field(index=True)
    delivery_id: str | None = Field(default=None, foreign_key="deliveries.delivery_id", index=True)
    kind: str
    opens_conversation: bool
    "Whether it waits for the founder's answer."
    text: str = Field(sa_type=Text)
    who: str
    at: datetime = Field(index=True, sa_type=DateTime)
    closed_at: datetime | None = Field(default=None, sa_type=DateTime)
    "When the founder had answered; empty while a conversation is open."
    closed_by: str | None = None


class Outcome(SQLModel, table=True):
    """What came of it."""

    __tablename__ = "outcomes"

    outcome_id: int | None = Field(default=None, primary_key=True)
    account_id: str = Field(index=True)
    delivery_id: str | None = Field(default=None, foreign_key="deliveries.delivery_id", index=True)
    kind: str
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    who: str
    at: datetime = Field(index=True, sa_type=DateTime)


class ModelCall(SQLModel, table=True):
    """One question to a language model: what it was allowed to take, then what it took; never what was said."""

    __tablename__ = "model_calls"

    call_id: str = Field(primary_key=True)
    at: datetime = Field(index=True, sa_type=DateTime)
    task: str
    model: str
    about: str | None = Field(default=None, index=True)
    "The account it was about; emptied by `forget`."
    reserved: bool
    "Whether the figures are still what was set aside: the call is under way, or its process was killed."
    tokens_in: int = Field(sa_type=BigInteger)
    tokens_cached: int = Field(default=0, sa_type=BigInteger)
    tokens_out: int = Field(sa_type=BigInteger)
    seconds: float = 0.0
    cost_micro: int = Field(sa_type=BigInteger)
    "Millionths of the currency."
    currency: str
    outcome: str | None = None
    "'answered', or a foundation.llm.port.Why."


class AuditLine(SQLModel, table=True):
    """One thing that happened; the database itself refuses to change or delete it."""

    __tablename__ = "audit"

    audit_id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=DateTime)
    who: str
    what: str
    subject: str = Field(index=True)
    "'draft:ID', 'delivery:ID', 'account:ID' or 'address:HASH'; never a customer's words or address."
    before: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    after: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
