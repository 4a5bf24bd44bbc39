"""Reasons to stay silent, rule book §6; every hold is looked at for every account."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from agent.scoring import columns
from agent.scoring.addresses import is_reachable
from agent.scoring.assessment import Hold, Offer, OfferKind, Part
from agent.scoring.composite import read

Row = dict[str, Any]
UNHEALTHY_SCORE, UNHEALTHY_DERIVED = 60, 6
ANGRY = -0.5
YOUNG_DAYS = CHANGE_DAYS = PROMPT_DAYS = 30


@dataclass(frozen=True)
class ContactFacts:
    """What the state knows about writing to an account, as of the moment looked at."""

    prompted_at: datetime | None = None
    opted_out: str | None = None
    in_conversation: str | None = None


@dataclass(frozen=True)
class SourceAge:
    """When a fact table was last read from a source, and how old it may be."""

    source: str
    table: str
    read_at: datetime | None
    "None where nothing says it."
    limit_hours: float


@dataclass(frozen=True)
class Company:
    """What holds need to know that is the same for every account of a run."""

    as_of: date
    moment: datetime
    "The time looked from: now for today's run, the end of D for another day."
    sources: tuple[SourceAge, ...] = ()
    holdout_share: float = 0.0
    ambiguous: Mapping[str, str] | None = None


RESTED_ON = ("accounts", "subscriptions", "tickets", "invoices")
"Tables every hold decision rests on, where a source gives them; measures besides, where they tell of health."


def holds(
    row: Row, health: Part, contact: ContactFacts, offer: Offer | None, company: Company, tables: set[str]
) -> tuple[Hold, ...]:
    """The holds that the account's facts and the state give; `tables` are those its fired triggers rest on."""
    rested_on = tables | set(RESTED_ON) | ({"measures"} if read(row, columns.HEALTH_EVER) else set())
    found = [
        *_facts(row, health, offer, company),
        *_state(row["account_id"], contact, company),
        *_sources(company, rested_on),
    ]
    return tuple(Hold(hold=name, says=says) for name, says in found)


def state_holds(account_id: str, contact: ContactFacts, company: Company) -> list[str]:
    """The names of the holds that the state gives, the control group's with them."""
    return [name for name, _ in _state(account_id, contact, company)]


def source_is_stale(company: Company, tables: Collection[str], *, measured: bool) -> bool:
    """Whether a source is too old for an account whose triggers rest on `tables`; `measured` is whether health has been."""
    rested_on = {*tables, *RESTED_ON} | ({"measures"} if measured else set())
    return any(True for _ in _sources(company, rested_on))


def past_due(row: Row) -> bool:
    """Whether the subscription or an invoice is past due."""
    return bool(row["any_past_due"]) or bool(read(row, columns.OVERDUE_INVOICES))


def _facts(row: Row, health: Part, offer: Offer | None, company: Company) -> Iterator[tuple[str, str]]:
    measured = read(row, columns.HEALTH_SCORE)
    if measured is not None and measured < UNHEALTHY_SCORE:
        yield "unhealthy", f"health score {measured:g} is below {UNHEALTHY_SCORE}"
    elif measured is None and health.score is not None and health.score < UNHEALTHY_DERIVED:
        yield (
            "unhealthy",
            f"health derived from NPS and tickets is {health.score:g}, below {UNHEALTHY_DERIVED}",
        )
    urgent, mood = read(row, columns.URGENT_OPEN), read(row, columns.NEWEST_SENTIMENT)
    if urgent:
        yield "open_escalation", f"{urgent} urgent ticket{'s' * (urgent > 1)} open"
    elif mood is not None and mood <= ANGRY:
        yield "open_escalation", f"the newest ticket of the last 14 days has sentiment {mood:g}"
    if row["any_past_due"]:
        yield "past_due", "the subscription is past due"
    elif read(row, columns.OVERDUE_INVOICES):
        yield "past_due", f"an invoice is open more than {columns.OVERDUE_DAYS} days after it was due"
    yield from _leaving(row)
    if row["status"] == "trialing":
        yield "trial", "the account is on trial"
    if row["age_days"] < YOUNG_DAYS:
        yield "too_new", f"the account is {row['age_days']} days old"
    if row["plan_change_age"] is not None and row["plan_change_age"] < CHANGE_DAYS:
        yield "just_changed", f"the plan changed {row['plan_change_age']} days ago"
    elif (
        offer is not None
        and offer.kind is OfferKind.SEAT_EXPANSION
        and row["seats_bought_age"] is not None
        and row["seats_bought_age"] < CHANGE_DAYS
    ):
        yield "just_changed", f"seats were bought {row['seats_bought_age']} days ago"
    yield from _reach(row["contact_email"])
    if row["is_test"]:
        yield "test_account", "the account is marked as a test"
    yield from _identity(row["account_id"], company)


def _reach(address: str | None) -> Iterator[tuple[str, str]]:
    if not is_reachable(address or ""):
        yield "no_contact", "there is no valid e-mail address for the account"


def _identity(account_id: str, company: Company) -> Iterator[tuple[str, str]]:
    if company.ambiguous and account_id in company.ambiguous:
        yield "ambiguous_identity", company.ambiguous[account_id]


def _leaving(row: Row) -> Iterator[tuple[str, str]]:
    unhappy = read(row, columns.UNHAPPY_ASKS)
    if row["cancel_on"] is not None:
        yield "leaving", f"a cancellation is set for {row['cancel_on'].isoformat()}"
    elif row["status"] in ("canceled", "paused"):
        yield "leaving", f"the subscription is {row['status']}"
    elif row["status"] is None and row["last_end_age"] is not None:
        yield "leaving", f"the subscription ended {row['last_end_age']} days ago"
    elif unhappy:
        yield "leaving", "a ticket of the last 30 days speaks of leaving or complains about the price"


def _state(account_id: str, contact: ContactFacts, company: Company) -> Iterator[tuple[str, str]]:
    if contact.prompted_at is not None:
        day = contact.prompted_at.date()
        if contact.prompted_at > company.moment - timedelta(days=PROMPT_DAYS):
            yield "prompted_recently", f"an upgrade prompt went out on {day.isoformat()}"
    if contact.opted_out:
        yield "opted_out", contact.opted_out
    if contact.in_conversation:
        yield "in_conversation", contact.in_conversation
    if in_holdout(account_id, company.holdout_share):
        yield "holdout", "the account is in the control group"


def _sources(company: Company, tables: Collection[str]) -> Iterator[tuple[str, str]]:
    for source in company.sources:
        if source.table not in tables:
            continue
        if source.read_at is None:
            yield (
                "stale_source",
                f"nothing says when {source.table} were last read from {source.source}",
            )
            return
        age = (company.moment - source.read_at).total_seconds() / 3600
        if age > source.limit_hours:
            yield (
                "stale_source",
                f"{source.table} were last read from {source.source} {age:.0f} hours ago, "
                f"over the limit of {source.limit_hours:g}",
            )
            return


def in_holdout(account_id: str, share: float) -> bool:
    """Whether an account is in the control group: the same answer every time."""
    if share <= 0:
        return False
    place = int.from_bytes(hashlib.blake2b(f"holdout:{account_id}".encode(), digest_size=8).digest(), "big")
    return place < share * 2**64
