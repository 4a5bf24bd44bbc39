"""Outside words made harmless for Slack: no mention, no link, no formatting, nothing unseen, never too long."""

from __future__ import annotations

import re
import unicodedata

from agent.drafting.wording import clean

UNSEEN = {"Cc", "Cf", "Cs", "Cn"}
"Characters that hide, reorder, or cannot be sent at all."
ELLIPSIS = "…"
LOOKALIKES = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})
"Slack's markup has no way to write these without their meaning, so their likes stand in."
MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
EMOJI = re.compile(r":(?=[\w+'-]+:)")
MENTION = re.compile(r"(?<!\w)@(?=\w)")
CHANNEL = re.compile(r"(?<!\w)#(?=\w)")
SCHEME = re.compile(r"(?<=\w):(?=//|\w*@)|(?<=mailto):|(?<=tel):", re.IGNORECASE)
DOT = re.compile(r"(?<=\w)\.(?=[^\W\d_]{2})")
QUOTED = re.compile(r"^(?:>\s*)+")


def size(text: str) -> int:
    """How long Slack may count `text`: in UTF-16 units, which is never less than in characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, longest: int) -> str:
    """`text`, or its beginning up to a word's end with an ellipsis, at most `longest` long."""
    if size(text) <= longest:
        return text
    room, kept = longest - size(ELLIPSIS), []
    for letter in text:
        room -= size(letter)
        if room < 0:
            break
        kept.append(letter)
    head = "".join(kept)
    word = head.rpartition(" ")[0]
    # A single word that fills the line is cut inside itself: better that than nothing of it.
    return (word if len(word) * 2 > len(head) else head).rstrip(" ,;:-") + ELLIPSIS


def plain(text: str, longest: int = 300) -> str:
    """`text` on one line without unseen characters, cut at a word; for elements that read no markup."""
    return cut(clean(text[: longest * 8], longest * 8), longest)


def letter(text: str) -> str:
    """A message as it will be read, every line kept; only characters nobody can see are left out."""
    lines = text.replace("\r\n", "\n").replace("\t", " ").split("\n")
    return "\n".join("".join(c for c in line if unicodedata.category(c) not in UNSEEN) for line in lines)


def unseen(text: str) -> int:
    """How many characters of a message `letter` leaves out."""
    return sum(unicodedata.category(c) in UNSEEN and c not in "\r\n\t" for c in text)


def mrkdwn(text: str, longest: int = 300) -> str:
    """`text` on one line, for the few places that read Slack's markup: it shows as it is typed and does nothing.

    The answer may be up to five times as long as `longest`, where `text` is all ampersands.
    """
    line = QUOTED.sub("› ", plain(text, longest))
    for pattern, instead in ((EMOJI, "∶"), (SCHEME, "∶"), (MENTION, "＠"), (CHANNEL, "＃"), (DOT, "․")):
        line = pattern.sub(instead, line)
    return line.translate(LOOKALIKES).translate(MARKUP)
