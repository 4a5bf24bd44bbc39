"""Mixpanel: raw events by the day, through the real sync into real facts."""

import csv
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from agent.foundation.errors import TooManyRejected
from agent.foundation.settings import check_section, open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors import mixpanel as connector
from connectors._api import Api, keys_of
from connectors.mixpanel import MIXPANEL
from connectors.sync import fetch, run, section_of
from connectors.trying import try_out
from tests.vendors import mixpanel
from tests.vendors.mixpanel import now

ACCOUNTS = (
    "account_id,name,domain,created_on\na,Alpha,alpha.example,2026-01-01\nb,Beta,beta.example,2026-01-01\n"
)
EVENTS = 'SELECT account_id, user_id, "at", kind, feature, team, product FROM events ORDER BY "at", user_id'
RULES = """team = "squad"
[connectors.mixpanel.events]
"Paywall shown" = "blocked"
"Exported" = { feature_from = "report", product = "reports" }
"Invited" = { kind = "invited", feature = "Invitations" }
"Heartbeat" = "ignore"
[connectors.mixpanel.metrics.exports]
event = "Exported"
label = "Exports"
unit = "exports"
[connectors.mixpanel.metrics.megabytes]
event = "Exported"
sum = "size"
label = "Exported megabytes"
unit = "MB"
"""


@pytest.fixture
def vendor(monkeypatch):
    """The stand-in, and the keys to it."""
    for name, value in mixpanel.ENV.items():
        monkeypatch.setenv(name, value)
    with mixpanel.Mixpanel() as found:
        yield found


@pytest.fixture
def office(desk, vendor):
    """A workspace whose two accounts are watched by Mixpanel."""
    desk.put("accounts.csv", ACCOUNTS)
    desk.settings(vendor.workspace())
    return desk


def pull(desk):
    """Sync; what the reading came to, and the reports by table."""
    workspace = open_workspace(desk.folder)
    [landed] = fetch(workspace, ["mixpanel"])
    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        reports = run(workspace, warehouse, read_at=datetime(2026, 3, 2, 9), landed=[landed])
    return landed, {report.table: report for report in reports if report.file == "mixpanel"}


def asked_days(vendor):
    """The days that were asked for, by request."""
    return [
        (date.fromisoformat(one.query["from_date"]), date.fromisoformat(one.query["to_date"]))
        for one in vendor.asked
    ]


def test_every_field_of_an_event_becomes_what_it_means(office, vendor):
    """Kind, feature, team and product by the founder's rules; what is missing is empty, and amounts are summed by day."""
    office.settings(vendor.workspace(RULES))
    at = now().replace(hour=1, minute=0, second=0) - timedelta(days=2)
    vendor.event("Exported", "a", at=at, user="u1", report="Sales", squad="North", size=2.5)
    vendor.event("Exported", "a", at=at + timedelta(minutes=1), user=None, report=None, size=None)
    vendor.event("Paywall shown", "b", at=at + timedelta(minutes=2), user="u2", squad=7)
    vendor.event("Invited", "b", at=at + timedelta(minutes=3), user="u2", **{"$user_id": "known"})
    vendor.event("Heartbeat", "b", at=at + timedelta(minutes=4))
    vendor.event("$mp_click", "b", at=at + timedelta(minutes=5))
    vendor.event("$mp_web_page_view", "b", at=at + timedelta(minutes=6))
    vendor.event("Anything else", "b", at=at + timedelta(minutes=7))
    landed, reports = pull(office)
    assert landed.failed == ""
    assert [(*row[:2], (row[2] - at).seconds // 60, *row[3:]) for row in office.ask(EVENTS)] == [
        ("a", "u1", 0, "used", "Sales", "North", "reports"),
        ("a", None, 1, "used", None, None, "reports"),
        ("b", "u2", 2, "blocked", None, "7", None),
        ("b", "known", 3, "invited", "Invitations", None, None),
        ("b", "u1", 6, "used", None, None, None),
        ("b", "u1", 7, "used", None, None, None),
    ]
    assert office.ask("SELECT account_id, day, metric, value FROM measures ORDER BY metric") == [
        ("a", at.date(), "exports", 2.0), ("a", at.date(), "megabytes", 2.5),
    ]  # fmt: skip
    assert office.ask("SELECT metric, label, unit, kind, per, core FROM metrics ORDER BY metric") == [
        ("exports", "Exports", "exports", "flow", "month", True),
        ("megabytes", "Exported megabytes", "MB", "flow", "month", True),
    ]
    assert reports["events"].rejected == 0


def test_a_second_sync_reads_the_last_days_again_and_changes_nothing(office, vendor):
    """Late events have five days; older days are not asked for, and what came before stays as it is."""
    for number in range(40):
        vendor.event("Saved", "a", at=now() - timedelta(days=20, hours=-12 * number), user=f"u{number}")
    pull(office)
    before, version = office.ask(EVENTS), office.ask("SELECT * FROM facts_version")
    vendor.asked.clear()
    _, reports = pull(office)
    today = now().date()
    [(first, _), *_, (_, last)] = asked_days(vendor)
    assert today - timedelta(days=6) <= first <= today - timedelta(days=5)
    assert last == today
    assert sum((until - since).days + 1 for since, until in asked_days(vendor)) == (today - first).days + 1
    assert office.ask(EVENTS) == before
    assert office.ask("SELECT * FROM facts_version") == version
    assert {(report.new, report.changed) for report in reports.values()} == {(0, 0)}


def test_an_event_that_comes_days_late_is_read(office, vendor):
    """It is dated when it happened, and found all the same."""
    office.settings(vendor.workspace(RULES))
    day = now() - timedelta(days=3)
    vendor.event("Exported", "a", at=day, size=1)
    pull(office)
    vendor.event("Exported", "a", at=day, user="late", size=4)
    _, reports = pull(office)
    assert reports["events"].new == 1
    assert office.ask("SELECT value FROM measures WHERE metric = 'megabytes'") == [(5.0,)]


def test_copies_of_one_event_are_one(office, vendor):
    """Exports are not deduplicated: name, person, time and $insert_id make an event."""
    at = now() - timedelta(days=1)
    for _ in range(3):
        vendor.event("Saved", "a", at=at, insert="same")
    vendor.event("Saved", "a", at=at, insert="same", user="u2")
    vendor.event("Opened", "a", at=at, insert="same")
    # Merged into another person since: still the event it was.
    vendor.event("Saved", "a", at=at, insert="same", user="merged", distinct_id_before_identity="u2")
    pull(office)
    assert office.ask("SELECT count(*) FROM events") == [(3,)]


def test_events_without_an_insert_id_are_told_apart_by_all_they_say(office, vendor):
    """Two that differ in a property are two, two alike are one."""
    at = now() - timedelta(days=1)
    for size in (1, 1, 2):
        vendor.event("Saved", "a", at=at, size=size, **{"$insert_id": None})
    pull(office)
    assert office.ask("SELECT count(*) FROM events") == [(2,)]


def test_an_older_project_counts_by_the_clock_on_its_wall(office, vendor):
    """Its seconds and its days are local; summer time included."""
    with mixpanel.Mixpanel(zone="Pacific/Auckland") as older:
        office.settings(older.workspace('time_zone = "Pacific/Auckland"\n'))
        winter, summer = datetime(2026, 6, 15, 13, 30), datetime(2026, 12, 15, 13, 30)
        moments = [moment for moment in (winter, summer) if moment < now()] + [now() - timedelta(hours=1)]
        older.days = 400
        office.settings(older.workspace('time_zone = "Pacific/Auckland"\n'))
        for moment in moments:
            older.event("Saved", "a", at=moment)
        pull(office)
        assert office.ask('SELECT "at" FROM events ORDER BY "at"') == [
            (moment,) for moment in sorted(moments)
        ]
        assert asked_days(older)[-1][1] == now().replace(tzinfo=UTC).astimezone(older.zone).date()


def test_an_unknown_time_zone_is_a_mistake_in_the_settings():
    """Said before anything is read."""
    with pytest.raises(Exception, match="is no time zone; write it as Europe/Vienna"):
        check_section(MIXPANEL.section, {"project_id": 1, "time_zone": "Vienna"}, "outgrown.toml")


def test_people_are_told_to_accounts_by_their_address(office, vendor):
    """A company's domain is an account's; free mail, and nothing at all, is nobody, which the founder is told."""
    office.settings(vendor.workspace('account = "$email"\n'))
    at = now() - timedelta(days=1)
    for address in (
        "eve@alpha.example",
        "Bob@Beta.Example",
        "eve@gmail.com",
        None,
        "",
        7.0,
        ["x@beta.example"],
    ):
        vendor.event("Saved", at=at, user=str(address), **{"$email": address})
    _, reports = pull(office)
    assert office.ask("SELECT account_id, count(*) FROM events GROUP BY 1 ORDER BY 1") == [("a", 1), ("b", 2)]
    assert reports["events"].notes == (
        "3 events name no account and are left out; account = '$email' in [connectors.mixpanel] says where one is named",
    )


def test_events_of_an_account_nobody_knows_wait_for_it(office, vendor):
    """They are landed, and are facts as soon as the account is there."""
    vendor.event("Saved", "c", at=now() - timedelta(days=9))
    pull(office)
    assert office.ask("SELECT count(*) FROM events") == [(0,)]
    office.put("accounts.csv", ACCOUNTS + "c,Gamma,,2026-01-01\n")
    office.sync(names=["files"])
    _, reports = pull(office)
    assert office.ask("SELECT account_id FROM events") == [("c",)]
    assert reports["events"].notes == ()


def test_lines_that_make_no_sense_are_rejected_with_the_reason(office, vendor):
    """And the rest is taken."""
    for number in range(1200):
        vendor.event("Saved", "a", user=f"u{number}")
    for line in (
        "{",
        "[]",
        '"text"',
        "null",
        "{}",
        json.dumps({"event": "Saved", "properties": {"time": "soon"}}),
    ):
        vendor.raw(line)
    vendor.raw(json.dumps({"event": None, "properties": {"time": 1, "account_id": "a"}}))
    vendor.raw(json.dumps({"event": "Saved", "properties": {"time": 1e300, "account_id": "a"}}))
    vendor.raw(json.dumps({"event": "Saved", "properties": [1]}))
    vendor.event("Saved", "a", user="last")
    _, reports = pull(office)
    assert (reports["events"].new, reports["events"].rejected) == (1201, 9)
    reasons = {reason for (reason,) in office.ask("SELECT DISTINCT reason FROM rejected_rows")}
    assert reasons == {"is no JSON object", "lacks its name or its time, or they make no sense"}


def test_an_export_that_we_do_not_understand_changes_nothing(office, vendor):
    """More bad lines than allowed look like another format, not like few events."""
    vendor.event("Saved", "a")
    pull(office)
    for number in range(40):
        vendor.raw(json.dumps({"name": f"Saved {number}"}))
    landed, failed = None, ""
    try:
        landed, _ = pull(office)
        failed = landed.failed
    except TooManyRejected as refused:
        failed = str(refused)
    assert "40 of" in failed
    assert office.ask("SELECT count(*) FROM events") == [(1,)]


def test_an_answer_that_breaks_off_is_asked_for_again(office, vendor):
    """Mixpanel says so in its last line, in the middle of a good answer."""
    for number in range(40):
        vendor.event("Saved", "a", user=f"u{number}")
    vendor.broken = 2
    landed, _ = pull(office)
    assert landed.failed == ""
    assert office.ask("SELECT count(*) FROM events") == [(40,)]


def test_a_refused_key_is_told_without_the_key(office, vendor):
    """With its name, and what it must be allowed to do."""
    vendor.key = ("somebody", "else")
    landed, _ = pull(office)
    assert "MIXPANEL_USERNAME and MIXPANEL_SECRET" in landed.failed
    assert mixpanel.SECRET not in landed.failed
    assert office.ask("SELECT count(*) FROM events") == [(0,)]


def test_a_wrong_project_is_told_in_mixpanels_words(office, vendor):
    """The founder can mend it from the sentence."""
    office.settings(vendor.workspace().replace("2195", "3"))
    landed, _ = pull(office)
    assert "Invalid project ID" in landed.failed
    assert "[connectors.mixpanel]" in landed.failed


def test_a_wrong_address_is_no_empty_export(office, vendor):
    """404 is not nothing."""
    office.settings(vendor.workspace().replace(vendor.url, vendor.url + "/eu"))
    landed, _ = pull(office)
    assert landed.failed.startswith("Mixpanel has no export at http://127.0.0.1")


def test_the_days_of_a_request_follow_what_a_day_weighs(office, vendor, monkeypatch):
    """Light days are asked for together, heavy ones one by one: the hour has sixty requests."""
    pull(office)
    light = [(until - since).days + 1 for since, until in asked_days(vendor)]
    assert light == [2, 4, 8, 16]
    monkeypatch.setattr(connector, "SMALL", 0)
    monkeypatch.setattr(connector, "LARGE", 100)
    for back in range(6):
        vendor.event("Saved", "a", at=now() - timedelta(days=back))
    vendor.asked.clear()
    pull(office)
    assert [(until - since).days + 1 for since, until in asked_days(vendor)][1:] == [1] * (
        len(vendor.asked) - 1
    )
    assert len(vendor.asked) >= 5


def test_a_first_reading_can_be_thirty_requests_long(desk, monkeypatch):
    """What the stand-in calls pages."""
    for name, value in mixpanel.ENV.items():
        monkeypatch.setenv(name, value)
    with mixpanel.Mixpanel(pages=30) as long:
        desk.settings(long.workspace())
        landed, _ = pull(desk)
    assert (landed.failed, landed.requests) == ("", 30)
    assert desk.ask("SELECT account_id, count(*) FROM events GROUP BY 1 ORDER BY 1") == [
        ("a", 600),
        ("b", 600),
    ]


@pytest.mark.parametrize("events", [0, 1, 5])
def test_the_check_is_one_small_request(office, vendor, events):
    """Also for a project in which nothing happened yet."""
    for _ in range(events):
        vendor.event("Saved", "a", at=now() - timedelta(days=1))
    workspace = open_workspace(office.folder)
    api = Api(MIXPANEL, section_of(MIXPANEL, workspace.settings), keys_of(MIXPANEL, workspace))
    assert MIXPANEL.check(api) == f"may read project {mixpanel.PROJECT}"
    assert [one.query["limit"] for one in vendor.asked] == ["1"]


def test_rows_that_others_took_from_mixpanel_are_understood(office, vendor, shared):
    """Real columns: an app's events, with their own properties inside."""
    office.settings(
        vendor.workspace(
            'account = "user_id"\nother_events = "ignore"\n[connectors.mixpanel.events]\n"plays" = { feature_from = "title" }\n'
        )
    )
    with (shared / "data" / "vendor_tables" / "mixpanel" / "event.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    office.put(
        "accounts.csv",
        ACCOUNTS
        + "".join(
            f"{account},App,,2020-01-01\n"
            for account in {json.loads(row["properties"])["user_id"] for row in rows}
        ),
    )
    for row in rows:
        properties = json.loads(row["properties"])
        vendor.event(
            row["name"],
            at=now() - timedelta(days=2),
            insert=row["insert_id"],
            user=row["distinct_id"],
            **properties,
        )
    pull(office)
    plays = [json.loads(row["properties"]) for row in rows if row["name"] == "plays"]
    expected = sorted((one["user_id"], one["title"]) for one in plays)
    assert plays
    assert sorted(office.ask("SELECT account_id, feature FROM events")) == expected


def test_trying_it_out_shows_events_and_keeps_nothing(office, vendor):
    """What `outgrown connect` shows before anything is set up for good."""
    vendor.event("Saved", "a")
    workspace = open_workspace(office.folder)
    tried = try_out(MIXPANEL, section_of(MIXPANEL, workspace.settings), workspace, 10)
    assert [(row["account_id"], row["kind"]) for row in tried.rows["events"]] == [("a", "used")]
    assert "a" in [row["record_id"] for row in tried.rows["records"]]
    assert not (workspace.private / "landing").exists()


def test_a_reading_that_was_cut_off_goes_on_where_it_stopped(office, vendor):
    """Days that were downloaded are not downloaded again, and nothing is missing."""
    for back in range(28):
        vendor.event("Saved", "a", at=now() - timedelta(days=back, hours=1))
    good, answer = vendor.key, vendor.answer

    def until_the_third(asked):
        vendor.key = good if len(vendor.asked) <= 2 else ("somebody", "else")
        return answer(asked)

    vendor.answer = until_the_third
    landed, _ = pull(office)
    assert "refused" in landed.failed
    assert office.ask("SELECT count(*) FROM events") == [(0,)]
    vendor.answer, vendor.key = answer, good
    first = asked_days(vendor)[:2]
    vendor.asked.clear()
    landed, _ = pull(office)
    assert (landed.failed, landed.resumed) == ("", True)
    assert office.ask("SELECT count(*) FROM events") == [(28,)]
    assert not set(first) & set(asked_days(vendor))
