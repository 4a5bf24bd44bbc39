"""What can be said about a finding: its slots, and the wordings of the phrase book that they fill."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from agent.drafting.templating import Pick, compiled, phrasebook
from agent.drafting.wording import clean, label, safe_name
from agent.signals.finding import Figure, Finding

NO_NOUN = {
    "",
    "count",
    "counts",
    "number",
    "numbers",
    "unit",
    "units",
    "share",
    "ratio",
    "days",
    "money",
    "date",
    "minutes",
}
UNIT_OF = {"share": "share", "ratio": "ratio", "minutes": "minutes", "when": "date"}
COUNTED = {"n", "used", "ceiling", "minutes"}
METRIC_GROUP = "usage_pressure"
NAMED_BY_CUSTOMER = {"new_team"}


class Said(NamedTuple):
    """A sentence with the ids of the figures it quotes."""

    text: str
    figure_ids: tuple[str, ...]


class Slots(NamedTuple):
    """What the wordings about a finding may use: display texts, and which of them are figures."""

    values: dict[str, str]
    figure_ids: dict[str, str]


def slots(finding: Finding, *, plan: str, product: str) -> Slots:
    """The slots a finding of a brief fills; a slot it has no figure or name for is absent."""
    figures = _figures(finding)
    values = {name: _shown(name, figure) for name, figure in figures.items()}
    values |= {"plan": plan, "product": product}
    if finding.key is not None:
        values["team" if finding.trigger in NAMED_BY_CUSTOMER else "thing"] = finding.key
        things = _noun(figures.get("used")) or _noun(figures.get("ceiling")) or finding.key
        values["things"] = things
    values |= _against_ceiling(figures)
    return Slots(values, {name: figure.figure_id for name, figure in figures.items()})


def topic(finding: Finding, labels: Mapping[str, str]) -> str | None:
    """The metric, feature, product or team a finding is about, as a customer may read it; None when unfit for that."""
    if finding.key is None:
        return None
    if finding.trigger in NAMED_BY_CUSTOMER:
        return safe_name(finding.key)
    return label(labels.get(finding.key, finding.key), common=finding.group == METRIC_GROUP)


def say(part: str, finding: Finding, filled: Slots, pick: Pick) -> Said | None:
    """The account's wording of `part` (subject, problem, support, watch) for a finding; None when none fits."""
    for listed in (part, f"{part}_else"):
        wordings = phrasebook().get(finding.trigger, {}).get(listed, [])
        fitting = [wording for wording in wordings if compiled(wording)[1] <= filled.values.keys()]
        if fitting:
            template, needed = compiled(fitting[pick(f"{finding.trigger}.{part}", len(fitting))])
            ids = tuple(filled.figure_ids[name] for name in sorted(needed) if name in filled.figure_ids)
            return Said(template.render(filled.values), ids)
    return None


def _figures(finding: Finding) -> dict[str, Figure]:
    """The finding's figures by the part they play in a sentence."""
    found: dict[str, Figure] = {}
    for role in ("used", "ceiling", "window"):
        figure = next((f for f in finding.figures if role in f.figure_id.split("_")), None)
        if figure is not None:
            found[role] = figure
    for role, unit in UNIT_OF.items():
        figure = _best([f for f in finding.figures if f.unit == unit], finding)
        if figure is not None:
            found[role] = figure
    taken = {figure.figure_id for figure in found.values()}
    counts = [f for f in finding.figures if f.figure_id not in taken and f.unit not in {"money", "days"}]
    headline = _best(counts, finding)
    if headline is not None:
        found["n"] = headline
    return found


def _against_ceiling(figures: dict[str, Figure]) -> dict[str, str]:
    """Which side of its ceiling the finding lies on, as the word that only wordings of that side ask for."""
    if "used" not in figures or "ceiling" not in figures:
        return {}
    used, ceiling = _number(figures["used"]), _number(figures["ceiling"])
    if used < ceiling:
        return {"room": "little"}
    return {"full": "all"} if used == ceiling else {"past": "past"}


def _best(figures: list[Figure], finding: Finding) -> Figure | None:
    """The figure that is the finding's own value, else the first."""
    own = [f for f in figures if not hasattr(f.value, "year") and f.value == finding.value]
    return next(iter(own + figures), None)


def _shown(role: str, figure: Figure) -> str:
    """The figure as it is shown; a count without its noun, because the wording brings its own."""
    shown = clean(figure.display, 40)
    bare = re.match(r"[\d.,]*\d", shown)
    return bare.group() if bare and role in COUNTED else shown


def _noun(figure: Figure | None) -> str | None:
    if figure is None or figure.unit.lower() in NO_NOUN:
        return None
    return label(figure.unit, common=True)


def _number(figure: Figure) -> float:
    return float(figure.value) if isinstance(figure.value, int | float) else 0.0


def plan_words(plan_name: str | None) -> str:
    """'your Starter plan' for both 'Starter' and 'Starter plan', 'your plan' for no name or an unfit one."""
    name = label(plan_name)
    if name is None:
        return "your plan"
    return f"your {name}" if name.lower().endswith(" plan") else f"your {name} plan"
