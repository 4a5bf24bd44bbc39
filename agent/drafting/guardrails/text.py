"""A message taken apart: subject, greeting, paragraphs, sentences and sign-off, with their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from agent.drafting.guardrails.folding import fold
from agent.drafting.guardrails.phrasing import Phrases, starts_of
from agent.drafting.guardrails.words import WORDS
from agent.drafting.message import Message

T = TypeVar("T")

LINE = re.compile(r"[^\n]+")
BLANK = re.compile(r"\n[ ]*(?:\n[ ]*)+")
SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?=\s|$)|\n(?=[ ]*(?:[-*•]|\d+[.)])\s)")
TITLED = "|".join(sorted(map(re.escape, WORDS.titles - {"sir", "miss", "madam"}), key=len, reverse=True))
"Titles that are written with a full stop, which ends no sentence."
NO_END = re.compile(rf"(?:\b(?:e\.g|i\.e|{TITLED}|vs|approx|no|incl|etc|ca|inc|ltd|co|st|p\.s|\b[a-z]))\.$")
GREETING = re.compile(
    r"(?:"
    + "|".join(sorted(map(re.escape, WORDS.greeting_words), key=len, reverse=True))
    + rf")\b(?:(?<!\w)(?:{TITLED})\.(?= ?[^\W\d_])|[^,!.:;?\n]){{0,60}}"
    r"(?:[,!.:;-]+|(?=\n)|$)",
)
NAME_ALONE = re.compile(
    r"[^\s,!.:;?\n]+(?: [^\s,!.:;?\n]+){0,3},(?: ?(?:hello|hi|hey|good (?:morning|afternoon|day))[,!.]?)?(?=\s*\n)"
)
CLOSING = re.compile(r"[^\W\d_][^\d.?!:;€$£%\n]{1,40}")
"A line that may close a letter, where the sender's name stands below it."
CLOSING_WORDS = 4
LETTERS_READ = 8_000
"More than this is no message; `length` says so, and the rest is not read."


class Part(NamedTuple):
    """A stretch of the folded text."""

    start: int
    end: int

    def holds(self, place: int) -> bool:
        """Whether `place` lies in it."""
        return self.start <= place < self.end


class Text:
    """A message as the guardrails read it.

    `folded` is the whole text in plain letters, `lower` the same in lower case; parts are places in these,
    and `origin` leads back to Message.text.
    """

    def __init__(self, message: Message, sender_names: tuple[str, ...] = ()) -> None:
        self.message = message
        self.raw = message.text[:LETTERS_READ]
        self._folded = fold(self.raw)
        self.folded = self._folded.text
        self.lower = self.folded.lower()
        if len(self.lower) != len(self.folded):
            # A letter whose small form is two would shift every place after it.
            self.lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in self.folded)
        self.notes: dict[str, object] = {}
        size = len(self.folded)
        self.subject = Part(0, min(self._place(len(message.subject)), size))
        self.body = Part(min(self._place(message.body_start), size), size)
        self.greeting = self._find_greeting()
        after = self.greeting.end if self.greeting else self.body.start
        self.sign_off = self._find_sign_off(after, sender_names)
        until = self.sign_off.start if self.sign_off else self.body.end
        self.paragraphs = tuple(self._split(Part(after, until)))
        self.last = self.paragraphs[-1] if self.paragraphs else None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The place in Message.text of a stretch of the folded text."""
        size = len(self.folded)
        start, end = max(0, min(start, size)), max(0, min(end, size))
        if end <= start:
            place = self._folded.starts[start] if start < size else len(self.raw)
            return place, place
        return self._folded.starts[start], self._folded.ends[end - 1]

    def original(self, part: Part) -> str:
        """The stretch as it was written."""
        start, end = self.origin(*part)
        return self.raw[start:end]

    def of(self, part: Part | None) -> str:
        """The stretch in lower case; empty for none."""
        return self.lower[part.start : part.end] if part else ""

    def memo(self, key: str, make: Callable[[], T]) -> T:
        """What several rules need, made once per check."""
        if key not in self.notes:
            self.notes[key] = make()
        return self.notes[key]  # type: ignore[return-value]

    def find(self, pattern: re.Pattern[str] | Phrases, part: Part | None = None) -> Iterator[Part]:
        """Every match of `pattern` in the lower-case text, or in one part of it."""
        where = part or Part(0, len(self.lower))
        if isinstance(pattern, Phrases):
            starts = self.memo("starts", lambda: starts_of(self.lower))
            matches = pattern.among(starts, self.lower, where.start, where.end)
        else:
            matches = pattern.finditer(self.lower, where.start, where.end)
        for match in matches:
            if match.end() > match.start():
                yield Part(*match.span())

    def sentences(self, part: Part) -> tuple[Part, ...]:
        """The sentences of a part, each with its stop."""
        found = []
        start = part.start
        for match in SENTENCE_END.finditer(self.lower, part.start, part.end):
            if NO_END.search(self.lower, max(part.start, match.end() - 12), match.end()):
                continue
            found.append(self._trim(Part(start, match.end())))
            start = match.end()
        found.append(self._trim(Part(start, part.end)))
        return tuple(one for one in found if one.end > one.start)

    def lines(self, part: Part) -> tuple[Part, ...]:
        """The lines of a part."""
        return tuple(Part(*match.span()) for match in LINE.finditer(self.lower, *part))

    def before_last(self) -> tuple[Part, ...]:
        """Subject and every paragraph but the last."""
        return (self.subject, *self.paragraphs[:-1])

    def _place(self, raw: int) -> int:
        """Where the raw place `raw` lies in the folded text."""
        starts = self._folded.starts
        if isinstance(starts, range):
            return raw
        low, high = 0, len(starts)
        while low < high:
            middle = (low + high) // 2
            if starts[middle] < raw:
                low = middle + 1
            else:
                high = middle
        return low

    def _trim(self, part: Part) -> Part:
        start, end = part
        while start < end and self.lower[start].isspace():
            start += 1
        while end > start and self.lower[end - 1].isspace():
            end -= 1
        return Part(start, end)

    def _find_greeting(self) -> Part | None:
        start = self._trim(self.body).start
        match = GREETING.match(self.lower, start) or NAME_ALONE.match(self.lower, start)
        return Part(*match.span()) if match else None

    def _split(self, part: Part) -> Iterator[Part]:
        start = part.start
        for match in BLANK.finditer(self.lower, part.start, part.end):
            if (one := self._trim(Part(start, match.start()))).end > one.start:
                yield one
            start = match.end()
        if (one := self._trim(Part(start, part.end))).end > one.start:
            yield one

    def _find_sign_off(self, after: int, sender_names: tuple[str, ...]) -> Part | None:
        """The closing words, the sender's name and what they call themselves, at the end of the body."""
        lines: list[Part] = []
        for one in self.lines(Part(after, self.body.end)):
            if (line := self._trim(one)).end > line.start:
                lines.append(line)
        own = set(sender_names)
        taken = len(lines)
        for back in range(1, min(6, len(lines)) + 1):
            line = lines[-back]
            words = self.of(line).strip(" -,.!*")
            if words in WORDS.closings:
                taken = len(lines) - back
                break
            if len(words.split()) > 6 or SENTENCE_END.search(self.of(line)):
                break
            if self._is_closing(line, taken < len(lines)):
                taken = len(lines) - back
                break
            if self._is_signature(words, own):
                if taken == len(lines) - back + 1:
                    taken = len(lines) - back
            elif len(words.split()) > 4:
                break
        return Part(lines[taken].start, lines[-1].end) if taken < len(lines) else None

    def _is_closing(self, line: Part, is_signed: bool) -> bool:
        """Whether a line above the sender's name closes the letter, in whatever words or language."""
        said = self.of(line)
        starts_block = self.lower[max(0, line.start - 2) : line.start] == "\n\n"
        return (
            is_signed
            and starts_block
            and len(said.split()) <= CLOSING_WORDS
            and bool(CLOSING.fullmatch(said))
        )

    def _is_signature(self, words: str, own: set[str]) -> bool:
        rest = f" {words} "
        for name in sorted(own, key=len, reverse=True):
            rest = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", rest)
        if rest.strip() == words:
            return words in WORDS.roles
        return all(word in WORDS.roles for word in re.split(r"[\s,|/&-]+", rest.strip()) if word)
