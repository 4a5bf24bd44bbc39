"""Which chart a card shows: the metric its findings press on, and how old the facts are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.approval.opportunities import newest_opportunity
from agent.faces.digesting import chart_of_history, pressed_metric
from agent.foundation.errors import StoreBusy, StoreError

if TYPE_CHECKING:
    from agent.drafting.brief import Brief
    from agent.faces.digest import Chart
    from agent.wiring import House


def chart_of(house: House, brief: Brief) -> Chart | None:
    """Twelve weeks of the draft's metric up to the brief's day; None where there is none, or no facts to read.

    Raises StoreBusy while another process writes the facts.
    """
    account = brief.recipient.account_id
    # The brief calls metrics by the names a customer reads; the assessment knows what they are.
    assessment = newest_opportunity(house.store, account)
    metric = pressed_metric(assessment) if assessment else None
    try:
        found = house.histories(brief.as_of, {account: metric})
    except StoreBusy:
        raise
    except StoreError:
        return None
    history = found.get(account)
    if history is None or not history.weeks:
        return None
    return chart_of_history(history)
