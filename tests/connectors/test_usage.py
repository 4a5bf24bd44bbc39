"""What a vendor's events come to, whichever vendor it is."""

from datetime import datetime

import pytest

from agent.foundation.settings import check_section
from connectors import _usage
from connectors._rows import Batch
from connectors._usage import Events, Usage, at_seconds, at_text, metrics_of, properties_of, record_of

AT = datetime(2026, 3, 2, 9, 30)
COUNTED = {
    "exports": {"event": "Exported", "label": "Exports", "unit": "exports"},
    "megabytes": {"event": "Exported", "sum": "size", "label": "Megabytes", "unit": "MB", "per": "week"},
}


def settings(**given):
    """As the founder has set them."""
    return check_section(Usage, given, "outgrown.toml")


def rows(events):
    """Everything that came together: rows of events by id, and records."""
    found, records = {}, []
    for item in events.batches(last=True):
        if isinstance(item, Batch):
            found |= {row["event_id"]: row for row in item.rows.to_pylist()}
        else:
            records.append(item.fact)
    return found, records


def one(properties=None, *, name="Exported", account="a", **given):
    """The row of one event."""
    events = Events(settings(**given))
    events.add("e", account, "u", AT, name, properties or {})
    return rows(events)[0].get("e")


def test_an_event_without_a_rule_means_that_somebody_was_there():
    """And the landing dates it by itself."""
    assert one() == {
        "event_id": "e", "account_id": "a", "user_id": "u", "at": AT, "kind": "used", "feature": None, "team": None,
        "product": None, "metric": None, "amount": None, "changed_at": AT,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["$identify", "[Amplitude] Session Start", "session_start", "session_end"])
def test_vendors_own_events_mean_nothing(name):
    """Unless somebody looked at something, or the founder says what they mean."""
    assert one(name=name) is None
    assert one(name=name, events={name: "viewed"})["kind"] == "viewed"
    assert all(one(name=view)["kind"] == "used" for view in _usage.VIEWS)


def test_only_named_events_count_where_the_founder_wants_that():
    """The rest is left out, and is nobody's loss."""
    given = {"other_events": "ignore", "events": {"Exported": "used"}}
    assert one(**given)["kind"] == "used"
    assert one(name="Saved", **given) is None


def test_an_event_may_count_for_two_metrics():
    """It is one event all the same: the second row only counts."""
    events = Events(settings(metrics=COUNTED))
    events.add("e", "a", "u", AT, "Exported", {"size": 2.5})
    found, _ = rows(events)
    shown = {key: (row["kind"], row["user_id"], row["metric"], row["amount"]) for key, row in found.items()}
    assert shown == {"e": ("used", "u", "exports", 1.0), "e#megabytes": (None, None, "megabytes", 2.5)}


def test_an_event_that_is_none_of_ours_can_be_counted():
    """Then it has no kind, and is no event of the facts."""
    row = one(name="$cost", metrics={"cost": {"event": "$cost", "label": "Cost", "unit": "EUR"}})
    assert (row["kind"], row["metric"], row["amount"]) == (None, "cost", 1.0)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (3, 3.0), ("2.5", 2.5), (None, 0.0), ("many", 0.0), (True, 0.0), ([1], 0.0), ("nan", 0.0), ("inf", 0.0),
        (float("nan"), 0.0), (10**400, 0.0), (-1, -1.0),
    ],
)  # fmt: skip
def test_amounts_are_numbers_or_nothing(value, amount):
    """One bad number does not spoil the sum of a day."""
    assert one({"size": value}, metrics={"megabytes": COUNTED["megabytes"]})["amount"] == amount


@pytest.mark.parametrize(
    ("value", "feature"),
    [
        ("Sales", "Sales"),
        ("x" * 300, "x" * 200),
        ("", None),
        (None, None),
        (7, "7"),
        ({"a": 1}, None),
        (["a"], None),
    ],
)
def test_features_and_teams_are_short_texts(value, feature):
    """Whatever the founder's code puts there."""
    row = one({"report": value}, events={"Exported": {"feature_from": "report"}}, team="report")
    assert (row["feature"], row["team"]) == (feature, feature)


@pytest.mark.parametrize(
    ("account", "record"),
    [
        ("acct_1", "acct_1"), (17, "17"), (17.0, "17"), (" a ", "a"), (["a", "b"], "a"), ([None, "b"], "b"),
        ("Eve@Alpha.example", "alpha.example"),
        ("eve@gmail.com", None), ("@", None), ("", None), ("  ", None), (None, None), (True, None), ({"id": "a"}, None),
        ([], None), ("x" * 201, None),
    ],
)  # fmt: skip
def test_an_account_is_told_by_its_key(account, record):
    """An address by its domain, several groups by the first; the rest is nobody, and counted."""
    events = Events(settings())
    events.add("e", account, "u", AT, "Saved", {})
    found, records = rows(events)
    assert [row["account_id"] for row in found.values()] == ([record] if record else [])
    assert [one.record_id for one in records] == ([record] if record else [])
    assert events.without_account == (0 if record else 1)


def test_a_record_says_what_is_known_of_the_account():
    """An id is ours until somebody says otherwise; a domain is only a domain."""
    assert (record_of("a").own_id, record_of("a").domain) == ("a", None)
    assert (record_of("alpha.example").own_id, record_of("alpha.example").domain) == (
        "alpha.example",
        "alpha.example",
    )
    assert (record_of("eve@alpha.example").own_id, record_of("eve@alpha.example").domain) == (
        None,
        "alpha.example",
    )
    named = record_of("eve@alpha.example", name="Alpha", domain=None, email="eve@alpha.example")
    assert (named.name, named.domain, named.email) == ("Alpha", "alpha.example", "eve@alpha.example")
    assert record_of("eve@gmail.com") is None


def test_batches_wait_until_they_are_large(monkeypatch):
    """And an account is told once."""
    monkeypatch.setattr(_usage, "AT_ONCE", 3)
    events, seen = Events(settings()), []
    for number in range(7):
        events.add(f"e{number}", "a", "u", AT, "Saved", {})
        seen.append(
            [
                item.rows.num_rows if isinstance(item, Batch) else item.fact.record_id
                for item in events.batches()
            ]
        )
    seen.append([item.rows.num_rows for item in events.batches(last=True)])
    assert seen == [[], [], ["a", 3], [], [], [3], [], [1]]
    assert list(events.batches(last=True)) == []


def test_half_a_character_does_not_stop_the_rest():
    """JSON can spell what no text can hold."""
    events = Events(settings())
    events.add("e1", "a", "u\ud800", AT, "Saved", {})
    events.add("e2", "a", "u", AT, "Saved", {})
    found, _ = rows(events)
    assert (found["e1"]["user_id"], found["e2"]["user_id"]) == ("u?", "u")


def test_the_founder_is_told_how_many_events_are_nobodys():
    """Of those that would have meant something."""

    class Api:
        notes: list = []  # noqa: RUF012 - of this one test
        vendor = type("Vendor", (), {"name": "posthog"})

    events = Events(settings(events={"Heartbeat": "ignore"}))
    events.tell(Api)
    assert Api.notes == []
    for name in ("Saved", "Heartbeat", "$identify"):
        events.add("e", None, "u", AT, name, {})
    events.tell(Api)
    where = "account = 'account_id' in [connectors.posthog] says where one is named"
    assert Api.notes == [("events", f"1 event names no account and is left out; {where}")]


def test_the_metrics_are_as_the_founder_has_named_them():
    """A flow each, core unless said otherwise."""
    found = [one.fact for one in metrics_of(settings(metrics=COUNTED))]
    assert [(one.metric, one.label, one.unit, one.kind, one.per, one.core) for one in found] == [
        ("exports", "Exports", "exports", "flow", "month", True),
        ("megabytes", "Megabytes", "MB", "flow", "week", True),
    ]


def test_only_the_properties_that_are_looked_at_are_asked_for():
    """Each once."""
    given = settings(
        team="squad", events={"Exported": {"feature_from": "report"}, "x": "used"}, metrics=COUNTED
    )
    assert properties_of(given) == ["squad", "report", "size"]
    assert properties_of(settings()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(
            {"events": {"Exported": "ignore"}, "metrics": COUNTED},
            "which events ignores",
            id="counts nothing",
        ),
        pytest.param({"events": {"Exported": "usd"}}, "usd", id="an unknown kind"),
        pytest.param({"events": {"Exported": {"featur": "x"}}}, "featur", id="an unknown word"),
        pytest.param({"metrics": {"m": {"event": "", "label": "x", "unit": "x"}}}, "event", id="no event"),
        pytest.param({"other_events": "all"}, "other_events", id="neither used nor ignore"),
    ],
)
def test_settings_that_make_no_sense_are_told(given, said):
    """By name, before anything is read."""
    with pytest.raises(Exception, match=said):
        settings(**given)


def test_moments_are_utc_without_a_zone_mark():
    """From seconds, or from text with and without a zone."""
    assert at_seconds(1_772_443_800) == AT
    assert (
        at_text("2026-03-02T10:30:00+01:00")
        == at_text("2026-03-02 09:30:00.000")
        == at_text("2026-03-02T09:30:00Z")
        == AT
    )
    with pytest.raises(ValueError, match="soon"):
        at_text("soon")
