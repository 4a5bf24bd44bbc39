"""How texts came to be, in words: who worded them, what it took, and why a template stands in for the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.drafting.making import MODEL, PERSON

if TYPE_CHECKING:
    from agent.drafting.making import Making

REASONS = {
    "unreachable": "the model could not be reached",
    "timeout": "the model took too long",
    "rate_limited": "the model had too many questions",
    "server_error": "the model's server failed",
    "bad_key": "the model's server did not take the key",
    "unknown_model": "the server does not have that model",
    "refused": "the model refused",
    "truncated": "the model's answer was cut off",
    "malformed": "the model's answer could not be read",
    "out_of_budget": "the month's budget for the model is spent",
    "out_of_patience": "this run had waited for the model as long as it may",
    "blocked": "the guardrails blocked what the model wrote",
}
"By Making.why."


def made_by(making: Making) -> str:
    """Who worded a text, and what it took: one line."""
    if making.writer == PERSON:
        return "worded by a person"
    if making.writer == MODEL:
        repairs = f", {making.rounds} repaired" if making.rounds else ""
        return f"worded by {making.model}{repairs}; {_took(making)}"
    framing = f" ({making.framing})" if making.framing else ""
    if making.why is None:
        return f"worded by the template{framing}"
    rules = f": {', '.join(making.blocked_by)}" if making.blocked_by and making.why == "blocked" else ""
    took = f"; {_took(making)}" if making.calls else ""
    return f"worded by the template{framing}, since {REASONS.get(making.why, making.why)}{rules}{took}"


def worded(makings: Iterable[Making]) -> str:
    """What new drafts took together; empty where no model was asked."""
    asked = [one for one in makings if one.model is not None]
    if not asked:
        return ""
    by_model = sum(one.writer == MODEL for one in asked)
    why = Counter(REASONS.get(one.why, one.why) for one in asked if one.why is not None)
    told = "".join(f"; {number} by the template, since {reason}" for reason, number in why.most_common())
    tokens = sum(one.tokens_in + one.tokens_out for one in asked)
    calls = sum(one.calls for one in asked)
    return f"{by_model} of {len(asked)} worded by {asked[0].model} ({calls} calls, {tokens:,} tokens){told}."


def _took(making: Making) -> str:
    calls = "1 call" if making.calls == 1 else f"{making.calls} calls"
    return (
        f"{calls}, {making.tokens_in:,} tokens in ({making.tokens_cached:,} cached), "
        f"{making.tokens_out:,} out, {making.seconds:.1f} s"
    )
