"""The founder's voice: examples of their own approved wording, nearest first, with every figure and name in slots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.message import Message
from agent.drafting.unslotting import in_slots
from agent.drafting.writer import framings, write

AT_MOST = 5
NOBODY = "example"
"Stands for the account when a template gives the example, so that the wording owes nothing to this one."


class Example(NamedTuple):
    """A text in slots that shows how the founder writes; `draft_id` is empty for a template's."""

    draft_id: str
    text: str


class Candidate(NamedTuple):
    """A message the founder approved after editing it, with the brief it was written for."""

    draft_id: str
    message: Message
    brief: Brief
    approved_at: datetime


def example_of(message: Message, brief: Brief) -> str | None:
    """A message of `brief` with every figure, name, plan and price turned back into its slot.

    None when something is left over: a number, a day, an amount, a link, or a name of anybody.
    """
    return in_slots(message, brief)


def nearest(candidates: Iterable[Candidate], brief: Brief, at_most: int = AT_MOST) -> list[Example]:
    """The founder's texts nearest to `brief`: same play, same kind of offer, most groups in common, newest."""
    ordered = sorted(candidates, key=lambda one: one.approved_at, reverse=True)
    ordered.sort(key=lambda one: _distance(one.brief, brief))
    found: dict[str, Example] = {}
    for one in ordered:
        if len(found) >= at_most:
            break
        text = example_of(one.message, one.brief)
        if text is not None and text not in found:
            found[text] = Example(one.draft_id, text)
    return list(found.values())


def of_templates(brief: Brief) -> list[Example]:
    """How the templates tell the brief's leading finding, one example a framing, as for an account that is none."""
    recipient = brief.recipient.model_copy(update={"account_id": NOBODY})
    neutral = brief.model_copy(update={"recipient": recipient, "findings": brief.findings[:1]})
    texts = (example_of(write(neutral, framing), neutral) for framing in framings(brief.play))
    return [Example("", text) for text in texts if text is not None]


def _distance(one: Brief, other: Brief) -> tuple[bool, bool, int]:
    return (
        one.play != other.play,
        one.offer.kind is not other.offer.kind,
        -len(set(one.groups) & set(other.groups)),
    )
