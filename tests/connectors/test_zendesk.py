"""Zendesk: organisations and tickets, through the real sync into real facts."""

import csv
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from agent.foundation.settings import open_workspace
from connectors import VENDORS
from connectors._api import Api, keys_of
from connectors._inbox import NotGenuine, NotUnderstood, put
from connectors._landing import Landing
from connectors.sync import check, fetch, run, section_of
from connectors.zendesk import ZENDESK, Request
from connectors.zendesk import Zendesk as Settings
from tests.vendors import zendesk
from tests.vendors.server import Refusal
from tests.vendors.zendesk import AGENT, ALPHA, BETA, now

ACCOUNTS = (
    "account_id,name,domain,created_on\na,Alpha,alpha.example,2026-01-01\nb,Beta,beta.example,2026-01-01\n"
)


@pytest.fixture
def vendor(monkeypatch):
    """The stand-in, and the keys to it."""
    for name, value in zendesk.ENV.items():
        monkeypatch.setenv(name, value)
    with zendesk.Zendesk() as found:
        yield found


@pytest.fixture
def office(desk, vendor):
    """A workspace whose two accounts write to Zendesk."""
    desk.put("accounts.csv", ACCOUNTS)
    desk.settings(vendor.workspace())
    return desk


def pull(desk):
    """Sync; what the reading of Zendesk came to, and the reports by table."""
    workspace = open_workspace(desk.folder)
    [landed] = fetch(workspace, ["zendesk"])
    from agent.foundation.warehouse import open_warehouse

    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        reports = run(workspace, warehouse, read_at=datetime(2026, 3, 2, 9), landed=[landed])
    return landed, {report.table: report for report in reports if report.file == "zendesk"}


def tickets(desk, columns="ticket_id, account_id"):
    """Tickets as the facts hold them."""
    return desk.ask(f"SELECT {columns} FROM tickets ORDER BY ticket_id")


def naive(moment):
    """UTC without a zone mark."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def test_every_field_of_a_ticket_becomes_what_it_means(office, vendor):
    """Priority, times, sentiment, topic, minutes, the customer's own words: each from its own field."""
    opened, solved = now() - timedelta(days=9), now() - timedelta(days=2)
    office.settings(vendor.workspace() + 'minutes_field = 77\ntopic_tags = ["billing", "export"]\n')
    vendor.ticket(
        1, organization_id=BETA, created_at=zendesk.text(opened), status="closed", priority="urgent", type="incident",
        tags=["vip", "export"], subject="Export <b>fails</b>", description="Since Monday.",
        custom_fields=[{"id": 5, "value": "x"}, {"id": 77, "value": "1230"}],
        satisfaction_rating={"score": "bad", "comment": "Took ages."},
        metric_set={"solved_at": zendesk.text(solved)},
    )  # fmt: skip
    vendor.comment(1, "Still failing.")
    vendor.comment(1, "We look into it.", author=AGENT)
    vendor.comment(1, "Customer is angry", author=AGENT, public=False)
    vendor.comment(1, "A note of theirs that is not public", public=False)
    landed, _ = pull(office)
    assert landed.failed == ""
    [row] = tickets(
        office,
        "ticket_id, account_id, opened_at, closed_at, priority, minutes, sentiment, topic, feature, text",
    )
    assert row == (
        "zendesk:1", "b", naive(opened), naive(solved), "urgent", 20.5, -0.8, "export", None,
        "Export <b>fails</b>\n\nSince Monday.\n\nStill failing.\n\nTook ages.",
    )  # fmt: skip


def test_empty_fields_are_empty(office, vendor):
    """A ticket with nulls wherever Zendesk allows them."""
    row = vendor.ticket(
        1, subject=None, description=None, satisfaction_rating=None, custom_fields=None, tags=None
    )
    pull(office)
    columns = "closed_at, priority, minutes, sentiment, topic, text"
    assert tickets(office, columns) == [(None, "normal", None, None, None, None)]
    assert row["organization_id"] == ALPHA


@pytest.mark.parametrize(
    ("status", "metric_set", "closed"),
    [
        pytest.param("open", {"solved_at": "2026-01-05T00:00:00Z"}, None, id="reopened"),
        pytest.param("solved", {"solved_at": "2026-01-05T10:00:00Z"}, datetime(2026, 1, 5, 10), id="solved"),
        pytest.param("closed", None, datetime(2026, 1, 9), id="no metrics"),
        pytest.param("closed", {"solved_at": None}, datetime(2026, 1, 9), id="never solved"),
        pytest.param(
            "closed", {"solved_at": "2025-12-01T00:00:00Z"}, datetime(2026, 1, 2), id="before it came"
        ),
    ],
)
def test_a_ticket_is_closed_when_it_was_solved(status, metric_set, closed):
    """Not when Zendesk archived it days later."""
    row = Request(
        id=1, organization_id=2, created_at="2026-01-02T00:00:00Z", updated_at="2026-01-09T00:00:00Z", status=status,
        metric_set=metric_set,
    )  # fmt: skip
    [ticket] = row.facts(Settings())
    assert ticket.closed_at == closed


def test_minutes_may_come_from_a_metric():
    """Where time is not tracked, the founder may choose a metric, in business hours."""
    row = Request(
        id=1, organization_id=2, created_at=0, updated_at=0, status="open",
        metric_set={"agent_wait_time_in_minutes": {"calendar": 90, "business": 30}},
    )  # fmt: skip
    assert [t.minutes for t in row.facts(Settings())] == [None]
    assert [t.minutes for t in row.facts(Settings(minutes_metric="agent_wait_time_in_minutes"))] == [30]


def test_organisations_match_by_our_id_and_by_a_domain_of_their_own(office, vendor):
    """A domain of free mail says nothing, and an organisation nobody knows gives nothing."""
    vendor.organisation(9003, name="Nobody", domain_names=["nobody.example"])
    for number, organisation in enumerate((ALPHA, BETA, 9003, None)):
        vendor.ticket(number, organization_id=organisation)
    pull(office)
    assert tickets(office) == [("zendesk:0", "a"), ("zendesk:1", "b")]


def test_the_next_sync_goes_on_from_the_cursor(office, vendor):
    """It asks for nothing twice, and a sync without news changes nothing."""
    vendor.ticket(1)
    vendor.ticket(2, organization_id=BETA)
    _, first = pull(office)
    assert first["tickets"].new == 2
    vendor.asked.clear()
    _, second = pull(office)
    assert (second["tickets"].read, second["tickets"].new, second["tickets"].changed) == (0, 0, 0)
    exports = [asked for asked in vendor.asked if "cursor.json" in asked.path]
    assert [("cursor" in a.query, "start_time" in a.query) for a in exports] == [(True, False)]
    vendor.ticket(2, at=now() - timedelta(minutes=5), priority="high")
    _, third = pull(office)
    assert (third["tickets"].read, third["tickets"].changed) == (1, 1)
    assert tickets(office, "priority") == [("normal",), ("high",)]


def test_what_changed_in_the_last_minute_comes_the_next_time(office, vendor):
    """Zendesk leaves it out of the export; the cursor does not pass it by."""
    vendor.ticket(1, at=now() - timedelta(minutes=3))
    vendor.ticket(2, at=now() - timedelta(seconds=20))
    pull(office)
    assert tickets(office) == [("zendesk:1", "a")]
    vendor.ticket(2, at=now() - timedelta(seconds=61))
    pull(office)
    assert tickets(office) == [("zendesk:1", "a"), ("zendesk:2", "a")]


def test_a_webhook_brings_the_ticket_that_the_export_leaves_out(office, vendor):
    """The row in the inbox makes the next reading fetch that ticket, and is gone afterwards."""
    vendor.ticket(1, at=now() - timedelta(seconds=5), subject="Just now")
    inbox = Landing(open_workspace(office.folder), "zendesk").inbox
    headers, body = vendor.hook({"ticket_id": "1"})
    put(inbox, ZENDESK.hook.read(headers, body, zendesk.SECRET))
    put(inbox, [{"ticket": "404"}, {"ticket": "../users/me"}])
    pull(office)
    assert tickets(office, "ticket_id, text") == [("zendesk:1", "Just now\n\nIt does not work.")]
    assert not list(inbox.glob("*.jsonl"))
    [asked] = [a for a in vendor.asked if "show_many" in a.path]
    assert asked.query["ids"] == "1,404"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"ticket_id": 1234}, id="a trigger's own body"),
        pytest.param({"ticket": {"id": "1234"}}, id="a trigger's object"),
        pytest.param(
            {"type": "zen:event-type:ticket.comment_added", "detail": {"id": "1234"}}, id="an event"
        ),
        pytest.param({"type": "zen:event-type:x", "subject": "zen:ticket:1234"}, id="an event's subject"),
    ],
)
def test_a_webhook_names_its_ticket(vendor, body):
    """Whichever way it was set up."""
    assert ZENDESK.hook.read(*vendor.hook(body), zendesk.SECRET) == [{"ticket": "1234"}]


def test_a_webhook_that_zendesk_did_not_sign_is_refused(vendor):
    """Another secret, another body, a copy of an old call, no signature at all."""
    headers, body = vendor.hook({"ticket_id": 1})
    read, secret = ZENDESK.hook.read, zendesk.SECRET
    for wrong in (
        (headers, body, "another"),
        (headers, body.replace(b"1", b"2"), secret),
        (*vendor.hook({"ticket_id": 1}, at=now() - timedelta(minutes=6)), secret),
        ({}, body, secret),
        ({**headers, "x-zendesk-webhook-signature": "no base64 \u00e9"}, body, secret),
        ({**headers, "x-zendesk-webhook-signature-timestamp": "yesterday"}, body, secret),
    ):
        with pytest.raises(NotGenuine):
            read(*wrong)


@pytest.mark.parametrize("body", [b"{", b"[]", {"ticket_id": "1/../2"}, {"ticket_id": "\u0661"}, {"id": 5}])
def test_a_webhook_without_a_ticket_is_not_understood(vendor, body):
    """What would go into a request must be a number."""
    with pytest.raises(NotUnderstood):
        ZENDESK.hook.read(*vendor.hook(body), zendesk.SECRET)


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param({"status": "deleted", "subject": "SCRUBBED", "description": "SCRUBBED"}, id="deleted"),
        pytest.param({"status": "closed", "tags": ["closed_by_merge"]}, id="merged"),
    ],
)
def test_a_ticket_that_is_gone_is_closed_and_says_nothing(office, vendor, gone):
    """An urgent ticket that was deleted holds nobody."""
    vendor.ticket(1, priority="urgent", satisfaction_rating={"score": "bad"})
    pull(office)
    when = now() - timedelta(minutes=4)
    vendor.ticket(1, at=when, **gone)
    pull(office)
    assert tickets(office, "closed_at, sentiment, text") == [(naive(when), None, None)]


def test_a_deleted_ticket_that_names_no_organisation_is_closed_too(office, vendor):
    """Whose it was is what landed before."""
    vendor.ticket(1, priority="urgent")
    vendor.ticket(2)
    pull(office)
    vendor.ticket(1, at=now() - timedelta(minutes=4), status="deleted", organization_id=None)
    vendor.ticket(3, at=now() - timedelta(minutes=4), status="deleted", organization_id=None)
    pull(office)
    assert tickets(office, "ticket_id, closed_at IS NULL, text IS NULL") == [
        ("zendesk:1", False, True),
        ("zendesk:2", True, False),
    ]


def test_comments_cost_a_request_only_where_there_are_any(office, vendor):
    """Neither for a ticket of one message, nor for an old one at the first reading, nor when switched off."""
    vendor.ticket(1)
    vendor.ticket(2, created_at=zendesk.text(now() - timedelta(days=61)))
    vendor.ticket(3)
    for number in (2, 3):
        vendor.comment(number, "More")
    pull(office)
    asked = [a.path for a in vendor.asked if "comments" in a.path]
    assert asked == ["/api/v2/tickets/3/comments.json"]
    vendor.ticket(2, at=now() - timedelta(minutes=2))
    pull(office)
    assert tickets(office, "text")[1] == ("Help\n\nIt does not work.\n\nMore",)
    office.settings(vendor.workspace() + "comments = false\n")
    vendor.asked.clear()
    vendor.ticket(3, at=now() - timedelta(minutes=2))
    pull(office)
    assert not [a for a in vendor.asked if "comments" in a.path]


def test_a_bad_ticket_is_rejected_and_counted(office, vendor):
    """With its reason; the others come in."""
    vendor.ticket(1)
    vendor.ticket(2, status="pondering")
    vendor.ticket(3, created_at="yesterday")
    vendor.ticket(4, subject="half a character \ud800")
    landed, reports = pull(office)
    assert [bad.column for _, bad in landed.rejected] == ["2 status", "3 created_at"]
    assert (reports["tickets"].new, reports["tickets"].rejected) == (2, 2)
    assert tickets(office, "text")[1][0].startswith("half a character\n")


def test_a_cursor_that_zendesk_forgot_begins_the_stream_again(office, vendor):
    """From the time of the last reading."""
    vendor.ticket(1)
    pull(office)
    vendor.stale_cursors = True
    vendor.ticket(2, at=now() - timedelta(minutes=5))
    landed, _ = pull(office)
    assert landed.failed == ""
    assert [row[0] for row in tickets(office)] == ["zendesk:1", "zendesk:2"]


def test_since_today_does_not_begin_in_the_last_minute(office, vendor, monkeypatch):
    """Zendesk refuses a start that is too new."""
    vendor.ticket(1)
    [landed] = fetch(open_workspace(office.folder), ["zendesk"], since=(now() + timedelta(days=1)).date())
    assert landed.failed == ""


def test_a_key_that_is_refused_is_named_and_not_shown(office, vendor):
    """One sentence with the variable; the token itself appears nowhere."""
    vendor.key = ("someone@else.example", "other")
    landed, _ = pull(office)
    assert "ZENDESK_API_TOKEN" in landed.failed
    assert "(401)" in landed.failed
    assert zendesk.TOKEN not in landed.failed


def test_check_says_whom_the_key_belongs_to(office, vendor):
    """And does not take an anonymous visitor for an agent."""
    workspace = open_workspace(office.folder)
    api = Api(ZENDESK, section_of(ZENDESK, workspace.settings), keys_of(ZENDESK, workspace))
    assert ZENDESK.check(api) == f"signed in as {zendesk.EMAIL}"
    check(workspace.settings)
    assert VENDORS["zendesk"] is ZENDESK


def test_zendesk_may_ask_us_to_wait(office, vendor):
    """429 with Retry-After is waited out."""
    vendor.ticket(1)
    vendor.slow = 1
    landed, _ = pull(office)
    assert (landed.failed, [row[0] for row in tickets(office)]) == ("", ["zendesk:1"])


def test_exports_are_asked_for_ten_times_a_minute(office, vendor, monkeypatch):
    """That is Zendesk's limit for them; other questions are under the general one."""
    office.settings(vendor.workspace().replace("requests_per_minute = 60000\n", ""))
    waited = []
    clock = SimpleNamespace(monotonic=lambda: 1000.0, sleep=waited.append)
    monkeypatch.setattr("connectors.zendesk.time", clock)
    vendor.page = 1
    for number in range(12):
        vendor.ticket(number)
        vendor.comment(number, "More")
    landed, _ = pull(office)
    assert landed.failed == ""
    assert waited == [60.0, 60.0]


def test_a_reading_that_was_broken_off_goes_on_where_it_stopped(office, vendor):
    """Pages that came are not asked for again, and the facts change only at the end."""
    vendor.page = 2
    for number in range(10):
        vendor.ticket(number)
    answer, asked = vendor.answer, []

    def breaking(question):
        asked.append(question.target)
        if len(asked) == 5:
            raise Refusal(403, {"error": "Forbidden"})
        return answer(question)

    vendor.answer = breaking
    landed, reports = pull(office)
    assert ("(403)" in landed.failed, "tickets" in reports) == (True, False)
    pull(office)
    assert len(tickets(office)) == 10
    assert [target for target in set(asked) if asked.count(target) > 1] == [asked[4]]


def test_thirty_pages_come_once_each(desk, monkeypatch):
    """Every ticket is there, by one request a page."""
    for name, value in zendesk.ENV.items():
        monkeypatch.setenv(name, value)
    with zendesk.Zendesk(pages=30, page=20) as vendor:
        desk.put("accounts.csv", ACCOUNTS)
        desk.settings(vendor.workspace())
        landed, reports = pull(desk)
        pages = [a for a in vendor.asked if "cursor.json" in a.path]
        assert (landed.failed, reports["tickets"].new, len(pages)) == ("", 600, 30)
        _, again = pull(desk)
        assert again["tickets"].read == 0


def test_rows_of_a_real_account_fit(shared):
    """Tickets and organisations in the shapes that a public package tests its models with."""
    folder = shared / "data" / "vendor_tables" / "zendesk"
    with (folder / "ticket_data.csv").open(encoding="utf-8") as lines:
        given = [{name: value or None for name, value in row.items()} for row in csv.DictReader(lines)]
    made = [ticket for row in given for ticket in Request.model_validate(row).facts(Settings())]
    assert len(made) == sum(1 for row in given if row["organization_id"])
    by_id = {ticket.ticket_id: ticket for ticket in made}
    assert by_id["1595"].text is None  # deleted
    assert by_id["16988"].closed_at == datetime(2021, 1, 13, 18, 42, 39)
    assert by_id["16988"].text == "subject1\n\ndescription1"
