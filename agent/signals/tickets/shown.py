"""A customer's text as a model is shown it, with the way back to the exact words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from agent.signals.tickets.reading import READ_AT_MOST

SHOWN_AT_MOST = 2_000
"Characters of one text that a model is shown."
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")
# Without angle brackets no text can look like a delimiter, a tag or a role marker; one sign for one, to find the way back.
_SIGNS = dict.fromkeys("<＜﹤〈⟨《≪«˂‹", "‹") | dict.fromkeys(">＞﹥〉⟩》≫»˃›", "›")


class Shown:
    """What a model sees of a text: no hidden characters, no angle brackets, no lines quoted from somebody else's mail."""

    def __init__(self, text: str, at_most: int = SHOWN_AT_MOST) -> None:
        self.original = text[:READ_AT_MOST]
        letters, self._places = _visible(self.original)
        self.text = letters[:at_most].rstrip()
        self.is_cut = len(text) > READ_AT_MOST or len(letters) > at_most
        self._on_one_line = self.text.replace("\n", " ")

    def find(self, quote: str) -> tuple[int, int] | None:
        """First place in the original of `quote`, which stands there word for word, and the place after its last.

        Only spaces, and characters that nobody sees, may differ. None where it does not stand there, or is empty.
        """
        said = _visible(quote, whole=True)[0].replace("\n", " ").strip()
        start = self._on_one_line.find(said) if said else -1
        if start < 0:
            return None
        return self._places[start], self._places[start + len(said) - 1] + 1


def bare(words: str) -> str:
    """One line of the founder's or a customer's words without signs that could pass for a delimiter."""
    return _visible(words, whole=True)[0].replace("\n", " ").strip()


def _visible(text: str, *, whole: bool = False) -> tuple[str, list[int]]:
    """The letters of `text` that are shown and the place each came from; with `whole`, of quoted lines too."""
    letters: list[str] = []
    places: list[int] = []
    gap, at_line_start, skipped = "", True, False
    for place, sign in _signs(text):
        if sign == "\n":
            gap, at_line_start, skipped = "\n", True, False
            continue
        if sign == " " or skipped:
            gap = gap or " "
            continue
        if at_line_start and sign == "›" and not whole:
            skipped = True
            continue
        at_line_start = False
        if gap and letters:
            letters.append(gap)
            places.append(place - 1)
        gap = ""
        letters.append(sign)
        places.append(place)
    return "".join(letters), places


def _signs(text: str) -> Iterable[tuple[int, str]]:
    for place, sign in enumerate(text):
        if sign in "\n\r\u2028\u2029\u0085\v\f":
            yield place, "\n"
        elif sign.isspace():
            yield place, " "
        elif unicodedata.category(sign) not in _HIDDEN:
            yield place, _SIGNS.get(sign, sign)
