"""What the founder's own tools are told, in words: short, plain, without links, scores or addresses.

A person who works there needs the reason and the offer, so the evidence goes along, in the sentences that a customer
could read. Points, tiers and the text of messages stay here: they say nothing to somebody who does not know our
rules, and a CRM is read by more people than need them.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from decimal import Decimal

from agent.approval.tables import Delivery, Outcome
from agent.drafting.brief import Brief
from agent.drafting.wording import PRICE_PER, clean
from agent.foundation.outward import OutwardKind, OutwardRecord, OutwardResult
from agent.scoring.assessment import Assessment, Offer
from agent.signals.display import EXPONENTS, money

LONGEST_NAME = 120
LONGEST_TITLE = 200
LONGEST_SENTENCE = 400
MOST_REASONS = 3
LINK = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}):(?=//)|\b(javascript|data|mailto):|\b(www)\.")
FORMULA = ("=", "+", "-", "@")
"With what a cell of a spreadsheet begins that is computed."
RESULTS = {
    "upgraded": OutwardResult.WON,
    "bought": OutwardResult.WON,
    "declined": OutwardResult.LOST,
    "churned": OutwardResult.LOST,
}
"How an outcome counts in a pipeline; any other leaves it open."


def ready_id(account_id: str, first_day: str) -> str:
    """The same for an account however often it is found ready without a break."""
    return f"og-ready-{_hash(account_id, first_day)}"


def sent_id(delivery_id: str) -> str:
    """The same for a delivery."""
    return f"og-sent-{_hash(delivery_id)}"


def outcome_id(outcome: Outcome) -> str:
    """The same for an outcome; its number alone would be another workspace's too."""
    return f"og-outcome-{_hash(outcome.account_id, str(outcome.outcome_id), outcome.kind, outcome.at.isoformat())}"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def ready_record(found: Assessment, our_id: str, at: datetime) -> OutwardRecord:
    """An account that is ready, the reasons, and what would help."""
    name = shown_name(found.name, found.account_id)
    reasons = "; ".join(said(one.says) for one in found.findings[:MOST_REASONS])
    plan = f" ({said(found.plan_name)})" if found.plan_name else ""
    lines = [f"{name}{plan} has outgrown its plan.", f"Why now: {reasons}." if reasons else ""]
    if found.offer is not None:
        lines.append(f"Offer: {offered(found.offer)}.")
    lines.append("Outgrown has written to nobody: a message leaves only after your approval there.")
    what = f": offer {said(found.offer.name)}" if found.offer else ""
    return OutwardRecord(
        our_id=our_id,
        kind=OutwardKind.READY,
        account_id=found.account_id,
        account_name=cell(name),
        title=clean(f"Ready for an upgrade: {name}{what}", LONGEST_TITLE),
        body="\n".join(line for line in lines if line),
        at=at,
    )


def sent_record(delivery: Delivery, brief: Brief, subject: str, at: datetime) -> OutwardRecord:
    """A prompt that has left."""
    name = shown_name(brief.recipient.account_name, delivery.account_id)
    lines = (
        f"An upgrade prompt to {name} left by {said(delivery.channel)} on {at:%Y-%m-%d %H:%M} UTC.",
        f"Subject: {said(subject)}",
        f"Offer: {offered(brief.offer)}.",
    )
    return OutwardRecord(
        our_id=sent_id(delivery.delivery_id),
        kind=OutwardKind.SENT,
        account_id=delivery.account_id,
        account_name=cell(name),
        title=clean(f"Upgrade prompt sent: {name}", LONGEST_TITLE),
        body="\n".join(lines),
        at=at,
    )


def outcome_record(outcome: Outcome, account_name: str) -> OutwardRecord:
    """What came of it."""
    name = shown_name(account_name, outcome.account_id)
    word = outcome.kind.replace("_", " ")
    amount = None
    lines = [f"{name}: {word}."]
    if outcome.amount_minor is not None and outcome.currency:
        amount = major(outcome.amount_minor, outcome.currency)
        lines.append(f"Amount: {money(outcome.amount_minor, outcome.currency).display} ({outcome.currency}).")
    return OutwardRecord(
        our_id=outcome_id(outcome),
        kind=OutwardKind.OUTCOME,
        account_id=outcome.account_id,
        account_name=cell(name),
        title=clean(f"Upgrade {word}: {name}", LONGEST_TITLE),
        body="\n".join(("Outcome of an upgrade prompt.", *lines)),
        at=outcome.at,
        result=RESULTS.get(outcome.kind, OutwardResult.OPEN),
        amount_minor=outcome.amount_minor if amount else None,
        currency=outcome.currency if amount else None,
        amount=amount,
    )


def offered(offer: Offer) -> str:
    """'Growth, €49 a month (adds about €20 a month)'."""
    price = f"{money(offer.price_minor, offer.currency).display} {PRICE_PER.get(offer.per, said(offer.per))}"
    adds = f" (adds about {money(offer.adds_monthly_minor, offer.currency).display} a month)"
    return f"{said(offer.name)}, {price}{adds if offer.adds_monthly_minor > 0 else ''}"


def major(minor: int, currency: str) -> str:
    """4900 EUR as '49.00', 4900 JPY as '4900', 12500 KWD as '12.500'."""
    return f"{Decimal(minor).scaleb(-EXPONENTS.get(currency, 2)):f}"


def shown_name(name: str, account_id: str) -> str:
    """The account's name on one line, without links; its id where there is no name."""
    return unlinked(clean(name, LONGEST_NAME)) or unlinked(clean(account_id, LONGEST_NAME))


def said(text: str) -> str:
    """Somebody's words on one line, without links or a full stop."""
    return unlinked(clean(text, LONGEST_SENTENCE)).rstrip(". ")


def unlinked(text: str) -> str:
    """The text with nothing in it that a program would make a link of by itself: 'https ://', 'www .'."""
    return LINK.sub(lambda found: f"{found[0][:-1]} {found[0][-1]}", text)


def cell(name: str) -> str:
    """A name that stands alone, as nobody's formula: it may be copied into a spreadsheet."""
    return f"'{name}" if name.startswith(FORMULA) else name
