"""The house sends: by the channel of the account, at its hours, after a new look, and never against the founder's word."""

from __future__ import annotations

import csv
import shutil
from datetime import datetime, timedelta

import pytest

from agent.approval.states import DeliveryState, DraftState
from agent.approval.views import list_drafts, show_draft
from agent.delivery.bounces import BounceKind
from agent.faces.examining import examine
from agent.foundation.errors import NotFound, Stale
from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from agent.wiring import House
from tests.faces.slack.desks import MONDAY, ready_workspace
from tests.mailapi import POSTMARK_TOKEN, RESEND_KEY, MailApi
from tests.mailserver import MailServer

MOMENT = datetime.fromisoformat(MONDAY)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A few ready accounts, their drafts waiting."""
    return ready_workspace(tmp_path_factory.mktemp("company") / "read", 3)


@pytest.fixture
def folder(company, tmp_path, monkeypatch):
    """A copy of it, at ten o'clock on a Monday."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    return shutil.copytree(company, tmp_path / "copy")


@pytest.fixture
def opened():
    """Opens houses, and closes them in the end."""
    houses = []

    def open_house(folder):
        houses.append(House(open_workspace(folder), "dana"))
        return houses[-1]

    yield open_house
    for house in houses:
        house.close()


def at(monkeypatch, moment):
    """The clock shows another time."""
    monkeypatch.setenv("OUTGROWN_NOW", moment.isoformat())


def configured(folder, text):
    """The workspace's [delivery] says this."""
    path = folder / "outgrown.toml"
    before, _, _ = path.read_text().partition("[delivery]")
    path.write_text(f"{before}[delivery]\n{text}\n")


def drafts(house):
    """Waiting drafts by account."""
    return {line.account_id: line.draft_id for line in list_drafts(house.store, DraftState.PENDING)}


def rewrite(house, table, change):
    """Every row of an export as `change` leaves it, and is read."""
    path = house.workspace.folder / "exports" / f"{table}.csv"
    with path.open(newline="") as file:
        rows = [change(row) for row in csv.DictReader(file)]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    house.sync()


def test_an_approved_message_still_holds_an_hour_later(folder, opened, monkeypatch):
    """Its own delivery is not the prompt that stands against it."""
    house = opened(folder)
    account, draft_id = next(iter(drafts(house).items()))
    done = house.approve(draft_id)
    at(monkeypatch, MOMENT + HOUR)
    fresh = house.again()
    assert fresh.why_no_more(done.delivery_id) == ()
    assert [(one.account_id, one.result) for one in fresh.send()] == [(account, "sent")]


def test_what_changed_since_the_approval_keeps_it(folder, opened, monkeypatch):
    """The plan has changed by the time it would leave."""
    house = opened(folder)
    account, draft_id = next(iter(drafts(house).items()))
    done = house.approve(draft_id)
    at(monkeypatch, MOMENT + HOUR)
    rewrite(
        house,
        "subscriptions",
        lambda row: {**row, "plan_id": "growth"} if row["account_id"] == account else row,
    )
    [one] = house.again().send()
    assert (one.delivery_id, one.result) == (done.delivery_id, "cancelled")
    assert "plan" in one.says
    assert show_draft(house.store, draft_id).line.state is DraftState.STALE


def test_facts_that_are_gone_keep_it_waiting(folder, opened, monkeypatch):
    """Nothing leaves on what nobody can look at."""
    house = opened(folder)
    house.approve(next(iter(drafts(house).values())))
    at(monkeypatch, MOMENT + HOUR)
    house.workspace.facts_file.unlink()
    assert [one.result for one in house.again().send()] == ["waiting"]


def test_a_file_of_an_earlier_version_is_read_and_approved(folder, opened):
    """It has no column for the time zone; the next sync makes it."""
    with open_warehouse(folder / ".outgrown" / "facts.duckdb", write=True) as warehouse:
        warehouse.duck.execute("ALTER TABLE accounts DROP COLUMN time_zone")
    house = opened(folder)
    assert house.approve(next(iter(drafts(house).values()))).delivery_id
    rewrite(house, "accounts", lambda row: {**row, "time_zone": "Asia/Tokyo"})
    assert {one.time_zone for one in house.again().look().accounts} == {"Asia/Tokyo"}


def test_a_message_waits_for_the_hours_of_its_reader(folder, opened, monkeypatch):
    """Ten o'clock here is after work in Tokyo; a zone nobody knows is the company's."""
    configured(folder, 'channel = "resend"')
    house = opened(folder)
    zones = iter(["Asia/Tokyo", "Mars/Olympus", ""])
    rewrite(house, "accounts", lambda row: {**row, "time_zone": next(zones)})
    house.again().draft()
    with MailApi() as api:
        monkeypatch.setenv("RESEND_API_KEY", RESEND_KEY)
        monkeypatch.setenv("OUTGROWN_RESEND_URL", api.url)
        fresh = opened(folder)
        for draft_id in drafts(fresh).values():
            fresh.approve(draft_id)
        done = {one.account_id: (one.result, one.says) for one in fresh.send()}
    assert len(done) == 3
    waiting = [says for result, says in done.values() if result == "waiting"]
    assert waiting == ["quiet hours until Tue 08:00 in Asia/Tokyo"]
    assert len(api.taken) == 2


def test_each_account_is_reached_by_its_own_channel(folder, opened, monkeypatch, tmp_path):
    """One by SMTP, one by Postmark, the rest as files."""
    accounts = [f"acme{number:03}" for number in range(3)]
    with MailServer(tmp_path) as server, MailApi() as api:
        monkeypatch.setenv("POSTMARK_SERVER_TOKEN", POSTMARK_TOKEN)
        monkeypatch.setenv("OUTGROWN_POSTMARK_URL", api.url)
        configured(
            folder,
            f"""
weekends = true
quiet_from = "00:00"
quiet_until = "00:00"
routes = [{{channel = "smtp", accounts = ["{accounts[0]}"]}}, {{channel = "postmark", accounts = ["{accounts[1]}"]}}]
[delivery.smtp]
host = "127.0.0.1"
port = {server.port}
ca_file = "{server.ca_file}"
""",
        )
        house = opened(folder)
        for draft_id in drafts(house).values():
            house.approve(draft_id)
        assert [one.result for one in house.send()] == ["sent"] * 3
        checks = [(one.state, one.says) for one in examine(folder) if one.name in ("channel", "sending")]
    assert [one.to for one in server.messages] == [
        line.address for line in house.outbox() if line.account_id == accounts[0]
    ]
    assert [one.provider for one in api.taken] == ["postmark"]
    assert len(list((folder / ".outgrown" / "outbox").glob("*.eml"))) == 1
    # The doctor has looked at each, and sent nothing.
    assert {state for state, _ in checks} == {"ok"}
    said = " ".join(says for _, says in checks)
    for word in (".eml files", "STARTTLS", "no message was sent", "for the server Docs", "2 of 50 today"):
        assert word in said
    assert len(server.messages) == 1


def test_the_doctor_says_what_keeps_mail_from_leaving(folder, opened, monkeypatch, tmp_path):
    """Nothing set up, a wrong password, the switch, a sender of another domain."""
    configured(folder, 'channel = "smtp"\nroutes = [{channel = "resend", accounts = ["x"]}]')

    def seen():
        return {
            (one.name, one.state): one.says for one in examine(folder) if one.name in ("channel", "sending")
        }

    assert "RESEND_API_KEY" in seen()[("channel", "fail")]
    with MailServer(tmp_path, login=("ops@relay.example", "s3cret")) as server:
        smtp = f'host = "127.0.0.1"\nport = {server.port}\nca_file = "{server.ca_file}"'
        configured(folder, f'channel = "smtp"\n[delivery.smtp]\n{smtp}')
        monkeypatch.setenv("OUTGROWN_SMTP_USER", "ops@relay.example")
        assert "OUTGROWN_SMTP_PASSWORD" in seen()[("channel", "fail")]
        monkeypatch.setenv("OUTGROWN_SMTP_PASSWORD", "wrong")
        assert "refuses the login" in seen()[("channel", "fail")]
        monkeypatch.setenv("OUTGROWN_SMTP_PASSWORD", "s3cret")
        house = opened(folder)
        house.stop("a wrong price")
        found = seen()
        assert "logged in as ops@relay.example" in found[("channel", "ok")]
        assert "relay.example" in found[("channel", "warn")]
        assert "a wrong price" in found[("sending", "warn")]
        assert server.messages == []


def test_a_channel_that_is_not_set_up_is_said_in_the_outbox(folder, opened):
    """The message waits, and is foreseen to."""
    configured(folder, 'channel = "resend"')
    house = opened(folder)
    house.approve(next(iter(drafts(house).values())))
    assert house.send() == ()
    says = "resend is not set up: RESEND_API_KEY in .env"
    assert [line.waits for line in house.outbox()] == [says]
    assert [(one.fate, one.why) for one in house.would_send()] == [("wait", says)]


def test_the_founder_stops_resumes_and_calls_back(folder, opened):
    """Nothing leaves in between, and what is called back never does."""
    house = opened(folder)
    first, second, _ = drafts(house).values()
    kept, gone = house.approve(first), house.approve(second)
    assert house.stop("a wrong price").under_way == ()
    assert house.again("eli").send() == ()
    assert house.stopped.who == "dana"
    house.call_back(gone.delivery_id)
    assert house.resume()
    assert house.stopped is None
    assert [one.delivery_id for one in house.send()] == [kept.delivery_id]
    assert {line.delivery_id: line.state for line in house.outbox()} == {
        kept.delivery_id: DeliveryState.SENT,
        gone.delivery_id: DeliveryState.CANCELLED,
    }


def test_a_bounce_holds_the_account(folder, opened):
    """Its address is silent from then on."""
    house = opened(folder)
    account, draft_id = next(iter(drafts(house).items()))
    done = house.approve(draft_id)
    house.send()
    assert house.bounced(BounceKind.BOUNCED, delivery_id=done.delivery_id, event_id="e1")
    assert not house.bounced(BounceKind.BOUNCED, delivery_id=done.delivery_id, event_id="e1")
    assert "opted_out" in {hold.hold for hold in house.again().assess(account).holds}
    with pytest.raises(NotFound):
        house.bounced(BounceKind.BOUNCED, delivery_id="nope")


def test_a_bounce_of_the_address_makes_a_waiting_draft_stale(folder, opened):
    """Approving it finds the silence."""
    house = opened(folder)
    _, draft_id = next(iter(drafts(house).items()))
    address = show_draft(house.store, draft_id).brief.recipient.contact_email
    house.bounced(BounceKind.COMPLAINED, address=address)
    with pytest.raises(Stale, match="complained"):
        house.again().approve(draft_id)
