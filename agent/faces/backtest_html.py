"""The backtest's report as one self-contained HTML file: no script, nothing fetched."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.drafting.wording import clean
from agent.faces import backtest_charts as charts
from agent.faces.backtesting import looked_at, p_value
from agent.foundation.shipped import shipped
from agent.learning.backtest.field import HORIZONS
from agent.learning.backtest.result import Backtest, Signal
from agent.learning.backtest.verdict import factor, interval, percent

RANKED_BY = 60
"The horizon of the ranking, in days."


def html(found: Backtest, company: str = "") -> str:
    """The page; everything that came from outside is escaped."""
    folder = shipped("templates", "backtest")
    env = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(clean=clean, percent=percent, factor=factor)
    env.globals.update(interval=interval, percent=percent, p_value=p_value)
    style = (folder / "backtest.css").read_text(encoding="utf-8")
    # The hash lets this one style sheet in and nothing else: markup smuggled in by a name could do nothing.
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    whose, lead = charts.lead_of(found)
    return env.get_template("backtest.html.j2").render(
        found=found,
        company=company,
        looked_at=looked_at(found),
        bars=_spoke([found.bar, found.uncapped, found.undated.capped, found.undated.uncapped]) or [found.bar],
        plays=_spoke(found.plays),
        triggers=_spoke(found.triggers),
        silent=[one.name for one in found.triggers if not one.alerts],
        partial=[one for one in found.triggers if one.windows and one.windows.partial_dates],
        scatters=[charts.scatter(found, days) for days in HORIZONS],
        histogram=charts.histogram(lead, whose),
        strips=charts.strips(found.triggers, RANKED_BY),
        ranked_by=RANKED_BY,
        charts=charts,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=hashed,
    )


def _spoke(signals: tuple[Signal, ...] | list[Signal]) -> list[Signal]:
    return [one for one in signals if one.alerts]
