"""What can be said about a finding: its slots, and the wordings of the phrase book that they fill."""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.drafting.templating import Pick, compiled, phrasebook
from agent.drafting.wording import clean, label
from agent.signals.finding import Figure, Finding

AGAINST = {"ceiling": "used", "seats": "seats_taken"}
"A figure that is a ceiling, and the one that is held against it."
NAMED_BY_CUSTOMER = {"new_team"}
ABOUT = ("metric", "feature", "product", "team")
UNNAMED = {"metric": "your usage", "feature": "a feature", "product": "another product", "team": "new"}
"What stands for a name that is unfit for a message."
SPOKEN = {"1 time": "once", "2 times": "twice"}
SLOT = re.compile(r"\{([a-z_][a-z0-9_]*)\}", re.IGNORECASE)


class Said(NamedTuple):
    """A sentence with the ids of the figures it quotes."""

    text: str
    figure_ids: tuple[str, ...]


class Slots(NamedTuple):
    """What the wordings about a finding may use: display texts, and which of them are figures."""

    values: dict[str, str]
    figure_ids: dict[str, str]


def slots(finding: Finding, plan_name: str | None, product: str) -> Slots:
    """The slots a finding of a brief fills; a slot it has no figure or name for is absent."""
    figures = {figure.figure_id.removeprefix(f"{finding.trigger}_"): figure for figure in finding.figures}
    values = {name: clean(figure.display, 40) for name, figure in figures.items()}
    values |= {"plan": plan_words(plan_name), "company_product": clean(product)}
    if finding.key is not None:
        values["team" if is_named_by_customer(finding) else "thing"] = finding.key
    for ceiling, used in AGAINST.items():
        if ceiling in figures and used in figures:
            values["things"] = figures[ceiling].unit
            values |= _against_ceiling(figures[used], figures[ceiling])
    return Slots(values, {name: figure.figure_id for name, figure in figures.items()})


def is_named_by_customer(finding: Finding) -> bool:
    """Whether its key is a customer's own word, such as a team."""
    return finding.trigger in NAMED_BY_CUSTOMER or finding.about == "team"


def say(part: str, finding: Finding, filled: Slots, pick: Pick) -> Said | None:
    """The account's wording of `part` (subject, problem, support, watch); None when none fits."""
    for listed in (part, f"{part}_else"):
        wordings = phrasebook().get(finding.trigger, {}).get(listed, [])
        fitting = [wording for wording in wordings if compiled(wording)[1] <= filled.values.keys()]
        if fitting:
            template, needed = compiled(fitting[pick(f"{finding.trigger}.{part}", len(fitting))])
            ids = tuple(filled.figure_ids[name] for name in sorted(needed) if name in filled.figure_ids)
            return Said(template.render(filled.values), ids)
    return None


def own_words(finding: Finding, filled: Slots, plan_name: str | None) -> str:
    """The sentence of a trigger of the founder's own with its slots filled by names fit for a message.

    A finding that was kept without such a sentence is told in the words it has.
    """
    if not finding.wording:
        return clean(finding.says)
    about = finding.key or UNNAMED.get(finding.about or "", "it")
    plan = (label(plan_name) or "current").removesuffix(" plan").removesuffix(" Plan")
    names = {**dict.fromkeys(ABOUT, about), "features": about, "plan": plan}

    def fill(slot: re.Match[str]) -> str:
        name = slot.group(1)
        return (
            SPOKEN.get(filled.values[name], filled.values[name])
            if name in filled.figure_ids
            else names.get(name, "")
        )

    return clean(SLOT.sub(fill, finding.wording), 400)


def plan_words(plan_name: str | None) -> str:
    """'your Starter plan' for both 'Starter' and 'Starter plan', 'your plan' for no name or an unfit one."""
    name = label(plan_name)
    if name is None:
        return "your plan"
    return f"your {name}" if name.lower().endswith(" plan") else f"your {name} plan"


def _against_ceiling(used: Figure, ceiling: Figure) -> dict[str, str]:
    """Which side of its ceiling a figure lies on, as the word that only wordings of that side ask for."""
    level, limit = _number(used), _number(ceiling)
    if level < limit:
        return {"room": "little"}
    if level > limit:
        return {"past": "past"}
    return {"full": "all", "sole" if limit == 1 else "several": "all"}


def _number(figure: Figure) -> float:
    return float(figure.value) if isinstance(figure.value, int | float) else 0.0
