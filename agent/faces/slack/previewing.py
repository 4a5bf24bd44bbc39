"""The page of one draft: its card and the dialogues behind its buttons."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from agent.approval.opportunities import newest_opportunity
from agent.approval.states import DeliveryState
from agent.approval.views import show_draft
from agent.faces.slack.card import card, result
from agent.faces.slack.chart_png import chart_png, chart_words
from agent.faces.slack.charting import chart_of
from agent.faces.slack.modals import edit_modal, history_modal, skip_modal, snooze_modal, why_modal
from agent.faces.slack.naming import DraftRef
from agent.faces.slack.preview import Shown, preview, shown_message, shown_modal
from agent.faces.slack.showing import card_view
from agent.foundation.errors import StoreBusy

if TYPE_CHECKING:
    from agent.faces.digest import Chart
    from agent.wiring import House

CHART = "FCHART"
TOLD = {DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.CANCELLED}


def preview_draft(house: House, draft_id: str) -> str:
    """The HTML of a draft as Slack would show it.

    Raises NotFound.
    """
    view = show_draft(house.store, draft_id)
    chart: Chart | None = None
    images = {}
    # A page to look at is worth having without its chart.
    with suppress(StoreBusy):
        chart = chart_of(house, view.brief)
    if chart is not None:
        images[CHART] = chart_png(chart)
    shown = card_view(
        house.store, view.line.draft_id, CHART if chart else None, chart_words(chart) if chart else ""
    )
    ref = DraftRef(draft_id=view.line.draft_id, version=view.line.version)
    pages: list[Shown] = [shown_message("The card", card(shown))]
    pages += [
        shown_message(f"In its thread: delivery {one.delivery_id}", result(one, view))
        for one in view.deliveries
        if one.state in TOLD
    ]
    assessment = newest_opportunity(house.store, view.line.account_id)
    pages += [
        shown_modal("Edit", edit_modal(view, ref)),
        shown_modal("Skip", skip_modal(view, ref)),
        shown_modal("Snooze", snooze_modal(view, ref)),
        shown_modal("Why this account", why_modal(view, assessment)),
    ]
    if view.line.version > 1:
        pages.append(shown_modal("History", history_modal(view)))
    return preview(pages, f"Draft {view.line.draft_id[:8]} in Slack", images)
