"""HubSpot: companies and tickets through its own client, through the real sync into real facts."""

import csv
import re
import sys
from datetime import UTC, datetime, timedelta

import pytest

from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors._api import Api, keys_of
from connectors._landing import Landing
from connectors.hubspot import HUBSPOT, Company, Request
from connectors.hubspot import HubSpot as Settings
from connectors.sync import fetch, run, section_of
from tests.vendors import hubspot
from tests.vendors.hubspot import ALPHA, BETA, now
from tests.vendors.server import Refusal

pytest.importorskip("hubspot", reason="HubSpot's own client is not installed")

ACCOUNTS = (
    "account_id,name,domain,created_on\na,Alpha,alpha.example,2026-01-01\nb,Beta,beta.example,2026-01-01\n"
)


@pytest.fixture
def vendor(monkeypatch):
    """The stand-in, and the key to it."""
    for name, value in hubspot.ENV.items():
        monkeypatch.setenv(name, value)
    with hubspot.HubSpot() as found:
        yield found


@pytest.fixture
def office(desk, vendor):
    """A workspace whose two accounts are companies in HubSpot."""
    desk.put("accounts.csv", ACCOUNTS)
    desk.settings(vendor.workspace())
    return desk


def pull(desk):
    """Sync; what the reading of HubSpot came to, and the reports by table."""
    workspace = open_workspace(desk.folder)
    [landed] = fetch(workspace, ["hubspot"])
    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        reports = run(workspace, warehouse, read_at=datetime(2026, 3, 2, 9), landed=[landed])
    return landed, {report.table: report for report in reports if report.file == "hubspot"}


def tickets(desk, columns="ticket_id, account_id"):
    """Tickets as the facts hold them."""
    return desk.ask(f"SELECT {columns} FROM tickets ORDER BY ticket_id")


def records(desk, columns):
    """Records as they landed, the newest of each."""
    return Landing(open_workspace(desk.folder), "hubspot").ask(
        f"SELECT {columns} FROM (SELECT * FROM vendor.records QUALIFY row_number() OVER "
        "(PARTITION BY record_id ORDER BY changed_at DESC, pulled DESC) = 1) ORDER BY record_id"
    )


def naive(moment):
    """UTC without a zone mark."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def searches(vendor, kind="tickets"):
    """The searches that were asked, of one kind of object."""
    return [a.json for a in vendor.asked if a.path == f"/crm/v3/objects/{kind}/search"]


def test_every_property_of_a_ticket_becomes_what_it_means(office, vendor):
    """Times, priority, topic, minutes, text, and the company it is mainly about."""
    office.settings(vendor.workspace() + 'minutes_property = "minutes_worked"\n')
    opened, closed = now() - timedelta(days=9), now() - timedelta(days=3)
    vendor.ticket(
        7, company=[(ALPHA, 339), (BETA, 339), (BETA, 26)], subject="Export fails", content="Since Monday.",
        createdate=hubspot.text(opened), closed_date=hubspot.text(closed), hs_pipeline_stage="4", hs_ticket_priority="URGENT",
        hs_ticket_category="PRODUCT_ISSUE;BILLING_ISSUE", minutes_worked="20.5",
    )  # fmt: skip
    landed, _ = pull(office)
    assert landed.failed == ""
    columns = (
        "ticket_id, account_id, opened_at, closed_at, priority, minutes, sentiment, topic, feature, text"
    )
    assert tickets(office, columns) == [
        (
            "hubspot:7", "b", naive(opened), naive(closed), "urgent", 20.5, None, "PRODUCT_ISSUE", None,
            "Export fails\n\nSince Monday.",
        )
    ]  # fmt: skip


def test_empty_properties_are_empty(office, vendor):
    """Nulls and empty text, wherever HubSpot gives them."""
    vendor.ticket(1, subject="", content=None, closed_date="", hs_ticket_priority="", hs_ticket_category="")
    pull(office)
    columns = "closed_at, priority, minutes, topic, text"
    assert tickets(office, columns) == [(None, "normal", None, None, None)]


@pytest.mark.parametrize(
    ("stage", "closed_date", "is_closed"),
    [
        pytest.param("1", "2026-01-05T00:00:00Z", False, id="opened again"),
        pytest.param("4", "2026-01-05T00:00:00Z", True, id="closed"),
        pytest.param("4", None, True, id="closed without a date"),
        pytest.param("99", "2026-01-05T00:00:00Z", True, id="a stage that is no more, with a date"),
        pytest.param("99", None, False, id="a stage that is no more"),
    ],
)
def test_the_stage_says_whether_a_ticket_is_closed(office, vendor, stage, closed_date, is_closed):
    """By its pipeline's metadata, whatever it is called."""
    vendor.ticket(1, hs_pipeline_stage=stage, closed_date=closed_date)
    pull(office)
    assert tickets(office, "closed_at IS NOT NULL") == [(is_closed,)]


def test_a_ticket_of_no_company_or_of_several_is_nobodys(office, vendor):
    """HubSpot answers 207 for those without; between several nobody guesses."""
    vendor.ticket(1, company=[])
    vendor.ticket(2, company=[(ALPHA, 339), (BETA, 339)])
    vendor.ticket(3, company=[(BETA, 339)])
    pull(office)
    assert tickets(office) == [("hubspot:3", "b")]


def test_companies_match_by_our_id_and_by_domain(office, vendor):
    """The property with our id is a setting; the owner is named; the size is the headcount."""
    office.settings(vendor.workspace() + 'id_property = "our_number"\n')
    vendor.company(
        ALPHA, account_id=None, our_number="a", numberofemployees="40", at=now() - timedelta(days=400)
    )
    vendor.company(803, name="Nobody", numberofemployees="")
    pull(office)
    assert records(office, "record_id, own_id, domain, owner") == [
        ("801", "a", None, "Ada Byron"),
        ("802", None, "beta.example", None),
        ("803", None, None, None),
    ]
    day = naive(now() - timedelta(days=400)).date()
    assert office.ask("SELECT account_id, day, metric, value FROM measures") == [
        ("a", day, "headcount", 40.0)
    ]


def test_the_next_sync_asks_for_what_changed(office, vendor):
    """And one without news changes nothing."""
    vendor.ticket(1)
    began = now()
    pull(office)
    vendor.asked.clear()
    _, second = pull(office)
    assert {name: (one.new, one.changed) for name, one in second.items()} == {
        "tickets": (0, 0),
        "measures": (0, 0),
    }
    for kind in ("tickets", "companies"):
        [body] = searches(vendor, kind)
        [one] = body["filterGroups"][0]["filters"]
        assert (one["propertyName"], one["operator"]) == ("hs_lastmodifieddate", "GTE")
        # An hour before: what has just changed is not found at once.
        assert abs(int(one["value"]) / 1000 - (began - timedelta(hours=1)).timestamp()) < 60
    vendor.ticket(1, at=now(), hs_ticket_priority="HIGH")
    _, third = pull(office)
    assert (third["tickets"].changed, tickets(office, "priority")) == (1, [("high",)])


def test_more_tickets_of_one_moment_than_a_page_holds_all_come(office, vendor):
    """As an import leaves them: by number, to the end of that moment, and on from there."""
    vendor.page = 5
    same = now() - timedelta(days=3)
    for number in range(23):
        vendor.ticket(number + 1, at=same)
    vendor.ticket(50, at=same - timedelta(days=1))
    vendor.ticket(51, at=same + timedelta(days=1))
    landed, _ = pull(office)
    assert (landed.failed, len(tickets(office))) == ("", 25)
    assert not [body for body in searches(vendor) if "after" in body]


def test_a_ticket_that_changes_while_it_is_read_makes_no_other_slip_past(office, vendor):
    """Pages are asked for by where the last one ended, not by their number."""
    vendor.page = 4
    for number in range(12):
        vendor.ticket(number + 1, at=now() - timedelta(days=5) + timedelta(minutes=number))
    answer, asked = vendor.answer, []

    def moving(question):
        found = answer(question)
        if question.path.endswith("tickets/search"):
            asked.append(question)
            if len(asked) == 1:
                # The first ticket moves to the end, and the others up by one place.
                vendor.ticket(1, at=now())
        return found

    vendor.answer = moving
    pull(office)
    assert len(tickets(office)) == 12


def test_a_deleted_ticket_is_closed_and_says_nothing(office, vendor):
    """Its company is what landed before; one that never landed stays away."""
    vendor.ticket(1, hs_ticket_priority="URGENT")
    vendor.ticket(2)
    pull(office)
    assert not [a for a in vendor.asked if a.query.get("archived")]
    at = now() - timedelta(minutes=3)
    vendor.delete("tickets", 1, at)
    vendor.archived["tickets"][999] = hubspot.text(at)
    pull(office)
    opened = naive(datetime.fromisoformat(vendor.tickets[2]["createdate"]))
    assert tickets(office, "ticket_id, closed_at, text") == [
        ("hubspot:1", naive(at), None),
        ("hubspot:2", None, "Help\n\nIt does not work."),
    ]
    assert all(abs(one - opened) < timedelta(seconds=5) for (one,) in tickets(office, "opened_at"))
    _, again = pull(office)
    assert (again["tickets"].new, again["tickets"].changed) == (0, 0)


def test_a_merged_ticket_is_closed_and_says_nothing(office, vendor):
    """What is left names it."""
    vendor.ticket(1)
    vendor.ticket(2)
    pull(office)
    del vendor.tickets[1]
    vendor.ticket(2, at=now() - timedelta(minutes=2), hs_merged_object_ids="1;77")
    pull(office)
    assert tickets(office, "ticket_id, closed_at IS NULL, text IS NULL") == [
        ("hubspot:1", False, True),
        ("hubspot:2", True, False),
    ]


def test_a_company_that_was_merged_into_another_leaves_its_tickets_to_it(office, vendor):
    """And is no second company of that domain any more, over which the account would be held."""
    vendor.company(804, name="Beta too", account_id="b")
    vendor.ticket(1, company=804)
    pull(office)
    del vendor.companies[804]
    vendor.company(BETA, at=now() - timedelta(minutes=2), hs_merged_object_ids="804")
    pull(office)
    assert records(office, "record_id, own_id, domain")[2] == ("804", None, None)
    opened = naive(datetime.fromisoformat(vendor.tickets[1]["createdate"]))
    assert tickets(office, "account_id, opened_at, text") == [("b", opened, "Help\n\nIt does not work.")]


def test_a_deleted_company_is_nobody(office, vendor):
    """What it gave leaves the facts."""
    vendor.ticket(1, company=BETA)
    pull(office)
    assert tickets(office) == [("hubspot:1", "b")]
    vendor.delete("companies", BETA)
    pull(office)
    assert tickets(office) == []


def test_bad_rows_are_rejected_and_counted(office, vendor):
    """Without costing the page: HubSpot's client would refuse it whole."""
    vendor.ticket(1)
    vendor.ticket(2, createdate=None)
    vendor.company(803, numberofemployees="many")
    landed, reports = pull(office)
    assert [(table, bad.column) for table, bad in landed.rejected] == [
        ("records", "803 companies"),
        ("tickets", "2 properties.createdate"),
    ]
    assert reports["tickets"].new == 1


def test_a_key_that_is_refused_is_named_and_not_shown(office, vendor):
    """One sentence with the variable and its scopes; the token itself appears nowhere."""
    vendor.token = "another"
    landed, _ = pull(office)
    assert "HUBSPOT_ACCESS_TOKEN (401)" in landed.failed
    assert "crm.objects.companies.read" in landed.failed
    assert hubspot.TOKEN not in landed.failed


def test_hubspot_may_ask_us_to_wait(office, vendor):
    """429 with Retry-After is waited out, by us and not by its client."""
    vendor.slow = 1
    landed, _ = pull(office)
    assert landed.failed == ""


def test_without_its_client_one_sentence_says_how_to_get_it(office, vendor, monkeypatch):
    """The facts stay, and so does every other source."""
    monkeypatch.setitem(sys.modules, "hubspot", None)
    landed, _ = pull(office)
    assert 'pip install "outgrown[hubspot]"' in landed.failed
    assert vendor.asked == []


def test_check_says_what_the_key_may_see(office, vendor):
    """By the right that is needed most."""
    workspace = open_workspace(office.folder)
    api = Api(HUBSPOT, section_of(HUBSPOT, workspace.settings), keys_of(HUBSPOT, workspace))
    assert HUBSPOT.check(api) == "sees 2 companies"


def test_a_reading_that_was_broken_off_goes_on_where_it_stopped(office, vendor):
    """What HubSpot's client asked for is kept like everything else."""
    vendor.page = 4
    for number in range(20):
        vendor.ticket(number + 1, at=now() - timedelta(days=5) + timedelta(minutes=number))
    answer, asked = vendor.answer, []

    def breaking(question):
        asked.append((question.target, question.body))
        if len(asked) == 8:
            raise Refusal(403, {"message": "no"})
        return answer(question)

    vendor.answer = breaking
    landed, reports = pull(office)
    assert ("(403)" in landed.failed, "tickets" in reports) == (True, False)
    pull(office)
    assert len(tickets(office)) == 20
    assert [one for one in set(asked) if asked.count(one) > 1] == [asked[7]]


def test_thirty_pages_come(desk, monkeypatch):
    """Every ticket is there, by one request a page and one for their companies."""
    for name, value in hubspot.ENV.items():
        monkeypatch.setenv(name, value)
    with hubspot.HubSpot(pages=30, page=10) as vendor:
        desk.put("accounts.csv", ACCOUNTS)
        desk.settings(vendor.workspace())
        landed, reports = pull(desk)
        assert (landed.failed, reports["tickets"].new, len(searches(vendor))) == ("", 271, 30)
        assert len([a for a in vendor.asked if a.path.endswith("batch/read")]) == 30


def test_rows_of_a_real_account_fit(shared):
    """Companies and tickets in the shapes that a public package tests its models with."""
    folder = shared / "data" / "vendor_tables" / "hubspot"

    def rows(name):
        with (folder / f"{name}.csv").open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                # Spreadsheets write an hour of one digit, HubSpot never does.
                given = {key: re.sub(r"^([\d-]+) (\d:)", r"\1 0\2", value) for key, value in row.items()}
                found = {key.removeprefix("property_"): value or None for key, value in given.items()}
                yield row["id"], {"hs_lastmodifieddate": found["_fivetran_synced"], **found}

    companies = [
        Company.model_validate({"id": number, "properties": found}) for number, found in rows("company_data")
    ]
    assert (
        len({record.record_id for company in companies for record in company.facts(Settings())})
        == len(companies)
        > 20
    )
    made = [
        ticket
        for number, found in rows("ticket_data")
        for ticket in Request.model_validate({"id": number, "properties": found, "company": "1"}).facts(
            Settings()
        )
    ]
    assert len(made) > 20
    by_id = {ticket.ticket_id: ticket for ticket in made}
    # Closed, it says, before it came; and a stage that no pipeline here knows.
    assert by_id["307034542"].closed_at == by_id["307034542"].opened_at == datetime(2021, 2, 16, 20, 31, 5)
    assert by_id["293370454"].closed_at is None
