"""PostHog: events asked for in HogQL, through the real sync into real facts."""

import json
from datetime import datetime, timedelta

import pytest

from agent.foundation.settings import check_section, open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors._api import Api, keys_of
from connectors.posthog import POSTHOG
from connectors.sync import fetch, run, section_of
from connectors.trying import try_out
from tests.vendors import posthog
from tests.vendors.posthog import now

ACCOUNTS = (
    "account_id,name,domain,created_on\na,Alpha,alpha.example,2026-01-01\nb,Beta,beta.example,2026-01-01\n"
)
EVENTS = 'SELECT account_id, user_id, "at", kind, feature, team FROM events ORDER BY "at", user_id'
RULES = """team = "squad's `own` \\\\ name"
[connectors.posthog.events]
"Paywall shown" = "blocked"
"Exported" = { feature_from = "report name" }
"$survey_sent" = "viewed"
"Heartbeat" = "ignore"
[connectors.posthog.metrics.megabytes]
event = "Exported"
sum = "size"
label = "Exported megabytes"
unit = "MB"
"""
OWN = "squad's `own` \\ name"


@pytest.fixture
def vendor(monkeypatch):
    """The stand-in, and the key to it."""
    for name, value in posthog.ENV.items():
        monkeypatch.setenv(name, value)
    with posthog.PostHog() as found:
        yield found


@pytest.fixture
def office(desk, vendor):
    """A workspace whose two accounts are watched by PostHog."""
    desk.put("accounts.csv", ACCOUNTS)
    desk.settings(vendor.workspace())
    return desk


def pull(desk):
    """Sync; what the reading came to, and the reports by table."""
    workspace = open_workspace(desk.folder)
    [landed] = fetch(workspace, ["posthog"])
    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        reports = run(workspace, warehouse, read_at=datetime(2026, 3, 2, 9), landed=[landed])
    return landed, {report.table: report for report in reports if report.file == "posthog"}


def count(desk):
    """Events among the facts."""
    return desk.ask("SELECT count(*) FROM events")[0][0]


def questions(vendor, about="events"):
    """What was asked in HogQL, and with which values."""
    asked = [one.json["query"] for one in vendor.asked if one.method == "POST"]
    return [(one["query"], one["values"]) for one in asked if f"FROM {about} " in one["query"]]


def test_every_field_of_an_event_becomes_what_it_means(office, vendor):
    """Names that HogQL must have quoted, times in the project's zone; what is missing is empty."""
    office.settings(vendor.workspace(RULES))
    at = (now() - timedelta(days=2)).replace(hour=1, minute=0, second=0, microsecond=250)
    minute = timedelta(minutes=1)
    vendor.event("Exported", "a", at=at, user="u1", size=2.5, **{"report name": "Sales", OWN: "North"})
    vendor.event("Exported", "a", at=at + minute, user=None, size="1.5")
    vendor.event("Exported", "a", at=at + minute, user="u2", size="many", **{"report name": None})
    vendor.event("Paywall shown", "b", at=at + 2 * minute)
    vendor.event("$pageview", "b", at=at + 3 * minute)
    vendor.event("$survey_sent", "b", at=at + 4 * minute)
    vendor.event("$autocapture", "b", at=at + 5 * minute)
    vendor.event("Heartbeat", "b", at=at + 6 * minute)
    vendor.event("Anything else", "b", at=at + 7 * minute)
    landed, reports = pull(office)
    assert landed.failed == ""
    assert office.ask(EVENTS) == [
        ("a", "u1", at, "used", "Sales", "North"),
        ("a", "u2", at + minute, "used", None, None),
        ("a", None, at + minute, "used", None, None),
        ("b", "u1", at + 2 * minute, "blocked", None, None),
        ("b", "u1", at + 3 * minute, "used", None, None),
        ("b", "u1", at + 4 * minute, "viewed", None, None),
        ("b", "u1", at + 7 * minute, "used", None, None),
    ]
    assert office.ask("SELECT account_id, day, metric, value FROM measures") == [
        ("a", at.date(), "megabytes", 4.0)
    ]
    assert reports["events"].rejected == 0


def test_groups_are_accounts_with_names(office, vendor):
    """By their key; the name and domain are what the founder's own code told PostHog."""
    office.put("accounts.csv", ACCOUNTS + "d,Delta,delta.example,2026-01-01\n")
    vendor.group("g1", {"name": "Gamma", "website": "https://www.beta.example/x"})
    vendor.group("Eve@Delta.example", {"name": "Delta"})
    vendor.group("odd", "not an object")
    for key in ("a", "g1", "Eve@Delta.example"):
        vendor.event("Saved", key)
    pull(office)
    found = office.ask(
        "SELECT record_id, name, state, account_id FROM identities WHERE source = 'posthog' ORDER BY 1"
    )
    assert ("a", "Alpha", "matched", "a") in found
    assert ("g1", "Gamma", "matched", "b") in found
    assert ("delta.example", "Delta", "matched", "d") in found
    assert sorted(office.ask("SELECT account_id FROM events")) == [("a",), ("b",), ("d",)]
    # Its name changes, and nothing else is asked for.
    vendor.asked.clear()
    vendor.group("g1", {"name": "Gamma Inc", "domain": "beta.example"}, at=now())
    pull(office)
    [(_, values), *_] = questions(vendor, "groups")
    assert datetime.fromisoformat(values["since"]).replace(tzinfo=None) > now() - timedelta(hours=3)
    assert office.ask("SELECT name FROM identities WHERE record_id = 'g1'") == [("Gamma Inc",)]


@pytest.mark.parametrize("page", [1, 7, 100])
def test_pages_go_on_after_the_last_row_and_not_by_number(desk, monkeypatch, page):
    """Ten events share each moment, and the server gives fewer rows than asked for: none is lost, none comes twice."""
    for name, value in posthog.ENV.items():
        monkeypatch.setenv(name, value)
    pages = 210 // page if page > 1 else 30
    with posthog.PostHog(pages=pages, page=page) as vendor:
        desk.settings(vendor.workspace())
        landed, _ = pull(desk)
        assert landed.failed == ""
        assert count(desk) == pages * page
        assert len(questions(vendor)) == pages + 1


def test_a_second_sync_asks_only_for_what_came_since(office, vendor):
    """By when PostHog took it in; what comes again changes nothing."""
    vendor.event("Saved", "a", at=now() - timedelta(days=9))
    vendor.event("Saved", "a", at=now() - timedelta(minutes=9))
    pull(office)
    before, version = office.ask(EVENTS), office.ask("SELECT * FROM facts_version")
    vendor.asked.clear()
    pull(office)
    (query, values), *_ = questions(vendor)
    assert "created_at >= toDateTime({at})" in query
    assert datetime.fromisoformat(values["at"]).replace(tzinfo=None) > now() - timedelta(hours=3)
    assert (office.ask(EVENTS), office.ask("SELECT * FROM facts_version")) == (before, version)


def test_an_event_that_comes_days_late_is_read(office, vendor):
    """A phone was offline: it happened long before the last reading, and came after it."""
    pull(office)
    old = now() - timedelta(days=6)
    vendor.event("Saved", "a", at=old, came=now())
    _, reports = pull(office)
    assert reports["events"].new == 1
    assert office.ask('SELECT "at" FROM events') == [(old,)]


def test_only_events_that_mean_something_are_asked_for(office, vendor):
    """Most of what PostHog collects by itself means nothing here, and none of it is downloaded."""
    office.settings(vendor.workspace('other_events = "ignore"\n' + RULES))
    for name in ("Exported", "Something", "$pageview", "$autocapture"):
        vendor.event(name, "a")
    pull(office)
    assert count(office) == 1
    values = questions(vendor)[0][1]
    assert {name for key, name in values.items() if key.startswith("e")} == {
        "Paywall shown",
        "Exported",
        "$survey_sent",
    }


@pytest.mark.parametrize("hostile", ["'; DROP TABLE events; --", "{at}", "\\", "`", "\n"])
def test_names_with_quotes_in_them_stay_names(office, vendor, hostile):
    """Values go beside the question, property names are escaped."""
    name = json.dumps(hostile)
    office.settings(vendor.workspace(f"team = {name}\n[connectors.posthog.events]\n{name} = 'blocked'\n"))
    vendor.event(hostile, "a", **{hostile: "North"})
    landed, _ = pull(office)
    assert landed.failed == ""
    assert office.ask("SELECT kind, team FROM events") == [("blocked", "North")]


@pytest.mark.parametrize(
    ("account", "given"),
    [
        pytest.param("person.email", {"person": {"email": "eve@beta.example"}}, id="of the person"),
        pytest.param("distinct_id", {"user": "eve@beta.example"}, id="the user"),
        pytest.param("workspace id", {"workspace id": "b"}, id="a property"),
    ],
)
def test_other_things_can_tell_the_account(office, vendor, account, given):
    """Groups are a paid feature; whoever has none uses what the events say."""
    office.settings(vendor.workspace(f'account = "{account}"\n'))
    vendor.event("Saved", **given)
    vendor.event("Saved", user="somebody")
    landed, reports = pull(office)
    nobody = "1 event names no account and is left out"
    assert landed.failed == ""
    assert office.ask("SELECT account_id FROM events") == [("b",)]
    assert questions(vendor, "groups") == []
    if account != "distinct_id":
        assert reports["events"].notes[0].startswith(nobody)


def test_a_percent_sign_cannot_be_said():
    """HogQL has no way to call such a property."""
    with pytest.raises(Exception, match="has a percent sign"):
        check_section(POSTHOG.section, {"project_id": 1, "account": "100%"}, "outgrown.toml")


def test_a_refused_key_is_told_without_the_key(office, vendor):
    """With its name, and the scopes it needs."""
    vendor.key = "another"
    landed, _ = pull(office)
    assert "POSTHOG_API_KEY" in landed.failed
    assert "query:read, project:read" in landed.failed
    assert posthog.KEY not in landed.failed


def test_a_wrong_project_is_told(office, vendor):
    """PostHog answers 404, which is not nothing."""
    office.settings(vendor.workspace().replace(str(posthog.PROJECT), "3"))
    landed, _ = pull(office)
    assert landed.failed.startswith(
        "PostHog has no project 3 that this key may see; mend project_id or base_url"
    )


def answers(vendor, monkeypatch, **given):
    """PostHog answers this to every question, with status 200."""
    monkeypatch.setattr(vendor, "_query", lambda body: given)


def test_an_answer_without_rows_is_no_empty_one(office, vendor, monkeypatch):
    """A query that ran too long ends so; the next reading asks again."""
    vendor.event("Saved", "a")
    with monkeypatch.context() as patched:
        answers(vendor, patched, results=None, error="Query timed out")
        landed, _ = pull(office)
    assert landed.failed == "PostHog gave no rows: Query timed out; sync again later."
    pull(office)
    assert count(office) == 1


def test_pages_that_do_not_go_on_end_the_reading(office, vendor, monkeypatch):
    """A server that gives the same rows for ever is not asked for ever."""
    row = ["id", "Saved", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "u1", "a"]
    answers(vendor, monkeypatch, results=[row])
    landed, _ = pull(office)
    assert landed.failed.startswith("PostHog gave the same events again")


def test_rows_that_make_no_sense_are_rejected(office, vendor, monkeypatch):
    """And the rest is taken."""
    at = f"{now():%Y-%m-%dT%H:%M:%S}Z"
    good = [[f"id{number}", "Saved", at, at, "u1", "a"] for number in range(9)]
    bad = [["x", "Saved", "soon", at, "u1", "a"], ["y", None, at, at, "u1", "a"], ["z"], "w"]
    pages = [bad + good, []]
    monkeypatch.setattr(
        vendor,
        "_query",
        lambda body: {"results": [] if "groups" in body["name"] else pages.pop(0) if pages else []},
    )
    _, reports = pull(office)
    assert (reports["events"].new, reports["events"].rejected) == (9, 4)


def test_the_check_is_one_small_request(office, vendor):
    """It says whose project it is."""
    workspace = open_workspace(office.folder)
    api = Api(POSTHOG, section_of(POSTHOG, workspace.settings), keys_of(POSTHOG, workspace))
    assert POSTHOG.check(api) == "may read Acme production"
    assert len(vendor.asked) == 1


def test_trying_it_out_shows_events_and_keeps_nothing(office, vendor):
    """What `outgrown connect` shows before anything is set up for good."""
    vendor.event("Saved", "a")
    workspace = open_workspace(office.folder)
    tried = try_out(POSTHOG, section_of(POSTHOG, workspace.settings), workspace, 10)
    assert [(row["account_id"], row["kind"]) for row in tried.rows["events"]] == [("a", "used")]
    assert "a" in [row["record_id"] for row in tried.rows["records"]]
    assert not (workspace.private / "landing").exists()
