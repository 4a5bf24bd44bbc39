"""Leave to wait: where the last paragraph says that not yet is fine, in whatever words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.resources import files

from agent.drafting.brief import Brief
from agent.drafting.guardrails.figures import days_of, ledger_of, quoted
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.phrasing import Phrases
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.units import Kind
from agent.drafting.guardrails.words import WORDS, stem

UNSAID = re.compile(
    r"(?:not (?:just |quite )?yet|not now|later|waiting)(?:'s|s)? ?(?:is|are|would be|works)?"
    r"(?:(?: not|n't) | no (?:good|option|answer|way))"
    r"|not yet isn't|(?:no time|nothing) to wait"
    r"|(?:can't|cannot|shouldn't|should not|better not(?: to)?|not to) wait"
)
"What takes the leave back: not yet is not fine."
BUT_DEAR = re.compile(
    r"(?<!\w)(?:but|though|although|however|except|and|yet|while)(?!\w)"
    r"(?:(?!(?<!\w)(?:if|when|once|should|unless|no|not)(?!\w)|n't(?!\w))[^.?!]){0,70}?(?<!\w)"
    r"(?:regret|los(?:e|es|ing)|costs?(?! (?:you )?nothing)|pay more|dearer|more expensive|worse|too late|gone"
    r"|at your (?:own )?risk|(?:would|should)n't|not (?:for long|recommend|advise)|only until|runs? out"
    r"|prices? (?:\w+ )?(?:go|rise|climb|change|increase)(?:s|es)?|suffers?)(?!\w)"
)
"What puts a price on the leave that stands before it."
NEAR = 70
"So many letters may stand between a word of waiting and one of leave."
AGAIN = frozenset(
    stem(word)
    for word in ("again", "another", "more", "once", "back", "repeat", "return", "past", "over", "above")
)


class _Leave:
    """The lists of waiting.toml, compiled."""

    def __init__(self) -> None:
        here = files(__package__ or "agent.drafting.guardrails")
        lists = tomllib.loads((here / "waiting.toml").read_text(encoding="utf-8"))
        self.said = Phrases(lists["leave_said"])
        self.waits = Phrases(lists["waits"])
        self.leave = Phrases(lists["leave"])
        self.no_leave = Phrases(lists["no_leave"])


LEAVE = _Leave()
TOO_COMMON = frozenset({"day", "plan", "tim", "look", "shar"})
"Stems that name no metric by themselves."


def leave_in(text: Text, last: Part) -> Part | None:
    """Where the last paragraph gives leave to wait; None where it does not, or takes it back."""
    return text.memo(f"leave in {last.start}", lambda: _leave_in(text, last))


def _leave_in(text: Text, last: Part) -> Part | None:
    if next(text.find(UNSAID, last), None) is not None:
        return None
    sentences = text.sentences(last)
    asked = 1 + next((at for at, one in enumerate(sentences) if "?" in text.of(one)), -1)
    # Most say it after the question.
    for place, sentence in [*list(enumerate(sentences))[asked:], *list(enumerate(sentences))[:asked]]:
        if (said := leave_of(text, sentence)) is not None:
            return said
        # 'Yes, no, not yet? All three are fine.' says it in two sentences.
        for near in sentences[place + 1 : place + 2]:
            if "?" in text.of(near) or is_dear(text, near) or not _free(text, (WORDS.welcome,), near):
                continue
            if waits := _free(text, (WORDS.waiting, LEAVE.waits), sentence):
                return waits[0]
    return None


def leave_of(text: Text, sentence: Part) -> Part | None:
    """Where one sentence gives leave to wait: a word of waiting and one of leave, none of them denied."""
    if is_dear(text, sentence):
        return None
    for complete in (WORDS.not_yet, LEAVE.said):
        if said := _free(text, (complete,), sentence):
            return said[0]
    if "?" in text.of(sentence):
        return None
    waits = _free(text, (WORDS.waiting, LEAVE.waits), sentence)
    leaves = _free(text, (WORDS.welcome, LEAVE.leave), sentence) if waits else []
    for one in waits:
        for other in leaves:
            apart = max(other.start - one.end, one.start - other.end)
            if 0 <= apart <= NEAR:
                return min(one, other)
    return None


def _free(text: Text, lists: Iterable[Phrases | re.Pattern[str]], sentence: Part) -> list[Part]:
    """What of `lists` a sentence says and does not deny."""
    found = [one for phrases in lists for one in text.find(phrases, sentence)]
    if not found:
        return found
    denied = text.memo(f"no leave {sentence.start}", lambda: list(text.find(LEAVE.no_leave, sentence)))
    # 'If now is not right' denies nothing of its own 'if'.
    return [one for one in found if not any(no.holds(one.start) for no in denied)]


def is_dear(text: Text, sentence: Part) -> bool:
    """Whether a sentence puts a price on waiting: 'you can wait, but it will cost you'."""
    return next(text.find(BUT_DEAR, sentence), None) is not None


def after_leave(text: Text, last: Part, said: Part) -> Iterator[Part]:
    """The sentences of the last paragraph from the one that says not yet on; the one before it, last."""
    sentences = text.sentences(last)
    yield from [one for one in sentences if one.end > said.start]
    yield from [one for one in sentences if one.end <= said.start][-1:]


def watches(text: Text, brief: Brief, sentence: Part) -> bool:
    """Whether a sentence names a metric of the brief together with its figure."""
    words = {stem(word) for word in re.findall(r"[a-z']+", text.of(sentence))}
    watch = plain(brief.watch.sentence).rstrip(".")
    if watch and watch in " ".join(text.of(sentence).split()):
        return True
    about = _stems(brief.watch.sentence)
    own = {brief.watch.figure_id, *brief.watch.figure_ids}
    for _, entry in quoted(text, brief, sentence):
        if entry is None or words & ((entry.stems | about) - TOO_COMMON):
            return True
        # The very figure to watch: 'more than 6 times in 30 days' needs no noun to be understood.
        if entry.figure_id in own and (entry.kind is not Kind.DURATION or words & AGAIN):
            return True
    # An offer's ceiling is no metric, the ceiling they have is: 'when you pass 1,000 exports'.
    return any(
        sentence.holds(day.start) and bool(words & about) and ledger_of(text, brief).knows(day)
        for day in days_of(text, brief)
    )


def _stems(one: str) -> set[str]:
    return {
        stem(word) for word in re.findall(r"[a-z']+", plain(one)) if len(word) > 2 and word not in WORDS.empty
    }
