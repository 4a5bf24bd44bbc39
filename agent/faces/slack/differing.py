"""What changed between two texts, word by word, in rich text: taken out is struck through, put in is bold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from agent.drafting.message import Message
from agent.faces.slack.blocks import Block, bold, soft, words
from agent.faces.slack.escaping import cut, letter, size

TOKEN = re.compile(r"\n|[^\S\n]+|[^\s]+")
MOST_TOKENS = 4_000
"Comparing longer texts word by word would take seconds."
MOST_SHOWN = 6_000
"Far more than any message: what is longer cannot be edited or approved in Slack anyway."


def differences(before: Message, after: Message) -> list[Block]:
    """Both messages in one, subject first."""
    return word_diff(before.text, after.text)


def word_diff(before: str, after: str) -> list[Block]:
    """Both texts in one; of texts too long to compare, all of the old and all of the new."""
    old, new = TOKEN.findall(letter(before)), TOKEN.findall(letter(after))
    if len(old) + len(new) > MOST_TOKENS:
        return [_taken("".join(old)), words("\n"), _put("".join(new))]
    parts: list[Block] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(words("".join(old[i1:i2])))
            continue
        if i1 < i2:
            parts.append(_taken("".join(old[i1:i2])))
        if j1 < j2:
            # Without the gap two words would read as one.
            gap = " " if i1 < i2 and not new[j1].isspace() and not old[i2 - 1].isspace() else ""
            parts += [words(gap), _put("".join(new[j1:j2]))] if gap else [_put("".join(new[j1:j2]))]
    return [one for one in parts if one["text"]]


def clipped(elements: Iterable[Block], most: int = MOST_SHOWN) -> list[Block]:
    """The elements, or as many as a dialogue has room for, with a word that they go on."""
    kept: list[Block] = []
    room = most
    for one in elements:
        text = str(one["text"])
        if size(text) > room:
            return [*kept, one | {"text": cut(text, max(room, 2))}, soft(" (it goes on)")]
        kept.append(one)
        room -= size(text)
    return kept


def _taken(text: str) -> Block:
    # Line ends that are gone would tear the text apart where it now runs on.
    return words(text.replace("\n", " ¶ "), strike=True)


def _put(text: str) -> Block:
    return bold(text)
