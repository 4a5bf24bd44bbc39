"""Looking at a draft again at the moment of approval: what is no longer true or no longer allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from agent.drafting.brief import Brief
from agent.drafting.message import Message
from agent.drafting.violation import Level, Surroundings, Violation
from agent.scoring.assessment import Assessment, Offer, Status
from agent.signals.finding import Figure, Finding

Check = Callable[[Message, Brief, Surroundings], Sequence[Violation]]
"Runs the guardrails: agent.drafting.guardrails.check."

LookAgain = Callable[[str], Assessment]
"The account's assessment as of now."

Around = Callable[[str], Surroundings]
"What the guardrails need to know of the account besides the brief."


def why_stale(brief: Brief, message: Message, seen: Assessment) -> tuple[str, ...]:
    """One sentence for each thing that has changed since the brief; empty when it still holds."""
    return (
        *_standing(seen),
        *_terms(brief, seen),
        *_figures(brief.findings, seen.findings, message),
    )


def _standing(seen: Assessment) -> Iterator[str]:
    if seen.holds:
        yield from (f"it is held: {hold.says.rstrip('.')} ({hold.hold})" for hold in seen.holds)
    elif seen.status is not Status.READY:
        yield f"the account is no longer ready but {seen.status}"


def _terms(brief: Brief, seen: Assessment) -> Iterator[str]:
    if seen.plan_id != brief.plan_id:
        yield f"the plan has changed from {brief.plan_name or 'none'} to {seen.plan_name or 'none'}"
    if seen.contact_email != brief.recipient.contact_email:
        yield "the contact's address has changed"
    if seen.offer is None:
        yield "there is nothing to offer any more"
    elif not is_same_offer(seen.offer, brief.offer):
        yield f"the offer has changed from {_said(brief.offer)} to {_said(seen.offer)}"


def is_same_offer(one: Offer, other: Offer) -> bool:
    """Whether a customer would be offered the same thing at the same price."""
    return _sold(one) == _sold(other)


def _sold(offer: Offer) -> Offer:
    # What it adds to the revenue is ours to know, and the sentence about it ours to improve.
    return offer.model_copy(update={"adds_monthly_minor": 0, "benefit": ""})


def _said(offer: Offer) -> str:
    return f"{offer.name} at {offer.price_minor / 100:.2f} {offer.currency} per {offer.per}"


def _figures(then: Sequence[Finding], now: Sequence[Finding], message: Message) -> Iterator[str]:
    """The figures the message quotes, where they no longer read the same."""
    current = {key: figure for finding in now for key, figure in _keyed(finding)}
    told = set()
    for finding in then:
        for key, figure in _keyed(finding):
            if figure.label in told or not is_quoted(figure.display, message.text):
                continue
            again = current.get(key)
            if again is None:
                told.add(figure.label)
                yield f"{figure.label}: {figure.display} can no longer be found"
            elif again.display != figure.display:
                told.add(figure.label)
                yield f"{figure.label}: {figure.display} is now {again.display}"


def _keyed(finding: Finding) -> Iterator[tuple[tuple[str, str | None, str], Figure]]:
    for figure in finding.figures:
        yield (finding.trigger, finding.key, figure.figure_id), figure


def is_quoted(display: str, text: str) -> bool:
    """Whether the text contains the figure as a word of its own, not as a part of a longer number."""
    return bool(display) and bool(re.search(rf"(?<![\w.,]){re.escape(display)}(?!\w|[.,]\d)", text))


def unconfirmed(violations: Sequence[Violation], confirmed: Sequence[str]) -> tuple[Violation, ...]:
    """The blocks that stand in the way: all but content rules that a person has confirmed past."""
    return tuple(
        one for one in violations if one.level is Level.BLOCK and (one.hard or one.rule not in confirmed)
    )
