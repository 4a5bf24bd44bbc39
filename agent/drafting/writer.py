"""The template writer: a brief told in one of its play's framings, the same for an account every time."""

from __future__ import annotations

import re
from typing import Any

from agent.drafting.brief import Brief
from agent.drafting.message import Message
from agent.drafting.phrases import say, slots
from agent.drafting.templating import Pick, environment, picker
from agent.drafting.wording import clean, first_name, initial, offer_words, price
from agent.foundation.errors import OutgrownError
from agent.foundation.shipped import shipped
from agent.signals.finding import Finding

SUFFIX = ".txt.j2"
PARTS = f"_parts{SUFFIX}"
SUBJECT_LENGTH = 60
BODY_WORDS = 110
NAME_LENGTH = 80


def write(brief: Brief, framing: str | None = None) -> Message:
    """The message of a brief, in the given framing of its play or else in the account's own.

    Raises OutgrownError when the play has no such framing.
    """
    pick = picker(brief.recipient.account_id, brief.play)
    chosen = framing or framing_of(brief)
    if chosen not in (known := framings(brief.play)):
        raise OutgrownError(
            f"There is no framing {chosen!r} of the play {brief.play!r}; known: {', '.join(known) or 'none'}."
        )
    template = environment().get_template(f"{brief.play}/{chosen}{SUFFIX}")
    values = _values(brief, pick)
    message = Message.parse(_tidied(template.render(values)))
    if len(message.body.split()) > BODY_WORDS:
        # The other observation is the one thing a long message can do without.
        return Message.parse(_tidied(template.render(values | {"support": ""})))
    return message


def sign_off(brief: Brief) -> str:
    """How a message of the brief ends, whoever words it: the account's own closing and the sender's name."""
    pick = picker(brief.recipient.account_id, brief.play)
    parts: Any = (
        environment()
        .get_template(PARTS)
        .make_module({"pick": pick, "sender": clean(brief.sender.name, NAME_LENGTH)})
    )
    return str(parts.closing()).strip()


def framing_of(brief: Brief) -> str:
    """The account's own framing of its play; empty for a play that has none."""
    known = framings(brief.play)
    pick = picker(brief.recipient.account_id, brief.play)
    return known[pick("framing", len(known))] if known else ""


def framings(play: str) -> tuple[str, ...]:
    """The framings templates/messages has for a play, sorted."""
    folder = shipped("templates", "messages", play)
    return tuple(sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")))


def _values(brief: Brief, pick: Pick) -> dict[str, object]:
    """What a message template may use: display texts, cleaned, and the account's pick."""
    offer = brief.offer
    figures = {figure.figure_id: figure for figure in brief.figures}
    ceiling = figures.get("offer_ceiling")
    benefit = clean(offer.benefit).rstrip(".!?;,: ")
    filled = slots(brief.findings[0], brief.plan_name, brief.sender.product)
    return {
        "pick": pick,
        "kind": offer.kind.value,
        "trigger": brief.findings[0].trigger,
        "when": filled.values.get("deadline", ""),
        "subject": _subject(brief),
        "name": first_name(brief.recipient.contact_name),
        "problem": clean(brief.problem, 400),
        "support": _support(brief, pick),
        "offer": offer_words(clean(offer.name, NAME_LENGTH), offer.kind),
        "offer_ceiling": clean(ceiling.display) if ceiling else "",
        "things": clean(ceiling.unit) if ceiling else "",
        "feature": brief.offer_feature or "",
        "benefit": benefit,
        "benefit_is_clause": benefit[:1].islower(),
        "price": price(figures["offer_price"].display, offer.per),
        "plan": filled.values["plan"],
        "product": filled.values["company_product"],
        "watch": clean(brief.watch.sentence).rstrip("."),
        "sender": clean(brief.sender.name, NAME_LENGTH),
    }


def _subject(brief: Brief) -> str:
    """The subject of the leading finding; a plain one where none of its wordings fits in the line."""
    for number in range(8):
        said = _said(
            "subject", brief.findings[0], brief, picker(brief.recipient.account_id, brief.play, str(number))
        )
        if said and len(said) <= SUBJECT_LENGTH:
            return initial(said)
    return "A word about your plan"


def _support(brief: Brief, pick: Pick) -> str:
    """One more observation, of the first finding beside the leading one that has a wording for it."""
    texts = (_said("support", finding, brief, pick) for finding in brief.findings[1:])
    return next((text for text in texts if text), "")


def _said(part: str, finding: Finding, brief: Brief, pick: Pick) -> str:
    said = say(part, finding, slots(finding, brief.plan_name, brief.sender.product), pick)
    return said.text if said else ""


def _tidied(text: str) -> str:
    """Paragraphs with one empty line between them, each on one line; the sign-off keeps its lines."""
    *paragraphs, sign_off = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join([*(" ".join(paragraph.split()) for paragraph in paragraphs), sign_off])
