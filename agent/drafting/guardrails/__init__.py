"""The guardrails of rule book §7: what a draft may not say, each rule one function.

`check` holds a message against its brief and gives every violation with its place in Message.text.
Pure: no clock, no network, no session. The words the rules go by lie in words.toml beside them.
"""

from agent.drafting.brief import Brief
from agent.drafting.guardrails.contact import contact_cap, suppressed
from agent.drafting.guardrails.figures import real_metric, ungrounded_figure
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.manner import no_internals, no_pressure, tone
from agent.drafting.guardrails.names import wrong_name
from agent.drafting.guardrails.rule import Rule
from agent.drafting.guardrails.safety import no_injection, no_secrets, unfilled
from agent.drafting.guardrails.shape import length, not_yet_close, one_ask, price_last, problem_first
from agent.drafting.guardrails.text import Text
from agent.drafting.message import Message
from agent.drafting.violation import Level, Surroundings, Violation

RULES: tuple[Rule, ...] = (
    contact_cap,
    suppressed,
    ungrounded_figure,
    wrong_name,
    problem_first,
    price_last,
    real_metric,
    not_yet_close,
    one_ask,
    no_pressure,
    no_internals,
    no_injection,
    no_secrets,
    unfilled,
    length,
    tone,
)

__all__ = ["RULES", "Rule", "Text", "blocks", "check", "read"]


def read(message: Message, brief: Brief) -> Text:
    """The message taken apart as the rules read it."""
    sender = brief.sender
    first = sender.name.split()[:1]
    names = (sender.name, *first, sender.company, sender.product)
    return Text(message, tuple(dict.fromkeys(name for one in names if (name := plain(one)))))


def check(message: Message, brief: Brief, around: Surroundings) -> list[Violation]:
    """Every violation of every rule, by place and then by rule."""
    text = read(message, brief)
    found = {violation for rule in RULES for violation in rule(text, brief, around)}
    return sorted(found, key=lambda one: (one.start, one.rule, one.end, one.message))


def blocks(violations: list[Violation]) -> bool:
    """Whether any of them keeps the draft from the queue."""
    return any(violation.level is Level.BLOCK for violation in violations)
