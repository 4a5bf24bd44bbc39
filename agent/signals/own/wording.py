"""The sentence of a trigger of the founder's own: its figures are slots, never written out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from string import Formatter

from agent.signals.formula import Grain
from agent.signals.own.unfit import Unfit, nearest
from agent.signals.rule import Rule

LONGEST = 200
WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "eighteen nineteen twenty thirty forty fourty fifty sixty seventy eighty ninety hundred hundreds hundredth",
    "thousand thousands thousandth million millions billion billions trillion trillions dozen dozens couple pair grand",
    "half halves halfway halved halving quarter quarters third thirds second fourth fifth sixth seventh eighth ninth tenth",
    "eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
    "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth once twice thrice single double doubled",
    "doubles doubling triple tripled triples tripling quadruple quadrupled twofold threefold",
    "fourfold fivefold tenfold percent percentage",
    "euro euros dollar dollars pound pounds yen francs cent cents eur usd gbp chf jpy",
)
NUMBER_WORDS = frozenset(word for line in WORDS for word in line.split())
"Words that are a number, a share or an amount; 'first' is none of these."
LINK = re.compile(r"//|www\.|@|[<>\[\]|`*_~\\#]")
WORD = re.compile(r"[^\W\d_]+")


def slots_of(rule: Rule) -> tuple[str, ...]:
    """What the sentence of a rule may quote: its figures, the plan, and what it is about."""
    about = () if rule.grain is Grain.ACCOUNT else (rule.grain.value,)
    many = ("features",) if rule.at_least_keys > 1 else ()
    return (*[quote.figure_id for quote in rule.quotes], "plan", *about, *many)


def check_says(says: str, slots: Collection[str], key: str = "says") -> None:
    """Raises Unfit for a sentence a customer must not read: a figure outside a slot, a slot nobody fills."""
    if not says.strip() or len(says) > LONGEST:
        raise Unfit(key, f"must be a sentence of 1 to {LONGEST} characters")
    plain = ""
    try:
        for text, name, spec, conversion in Formatter().parse(says):
            plain += f"{text} "
            if name is None:
                continue
            if spec or conversion or not name.isidentifier():
                raise Unfit(key, f"has the slot {{{name}}}, which must be a plain name such as {{window}}")
            if name not in slots:
                raise Unfit(key, f"has the unknown slot {{{name}}}{nearest(name, slots)}".rstrip(".?"))
    except Unfit:
        raise
    except ValueError as bad:
        raise Unfit(key, f"has a brace without its partner ({bad}); write slots like {{window}}") from bad
    _check_plain(plain, key)


def _check_plain(text: str, key: str) -> None:
    for letter in text:
        category = unicodedata.category(letter)
        if category[0] == "C" or category in ("Zl", "Zp"):
            raise Unfit(key, f"holds an unseen character (U+{ord(letter):04X}); delete it")
        if category[0] == "N" or category == "Sc" or letter in "%‰":
            raise Unfit(key, f"writes out '{letter}'; a figure must be a slot, such as {{window}}")
    for word in WORD.findall(text.lower()):
        if word in NUMBER_WORDS:
            raise Unfit(key, f"writes out '{word}'; a figure must be a slot, such as {{window}}")
    found = LINK.search(text)
    if found:
        raise Unfit(key, f"holds '{found.group()}'; write plain words without links or markup")
