"""An evaluation as one self-contained HTML file: no script, nothing fetched, every text escaped."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.foundation.shipped import shipped
from evals.quality import measures, strips, summary
from evals.quality.comparison import PARTS, Comparison, Row
from evals.quality.drafts import CLEAN, ELSEWHERE, blocks, own_drafts, verdict
from evals.quality.gate import NOISE
from evals.quality.measured import preferred
from evals.quality.measures import Measure, Unit, percent, score, signed, written
from evals.quality.result import CaseResult, Miss, Rate, Run
from evals.quality.scorers import GUARDRAILS
from evals.quality.strips import Strip

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
LONGEST = 6_000
"Letters of one text; a draft has about one thousand."
MOST_MISSES = 200


@dataclass(frozen=True)
class Scored:
    """A score over all drafts."""

    measure: Measure
    mean: float
    least: float
    most: float
    of: int


@dataclass(frozen=True)
class Shown:
    """A case as it is shown: each of its drafts under a heading."""

    case_id: str
    verdict: str
    is_changed: bool
    is_clear: bool
    drafts: tuple[tuple[str, CaseResult], ...]


@dataclass(frozen=True)
class Rated:
    """A share of one rule, and its strip; None of none."""

    name: str
    rate: Rate
    strip: Strip | None


@dataclass(frozen=True)
class Missed:
    """A draft of the checker's corpus on which it erred, with every rule that did."""

    draft_id: str
    about: str
    text: str
    said: tuple[str, ...]


def html(run: Run, against: Comparison | None = None, baseline: Run | None = None) -> str:
    """The page; with a baseline, held against it measure by measure and case by case."""
    folder = shipped("templates", "eval")
    env = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(visible=visible, percent=percent)
    env.globals.update(
        written=written, signed=signed, verdict_of=verdict, strips=strips, summary=summary, Unit=Unit
    )
    style = (folder / "eval.css").read_text(encoding="utf-8")
    # The hash lets this one style sheet in and nothing else: markup smuggled in by a draft could do nothing.
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    drafts = list(own_drafts(run).values())
    rules = list(run.checker.rules) if run.checker else []
    return env.get_template("eval.html.j2").render(
        run=run,
        against=against,
        parts=_parts(against),
        guardrails=_guardrails(drafts),
        guardrail_axis=strips.axis_near_one(_guardrail_rates(drafts)),
        scores=_scores(drafts),
        recall_axis=strips.axis_near_one(one.recall for one in rules),
        alarm_axis=strips.axis_near_none(one.false_alarms for one in rules),
        erred=_erred(run.checker.misses if run.checker else ()),
        newly_erred=_erred(against.newly_missed if against else ()),
        most=MOST_MISSES,
        preferences=[(one, *preferred(one)) for one in run.preferences],
        spending=[
            (name, one, sum(float(getattr(d, name)) for d in drafts))
            for name, one in measures.spending().items()
        ],
        drafts=drafts,
        cases=_cases(run, against, baseline),
        others=sorted({one.writer for one in run.cases} - {run.writer}),
        classes=_classes(run),
        hidden=HIDDEN_NOTE,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=hashed,
    )


HIDDEN_NOTE = "A character that cannot be seen is written out: ⟨U+200B⟩."


def visible(text: object, longest: int = LONGEST) -> str:
    """`text` with what is hidden or reorders written out as ⟨U+202E⟩, its line ends kept, cut where it is too long."""
    said = str(text)
    cut = said if len(said) <= longest else f"{said[: longest - 1]}…"
    return "".join(
        letter if letter == "\n" or unicodedata.category(letter) not in UNSEEN else f"⟨U+{ord(letter):04X}⟩"
        for letter in cut
    )


def _parts(against: Comparison | None) -> list[tuple[str, list[tuple[Row, Strip]], list[str]]]:
    """Part by part: what moved, each with its strip, and the names of what did not."""
    if against is None:
        return []
    found = []
    for part, group in groupby(against.rows, key=lambda row: row.part):
        rows = list(group)
        moved = [row for row in rows if abs(row.difference) > NOISE]
        drawn = [
            strips.of_difference(row, reach) for row, reach in zip(moved, strips.reaches(moved), strict=True)
        ]
        still = [row.title for row in rows if row not in moved]
        found.append((PARTS[part], list(zip(moved, drawn, strict=True)), still))
    return found


def _guardrail_rates(drafts: list[CaseResult]) -> list[Rate]:
    return [rate for _, rate in _rates(drafts)]


def _rates(drafts: list[CaseResult]) -> list[tuple[str, Rate]]:
    if not drafts:
        return []
    named = dict.fromkeys([*GUARDRAILS, *sorted(rule for one in drafts for rule in blocks(one))])
    each = [(rule, summary.rate(rule not in blocks(one) for one in drafts)) for rule in named]
    return [("every guardrail", summary.rate(not blocks(one) for one in drafts)), *each]


def _guardrails(drafts: list[CaseResult]) -> list[Rated]:
    rates = _rates(drafts)
    axis = strips.axis_near_one(rate for _, rate in rates)
    return [Rated(name, rate, strips.of_rate(rate, axis, name)) for name, rate in rates]


def _scores(drafts: list[CaseResult]) -> list[Scored]:
    named = dict.fromkeys(name for one in drafts for name in one.scores if name not in ELSEWHERE)
    found = ((name, summary.mean_of(drafts, name)) for name in named)
    return [Scored(score(name), *known) for name, known in found if known]


def _classes(run: Run) -> tuple[list[str], dict[str, dict[str, float | int | None]]]:
    """What is told of the classifiers class by class: the names of the figures, and those of each class."""
    table: dict[str, dict[str, float | int | None]] = {}
    for name, value in run.classifier.items():
        figure, colon, one = name.partition(": ")
        if colon:
            table.setdefault(one, {})[figure] = value
    return list(dict.fromkeys(figure for row in table.values() for figure in row)), table


def _erred(misses: Iterable[Miss]) -> list[tuple[str, list[Missed]]]:
    """Planted faults that passed, then clean drafts that were blocked; a draft once, whatever rules erred."""
    found: dict[tuple[bool, str], list[Miss]] = {}
    for miss in misses:
        found.setdefault((miss.kind == CLEAN, miss.draft_id), []).append(miss)
    shown: dict[bool, list[Missed]] = {False: [], True: []}
    for (is_clean, draft_id), group in found.items():
        rules = ", ".join(dict.fromkeys(one.rule for one in group))
        about = f"blocked by {rules}" if is_clean else f"{group[0].kind}, meant for {rules}"
        said = tuple(one.said for one in group if one.said)
        shown[is_clean].append(Missed(draft_id, about, group[0].text, said))
    titles = {False: "Planted faults it missed", True: "Clean drafts it blocked"}
    return [(titles[is_clean], drafts) for is_clean, drafts in shown.items() if drafts]


def _cases(run: Run, against: Comparison | None, baseline: Run | None) -> list[Shown]:
    """Every case with its drafts; those whose verdict changed first."""
    before = own_drafts(baseline) if baseline else {}
    changed = {one.case_id: one for one in against.changes} if against else {}
    beside: dict[str, list[CaseResult]] = {}
    for one in run.cases:
        if one.writer != run.writer:
            beside.setdefault(one.case_id, []).append(one)
    found = []
    for case_id, draft in own_drafts(run).items():
        drafts = [("Before", before[case_id])] if case_id in before else []
        drafts.append(("Now" if drafts else f"Written by the {draft.writer}", draft))
        drafts += [(f"For comparison: {one.writer}", one) for one in beside.get(case_id, [])]
        change = changed.get(case_id)
        said = f"{change.was} before; {change.is_now} now" if change else verdict(draft)
        found.append(Shown(case_id, said, change is not None, not blocks(draft), tuple(drafts)))
    return sorted(found, key=lambda one: (not one.is_changed, one.is_clear))
