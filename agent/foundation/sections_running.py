"""The tables of outgrown.toml about a running house: how messages leave, Slack, the digest's hour, the service."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator

from agent.foundation.section import Section

SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,30}")
SLACK_PLACE = re.compile(r"[CDGUW][A-Z0-9]{2,30}")
SLACK_TEAM = re.compile(r"[TE][A-Z0-9]{2,30}")

ChannelName = Literal["eml", "smtp", "resend", "postmark"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def a_time_zone(value: str) -> str:
    """The name of a time zone as the zone database has it."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Berlin or America/New_York") from None
    return value


TimeZone = Annotated[str, AfterValidator(a_time_zone)]


class Route(Section):
    """Accounts that are reached by another channel than the rest."""

    channel: ChannelName
    accounts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    "Domains of the contact's address, 'bigcorp.example'."


class Smtp(Section):
    """The mail server that takes our messages; its user and password come from the environment."""

    host: str = ""
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    "`none` sends in the clear: for a relay on this machine alone."
    timeout_seconds: float = Field(30, gt=0, le=600)
    ca_file: str = ""
    "Certificates to trust besides the system's, for a relay with its own."


class Delivery(Section):
    """How approved messages leave."""

    channel: ChannelName = "eml"
    routes: tuple[Route, ...] = ()
    "The first that names an account decides; the rest leaves by `channel`."
    quiet_from: time = time(18)
    quiet_until: time = time(8)
    "No message leaves between the two, in the customer's time zone; equal times mean no quiet hours."
    weekends: bool = False
    "Whether messages leave on Saturday and Sunday, in the customer's time zone."
    daily_ceiling: int = Field(50, ge=0)
    "Messages a day at most, in the company's time zone; .eml files are not counted. 0 means no ceiling."
    smtp: Smtp = Smtp()
    postmark_stream: str = "outbound"
    timeout_seconds: float = Field(30, gt=0, le=600)
    "How long a provider may take to answer."


class Slack(Section):
    """Where drafts wait for a yes, and whose yes counts."""

    channel: str = ""
    "Where cards and the digest are posted: a channel's id (C…, G…), or a person's (U…) for direct messages."
    team: str = ""
    "The workspace's id (T…); empty means the one of the bot's token."
    approvers: tuple[str, ...] = ()
    "User ids whose decisions count; an empty list means nobody's."
    mode: Literal["socket", "http"] = "socket"
    charts: bool = True

    @field_validator("channel")
    @classmethod
    def a_place(cls, value: str) -> str:
        """An id, which never changes, rather than a name, which anybody may give to another channel."""
        if value and not SLACK_PLACE.fullmatch(value):
            raise ValueError("must be the id of a channel or a person, such as C0123ABCD (not #its-name)")
        return value

    @field_validator("team")
    @classmethod
    def a_team(cls, value: str) -> str:
        """An id."""
        if value and not SLACK_TEAM.fullmatch(value):
            raise ValueError("must be the id of a workspace, such as T0123ABCD")
        return value

    @field_validator("approvers")
    @classmethod
    def people(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Ids, not names."""
        for one in value:
            if not SLACK_USER.fullmatch(one):
                raise ValueError(f"must be ids of people such as U0123ABCD, not {one!r}")
        return value


class Digest(Section):
    """When the weekly digest is posted, in the company's time zone."""

    weekday: Weekday = "monday"
    at: time = time(9)


class Serve(Section):
    """What `outgrown serve` does by itself, and where it listens."""

    sync_every_hours: float = Field(1.0, ge=0, le=168)
    "How often facts are pulled and drafts looked at again; 0 means never."
    draft_at: time | None = time(7)
    "When ready accounts are written about each day, in the company's time zone."
    draft_top: int | None = Field(None, ge=1)
    "Drafts a day at most; all ready accounts when empty."
    host: str = "127.0.0.1"
    port: int = Field(8484, ge=0, le=65535)
    "0 lets the system choose one."
