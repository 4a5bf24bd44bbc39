"""Salesforce: tokens, the field, opportunities."""

from datetime import timedelta

import pytest

from agent.foundation.outward import OutwardKind, RecordRefused, TargetBusy, TargetDown
from agent.foundation.sections_outward import SalesforceTarget
from connectors.outward.salesforce import Salesforce as Target
from tests.connectors.outward.made import a_record, an_outcome, going
from tests.vendors.outward import Trouble
from tests.vendors.salesforce import ENV, Salesforce


@pytest.fixture
def sink():
    """An org."""
    with Salesforce() as running:
        yield running


def a_target(sink, open_target, env=ENV, **given):
    return open_target(
        Target, SalesforceTarget(on=tuple(OutwardKind), base_url=sink.url, timeout_seconds=2.0, **given), env
    )


@pytest.fixture
def target(sink, open_target):
    """Before it."""
    return a_target(sink, open_target)


def test_one_token_serves_many_records(target, sink):
    """And a new one is asked for when the org has ended the session."""
    for n in range(3):
        target.put(going(a_record(f"og-{n}")))
    assert sink.tokens == 1
    sink.valid = set()
    target.put(going(a_record("og-3")))
    assert (sink.tokens, len(sink.records())) == (2, 4)


def test_credentials_that_are_wrong_write_nothing(sink, open_target):
    """And are not shown."""
    target = a_target(sink, open_target, {**ENV, "SALESFORCE_WRITE_CLIENT_SECRET": "other-secret"})
    with pytest.raises(TargetDown, match="SALESFORCE_WRITE_CLIENT_ID") as down:
        target.put(going())
    assert "other-secret" not in str(down.value)


def test_a_token_of_the_founders_own_is_taken(sink, open_target):
    """Without asking for another."""
    sink.valid = {"mine"}
    target = a_target(sink, open_target, {**dict.fromkeys(ENV, ""), "SALESFORCE_WRITE_TOKEN": "mine"})
    target.put(going())
    assert sink.tokens == 0


def test_without_the_field_it_says_how_to_make_it(target, sink):
    """To the doctor as to the one who pushes; the records wait."""
    sink.id_field = None
    for ask in (target.look, lambda: target.put(going())):
        with pytest.raises(TargetDown, match="External ID, Unique"):
            ask()


def test_a_field_that_is_not_unique_is_no_help(target, sink):
    """Two at once would make two records."""
    sink.unique = False
    with pytest.raises(TargetDown, match="tick both"):
        target.look()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", TargetBusy),
        (400, "UNABLE_TO_LOCK_ROW", TargetBusy),
        (503, "SERVER_UNAVAILABLE", TargetBusy),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", RecordRefused),
        (300, "", RecordRefused),
    ],
)
def test_what_its_errors_mean(target, sink, status, code, kind):
    """As their codes say, not their status alone."""
    sink.troubles.append(Trouble(status, [{"message": "so it is", "errorCode": code}]))
    with pytest.raises(kind) as why:
        target.put(going())
    if code == "REQUEST_LIMIT_EXCEEDED":
        assert why.value.pause >= timedelta(hours=1)


def test_what_a_task_says(target, sink):
    """On the account, due on the day; without a matched account on none."""
    target.put(going(there={"salesforce": "001A"}))
    target.put(going(a_record("og-sent-1", kind=OutwardKind.SENT)))
    ready, sent = (one["fields"] for one in sink.sobjects["Task"].values())
    assert (ready["WhatId"], ready["Status"], ready["ActivityDate"]) == ("001A", "Not Started", "2026-03-02")
    assert "WhatId" not in sent
    assert sent["Status"] == "Completed"


def test_outcomes_as_opportunities(sink, open_target):
    """An amount only in the org's own currency, or each with its own where the org has several."""
    target = a_target(sink, open_target, outcomes_as="deal", currency="EUR")
    target.put(going(an_outcome(), {"salesforce": "001A"}))
    target.put(going(an_outcome("og-2", currency="JPY", amount="4900")))
    several = a_target(sink, open_target, outcomes_as="deal", multi_currency=True)
    several.put(going(an_outcome("og-3", currency="JPY", amount="4900")))
    won, yen, own = (one["fields"] for one in sink.sobjects["Opportunity"].values())
    assert (won["Amount"], won["StageName"], won["AccountId"]) == ("49.00", "Closed Won", "001A")
    assert "Amount" not in yen
    assert (own["Amount"], own["CurrencyIsoCode"]) == ("4900", "JPY")
