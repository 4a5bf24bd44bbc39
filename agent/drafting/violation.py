"""What a guardrail says, and what it needs to know besides the brief."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from agent.signals.finding import Frozen


class Level(StrEnum):
    """A block cannot be queued; a warning is shown to the approver."""

    BLOCK = "block"
    WARN = "warn"


class Violation(Frozen):
    """One guardrail that a text breaks, and where (character offsets in Message.text)."""

    rule: str
    level: Level
    message: str
    start: int
    end: int
    hard: bool = False
    "True for the rules nobody can confirm past (contact_cap, suppressed)."


class SentPrompt(Frozen):
    """An upgrade prompt this account has had, or is about to have."""

    sent_at: datetime
    groups: tuple[str, ...]
    offer_kind: str


class Surroundings(Frozen):
    """What the guardrails need besides the brief; never stored with it."""

    now: datetime
    prompts: tuple[SentPrompt, ...] = ()
    "Prompts of the last 30 days, newest first."
    second_prompt: bool = False
    "Whether a second prompt in 30 days is switched on."
    suppressed: str | None = None
    "Why the address or account may not be written to; None when it may."
    other_names: tuple[str, ...] = ()
    "Names of all other customers and of their people."
    other_plans: tuple[str, ...] = ()
    "Plan names the brief does not use."
    other_offers: tuple[str, ...] = ()
    "What is sold besides the plans and is not offered here: add-ons, packages, other products."
    other_features: tuple[str, ...] = ()
    "Feature names the brief does not use."
    internal_names: tuple[str, ...] = ()
    "Names of the founder's own triggers and groups, in words: 'many exports'."
    customer_text: tuple[str, ...] = ()
    "What this customer wrote in tickets lately: nothing in it may be repeated as an address, link or number."
