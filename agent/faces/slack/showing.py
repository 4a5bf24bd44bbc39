"""What a card shows now: the draft out of the state, its chart, and what holds outside it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlmodel import col, select

from agent.approval.opportunities import newest_opportunity
from agent.approval.switches import sending_stopped
from agent.approval.tables import ScanRun
from agent.approval.views import DraftView, show_draft
from agent.faces.slack.card import CardView
from agent.faces.slack.client import Slack, SlackTrouble, asked
from agent.foundation.errors import OutgrownError

if TYPE_CHECKING:
    from agent.foundation.store import Store
    from agent.wiring import House

log = logging.getLogger("outgrown.slack")


def card_view(store: Store, draft_id: str, chart_file: str | None, chart_says: str) -> CardView:
    """Everything the card of a draft shows, out of the state alone.

    Raises NotFound when the draft was erased.
    """
    view = show_draft(store, draft_id)
    newest = newest_opportunity(store, view.line.account_id)
    holds = tuple(hold.says for hold in newest.holds) if newest else ()
    return CardView(
        view=view,
        chart_file=chart_file,
        chart_says=chart_says or f"Twelve weeks of use of {view.line.account_name}",
        age=_age(store),
        holds=holds,
        stopped=stopped_words(store),
    )


def stopped_words(store: Store) -> str | None:
    """Who stopped sending, when and why; None while messages leave."""
    with store.reading() as session:
        switch = sending_stopped(session)
        if switch is None:
            return None
        who = "in Slack" if switch.who.startswith("slack:") else f"by {switch.who}"
        reason = f": {switch.reason}" if switch.reason else ""
        return f"{who} on {switch.since:%Y-%m-%d %H:%M} UTC{reason}"


def _age(store: Store) -> str:
    """When every account was looked at last: a moment, for a card stands for days."""
    with store.reading() as session:
        newest = session.exec(
            select(ScanRun.recorded_at).order_by(col(ScanRun.scan_id).desc()).limit(1)
        ).first()
    return f"looked at {newest:%Y-%m-%d %H:%M} UTC" if newest else ""


def upload_chart(house: House, slack: Slack, view: DraftView) -> tuple[str, str] | None:
    """The chart's id with Slack, and the chart in words; None whenever it cannot be had.

    A chart never keeps a card back: facts that are busy or an upload that fails only leave it out.
    """
    from agent.faces.slack.chart_png import chart_png, chart_words
    from agent.faces.slack.charting import chart_of

    try:
        chart = chart_of(house.again(), view.brief)
        if chart is None:
            return None
        image, says = chart_png(chart), chart_words(chart)
        said = asked(
            lambda: slack.safe.files_upload_v2(
                content=image, filename="chart.png", title="Twelve weeks", alt_txt=says[:900]
            )
        )
        return str(said["files"][0]["id"]), says
    except (OutgrownError, SlackTrouble, KeyError, IndexError) as why:
        log.info("a card goes without a chart: %s", why)
        return None
    except Exception:
        log.warning("a card goes without a chart", exc_info=True)
        return None
