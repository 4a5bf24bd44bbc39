"""Text as an eye reads it: look-alikes, accents, wide and small forms folded, each letter's origin kept."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters of other alphabets that look like a Latin one, beside those that NFKD already turns.
LOOKALIKES = dict(
    zip(
        "АВЕЅZІЈКМНОРСТУХԌԚԜаеѕіјорсухһԁԛԝвкмнтгАΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεικνορτυχωϲϳɑɡıʟᴀᴄᴇᴏꜱⅼ",
        "ABESZIJKMHOPCTYXGQWaesijopcyxhdqwbkmhtrAABEZHIKMNOPTYXabeikvoptuxwcjagilaceosl",
        strict=True,
    )
)
SIGNS = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "ʼ": "'", "′": "'", "`": "`", "´": "'",
    "“": "\"", "”": "\"", "„": "\"", "«": "\"", "»": "\"", "‐": "-", "‑": "-", "‒": "-",
    "–": "-", "—": "-", "―": "-", "−": "-", "﹣": "-", "⁄": "/", "∕": "/", "×": "x",
    "✕": "x", "✖": "x", "٪": "%", "؟": "?", "¿": "?", "⁇": "??", "。": ".", "‥": "..",
    "٫": ".", "٬": ",", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l",
    "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe", "Œ": "OE", "™": "", "®": "", "©": "",
    "\r": "\n", "\x0b": "\n", "\x0c": "\n", "\u0085": "\n", "\u2028": "\n", "\u2029": "\n",
    "\t": " ",
}  # fmt: skip
UNPLAIN = re.compile(r"[^\x20-\x7e\n]")
DROPPED = {"Mn", "Me", "Cf", "Cc", "Cs"}
SPACED = ("<fraction>", "<super>", "<sub>", "<circle>")


class Folded:
    """A folded text with, for every letter of it, where that letter came from."""

    __slots__ = ("ends", "starts", "text")

    def __init__(self, text: str, starts: list[int] | range, ends: list[int] | range) -> None:
        self.text = text
        self.starts = starts
        self.ends = ends


def fold(text: str) -> Folded:
    """`text` in plain letters and signs; a letter may become none, one or several."""
    if text.isascii() and not any(c in text for c in "\r\x0b\x0c\t"):
        return Folded(text, range(len(text)), range(1, len(text) + 1))
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in UNPLAIN.finditer(text):
        place, letter = match.start(), match.group()
        if place > done:
            letters.extend(text[done:place])
            starts.extend(range(done, place))
            ends.extend(range(done + 1, place + 1))
        done = place + 1
        plain = _fold_letter(letter)
        if plain == "\n" and letter == "\r" and text[place + 1 : place + 2] == "\n":
            plain = ""
        # 2⁰² reads as 202 whatever was meant; a number is not to hide behind its size.
        is_raised = unicodedata.decomposition(letter).startswith(("<super>", "<sub>"))
        if plain[:1] == " " and len(plain) > 1 and (is_raised or not (letters and letters[-1].isdigit())):
            plain = plain[1:]
        for one in plain:
            letters.append(one)
            starts.append(place)
            ends.append(place + 1)
    letters.extend(text[done:])
    starts.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return Folded("".join(letters), starts, ends)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """`text` folded, in lower case, without its places."""
    return " ".join(fold(text).text.lower().split())


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    if letter == "\n":
        return letter
    if letter in SIGNS:
        return SIGNS[letter]
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    if letter in LOOKALIKES:
        return LOOKALIKES[letter]
    category = unicodedata.category(letter)
    if category in DROPPED:
        return ""
    if category == "Zs":
        return " "
    parts = unicodedata.normalize("NFKD", letter)
    folded = "".join(
        SIGNS.get(part, LOOKALIKES.get(part, part))
        for part in parts
        if unicodedata.category(part) not in DROPPED
    )
    worth = unicodedata.numeric(letter, None)
    if (
        worth is not None
        and worth == int(worth)
        and not any(c.isdecimal() for c in folded)
        # A Roman numeral of one letter may be meant as the letter it looks like.
        and (category != "Nl" or len(folded) > 1)
    ):
        folded = str(int(worth))
    folded = "".join(str(unicodedata.decimal(c, c)) for c in folded)
    if folded[:1].isdigit() and unicodedata.decomposition(letter).startswith(SPACED):
        # ½ after 2 is two and a half, not 21/2; the space is dropped where no digit stands before.
        folded = " " + folded
    return folded
