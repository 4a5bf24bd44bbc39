"""From a finished text back to slots: how the founder's own wording becomes an example that names nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from agent.drafting.brief import Brief
from agent.drafting.guardrails import Text, read
from agent.drafting.guardrails.figures import days_of, ledger_of, quantities_of
from agent.drafting.guardrails.text import Part
from agent.drafting.guardrails.units import Kind, Side
from agent.drafting.guardrails.words import WORDS
from agent.drafting.message import Message
from agent.drafting.slots import (
    EARLY,
    LAST,
    NAME_LENGTH,
    NOBODY,
    OF_THE_OFFER,
    Slot,
    customer_words,
    slots_of,
)
from agent.drafting.slotted import STARTS, Slotted, faults
from agent.drafting.unfit import SPOT, unfit
from agent.drafting.wording import clean, initial

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def unslotted(text: str, brief: Brief, places: tuple[str, ...], *, loosely: bool = False) -> str:
    """`text` with every figure, name, plan and price that has a slot in `places` turned back into it.

    `loosely` also takes the other ways people write a name: Growth for the Growth plan, Maya Chen for Maya.
    """
    values: dict[str, str] = {}
    for slot in slots_of(brief):
        if set(places) & set(slot.places) and not (slot.value == NOBODY and slot.name == "name"):
            values.setdefault(slot.value, slot.name)
    if "greeting" in places:
        values.setdefault(NOBODY, "name")
    if loosely:
        for value, name in _other_forms(brief):
            if name in values.values():
                values.setdefault(value, name)
    forms = {form: name for value, name in values.items() for form in (initial(value), value)}
    if not forms:
        return text
    longest_first = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)(?<!\d[.,])(?:{longest_first})(?![\w%]|[.,]\d)")

    def back(match: re.Match[str]) -> str:
        found = match.group()
        is_capital = found not in values and not STARTS.search(text, 0, match.start())
        return found if is_capital else f"{{{forms[found]}}}"

    return pattern.sub(back, text)


def _other_forms(brief: Brief) -> Iterator[tuple[str, str]]:
    """Other ways to write a name that has a slot, with the slot."""
    for name, slot in ((brief.offer.name, "offer"), (brief.plan_name, "plan")):
        bare = clean(name or "", NAME_LENGTH)
        if len(bare) > 1 and not bare.isnumeric():
            yield from ((form, slot) for form in (bare, f"{bare} plan", f"{bare.removesuffix(' plan')}"))
    if brief.recipient.contact_name:
        yield clean(brief.recipient.contact_name, NAME_LENGTH), "name"


def as_slotted(message: Message, brief: Brief) -> Slotted | None:
    """A message of one problem and one last paragraph as the draft that is filled to it; None when there is none."""
    text = read(message, brief)
    if text.greeting is None or len(text.paragraphs) != 2:
        return None
    first, last = text.paragraphs
    problem, *observed = (text.original(one) for one in text.sentences(first))
    closing = [text.original(one) for one in text.sentences(last)]
    asked = next((place for place, one in enumerate(closing) if one.endswith("?")), len(closing) - 1)
    made = Slotted(
        subject=unslotted(message.subject, brief, EARLY),
        greeting=unslotted(text.original(text.greeting).rstrip(" ,"), brief, ("greeting",)),
        problem=unslotted(problem, brief, EARLY),
        observation=unslotted(" ".join(observed), brief, EARLY),
        help="",
        offer=unslotted(" ".join(closing[: asked + 1]), brief, LAST),
        close=unslotted(" ".join(closing[asked + 1 :]), brief, LAST),
    )
    return None if faults(made, brief) else made


def in_slots(message: Message, brief: Brief) -> str | None:
    """A whole message in slots, without its sign-off; None when anything is left that only a slot may say."""
    text = read(message, brief)
    spelled = _spelled(text, brief)

    def back(part: str, places: tuple[str, ...]) -> str:
        words = unslotted(" ".join(part.split()), brief, places, loosely=True)
        for phrase, slot in spelled.items():
            if set(places) & set(slot.places):
                words = re.sub(rf"(?<![\w{{]){re.escape(phrase)}(?![\w}}%])", f"{{{slot.name}}}", words)
        return words

    parts = [back(message.subject, EARLY)]
    if text.greeting is not None:
        parts.append(back(text.original(text.greeting), ("greeting", *EARLY)))
    for paragraph in text.paragraphs:
        parts.append(back(text.original(paragraph), LAST if paragraph == text.last else EARLY))
    return "\n\n".join(parts) if all(is_free(part, brief) for part in parts) else None


def _spelled(text: Text, brief: Brief) -> dict[str, Slot]:
    """Figures of the brief that the text writes in other words, longest first: five times, two weeks, 20 March."""
    slots = {slot.name: slot for slot in slots_of(brief)}
    found: dict[str, Slot] = {}
    for said, entries in quantities_of(text, brief):
        if said.side is Side.EXACT and not said.is_part and said.kind is not Kind.ORDINAL and entries:
            # A length of time is also true of a figure that was measured over it, which is not its slot.
            exact = [one for one in entries if one.kind is said.kind and one.exact in said.values]
            if said.kind is Kind.DURATION and not exact:
                continue
            entry = (exact or entries)[0]
            name = entry.figure_id if entry.figure_id in slots else f"{OF_THE_OFFER}price"
            is_bare = said.kind is Kind.COUNT and f"{name}.number" in slots
            if slot := slots.get(f"{name}.number" if is_bare else name):
                found.setdefault(text.original(Part(said.start, said.end)), slot)
    for day in days_of(text, brief):
        for entry in ledger_of(text, brief).entries:
            if entry.day is not None and (entry.day, entry.day) in day.meant and entry.figure_id in slots:
                found.setdefault(text.original(Part(day.start, day.end)), slots[entry.figure_id])
    return dict(sorted(found.items(), key=lambda one: len(one[0]), reverse=True))


def is_free(text: str, brief: Brief) -> bool:
    """Whether a text in slots holds no figure, no name and nothing else that only a slot may say."""
    slots = {slot.name: slot for slot in slots_of(brief)}
    figures = frozenset(name for name, slot in slots.items() if slot.is_figure)
    if any(True for _ in unfit(text, figures, brief.as_of)):
        return False
    words = [match.group().replace("’", "'") for match in WORD.finditer(SPOT.sub(" ", text))]
    return not names_a_customer(text, brief) and all(
        word[0].islower() or _is_plain(word.lower()) for word in words
    )


def names_a_customer(text: str, brief: Brief) -> bool:
    """Whether a word of the customer's names stands in the text outside its slots, everyday words in small letters aside."""
    names = {word.lower() for name in customer_words(brief) for word in WORD.findall(name) if len(word) > 1}
    words = (match.group() for match in WORD.finditer(SPOT.sub(" ", text)))
    return any(word.lower() in names and (word[0].isupper() or not _is_plain(word.lower())) for word in words)


def _is_plain(lower: str) -> bool:
    """Whether a word is an everyday one that may begin a sentence, and nobody's name."""
    return any(
        word in _openers() or word in WORDS.common or word in WORDS.capitals
        for word in (lower, lower.split("'")[0])
    )


@cache
def _openers() -> frozenset[str]:
    """The words of openers.txt; a sentence that begins with another may begin with a name."""
    return frozenset(
        files(__package__ or "agent.drafting").joinpath("openers.txt").read_text(encoding="utf-8").split()
    )
