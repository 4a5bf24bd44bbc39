"""What has changed since the brief."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agent.approval.revalidation import is_quoted, why_stale
from agent.scoring.assessment import Hold, Status
from tests.approval.made import a_brief, a_finding, a_message, an_assessment, an_offer

HELD = {"status": Status.HELD, "holds": (Hold(hold="past_due", says="An invoice is open."),)}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"composite": 75.0, "points": 11}, None, id="a better score"),
        pytest.param({"status": Status.WATCH}, "no longer ready but watch", id="no longer ready"),
        pytest.param(HELD, r"An invoice is open \(past_due\)", id="a hold"),
        pytest.param(
            {"plan_id": "growth", "plan_name": "Growth"}, "plan has changed from Starter", id="plan"
        ),
        pytest.param({"offer": None}, "nothing to offer", id="no offer"),
        pytest.param({"offer": an_offer(price_minor=5900)}, "to Growth at 59.00 EUR", id="price"),
        pytest.param({"offer": an_offer(name="Scale", plan_id="scale")}, "to Scale", id="offered plan"),
        pytest.param({"offer": an_offer(adds_monthly_minor=1)}, None, id="only what it adds"),
        pytest.param({"contact_email": "bob@acme.example"}, "address has changed", id="contact"),
        pytest.param({"findings": (a_finding("6"),)}, "5 is now 6", id="a quoted figure"),
        pytest.param({"findings": ()}, "5 can no longer be found", id="a quoted figure gone"),
        pytest.param(
            {"findings": (a_finding(), a_finding("9", trigger="invites"))}, None, id="a new finding"
        ),
    ],
)
def test_a_brief_is_stale_for_a_reason_a_person_can_read(changes: dict[str, Any], says: str | None) -> None:
    """Each thing that must still hold, one at a time."""
    reasons = why_stale(a_brief(), a_message(), an_assessment(**changes))
    if says is None:
        assert reasons == ()
    else:
        assert len(reasons) == 1
        assert re.search(says, reasons[0])


def test_a_figure_the_message_does_not_quote_may_change() -> None:
    """Only what the customer reads must hold."""
    message = a_message(body="Hi Ann,\n\nexports stop.")
    assert why_stale(a_brief(), message, an_assessment(findings=(a_finding("6"),))) == ()


@pytest.mark.parametrize(
    ("display", "text", "quoted"),
    [
        ("5", "stopped 5 times", True),
        ("5", "stopped 5.", True),
        ("5", "stopped 15 times", False),
        ("5", "at 5.5 a day", False),
        ("5", "1,5 a day", False),
        ("87%", "at 87% of it", True),
        ("87%", "at 187% of it", False),
        ("€49", "for €49 a month", True),
        ("€49", "for €490 a month", False),
        ("", "anything", False),
    ],
)
def test_a_figure_is_quoted_where_it_stands_alone(display: str, text: str, quoted: bool) -> None:
    """A part of a longer number is another number."""
    assert is_quoted(display, text) is quoted
