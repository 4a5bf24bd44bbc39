"""What holds for every target: told twice is there once, and what a failure means is what was known of the record."""

from datetime import timedelta

import pytest

from agent.foundation.outward import AnswerLost, OutwardKind, RecordRefused, TargetBusy, TargetDown
from agent.foundation.sections_outward import (
    GainsightTarget,
    HubspotTarget,
    IntercomTarget,
    SalesforceTarget,
    WebhookTarget,
)
from connectors.outward.gainsight import Gainsight
from connectors.outward.hubspot import Hubspot
from connectors.outward.intercom import Intercom
from connectors.outward.salesforce import Salesforce
from connectors.outward.webhook import Webhook
from tests.connectors.outward.made import a_record, an_outcome, going
from tests.vendors import gainsight, hooksink, hubspot_out, intercom_out, salesforce
from tests.vendors.outward import LOSES_ANSWER, LOSES_REQUEST, Trouble

ALL = tuple(OutwardKind)
CASES = {
    "hubspot": (hubspot_out.HubspotOut, hubspot_out.ENV, Hubspot, HubspotTarget),
    "salesforce": (salesforce.Salesforce, salesforce.ENV, Salesforce, SalesforceTarget),
    "gainsight": (gainsight.Gainsight, gainsight.ENV, Gainsight, GainsightTarget),
    "intercom": (intercom_out.IntercomNotes, intercom_out.ENV, Intercom, IntercomTarget),
    "webhook": (hooksink.HookSink, hooksink.ENV, Webhook, WebhookTarget),
}


@pytest.fixture(params=CASES)
def name(request):
    """The name of a target."""
    return request.param


@pytest.fixture
def sink(name):
    """Its stand-in."""
    with CASES[name][0]() as running:
        yield running


@pytest.fixture
def target(name, sink, open_target):
    """The target before it, hurried."""
    return a_target(name, sink.url, open_target)


def a_target(name, url, open_target, **given):
    """The target before whatever is at that address."""
    _, env, kind, settings = CASES[name]
    place = {"url": f"{url}/hook"} if name == "webhook" else {"base_url": url}
    return open_target(kind, settings(on=ALL, timeout_seconds=1.0, **place, **given), env)


THERE = {"hubspot": "77", "salesforce": "001000000000001", "gainsight": "1P02X", "intercom": "5f4d"}


def test_a_record_arrives_and_is_named(target, sink):
    """Under our id, and we are told what it is called there."""
    assert not target.lacks
    assert target.put(going(there=THERE)).their_id
    assert sink.records() == ["og-ready-1"]


def test_told_twice_it_is_there_once(target, sink):
    """The second time as after an answer that was lost."""
    first = target.put(going(there=THERE))
    again = target.put(going(there=THERE, is_repeat=True))
    assert sink.records() == ["og-ready-1"]
    assert again.their_id == first.their_id


def test_every_kind_arrives(target, sink):
    """Outcomes and prompts that were sent too."""
    for record in (
        a_record("og-sent-1", kind=OutwardKind.SENT),
        an_outcome(),
        an_outcome("og-outcome-2", result="lost"),
    ):
        target.put(going(record, THERE))
    assert set(sink.records()) == {"og-sent-1", "og-outcome-1", "og-outcome-2"}


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(LOSES_ANSWER, id="taken, no answer"),
        pytest.param(LOSES_REQUEST, id="not taken, no answer"),
        pytest.param(Trouble(502, takes=True), id="taken, bad gateway"),
        pytest.param(Trouble(500), id="not taken, server error"),
        pytest.param(Trouble(seconds=1.6, takes=True), id="taken, too late an answer"),
    ],
)
def test_a_lost_answer_is_told_again_and_is_one_record(target, sink, trouble):
    """Whether or not it was taken: nobody knows, so it is told again."""
    sink.troubles.append(trouble)
    with pytest.raises(AnswerLost):
        target.put(going(there=THERE))
    assert target.put(going(there=THERE, is_repeat=True)).their_id
    assert sink.records() == ["og-ready-1"]


def test_being_asked_to_wait_is_no_writing(target, sink):
    """For as long as Retry-After says."""
    sink.troubles.append(Trouble(429, headers={"Retry_After": "7"}))
    with pytest.raises(TargetBusy) as busy:
        target.put(going(there=THERE))
    assert busy.value.pause == timedelta(seconds=7)
    assert sink.records() == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_target_and_stays_unsaid(name, target, sink, status):
    """The record waits, and no message holds the key."""
    secrets = [
        value for variable, value in CASES[name][1].items() if variable != "SALESFORCE_WRITE_CLIENT_ID"
    ]
    sink.troubles.extend([Trouble(status, {"message": f"bad key {secrets}"})] * 2)
    with pytest.raises(TargetDown) as down:
        target.put(going(there=THERE))
    assert not any(secret in str(down.value) for secret in secrets)
    assert sink.records() == []


def test_no_redirect_is_followed(name, target, sink, open_target):
    """Nobody else is sent what was meant for them."""
    with CASES[name][0]() as elsewhere:
        sink.troubles.append(Trouble(307, headers={"Location": f"{elsewhere.url}/hook"}))
        with pytest.raises(TargetDown, match="elsewhere"):
            target.put(going(there=THERE))
        assert elsewhere.asked == []


def test_nobody_there_is_no_writing(name, open_target):
    """The record waits."""
    with pytest.raises(TargetDown, match="cannot be reached"):
        a_target(name, "http://127.0.0.1:9", open_target).put(going(there=THERE))


def test_what_does_not_fit_is_refused(target, sink):
    """Once and for all, with what the target says."""
    sink.troubles.extend([Trouble(400, {"message": "nonsense"})] * 2)
    with pytest.raises(RecordRefused):
        target.put(going(there=THERE))


def test_looking_writes_nothing(target, sink):
    """The doctor may ask as often as it likes."""
    assert target.look()
    assert sink.writes == 0
    assert sink.records() == []


def test_without_its_key_it_says_what_is_missing(name, open_target):
    """By the name of the variable."""
    _, env, kind, settings = CASES[name]
    target = open_target(kind, settings(on=ALL), dict.fromkeys(env, ""))
    assert any(variable in target.lacks for variable in env)


HOSTILE = '<script>alert(1)</script><img src=x onerror="x()">"&\'\x00'


def test_hostile_text_is_text(name, target, sink):
    """Where the other side shows HTML, nothing of it is markup."""
    record = a_record(title=f"Ready: {HOSTILE}", body=f"Acme {HOSTILE}\nWhy now: <b>x</b>")
    target.put(going(record, THERE))
    if name == "hubspot":
        [task] = sink.objects["tasks"].values()
        shown = task["hs_task_body"]
    elif name == "intercom":
        shown = (
            sink.notes[0]["body"]
            .replace("<p>", "")
            .replace("</p>", "")
            .replace("<b>", "")
            .replace("</b>", "")
        )
    elif name == "gainsight":
        shown = sink.ctas[0]["Comments"]
    else:
        return  # Plain text fields and JSON: nothing is escaped, for escaping would change it.
    assert "<" not in shown.replace("<br>", "")
    assert "&lt;script&gt;" in shown


def test_long_text_is_cut_to_what_fits(target, sink):
    """Bounded by us rather than refused by them."""
    target.put(going(a_record(title="Ready: " + "x" * 190, body="y" * 60_000), THERE))
    assert sink.records() == ["og-ready-1"]
