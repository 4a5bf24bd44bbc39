"""Intercom: companies, members, conversations and tickets, through the real sync into real facts."""

import csv
import json
from datetime import UTC, date, datetime

import pytest

from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors._api import Api, keys_of
from connectors._inbox import NotGenuine, NotUnderstood, put
from connectors._landing import Landing
from connectors.intercom import INTERCOM, Company, Contact, Conversation, Issue
from connectors.intercom import Intercom as Settings
from connectors.sync import fetch, run, section_of
from tests.vendors import intercom
from tests.vendors.intercom import ALPHA, BETA, ago, now

ACCOUNTS = (
    "account_id,name,domain,created_on\na,Alpha,alpha.example,2026-01-01\nb,Beta,beta.example,2026-01-01\n"
)


@pytest.fixture
def vendor(monkeypatch):
    """The stand-in, and the keys to it."""
    for name, value in intercom.ENV.items():
        monkeypatch.setenv(name, value)
    with intercom.Intercom() as found:
        yield found


@pytest.fixture
def office(desk, vendor):
    """A workspace whose two accounts write to Intercom."""
    desk.put("accounts.csv", ACCOUNTS)
    desk.settings(vendor.workspace())
    return desk


def pull(desk):
    """Sync; what the reading of Intercom came to, and the reports by table."""
    workspace = open_workspace(desk.folder)
    [landed] = fetch(workspace, ["intercom"])
    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        reports = run(workspace, warehouse, read_at=datetime(2026, 3, 2, 9), landed=[landed])
    return landed, {report.table: report for report in reports if report.file == "intercom"}


def notice(desk, vendor, *given, **more):
    """A notification comes in."""
    inbox = Landing(open_workspace(desk.folder), "intercom").inbox
    put(inbox, INTERCOM.hook.read(*vendor.hook(*given, **more), intercom.SECRET))


def tickets(desk, columns="ticket_id, account_id"):
    """Tickets as the facts hold them."""
    return desk.ask(f"SELECT {columns} FROM tickets ORDER BY ticket_id")


def members(desk):
    """Members as the facts hold them."""
    return desk.ask("SELECT account_id, user_id, left_on FROM members ORDER BY ALL")


def moment(seconds):
    """UTC without a zone mark."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def test_every_field_of_a_conversation_becomes_what_it_means(office, vendor):
    """Times, priority, rating, minutes of work, the tag that is a topic, and the customer's words without markup."""
    office.settings(vendor.workspace() + 'topic_tags = ["billing", "export"]\n')
    opened, closed = ago(days=9), ago(days=3)
    vendor.conversation(
        "77", contact="c2", at=opened, body="<p>Export <b>fails</b> &amp; stops.</p><script>alert(1)</script>",
        state="closed", open=False, priority="urgent",
        tags={"type": "tag.list", "tags": [{"type": "tag", "id": "1", "name": "vip"}, {"type": "tag", "id": "2", "name": "export"}]},
        conversation_rating={"rating": 2, "remark": "Too slow", "created_at": closed},
        statistics={"adjusted_handling_time": 630, "handling_time": 9000, "last_close_at": closed, "last_contact_reply_at": None},
    )  # fmt: skip
    vendor.reply("77", "<p>We look into it.</p>", author="admin")
    vendor.reply("77", "<div>Still<br>broken</div><style>p{}</style>")
    vendor.reply("77", "A note about them", author="admin", kind="note")
    vendor.reply("77", "I am a robot", author="bot")
    landed, _ = pull(office)
    assert landed.failed == ""
    columns = (
        "ticket_id, account_id, opened_at, closed_at, priority, minutes, sentiment, topic, feature, text"
    )
    assert tickets(office, columns) == [
        (
            "intercom:77", "b", moment(opened), moment(closed), "urgent", 10.5, -0.5, "export", None,
            "Export fails & stops.\n\nStill\nbroken\n\nToo slow",
        )
    ]  # fmt: skip


def test_empty_fields_are_empty(office, vendor):
    """A conversation with nulls wherever Intercom allows them."""
    vendor.conversation("1", statistics=None, tags=None, priority="none", body=None)
    pull(office)
    assert tickets(office, "closed_at, priority, minutes, sentiment, topic, text") == [
        (None, "normal", None, None, None, None)
    ]


def test_a_message_of_ours_that_nobody_answered_is_no_ticket(office, vendor):
    """One that somebody answered is theirs, without our words."""
    ours = {
        "delivered_as": "admin_initiated",
        "subject": "News",
        "body": "<p>Buy!</p>",
        "author": {"type": "admin"},
    }
    vendor.conversation("1", source=ours)
    vendor.conversation("2", source=ours, first_contact_reply={"type": "conversation", "created_at": now()})
    vendor.reply("2", "<p>Does it export?</p>")
    pull(office)
    assert tickets(office, "ticket_id, text") == [("intercom:2", "Does it export?")]


def test_a_conversation_belongs_to_the_company_it_names_or_to_its_contacts_only_one(office, vendor):
    """Of somebody in two companies nobody knows which one is meant."""
    vendor.contact("both", companies=[ALPHA, BETA])
    vendor.contact("none")
    for number, contact in enumerate(("c1", "c2", "both", "none", "unknown")):
        vendor.conversation(str(number), contact=contact)
    vendor.conversation("9", contact="both", company={"type": "company", "id": BETA})
    pull(office)
    assert tickets(office) == [("intercom:0", "a"), ("intercom:1", "b"), ("intercom:9", "b")]


def test_tickets_are_read_with_their_attributes(office, vendor):
    """Customers' alone; resolved is closed, since the last time it was."""
    first, again, last = ago(days=5), ago(days=4), ago(days=3)
    state = {"part_type": "ticket_state_updated_by_admin", "author": {"type": "admin"}, "body": None}
    vendor.ticket(
        "50", at=ago(days=6), title="<b>SSO</b>", description="<p>We need it by May.</p>",
        ticket_state={"category": "resolved"},
        parts=[
            {**state, "ticket_state": "resolved", "created_at": first},
            {**state, "ticket_state": "in_progress", "created_at": again},
            {"part_type": "comment", "author": {"type": "user"}, "body": "<p>Please!</p>", "created_at": again},
            {**state, "ticket_state": "resolved", "created_at": last},
            {"part_type": "comment", "author": {"type": "admin"}, "body": "Done", "created_at": last + 60, "ticket_state": "resolved"},
        ],
    )  # fmt: skip
    vendor.ticket("51", category="Back-office")
    vendor.ticket("52", contact="c2", title=None, ticket_type=None)
    pull(office)
    assert tickets(office, "ticket_id, account_id, closed_at, priority, topic, text") == [
        ("intercom:50", "a", moment(last), "normal", "Bug report", "SSO\n\nWe need it by May.\n\nPlease!"),
        ("intercom:52", "b", None, "normal", None, None),
    ]


def test_users_are_members_and_leads_are_nobodys(office, vendor):
    """Under our own id where Intercom knows it, since they signed up."""
    vendor.contact(
        "c3", companies=[ALPHA, BETA], external_id="u-3", at=ago(days=30), signed_up_at=ago(days=40)
    )
    vendor.contact("c4", companies=[ALPHA], role="lead")
    pull(office)
    rows = office.ask("SELECT account_id, user_id, role, team, joined_on, left_on FROM members ORDER BY ALL")
    joined, early = moment(ago(days=50)).date(), moment(ago(days=40)).date()
    assert rows == [
        ("a", "c1", "member", None, joined, None), ("a", "u-3", "member", None, early, None),
        ("b", "c2", "member", None, joined, None), ("b", "u-3", "member", None, early, None),
    ]  # fmt: skip


def test_who_is_taken_out_of_a_company_has_left_it(office, vendor):
    """On the day the contact changed; and a person who gets an id of ours is not counted twice."""
    pull(office)
    vendor.contact("c1", companies=[BETA], at=ago(minutes=5))
    vendor.contact("c2", companies=[BETA], external_id="u-2", at=ago(minutes=5))
    pull(office)
    left = moment(ago(minutes=5)).date()
    assert members(office) == [("a", "c1", left), ("b", "c1", None), ("b", "c2", left), ("b", "u-2", None)]


def test_somebody_in_more_companies_than_are_listed_has_left_none(office, vendor):
    """Intercom lists ten of them."""
    vendor.contact("c1", companies=[ALPHA, BETA])
    pull(office)
    more = {"type": "list", "data": [{"type": "company", "id": BETA}], "total_count": 11, "has_more": True}
    vendor.contact("c1", at=ago(minutes=5), companies=[BETA]).update(companies=more)
    pull(office)
    assert members(office) == [("a", "c1", None), ("b", "c1", None), ("b", "c2", None)]


def test_a_deleted_contact_has_left(office, vendor):
    """A search does not say so; a notification does."""
    pull(office)
    del vendor.contacts["c1"]
    notice(office, vendor, "contact.deleted", "contact", "c1")
    pull(office)
    assert members(office) == [("a", "c1", moment(now()).date()), ("b", "c2", None)]


def test_members_may_be_left_to_others(office, vendor):
    """Then nobody asks for contacts by date, and conversations are still matched."""
    office.settings(vendor.workspace() + "members = false\n")
    vendor.conversation("1")
    pull(office)
    assert (members(office), tickets(office)) == ([], [("intercom:1", "a")])


def test_the_size_of_a_company_is_its_headcount(office, vendor):
    """On the day the company last changed; a size of nought or none says nothing."""
    vendor.company(ALPHA, size=40, at=ago(days=10))
    vendor.company(BETA, size=0)
    pull(office)
    assert office.ask("SELECT account_id, day, metric, value FROM measures") == [
        ("a", moment(ago(days=10)).date(), "headcount", 40.0)
    ]


def test_the_next_sync_asks_for_what_changed(office, vendor):
    """And one without news changes nothing."""
    vendor.conversation("1")
    vendor.ticket("50")
    began = now()
    pull(office)
    vendor.asked.clear()
    _, second = pull(office)
    assert {table: (one.new, one.changed) for table, one in second.items()} == {
        "tickets": (0, 0),
        "members": (0, 0),
        "measures": (0, 0),
    }
    asked = {a.path: a.json["query"]["value"][0]["value"] for a in vendor.asked if a.path.endswith("/search")}
    assert abs(asked["/conversations/search"] - (began - 3600)) < 60
    assert abs(asked["/tickets/search"] - (began - 3600)) < 60
    # Two days more: contacts are found by whole days.
    assert abs(asked["/contacts/search"] - (began - 3600 - 2 * 86400)) < 60
    vendor.conversation("1", at=now(), state="closed")
    vendor.contact("c9", companies=[ALPHA], at=now())
    _, third = pull(office)
    assert (third["tickets"].changed, third["members"].new) == (1, 1)


def test_a_notification_brings_what_a_search_does_not_find_yet(office, vendor):
    """By id, with all its messages; what is gone by then is passed over."""
    pull(office)
    vendor.conversation("1", at=ago(days=30))
    vendor.reply("1", "<p>Hello?</p>", at=ago(days=29))
    vendor.ticket("50", at=ago(days=30))
    for given in (
        ("conversation.user.replied", "conversation", "1"),
        ("ticket.created", "ticket", "50"),
        ("x", "ticket", "404"),
    ):
        notice(office, vendor, *given)
    landed, _ = pull(office)
    assert landed.failed == ""
    assert tickets(office, "ticket_id, text") == [
        ("intercom:1", "It does not work.\n\nHello?"),
        ("intercom:50", "Broken"),
    ]


def test_a_deleted_conversation_is_closed_and_says_nothing(office, vendor):
    """An urgent one holds nobody any longer."""
    vendor.conversation("1", priority="urgent")
    pull(office)
    del vendor.conversations["1"]
    notice(office, vendor, "conversation.deleted", "conversation", "1")
    pull(office)
    [(closed, text, priority)] = tickets(office, "closed_at, text, priority")
    assert abs((moment(now()) - closed).total_seconds()) < 60
    assert (text, priority) == (None, "urgent")


def test_a_conversation_that_became_a_ticket_counts_once(office, vendor):
    """As the ticket; whether that keeps the number or has one of its own."""
    vendor.conversation("1")
    vendor.conversation("2")
    pull(office)
    for number, ticket in (("1", "1"), ("2", "50")):
        vendor.conversation(number, at=ago(minutes=5), ticket={"type": "ticket", "id": ticket})
        vendor.ticket(ticket, at=ago(minutes=4), title="As a ticket")
    pull(office)
    assert tickets(office, "ticket_id, closed_at IS NULL, text") == [
        ("intercom:1", True, "As a ticket"),
        ("intercom:2", False, None),
        ("intercom:50", True, "As a ticket"),
    ]


def test_a_notification_that_intercom_did_not_sign_is_refused(vendor):
    """Another secret, another body, another kind of signature, a copy of an old call."""
    headers, body = vendor.hook("ticket.created", "ticket", "1")
    read, secret = INTERCOM.hook.read, intercom.SECRET
    signature = headers["x-hub-signature"]
    for wrong in (
        (headers, body, "another"),
        (headers, body.replace(b'"1"', b'"2"'), secret),
        ({"x-hub-signature": signature.removeprefix("sha1=")}, body, secret),
        ({"x-hub-signature": "sha1=\u00e9"}, body, secret),
        ({}, body, secret),
        (*vendor.hook("ticket.created", "ticket", "1", at=ago(minutes=6)), secret),
    ):
        with pytest.raises(NotGenuine):
            read(*wrong)
    assert read(*vendor.hook("ping", "ping", ""), secret) == []
    for number in ("../me", "", "1/2", "x" * 65):
        with pytest.raises(NotUnderstood):
            read(*vendor.hook("ticket.created", "ticket", number), secret)


def test_a_list_that_moves_while_it_is_read_is_read_again(office, vendor):
    """A company that becomes active jumps to a page already read; it is not lost."""
    vendor.page = 2
    for number in range(7):
        vendor.company(f"x{number}")
    vendor.moves = 1
    pull(office)
    workspace = open_workspace(office.folder)
    found = Landing(workspace, "intercom").ask("SELECT count(DISTINCT record_id) FROM vendor.records")
    assert found == [(9,)]
    # Another size of page, so that what was kept of the first reading is not taken for the second.
    assert {a.query["per_page"] for a in vendor.asked if a.path == "/companies/list"} == {"60", "59"}
    vendor.moves = 10_000
    landed, _ = pull(office)
    assert landed.failed == ""


def test_a_large_workspace_is_scrolled_through(office, vendor):
    """More companies than are listed; a scroll that was lost half-way is begun again."""
    vendor.large, vendor.page, vendor.scroll_lost = True, 3, True
    for number in range(7):
        vendor.company(f"x{number}")
    landed, _ = pull(office)
    assert landed.failed == ""
    found = Landing(open_workspace(office.folder), "intercom").ask("SELECT count(*) FROM vendor.records")
    assert found == [(9,)]


def test_bad_rows_are_rejected_and_counted(office, vendor):
    """With their reasons; the others come in."""
    vendor.conversation("1")
    vendor.conversation("2", state="pondering")
    vendor.contact("c7", companies=[ALPHA], created_at="yesterday")
    landed, reports = pull(office)
    assert [(table, bad.column) for table, bad in landed.rejected] == [
        ("members", "c7 created_at"),
        ("tickets", "2 state"),
    ]
    assert (reports["tickets"].new, reports["tickets"].rejected) == (1, 1)


def test_a_key_that_is_refused_is_named_and_not_shown(office, vendor):
    """One sentence with the variable and its scopes; the token itself appears nowhere."""
    vendor.token = "another"
    landed, _ = pull(office)
    assert "INTERCOM_ACCESS_TOKEN (401)" in landed.failed
    assert "Read conversations" in landed.failed
    assert intercom.TOKEN not in landed.failed


def test_intercom_may_ask_us_to_wait(office, vendor):
    """429 with X-RateLimit-Reset is waited out."""
    vendor.slow = 1
    landed, _ = pull(office)
    assert landed.failed == ""


def test_check_says_whom_the_key_belongs_to(office, vendor):
    """The workspace, and who made the token."""
    workspace = open_workspace(office.folder)
    api = Api(INTERCOM, section_of(INTERCOM, workspace.settings), keys_of(INTERCOM, workspace))
    assert INTERCOM.check(api) == "signed in to Acme as dana@acme.example"


def test_thirty_pages_come_once_each(desk, monkeypatch):
    """Every conversation is there, by one request a page."""
    for name, value in intercom.ENV.items():
        monkeypatch.setenv(name, value)
    with intercom.Intercom(pages=30, page=10) as vendor:
        desk.put("accounts.csv", ACCOUNTS)
        desk.settings(vendor.workspace())
        landed, reports = pull(desk)
        pages = [a for a in vendor.asked if a.path == "/conversations/search"]
        assert (landed.failed, reports["tickets"].new, len(pages)) == ("", 300, 30)


def test_rows_of_a_real_workspace_fit(shared):
    """Companies, contacts and conversations in the shapes that a public package tests its models with."""
    folder = shared / "data" / "vendor_tables" / "intercom"

    def rows(name):
        with (folder / f"{name}_history_data.csv").open(encoding="utf-8") as lines:
            return [{key: value or None for key, value in row.items()} for row in csv.DictReader(lines)]

    companies = [list(Company.model_validate(row).facts(Settings())) for row in rows("company")]
    assert [made[0].own_id for made in companies][:1] == ["10hNkSuS4Niit8s48jDM"]
    contacts = [
        Contact.model_validate({**row, "companies": {"data": [{"id": ALPHA}]}}) for row in rows("contact")
    ]
    made = {contact.role: list(contact.facts(Settings())) for contact in contacts}
    assert made["lead"] == []
    talks = []
    for row in rows("conversation"):
        source = {
            "body": row["source_body"],
            "subject": row["source_subject"],
            "author": {"type": row["source_author_type"]},
        }
        talk = Conversation.model_validate({**row, "source": source, "account": ALPHA})
        talks += talk.facts(Settings())
    assert {(ticket.ticket_id, ticket.closed_at is None) for ticket in talks} >= {
        ("156643300001311", True),
        ("156643300001311", False),
    }
    assert {ticket.priority.value for ticket in talks} == {"normal"}


def test_the_examples_of_the_spec_fit(shared):
    """Every example of a search's answer in Intercom's own file becomes what it says."""
    spec = shared / "specs" / "intercom" / "api.intercom.io.2.16.yaml"
    if not spec.is_file():
        pytest.skip("the spec of Intercom is not here")
    import yaml

    paths = yaml.load(spec.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))[
        "paths"
    ]

    def example(path):
        content = paths[path]["post"]["responses"]["200"]["content"]["application/json"]
        return json.loads(json.dumps(next(iter(content["examples"].values()))["value"], default=str))

    [company] = example("/companies/list")["data"]
    [record] = Company.model_validate(company).facts(Settings())
    assert (record.own_id, record.name, record.created_on) == (
        "remote_companies_scroll_2",
        "IntercomQATest1",
        date(2024, 12, 18),
    )
    [talk] = example("/conversations/search")["conversations"]
    # A message of an admin that nobody answered.
    assert list(Conversation.model_validate({**talk, "account": ALPHA}).facts(Settings())) == []
    [issue] = example("/tickets/search")["tickets"]
    assert list(Issue.model_validate({**issue, "account": ALPHA}).facts(Settings())) == []
    [ticket] = Issue.model_validate({**issue, "account": ALPHA, "category": "Customer"}).facts(Settings())
    assert (ticket.text, ticket.topic, ticket.closed_at) == ("attribute_value", "my-ticket-type-35", None)
