"""HubSpot: the property, a hundred at once, links to companies, deals."""

import pytest

from agent.foundation.outward import AnswerLost, OutwardKind, RecordRefused, TargetDown, Written
from agent.foundation.sections_outward import HubspotTarget
from connectors.outward.hubspot import Hubspot
from tests.connectors.outward.made import a_record, an_outcome, going
from tests.vendors.hubspot_out import ENV, HubspotOut
from tests.vendors.outward import Trouble


@pytest.fixture
def sink():
    """An account."""
    with HubspotOut() as running:
        yield running


@pytest.fixture
def target(sink, open_target):
    """Before it."""
    return a_target(sink, open_target)


def a_target(sink, open_target, **given):
    return open_target(
        Hubspot, HubspotTarget(on=tuple(OutwardKind), base_url=sink.url, timeout_seconds=2.0, **given), ENV
    )


def test_the_property_is_made_once(target, sink):
    """Unique, in a group of ours; a second record asks no more."""
    assert "get the property" in target.look()
    target.put(going())
    made = sink.properties["tasks"]["outgrown_id"]
    assert (made["hasUniqueValue"], made["groupName"], made["type"], made["fieldType"]) == (
        True,
        "outgrown",
        "string",
        "text",
    )
    before = len([one for one in sink.asked if "/properties/" in one.path])
    target.put(going(a_record("og-ready-2")))
    assert len([one for one in sink.asked if "/properties/" in one.path]) == before
    assert "have outgrown_id" in target.look()


def test_a_key_that_may_not_make_the_property_says_how(target, sink):
    """And nothing is written."""
    sink.may_make_properties = False
    with pytest.raises(TargetDown, match="unique values required"):
        target.put(going())
    assert sink.records() == []


def test_a_property_whose_values_repeat_is_refused(target, sink):
    """An upsert by it would make two."""
    sink.properties["tasks"]["outgrown_id"] = {
        "name": "outgrown_id", "label": "x", "type": "string", "fieldType": "text", "description": "", "groupName": "g",
        "options": [], "hasUniqueValue": False,
    }  # fmt: skip
    with pytest.raises(TargetDown, match="unique values"):
        target.put(going())


def test_a_hundred_are_two_requests(target, sink):
    """One to write, one to link; answers in another order are matched by our id."""
    batch = [going(a_record(f"og-ready-{n}"), {"hubspot": str(1000 + n)}) for n in range(100)]
    answers = dict(target.put_all(batch))
    assert len(answers) == 100
    assert sink.writes == 2
    ids = {ours: answer.their_id.split("/")[1] for ours, answer in answers.items()}
    assert sink.objects["tasks"][ids["og-ready-7"]]["outgrown_id"] == "og-ready-7"
    assert ("tasks", ids["og-ready-7"], "1007") in sink.links


def test_an_answer_without_our_ids_is_asked_about(target, sink):
    """By a batch read with the property."""
    sink.names_ours = False
    [(_, answer)] = target.put_all([going()])
    assert isinstance(answer, Written)
    assert sink.objects["tasks"][answer.their_id.split("/")[1]]["outgrown_id"] == "og-ready-1"


def test_one_that_does_not_fit_leaves_the_others(target, sink):
    """HubSpot refuses all of them; halved until it is alone, the rest is written."""
    sink.refuses = "poison"
    batch = [going(a_record(f"og-ready-{n}", title="poison" if n == 13 else "fine")) for n in range(40)]
    answers = dict(target.put_all(batch))
    assert isinstance(answers["og-ready-13"], RecordRefused)
    assert sum(isinstance(one, Written) for one in answers.values()) == 39
    assert len(sink.records()) == 39


def test_a_company_that_is_gone_is_said(target, sink):
    """The record is there all the same, and its neighbours are linked."""
    sink.companies = {"1"}
    batch = [going(a_record("og-a"), {"hubspot": "1"}), going(a_record("og-b"), {"hubspot": "2"})]
    answers = dict(target.put_all(batch))
    assert answers["og-a"].says == ""
    assert "not linked to company 2" in answers["og-b"].says
    assert len(sink.links) == 1


def test_a_lost_answer_to_the_link_is_told_again(target, sink):
    """The record is known to be there, its link is not."""
    sink.troubles.extend([None, Trouble(503)])
    with pytest.raises(AnswerLost):
        target.put(going(there={"hubspot": "1"}))
    target.put(going(there={"hubspot": "1"}, is_repeat=True))
    assert (len(sink.records()), len(sink.links)) == (1, 1)


def test_what_a_task_says(target, sink):
    """Open for what is to be done, completed for what has been; no amount, no score."""
    target.put(going())
    target.put(going(a_record("og-sent-1", kind=OutwardKind.SENT)))
    ready, sent = sink.objects["tasks"].values()
    assert (ready["hs_task_status"], sent["hs_task_status"]) == ("NOT_STARTED", "COMPLETED")
    assert ready["hs_timestamp"] == "2026-03-02T09:30:00.000Z"
    assert ready["hs_task_body"] == "Acme has outgrown its plan.<br>Why now: 5 limit hits."


def test_outcomes_as_deals(sink, open_target):
    """Won and lost are closed deals; an amount in another currency stands in the text alone."""
    target = a_target(sink, open_target, outcomes_as="deal", currency="EUR")
    target.put(going(an_outcome()))
    target.put(going(an_outcome("og-2", currency="JPY", amount_minor=4900, amount="4900")))
    target.put(going(an_outcome("og-3", result="lost", amount=None, amount_minor=None, currency=None)))
    target.put(going(an_outcome("og-4", result="open")))
    won, yen, lost = sink.objects["deals"].values()
    assert (won["amount"], won["dealstage"], won["pipeline"]) == ("49.00", "closedwon", "default")
    assert "amount" not in yen
    assert lost["dealstage"] == "closedlost"
    assert len(sink.objects["tasks"]) == 1
    assert set(sink.properties["deals"]) == {"outgrown_id"}
