"""A customer's text made plain for matching, with the way back to the exact words."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property, lru_cache

READ_AT_MOST = 5_000
"Characters analysed; what a customer asks for stands in the first pages."
QUOTE_AT_MOST = 200
"Characters of a quote."

_PLAIN = re.compile(r"(?! )(?:[\x21-\x7e]| (?! ))*+\Z")
_SENTENCE_END = re.compile(r"[.!?]++(?=[\s\"’)]|\Z)|[\n;]")
_TURN = re.compile(r" (?:but|however|although|though|whereas) ")
_SIGNS = {
    **dict.fromkeys("'‘’‛ʼ`´′", "’"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("‐‑‒–—−", "-"),
    **dict.fromkeys("\n\u2028\u2029\u0085", "\n"),
}
# Cyrillic, Greek and Armenian letters that pass for Latin ones.
_LOOK_ALIKES = dict(
    zip("авеіјкмнорсԁѕтухһԛԝӏαβεικνορτυχωօոսց", "abeijkmhopcdstyxhqwlabeikvoptuxwonug", strict=True)
)


class Reading:
    """A text as the phrase rules read it: lower case, single spaces, ’ for every apostrophe, no disguises."""

    def __init__(self, text: str) -> None:
        self.original = text[:READ_AT_MOST]
        self.plain: str
        self._places: Sequence[int]
        if _PLAIN.match(self.original):
            self.plain, self._places = self.original.lower().replace("'", "’"), range(len(self.original))
        else:
            self.plain, self._places = _make_plain(self.original)

    def quote(self, start: int, end: int, at_most: int = QUOTE_AT_MOST) -> str:
        """The original words behind `plain[start:end]`, cut to `at_most` characters."""
        if start >= end:
            return ""
        first = self._places[start]
        return self.original[first : self._places[end - 1] + 1][:at_most]

    def place_of(self, place: int) -> int:
        """Where the original's character at `place`, or the next that counts, stands in the plain text."""
        return bisect_left(self._places, place)

    def sentence(self, place: int) -> tuple[int, int]:
        """First place of the sentence that `place` is in, and the place after its last."""
        nth = bisect_right(self._ends, place)
        first = self._ends[nth - 1] if nth else 0
        return first, self._ends[nth] if nth < len(self._ends) else len(self.plain)

    def clause(self, place: int) -> tuple[int, int]:
        """The part of its sentence that `place` is in, as far as a 'but' or its like lets it reach."""
        first, last = self.sentence(place)
        for turn in _TURN.finditer(self.plain, first, last):
            if turn.start() >= place:
                return first, turn.start()
            first = turn.end()
        return first, last

    @cached_property
    def _ends(self) -> list[int]:
        return [end.end() for end in _SENTENCE_END.finditer(self.plain)]


def plain(text: str) -> str:
    """`text` as a Reading would match it."""
    return Reading(text).plain.strip()


@lru_cache(maxsize=4096)
def _letters(sign: str) -> str:
    """What one character counts as: some plain letters, a space, a line end, or nothing."""
    if sign in _SIGNS:
        return _SIGNS[sign]
    if sign.isspace():
        return " "
    if unicodedata.category(sign) in ("Cf", "Cc", "Cs", "Co"):
        return ""
    parts = unicodedata.normalize("NFKD", sign).casefold()
    return "".join(_LOOK_ALIKES.get(part, part) for part in parts if not unicodedata.combining(part))


def _make_plain(text: str) -> tuple[str, list[int]]:
    """The plain letters of `text` and the place each came from; quoted lines ('> …') count as a gap."""
    letters: list[str] = []
    places: list[int] = []
    gap, line_ends, at_line_start, quoted = False, 0, True, False
    for place, sign in enumerate(text):
        part = _letters(sign)
        if at_line_start and part == ">":
            quoted = True
        if part == "\n":
            line_ends += 2 if quoted else 1
            gap, at_line_start, quoted = True, True, False
            continue
        if part == " " or quoted:
            gap = True
            continue
        if not part:
            continue
        at_line_start = False
        if gap and letters:
            letters.append("\n" if line_ends > 1 else " ")
            places.append(place - 1)
        gap, line_ends = False, 0
        letters.extend(part)
        places.extend([place] * len(part))
    return "".join(letters), places
