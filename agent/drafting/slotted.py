"""A message worded in slots: what a model may answer, what is wrong with it, and how it is filled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from agent.drafting.brief import Brief
from agent.drafting.guardrails.text import NO_END
from agent.drafting.message import Message
from agent.drafting.slots import EARLY, NOBODY, OFFERING, Slot, slots_of
from agent.drafting.standing import misplaced, standing
from agent.drafting.unfit import SPOT, Unfit, hits, spots, unfit
from agent.drafting.violation import Level, Violation
from agent.drafting.wording import initial
from agent.drafting.writer import sign_off
from agent.foundation.errors import Blocked

__all__ = ["PARTS", "Slot", "Slotted", "faults", "laid_out", "rendered", "slots_of", "tidied"]

LONGEST = {"subject": 120, "greeting": 60}
LONGEST_PART = 700
"Letters a part of a draft may have; the message as a whole is measured once it is filled."
PLAIN_SIGNS = {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2010": "-", "\u2011": "-"}
"Signs that some models write for a plain space or hyphen."
GREETING = re.compile(r"(hi|hello|hey|dear) \{name\}")
TIMES = "times"
SO_OFTEN = re.compile(r" (?:different |separate )?times?(?!\w)")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
OURSELVES = frozenset({"I", "I'm", "I'd", "I'll", "I've"})
STARTS = re.compile(r"(?:^|[.!?][\"')”’]*\s)[\"“'‘(]*$")
ENDS = re.compile(r"[.!?…][\"')”’]*$")


class Slotted(BaseModel):
    """A message as parts of plain text, each on one line, with {slots} for figures, names, plans and prices."""

    model_config = ConfigDict(extra="forbid")

    subject: str
    greeting: str
    problem: str
    observation: str
    help: str
    offer: str
    close: str


PARTS = tuple(Slotted.model_fields)
WANTED = frozenset(PARTS) - {"observation", "help"}


def tidied(slotted: Slotted) -> Slotted:
    """The draft with plain spaces and hyphens, and nothing around its parts."""
    table = str.maketrans(PLAIN_SIGNS)
    values = {part: " ".join(_part(slotted, part).translate(table).split(" ")) for part in PARTS}
    values = {part: re.sub(" +", " ", value).strip(" ") for part, value in values.items()}
    values["greeting"] = values["greeting"].rstrip(" ,!.:;")
    return Slotted(**values)


def laid_out(slotted: Slotted) -> str:
    """The draft's parts, one a line; the places of its faults are in this."""
    return "\n".join(_part(slotted, part) for part in PARTS)


def faults(slotted: Slotted, brief: Brief) -> list[Violation]:
    """Everything that keeps a draft from being filled; places are in `laid_out`."""
    slots = {slot.name: slot for slot in slots_of(brief)}
    figures = frozenset(name for name, slot in slots.items() if slot.is_figure)
    found: list[Violation] = []
    start = 0
    for part in PARTS:
        text = _part(slotted, part)
        for one in _in_part(part, text, slots, figures, brief):
            found.append(_violation(one.rule, f"{part}: {one.message}", start + one.start, start + one.end))
        start += len(text) + 1
    found += _missing(slotted, slots)
    return found


def rendered(slotted: Slotted, brief: Brief) -> Message:
    """The draft filled: a greeting, the problem, then help, offer and close in the last paragraph, and the sign-off.

    Raises Blocked for a draft with faults.
    """
    if wrong := faults(slotted, brief):
        raise Blocked(f"This draft cannot be filled: {wrong[0].message}")
    values = {slot.name: slot.value for slot in slots_of(brief)}
    filled = {part: _filled(_part(slotted, part), values) for part in PARTS}
    greeting = filled["greeting"].rstrip(" ,!.:;")
    paragraphs = [
        f"{greeting},",
        _together(filled["problem"], filled["observation"]),
        _together(filled["help"], filled["offer"], filled["close"]),
        sign_off(brief),
    ]
    return Message(subject=filled["subject"].rstrip("."), body="\n\n".join(paragraphs))


def _in_part(
    part: str, text: str, slots: dict[str, Slot], figures: frozenset[str], brief: Brief
) -> Iterator[Unfit]:
    """What is wrong with one part, by its place in it."""
    longest = LONGEST.get(part, LONGEST_PART)
    if len(text) > longest:
        yield Unfit(0, len(text), "length", f"This part has {len(text)} characters; cut it to {longest}.")
        return
    if part in WANTED and not text.strip():
        yield Unfit(0, 0, "unfilled", "This part is empty; write it.")
        return
    for spot in spots(text):
        yield from _of_spot(part, text, spot, slots.get(spot[1]))
    yield from unfit(text, figures, brief.as_of)
    yield from _named(text)
    for claim in misplaced(text, standing(brief)):
        yield Unfit(claim.start, claim.end, "ungrounded_figure", claim.message)
    if part == "greeting" and not _is_greeting(text, slots):
        yield Unfit(0, len(text), "unfilled", "Greet with 'Hi {name}' and nothing else.")


def _of_spot(part: str, text: str, spot: re.Match[str], slot: Slot | None) -> Iterator[Unfit]:
    """Whether a slot is one of the brief's, may stand in this part, and counts what is said after it."""
    (a, b), shown = spot.span(), spot.group()[:40]
    if slot is None:
        yield Unfit(a, b, "unfilled", f"There is no slot {shown}; use only slots of the brief.")
        return
    if part not in slot.places:
        rule = "price_last" if part in EARLY and slot.places != ("greeting",) else "unfilled"
        yield Unfit(a, b, rule, f"{shown} may not stand here; keep it for {' or '.join(slot.places)}.")
    if slot.is_figure and slot.unit != TIMES and SO_OFTEN.match(text, b):
        yield Unfit(a, b, "ungrounded_figure", f"{shown} does not count how often; say what it counts.")


def _named(text: str) -> Iterator[Unfit]:
    """Words that their capitals make a name: what has a name has a slot, and nothing else is to be named."""
    slots = [spot.span() for spot in spots(text)]
    for match in WORD.finditer(text):
        word, place = match.group().replace("’", "'"), match.span()
        if word.islower() or word in OURSELVES or hits(place, slots):
            continue
        is_first = STARTS.search(text, 0, place[0]) and not NO_END.search(text.lower(), 0, place[0] - 1)
        if word[1:].lower() != word[1:] or not is_first:
            yield Unfit(
                *place,
                "wrong_name",
                f"'{match.group()}' reads as a name; names come from slots, so use one, or write it small.",
            )


def _is_greeting(text: str, slots: dict[str, Slot]) -> bool:
    match = GREETING.fullmatch(text.lower().rstrip(" ,!.:;"))
    return match is not None and (slots["name"].value != NOBODY or match[1] != "dear")


def _missing(slotted: Slotted, slots: dict[str, Slot]) -> Iterator[Violation]:
    """What the last paragraph must say: the offer and, where it has one, its price."""
    said = " ".join(_part(slotted, part) for part in OFFERING)
    used = {spot[1] for spot in spots(said)}
    end = len(laid_out(slotted))
    if "offer" in slots and "offer" not in used:
        yield _violation("price_last", "offer: The offer is not named; name it with {offer}.", end, end)
    if "price" in slots and not used & {"price", "offer_price"}:
        yield _violation("price_last", "offer: The price is not said; say it with {price}.", end, end)


def _filled(text: str, values: dict[str, str]) -> str:
    """The text with every slot's value in its place; a value that begins a sentence begins large."""

    def fill(spot: re.Match[str]) -> str:
        value = values[spot[1]]
        return initial(value) if STARTS.search(text, 0, spot.start()) else value

    return SPOT.sub(fill, text)


def _together(*parts: str) -> str:
    return " ".join(part if ENDS.search(part) else f"{part}." for part in parts if part.strip())


def _violation(rule: str, message: str, start: int, end: int) -> Violation:
    return Violation(rule=rule, level=Level.BLOCK, message=message, start=start, end=end)


def _part(slotted: Slotted, part: str) -> str:
    return str(getattr(slotted, part))
