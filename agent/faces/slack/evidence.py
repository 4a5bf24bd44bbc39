"""Why an account, in rich text: each finding with its figures, each figure with where it comes from."""

from __future__ import annotations

from collections.abc import Sequence

from agent.drafting.wording import sentence
from agent.faces.slack.blocks import Block, bold, bullets, line, short_days, soft, words
from agent.faces.slack.escaping import ELLIPSIS, plain
from agent.signals.display import count
from agent.signals.finding import Figure, Finding

FINDINGS_SHOWN = 5
FIGURES_SHOWN = 2
FIGURES_IN_FULL = 6
SAYS, LABEL, DISPLAY, FORMULA, VALUE = 240, 80, 40, 300, 60


def why_now(findings: Sequence[Finding], number: int = FINDINGS_SHOWN) -> list[Block]:
    """The first findings with their main figures and sources, as a list in a list; and how many more there are."""
    parts: list[Block] = [line(bold("Why now"))]
    for finding in findings[:number]:
        parts.append(bullets([[words(says(finding))]]))
        if measured := [one for one in finding.figures if one.rows_total][:FIGURES_SHOWN]:
            parts.append(bullets([quoted(one) for one in measured], indent=1))
    more = len(findings) - number
    if more > 0:
        parts.append(line(soft(f"And {count(more, 'more finding').display}: see Why this account.")))
    return parts


def says(finding: Finding) -> str:
    """The finding as a sentence."""
    told = plain(finding.says, SAYS)
    if told.endswith(ELLIPSIS):
        return told
    return sentence(told) if told.strip(" .!?;,:") else in_words(finding.trigger)


def in_words(name: str) -> str:
    """'limit_hits' as 'limit hits'."""
    return plain(name.replace("_", " "), LABEL)


def quoted(figure: Figure) -> list[Block]:
    """'attempts to use SSO: 3 times (3 rows of events, 18 to 31 January 2026)'."""
    return [
        words(f"{plain(figure.label, LABEL) or plain(figure.figure_id, LABEL)}: "),
        bold(plain(figure.display, DISPLAY) or "–"),
        soft(f" ({source(figure)})"),
    ]


def source(figure: Figure) -> str:
    """Which table, how many rows, which days: '3 rows of events, 18 to 31 January 2026'."""
    days = short_days(figure.first_day, figure.last_day)
    if not figure.rows_total:
        return days
    tables = " and ".join(sorted({plain(row.table, 40) for row in figure.rows}))
    rows = count(figure.rows_total, "row").display
    return f"{rows} of {tables}, {days}" if tables else f"{rows}, {days}"


def in_full(finding: Finding) -> list[Block]:
    """A finding with every figure, its formula, its source and the first of its rows."""
    about = f" ({plain(finding.key, LABEL)})" if finding.key else ""
    parts = [
        line(bold(says(finding))),
        line(soft(f"{in_words(finding.trigger)}{about}, {short_days(finding.first_day, finding.last_day)}")),
    ]
    for figure in finding.figures[:FIGURES_IN_FULL]:
        parts.append(bullets([quoted(figure)]))
        under = [[words(plain(figure.formula, FORMULA))]] if figure.formula.strip() else []
        under += [[soft(one)] for one in rows(figure)]
        if under:
            parts.append(bullets(under, indent=1))
    more = len(finding.figures) - FIGURES_IN_FULL
    if more > 0:
        parts.append(bullets([[soft(f"and {count(more, 'more figure').display}")]]))
    return parts


def rows(figure: Figure, number: int = 2) -> list[str]:
    """The first source rows, and how many more there are."""
    told = []
    for row in figure.rows[:number]:
        values = ", ".join(
            f"{plain(name, 40)} {plain(str(value), VALUE)}"
            for name, value in row.values.items()
            if value is not None
        )
        told.append(plain(f"{row.table}: {values}", FORMULA))
    more = figure.rows_total - min(len(figure.rows), number)
    return [*told, f"and {count(more, 'more row').display}"] if more > 0 and told else told
