"""Features and use cases found in a text by their names, however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agent.signals.tickets.port import Catalogue
from agent.signals.tickets.reading import QUOTE_AT_MOST, plain

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORDS = re.compile(r"[^\W_]+")
_BETWEEN = r"(?:[ _/-](?:(?:our|the|an?|my|their|your|all|these|those|some|more) )?)"


class Names:
    """The catalogue's names as one pattern, the longest first."""

    def __init__(self, catalogue: Catalogue, same: Iterable[Iterable[str]]) -> None:
        spelled: dict[tuple[str, ...], str] = {}
        for feature in sorted(catalogue.features):
            if words := stems(feature):
                spelled.setdefault(words, feature)
        for group in [[stems(name) for name in names] for names in same]:
            known = next((spelled[words] for words in group if words in spelled), None)
            for words in group:
                if known is not None:
                    spelled.setdefault(words, known)
        self._spelled = spelled
        self._joined = {"".join(words): name for words, name in reversed(list(spelled.items()))}
        self._pattern = _any_of(spelled, r"[ _/-]?")
        self._use_cases = {
            product: pattern
            for product, phrases in sorted(catalogue.use_cases.items())
            if (pattern := _any_of((stems(phrase) for phrase in phrases), _BETWEEN))
        }

    def features(self, text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, str]]:
        """Each feature in plain `text`: first place, place after the last, the catalogue's spelling."""
        if self._pattern is None:
            return
        for hit in self._pattern.finditer(text, start, len(text) if end is None else end):
            letters = "".join(_WORDS.findall(hit.group().removesuffix("’s")))
            name = self._joined.get(letters) or self._joined.get("".join(stems(hit.group())))
            if name := name or self._joined.get(letters.removesuffix("s")):
                yield hit.start(), hit.end(), name

    def feature_named(self, column: str | None) -> str | None:
        """The catalogue's spelling of a `feature` column, or the column's own where it has no such name."""
        if column is None or not column.strip():
            return None
        return self._joined.get("".join(stems(column)), column.strip()[:QUOTE_AT_MOST])

    def known(self, name: str | None) -> str | None:
        """The catalogue's spelling of a feature's name, however it is written; None where it lists no such feature."""
        return self._joined.get("".join(stems(name))) if name else None

    def use_cases(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Each use case plain `text` describes: first place, place after the last, the product."""
        for product, pattern in self._use_cases.items():
            for hit in pattern.finditer(text):
                yield hit.start(), hit.end(), product


def stems(name: str) -> tuple[str, ...]:
    """The words of a name without number: 'Audit-Logs', 'audit_log' and 'auditLog' are ('audit', 'log')."""
    return tuple(_stem(word) for word in _WORDS.findall(plain(_HUMP.sub(" ", name))))


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _any_of(names: Iterable[tuple[str, ...]], between: str) -> re.Pattern[str] | None:
    """A pattern for any of the names with the words apart by `between`, longest name first."""
    ordered = sorted({words for words in names if words}, key=lambda words: (-len("".join(words)), words))
    if not ordered:
        return None
    return re.compile(
        r"(?<![^\W_])(?:" + "|".join(between.join(map(_loose, words)) for words in ordered) + r")(?![^\W_])"
    )


def _loose(stem: str) -> str:
    """The word in singular or plural."""
    if len(stem) > 3 and stem.endswith("y"):
        return re.escape(stem[:-1]) + "(?:y|ies|ys)"
    return re.escape(stem) + "(?:’?s)?"
