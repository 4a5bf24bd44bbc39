"""Amplitude: events by the hour they were received, through the real sync into real facts."""

import csv
import gzip
import io
import json
import zipfile
from datetime import datetime, timedelta

import pytest

from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors import amplitude as connector
from connectors._api import Api, keys_of
from connectors.amplitude import AMPLITUDE
from connectors.sync import fetch, run, section_of
from connectors.trying import try_out
from tests.vendors import amplitude
from tests.vendors.amplitude import HOUR, now

ACCOUNTS = (
    "account_id,name,domain,created_on\na,Alpha,alpha.example,2026-01-01\nb,Beta,beta.example,2026-01-01\n"
)
EVENTS = 'SELECT account_id, user_id, "at", kind, feature, team FROM events ORDER BY "at", user_id'
RULES = """team = "squad"
[connectors.amplitude.events]
"Paywall shown" = "blocked"
"Exported" = { feature_from = "report" }
[connectors.amplitude.metrics.megabytes]
event = "Exported"
sum = "size"
label = "Exported megabytes"
unit = "MB"
"""


@pytest.fixture
def vendor(monkeypatch):
    """The stand-in, and the keys to it."""
    for name, value in amplitude.ENV.items():
        monkeypatch.setenv(name, value)
    with amplitude.Amplitude() as found:
        yield found


@pytest.fixture
def office(desk, vendor):
    """A workspace whose two accounts are watched by Amplitude."""
    desk.put("accounts.csv", ACCOUNTS)
    desk.settings(vendor.workspace())
    return desk


def pull(desk):
    """Sync; what the reading came to, and the reports by table."""
    workspace = open_workspace(desk.folder)
    [landed] = fetch(workspace, ["amplitude"])
    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        reports = run(workspace, warehouse, read_at=datetime(2026, 3, 2, 9), landed=[landed])
    return landed, {report.table: report for report in reports if report.file == "amplitude"}


def count(desk):
    """Events among the facts."""
    return desk.ask("SELECT count(*) FROM events")[0][0]


def asked_hours(vendor):
    """The first and last hours that were asked for, by request."""
    exports = [one for one in vendor.asked if one.path == "/api/2/export"]
    return [
        tuple(datetime.strptime(one.query[name], "%Y%m%dT%H") for name in ("start", "end")) for one in exports
    ]


def test_every_field_of_an_event_becomes_what_it_means(office, vendor):
    """Groups, properties and times without a zone mark; what is missing is empty, and amounts are summed by day."""
    office.settings(vendor.workspace(RULES))
    at = (now() - timedelta(days=2)).replace(hour=1, minute=0, second=0, microsecond=250)
    minute = timedelta(minutes=1)
    vendor.event("Exported", "a", at=at, user="u1", report="Sales", squad="North", size=2.5)
    vendor.event("Exported", "a", at=at + minute, user=None, report=None, size="1.5")
    vendor.event("Paywall shown", None, at=at + 2 * minute, account_id="b")
    vendor.event("Anything else", None, at=at + 3 * minute, more={"user_properties": {"account_id": "b"}})
    vendor.event("[Amplitude] Page Viewed", "b", at=at + 4 * minute, more={"event_properties": None})
    vendor.event("[Amplitude] Element Clicked", "b", at=at + 5 * minute)
    vendor.event("session_start", "b", at=at + 6 * minute)
    vendor.event("Saved", None, at=at + 7 * minute, more={"groups": {"account_id": "b"}, "uuid": None})
    landed, reports = pull(office)
    assert landed.failed == ""
    assert office.ask(EVENTS) == [
        ("a", "u1", at, "used", "Sales", "North"),
        ("a", "75805000264", at + minute, "used", None, None),
        ("b", "u1", at + 2 * minute, "blocked", None, None),
        ("b", "u1", at + 3 * minute, "used", None, None),
        ("b", "u1", at + 4 * minute, "used", None, None),
        ("b", "u1", at + 7 * minute, "used", None, None),
    ]
    assert office.ask("SELECT account_id, day, metric, value FROM measures") == [
        ("a", at.date(), "megabytes", 4.0)
    ]
    assert reports["events"].rejected == 0


def test_the_last_two_hours_are_never_asked_for(office, vendor):
    """They cannot be exported yet; the next reading begins before them."""
    vendor.event("Saved", "a", came=now() - timedelta(hours=1), user="new")
    pull(office)
    hour = now().replace(minute=0, second=0)
    assert asked_hours(vendor)[-1][1] == hour - 3 * HOUR
    assert count(office) == 0


def test_a_second_sync_asks_only_for_the_hours_since(office, vendor, monkeypatch):
    """With two of those before again, and what came in them changes nothing."""
    vendor.event("Saved", "a")
    vendor.event("Saved", "a", at=now() - timedelta(days=9))
    pull(office)
    before, version = office.ask(EVENTS), office.ask("SELECT * FROM facts_version")
    last = asked_hours(vendor)[-1][1]
    vendor.asked.clear()
    pull(office)
    assert [first for first, _ in asked_hours(vendor)] == [last - HOUR]
    assert (office.ask(EVENTS), office.ask("SELECT * FROM facts_version")) == (before, version)


def test_an_event_of_long_ago_that_comes_now_is_read(office, vendor):
    """Hours are those in which Amplitude received it."""
    pull(office)
    old = now() - timedelta(days=20)
    vendor.event("Saved", "a", at=old, came=now() - timedelta(hours=3, minutes=59))
    pull(office)
    assert office.ask('SELECT "at" FROM events') == [(old,)]


def test_hours_without_events_are_no_failure(office, vendor):
    """Amplitude says 404 to them."""
    landed, reports = pull(office)
    assert (landed.failed, count(office)) == ("", 0)
    assert reports["events"].notes == ("no rows",)


def test_too_much_for_one_answer_is_asked_for_in_halves(office, vendor):
    """Down to the hour."""
    for number in range(30):
        vendor.event("Saved", "a", at=now() - timedelta(days=2) + number * HOUR, user=f"u{number:02d}")
    vendor.most = 3
    landed, _ = pull(office)
    assert landed.failed == ""
    assert count(office) == 30


def test_an_hour_that_is_too_much_is_told(office, vendor):
    """Nothing smaller can be asked for."""
    for number in range(5):
        vendor.event("Saved", "a", user=f"u{number}")
    vendor.most = 3
    landed, _ = pull(office)
    assert "The file size exceeds 4 GB" in landed.failed
    assert count(office) == 0


def spoil_once(vendor, spoil):
    """The next answer is not what Amplitude sent."""

    def spoilt(body):
        vendor.spoilt = lambda whole: whole
        return spoil(body)

    vendor.spoilt = spoilt


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda body: body[: len(body) // 2], id="cut short"),
        pytest.param(lambda body: body[:-4], id="a few bytes short"),
        pytest.param(lambda body: b"", id="nothing"),
        pytest.param(lambda body: body[:90] + bytes([body[90] ^ 255]) + body[91:], id="one byte"),
        pytest.param(lambda body: b"<html>502</html>", id="a page"),
    ],
)
def test_an_archive_that_is_damaged_on_its_way_is_asked_for_again(office, vendor, spoil):
    """And nothing is missing."""
    for number in range(50):
        vendor.event("Saved", "a", user=f"u{number}")
    spoil_once(vendor, spoil)
    landed, _ = pull(office)
    assert landed.failed == ""
    assert count(office) == 50


def packed(inside, name="218028_1.json.gz"):
    """A good archive of whatever is inside."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, inside)
    return body.getvalue()


def test_what_is_damaged_inside_a_good_archive_is_asked_for_next_time(office, vendor):
    """It is no use to ask at once; nothing of it is kept."""
    vendor.event("Saved", "a")
    good = gzip.compress(b'{"event_type": "Saved"}\n' * 500)
    spoil_once(vendor, lambda _: packed(good[:-9]))
    landed, _ = pull(office)
    assert landed.failed == "Amplitude sent an archive that is damaged inside; sync again later."
    landed, _ = pull(office)
    assert (landed.failed, count(office)) == ("", 1)


def test_an_archive_that_swells_is_left_alone(office, vendor, monkeypatch):
    """Whatever its headers say, only so much is unpacked."""
    monkeypatch.setattr(connector, "UNPACKED", 1 << 20)
    vendor.event("Saved", "a")
    spoil_once(vendor, lambda _: packed(gzip.compress(b" \n" * (64 << 20))))
    landed, _ = pull(office)
    assert "unpacks to far more than events can be" in landed.failed
    assert count(office) == 0


def test_a_line_without_end_is_left_alone(office, vendor):
    """It could fill the memory."""
    vendor.event("Saved", "a")
    spoil_once(vendor, lambda _: packed(gzip.compress(b'"' + b"a" * (17 << 20), 1)))
    landed, _ = pull(office)
    assert "sent a line of more than 16 MB" in landed.failed


def test_lines_that_make_no_sense_are_rejected_with_the_reason(office, vendor):
    """And the rest is taken."""
    for number in range(1000):
        vendor.event("Saved", "a", user=f"u{number}")
    for line in (
        "{",
        "null",
        "{}",
        json.dumps({"event_type": "Saved", "event_time": "soon", "groups": {"account_id": ["a"]}}),
    ):
        vendor.raw(line)
    for wrong in (
        {"event_time": 5},
        {"groups": ["a"]},
        {"event_type": ["x"]},
        {"event_properties": "x", "groups": None},
    ):
        vendor.event("Saved", "a", more=wrong)
    _, reports = pull(office)
    assert (reports["events"].new, reports["events"].rejected) == (1000, 6)
    assert reports["events"].notes[0].startswith("2 events name no account and are left out")


def test_a_refused_key_is_told_without_the_key(office, vendor):
    """With its names."""
    vendor.key = ("somebody", "else")
    landed, _ = pull(office)
    assert "AMPLITUDE_API_KEY and AMPLITUDE_SECRET_KEY" in landed.failed
    assert amplitude.SECRET not in landed.failed
    assert amplitude.KEY not in landed.failed


def test_a_first_reading_can_be_thirty_requests_long(desk, monkeypatch):
    """What the stand-in calls pages."""
    for name, value in amplitude.ENV.items():
        monkeypatch.setenv(name, value)
    with amplitude.Amplitude(pages=30) as long:
        desk.settings(long.workspace())
        landed, _ = pull(desk)
    assert (landed.failed, landed.requests) == ("", 30)
    assert desk.ask("SELECT account_id, count(*) FROM events GROUP BY 1 ORDER BY 1") == [
        ("a", 600),
        ("b", 600),
    ]


def test_the_check_is_one_small_request(office, vendor):
    """It says what the key may read."""
    workspace = open_workspace(office.folder)
    api = Api(AMPLITUDE, section_of(AMPLITUDE, workspace.settings), keys_of(AMPLITUDE, workspace))
    assert AMPLITUDE.check(api) == "may read 1 kinds of events"
    assert len(vendor.asked) == 1


def test_rows_that_others_took_from_amplitude_are_understood(office, vendor, shared):
    """Real columns: times with a T, empty groups, an account only among what is known of the user."""
    office.settings(vendor.workspace('account = "Cohort"\n'))
    with (shared / "data" / "vendor_tables" / "amplitude" / "amplitude_event_data.csv").open(
        encoding="utf-8"
    ) as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        given = {
            name: json.loads(row[name] or "{}") for name in ("event_properties", "groups", "user_properties")
        }
        own = {name: row[name] for name in ("event_time", "user_id", "uuid")}
        vendor.event(row["event_type"], at=now() - timedelta(days=2), more=own | given)
    cohorts = {row["uuid"]: json.loads(row["user_properties"] or "{}").get("Cohort") for row in rows}
    named = sorted({cohort for cohort in cohorts.values() if cohort})
    assert named
    office.put("accounts.csv", ACCOUNTS + "".join(f"{cohort},X,,2020-01-01\n" for cohort in named))
    pull(office)
    found = office.ask('SELECT event_id, account_id, user_id, "at" FROM events')
    assert sorted(found) == sorted(
        (
            f"amplitude:{row['uuid']}",
            cohorts[row["uuid"]],
            row["user_id"],
            datetime.fromisoformat(row["event_time"]),
        )
        for row in rows
        if cohorts[row["uuid"]]
    )


def test_trying_it_out_shows_events_and_keeps_nothing(office, vendor):
    """What `outgrown connect` shows before anything is set up for good."""
    vendor.event("Saved", "a")
    workspace = open_workspace(office.folder)
    tried = try_out(AMPLITUDE, section_of(AMPLITUDE, workspace.settings), workspace, 10)
    assert [(row["account_id"], row["kind"]) for row in tried.rows["events"]] == [("a", "used")]
    assert "a" in [row["record_id"] for row in tried.rows["records"]]
    assert not (workspace.private / "landing").exists()
