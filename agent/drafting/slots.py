"""The slots of a brief: everything a worded message may say that is a figure, a name, a plan or a price."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.phrases import is_named_by_customer, slots
from agent.drafting.wording import clean, first_name, offer_words, price, safe_name
from agent.scoring.assessment import OfferKind
from agent.signals.finding import Figure

EARLY = ("subject", "problem", "observation")
LAST = ("help", "offer", "close")
OFFERING = ("offer", "close")
BODY = (*EARLY, *LAST)
NAME_LENGTH = 80
OF_THE_OFFER = "offer_"
NO_NOUN_UNITS = frozenset({"share", "ratio", "days", "money", "date"})
WITH_NOUN = re.compile(r"([\d.,]*\d) [a-z][\w -]*", re.IGNORECASE)
NOBODY = "there"


class Slot(NamedTuple):
    """One thing a message may refer to."""

    name: str
    says: str
    "What it is, for whoever words the message."
    reads: str | None
    "How it will read; None for words that come from a customer, which no model is shown."
    value: str
    "What is put in its place."
    places: tuple[str, ...] = BODY
    "The parts of a draft it may stand in."
    is_figure: bool = False
    unit: str = ""
    "Of a figure: what it counts."


def slots_of(brief: Brief) -> tuple[Slot, ...]:
    """Every slot the brief has a value for; figures by their id, those the leading finding rests on first."""
    found = [*_figures(brief), *_names(brief), *_offered(brief)]
    return tuple({slot.name: slot for slot in found if slot.value}.values())


def customer_words(brief: Brief) -> tuple[str, ...]:
    """The names that come from the customer: their people, their company, their teams."""
    recipient = brief.recipient
    teams = [finding.key for finding in brief.findings if finding.key and is_named_by_customer(finding)]
    names = [recipient.contact_name, recipient.contact_email, recipient.account_name, *teams]
    return tuple(dict.fromkeys(name for name in names if name))


def _figures(brief: Brief) -> Iterator[Slot]:
    own_words = _words(customer_words(brief))
    for figure in brief.figures:
        shown = clean(figure.display, 40)
        says = clean(figure.label, NAME_LENGTH)
        if own_words & _words([says]):
            says = clean(figure.unit, NAME_LENGTH)
            says = "a figure" if own_words & _words([says]) else says
        places: tuple[str, ...] = BODY
        if figure.figure_id.startswith(OF_THE_OFFER):
            places = OFFERING if figure.unit == "money" else LAST
        yield Slot(figure.figure_id, says, shown, shown, places, is_figure=True, unit=figure.unit)
        number = _number(figure, shown)
        if number:
            says = f"{says}: its number alone, before another noun"
            yield Slot(
                f"{figure.figure_id}.number", says, number, number, places, is_figure=True, unit=figure.unit
            )


def _number(figure: Figure, shown: str) -> str:
    """'20' of '20 seats'; empty for a figure that is no plain count with its noun."""
    if figure.unit in NO_NOUN_UNITS:
        return ""
    match = WITH_NOUN.fullmatch(shown)
    return match[1] if match else ""


def _names(brief: Brief) -> Iterator[Slot]:
    contact = first_name(brief.recipient.contact_name)
    if contact:
        yield Slot("name", "their first name", None, contact, ("greeting", *BODY))
    else:
        yield Slot("name", "stands for the name, which is not known", NOBODY, NOBODY, ("greeting",))
    yield Slot("account", "their company", None, safe_name(brief.recipient.account_name) or "")
    filled = slots(brief.findings[0], brief.plan_name, brief.sender.product).values
    yield _shown("plan", "the plan they have", filled["plan"])
    yield _shown("product", "what we sell", filled["company_product"])
    yield _shown("company", "our company", clean(brief.sender.company, NAME_LENGTH))
    yield _shown("sender", "who signs", clean(brief.sender.name, NAME_LENGTH))
    yield _shown("thing", "what the problem is about", filled.get("thing", ""))
    ceiling = next((figure for figure in brief.figures if figure.figure_id == "offer_ceiling"), None)
    things = filled.get("things", "") or (clean(ceiling.unit) if ceiling else "")
    yield _shown("things", "what is counted, in the plural", things)
    for finding in brief.findings:
        if finding.key and is_named_by_customer(finding):
            yield Slot("team", "the name of one of their teams: 'the {team} team'", None, finding.key)
        elif finding.key and finding.key != brief.findings[0].key:
            yield _shown(f"{finding.trigger}.thing", "what that is about", finding.key)


def _offered(brief: Brief) -> Iterator[Slot]:
    offer = brief.offer
    name = offer_words(clean(offer.name, NAME_LENGTH), offer.kind)
    article = {OfferKind.PLAN_UPGRADE: "the ", OfferKind.SEAT_EXPANSION: "", OfferKind.CROSS_SELL: ""}.get(
        offer.kind, "our "
    )
    yield _shown("offer", f"what we offer, as in 'we have {article}{{offer}}'", name, OFFERING)
    amount = next((f.display for f in brief.figures if f.figure_id == f"{OF_THE_OFFER}price"), "")
    if amount:
        yield _shown("price", "its whole price", price(amount, offer.per), OFFERING, is_figure=True)
    yield _shown("feature", "the feature the offer brings", brief.offer_feature or "")
    benefit = clean(offer.benefit).rstrip(".!?;,: ")
    kind = (
        "a clause, as after 'so'" if benefit[:1].islower() else "a sentence of its own, without its full stop"
    )
    yield _shown("benefit", f"what we promise of it, {kind}", benefit, LAST)
    watch = clean(brief.watch.sentence).rstrip(".")
    yield _shown("watch", "a clause: when the time has come", watch, LAST, is_figure=True)


def _shown(
    name: str, says: str, value: str, places: tuple[str, ...] = BODY, *, is_figure: bool = False
) -> Slot:
    return Slot(name, says, value, value, places, is_figure)


def _words(texts: tuple[str, ...] | list[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[^\W\d_]{2,}", text.casefold())}
