"""Whether this account may be written to at all; nobody can confirm past these."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from agent.drafting.brief import Brief
from agent.drafting.guardrails.rule import Fault, rule
from agent.drafting.guardrails.text import Text
from agent.drafting.violation import Level, Surroundings

CAP = timedelta(days=30)


@rule(Level.BLOCK, hard=True)
def contact_cap(_text: Text, brief: Brief, around: Surroundings) -> Iterable[Fault]:
    """One upgrade prompt per account in any 30 days; a second only if switched on and about another thing."""
    recent = [prompt for prompt in around.prompts if _utc(around.now) - _utc(prompt.sent_at) < CAP]
    if not recent:
        return
    newest = max(_utc(prompt.sent_at) for prompt in recent)
    free = (newest + CAP).date()
    if len(recent) > 1:
        yield Fault(0, 0, f"This account has had {len(recent)} prompts in 30 days; write again from {free}.")
        return
    if not around.second_prompt:
        yield Fault(0, 0, f"This account had a prompt on {newest.date()}; write again from {free}.")
        return
    before = recent[0]
    group = own_group(brief)
    if group is None or group in before.groups:
        yield Fault(
            0, 0, f"A second prompt in 30 days must rest on another trigger group; write again from {free}."
        )
    elif before.offer_kind == brief.offer.kind.value:
        yield Fault(
            0, 0, f"A second prompt in 30 days must make another kind of offer; write again from {free}."
        )


@rule(Level.BLOCK, hard=True)
def suppressed(_text: Text, _brief: Brief, around: Surroundings) -> Iterable[Fault]:
    """Opted-out, bounced or complained addresses get nothing."""
    if around.suppressed is not None:
        reason = around.suppressed.strip().rstrip(".") or "no reason recorded"
        yield Fault(0, 0, f"This address may not be written to ({reason}); skip the draft.")


def own_group(brief: Brief) -> str | None:
    """The trigger group that the play rests on: the first finding's, else the first that scored."""
    if brief.findings:
        return brief.findings[0].group
    return brief.groups[0] if brief.groups else None


def _utc(moment: datetime) -> datetime:
    """UTC without a zone mark, as the clock gives it."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
