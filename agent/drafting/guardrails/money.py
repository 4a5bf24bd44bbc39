"""Amounts in the offer's own currency, in whatever letters it is written: R$1,890, KWD 12.500, 1,890 kr."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.units import OWN_CURRENCY, OWN_SIGN, Quantity
from agent.drafting.guardrails.words import WORDS


class Marked(NamedTuple):
    """A text in which one sign stands for every way to write the offer's currency, and where it was written."""

    lower: str
    "As long as the text it was made from."
    spans: tuple[Part, ...]


def marked(lower: str, folded: str, brief: Brief) -> Marked:
    """The text with the offer's currency marked wherever it stands beside a number."""
    shown = next((figure.display for figure in brief.figures if figure.figure_id == "offer_price"), "")
    code = brief.offer.currency
    letters = list(lower)
    spans = []
    for match in _pattern(code, shown).finditer(lower):
        place = "before" if match["before"] else "after"
        a, b = match.span(place)
        if match[place] == code.lower() and match[place] in WORDS.common and not folded[a:b].isupper():
            continue
        letters[a:b] = " " * (b - a)
        letters[b - 1 if place == "before" else a] = OWN_SIGN
        spans.append(Part(a, b))
    return Marked("".join(letters), tuple(spans)) if spans else Marked(lower, ())


def own_money(text: Text, brief: Brief) -> Marked:
    """The text so marked, once per check."""
    return text.memo("own_money", lambda: marked(text.lower, text.folded, brief))


def in_own_currency(said: Quantity, spans: tuple[Part, ...], code: str) -> Quantity:
    """An amount read beside the mark, as one of the offer's currency over all its letters."""
    if said.unit != OWN_CURRENCY:
        return said
    beside = [span for span in spans if span.start < said.end and said.start < span.end]
    start = min(said.start, *(span.start for span in beside)) if beside else said.start
    end = max(said.end, *(span.end for span in beside)) if beside else said.end
    return said._replace(unit=code, start=start, end=end)


@lru_cache(maxsize=64)
def _pattern(code: str, shown: str) -> re.Pattern[str]:
    sign = re.split(r"\d", plain(shown), maxsplit=1)[0].strip()
    written = {code.lower(), sign, *WORDS.currency_local.get(code, ())} - {""} - WORDS.currency_signs.keys()
    inner = "|".join(re.escape(one) for one in sorted(written, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?P<before>{inner}) ?(?=\d)|(?<=\d) ?(?P<after>{inner})(?!\w)")
