"""The tables of a running house: what people did in Slack, what was posted there, what the clock set off."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import DateTime, Index, Text
from sqlmodel import Field, SQLModel


class Click(SQLModel, table=True):
    """Something a person did in Slack, kept before it is acknowledged, so that it is done once and not lost."""

    __tablename__ = "clicks"
    __table_args__ = (Index("ix_clicks_state_at", "state", "at"),)

    click_id: str = Field(primary_key=True)
    "The same for everything that Slack sends twice."
    at: datetime = Field(sa_type=DateTime)
    kind: str
    who: str
    "'slack:TEAM/USER'."
    draft_id: str | None = Field(default=None, index=True)
    document: str = Field(default="", sa_type=Text)
    "What the work needs, as JSON; emptied when it is done."
    state: str
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=DateTime)
    leased_by: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=DateTime)
    done_at: datetime | None = Field(default=None, sa_type=DateTime)


class Post(SQLModel, table=True):
    """One message of ours in Slack: where it stands, and what it showed last."""

    __tablename__ = "posts"

    post_id: str = Field(primary_key=True)
    "'card:DRAFT', 'digest:DAY', 'result:DELIVERY:STATE'; what Slack's message carries as its metadata."
    kind: str
    draft_id: str | None = Field(default=None, index=True)
    channel: str
    ts: str | None = None
    "Slack's name of the message; empty until it is known to have arrived."
    shows: str = ""
    "What it showed last, in short: where it differs from what it should show, it is rewritten."
    file_id: str | None = None
    "The chart, once it is with Slack."
    created_at: datetime = Field(sa_type=DateTime)
    tried_at: datetime | None = Field(default=None, sa_type=DateTime)
    "When it was first handed to Slack: from then on it may be there although nobody was told."
    attempts: int = 0
    not_before: datetime | None = Field(default=None, sa_type=DateTime)
    leased_by: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=DateTime)
    last_error: str | None = Field(default=None, sa_type=Text)


class Run(SQLModel, table=True):
    """One run that the clock asked for: of several processes exactly one does it."""

    __tablename__ = "runs"

    job: str = Field(primary_key=True)
    due_at: datetime = Field(primary_key=True, sa_type=DateTime)
    state: str
    attempts: int = 0
    leased_by: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=DateTime)
    started_at: datetime = Field(sa_type=DateTime)
    ended_at: datetime | None = Field(default=None, sa_type=DateTime)
    says: str = Field(default="", sa_type=Text)


class Switch(SQLModel, table=True):
    """Something a person has switched off for the whole house: sending."""

    __tablename__ = "switches"

    name: str = Field(primary_key=True)
    is_off: bool
    since: datetime = Field(sa_type=DateTime)
    who: str
    reason: str = Field(default="", sa_type=Text)


class SendingDay(SQLModel, table=True):
    """How many messages were handed over on one day, for the daily ceiling."""

    __tablename__ = "sending_days"

    day: date = Field(primary_key=True)
    "In the company's time zone."
    taken: int = 0
