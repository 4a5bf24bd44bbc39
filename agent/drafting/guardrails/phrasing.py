"""Long lists of phrases, found by how each begins: a text is read once, however long the list."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

KEY = 2
"Letters of a phrase's beginning that it is filed under."
WORD_START = re.compile(r"(?<!\w)\w|%")
LOOKAROUND = re.compile(r"\(\?<?[=!]")
CLASSES = {"s": " "}


def starts_of(text: str) -> list[tuple[int, str]]:
    """Every place where a phrase may begin, with the letters it is looked up by."""
    return [(match.start(), text[match.start() : match.start() + KEY]) for match in WORD_START.finditer(text)]


class Phrases:
    """Patterns at word ends, the longest first; found as one alternation of them would be."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._ordered = sorted(patterns, key=len, reverse=True)
        self._starts = [beginnings(pattern, KEY) for pattern in self._ordered]
        self._by_key: dict[str, re.Pattern[str] | None] = {}

    def finditer(self, text: str, start: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
        """Every match between two places, none over another."""
        return self.among(starts_of(text), text, start, len(text) if end is None else end)

    def among(
        self, starts: list[tuple[int, str]], text: str, start: int, end: int
    ) -> Iterator[re.Match[str]]:
        """The same, for a text whose starts of words are known."""
        by_key, done = self._by_key, start
        first = bisect_left(starts, (start, "")) if start else 0
        for place, key in starts[first:] if first else starts:
            pattern = by_key[key] if key in by_key else self._file(key)
            if pattern is None or place < done:
                continue
            if place >= end:
                return
            match = pattern.match(text, place, end)
            if match is not None and match.end() > place:
                done = match.end()
                yield match

    def _file(self, key: str) -> re.Pattern[str] | None:
        """The phrases that may begin with `key`; None where none does."""
        plain = "".join(" " if letter.isspace() else letter for letter in key)
        held = [
            pattern
            for pattern, starts in zip(self._ordered, self._starts, strict=True)
            if any(plain.startswith(one) for one in starts)
        ]
        before = "(?<!\\w)" if key[0].isalnum() else ""
        self._by_key[key] = made = re.compile(f"{before}(?:{spaced(held)})(?!\\w)") if held else None
        return made


def spaced(patterns: Iterable[str]) -> str:
    """One alternation of patterns in which a space stands for any space."""
    return "|".join(pattern.replace(" ?", "\\s?").replace(" ", r"\s+") for pattern in patterns)


def beginnings(pattern: str, letters: int) -> frozenset[str]:
    """What a match of `pattern` may begin with, up to so many letters; a shorter one says no more is known."""
    if not letters or not pattern:
        return frozenset({""})
    if LOOKAROUND.match(pattern):
        return beginnings(pattern[_close(pattern) :], letters)
    if pattern.startswith("(?:"):
        close = _close(pattern)
        inner, rest = pattern[3 : close - 1], pattern[close:]
        if rest[:1] in ("+", "{"):
            return frozenset({""})
        may_lack = rest[:1] in ("?", "*")
        rest = rest[1:] if may_lack else rest
        found = frozenset(
            one for alternative in _split(inner) for one in beginnings(alternative + rest, letters)
        )
        return found | beginnings(rest, letters) if may_lack else found
    if pattern.startswith("\\b"):
        return beginnings(pattern[2:], letters)
    if pattern[0] in "([.^$|*+?{":
        return frozenset({""})
    size = 2 if pattern[0] == "\\" else 1
    letter = CLASSES.get(pattern[1], "") if size == 2 else pattern[0]
    if size == 2 and not letter:
        if pattern[1].isalnum():
            return frozenset({""})
        letter = pattern[1]
    rest = pattern[size:]
    if rest[:1] in ("+", "{"):
        return frozenset({letter})
    if rest[:1] in ("?", "*"):
        after = beginnings(rest[1:], letters)
        return after | {letter + one for one in beginnings(rest[1:], letters - 1)}
    return frozenset(letter + one for one in beginnings(rest, letters - 1))


def _close(pattern: str) -> int:
    """The place after the group that `pattern` begins with."""
    depth, place = 0, 0
    while place < len(pattern):
        if pattern[place] == "\\":
            place += 1
        elif pattern[place] == "[":
            place = pattern.index("]", place + 2)
        elif pattern[place] == "(":
            depth += 1
        elif pattern[place] == ")":
            depth -= 1
            if not depth:
                return place + 1
        place += 1
    return len(pattern)


def _split(inner: str) -> list[str]:
    """The alternatives of a group."""
    found, start, place = [], 0, 0
    while place < len(inner):
        if inner[place] == "\\":
            place += 1
        elif inner[place] == "[":
            place = inner.index("]", place + 2)
        elif inner[place] == "(":
            place = place + _close(inner[place:]) - 1
        elif inner[place] == "|":
            found.append(inner[start:place])
            start = place + 1
        place += 1
    return [*found, inner[start:]]
