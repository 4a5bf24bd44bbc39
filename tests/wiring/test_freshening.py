"""Waiting drafts that go stale on their own, exactly as an approval would find them."""

from __future__ import annotations

import csv
import shutil
from datetime import datetime, timedelta

import pytest

from agent.approval.states import DeliveryState, DraftState
from agent.approval.views import list_drafts, show_draft
from agent.drafting.message import Message
from agent.foundation import clock
from agent.foundation.errors import Stale
from agent.foundation.settings import open_workspace
from agent.learning.replies import ReplyKind
from agent.wiring import House
from tests.faces.slack.desks import MONDAY, ready_workspace

pytestmark = pytest.mark.slow

MOMENT = datetime.fromisoformat(MONDAY)
QUESTION = {
    "ticket_id": "T-9999", "opened_at": (MOMENT - timedelta(hours=1)).isoformat(sep=" "),
    "priority": "urgent", "topic": "bug", "text": "Everything is down since this morning!",
}  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A few ready accounts, their drafts waiting."""
    return ready_workspace(tmp_path_factory.mktemp("company") / "read", 5)


@pytest.fixture
def house(company, tmp_path, monkeypatch):
    """A copy of it, its drafts waiting."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    opened = House(open_workspace(shutil.copytree(company, tmp_path / "copy")), "dana")
    yield opened
    opened.close()


def pending(house):
    """Waiting drafts by account."""
    return {line.account_id: line.draft_id for line in list_drafts(house.store, DraftState.PENDING)}


def add_ticket(house, account):
    """An urgent ticket arrives, and is read."""
    with (house.workspace.folder / "exports" / "tickets.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["account_id", *QUESTION], lineterminator="\n")
        writer.writeheader()
        writer.writerow({**QUESTION, "account_id": account})
    house.sync()


def change(house, table, account, **values):
    """A row of the account's changes, and is read."""
    path = house.workspace.folder / "exports" / f"{table}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["account_id"] == account:
            row.update(values)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    house.sync()


def nothing(house, account):
    """The account stays as it is."""


CHANGES = {
    "a ticket": add_ticket,
    "a plan": lambda house, account: change(house, "subscriptions", account, plan_id="growth"),
    "a contact": lambda house, account: change(house, "accounts", account, contact_email="new@x.example"),
    "a word to stop": lambda house, account: house.reply(account, ReplyKind.STOP),
    "nothing": nothing,
}


@pytest.mark.parametrize("happening", CHANGES)
def test_what_freshening_says_is_what_an_approval_would_say(house, happening):
    """The same reasons in the same words; a draft that an approval would take stays."""
    account, draft_id = next(iter(pending(house).items()))
    CHANGES[happening](house, account)
    stale = dict(house.again().freshen())
    assert set(stale) <= {draft_id}
    view = show_draft(house.store, draft_id)
    other = House(open_workspace(house.workspace.folder), "dana")
    try:
        if not stale:
            assert happening == "nothing"
            assert view.line.state is DraftState.PENDING
            assert house.approve(draft_id).draft_id == draft_id
            return
        assert view.line.state is DraftState.STALE
        assert view.line.reason == "; ".join(stale[draft_id])
        # The same draft, waiting again, is refused by an approval for the same reasons.
        with house.store.writing() as session:
            from agent.approval.tables import Draft

            session.get_one(Draft, draft_id).state = "pending"
        with pytest.raises(Stale) as refused:
            other.approve(draft_id)
        assert view.line.reason in str(refused.value)
    finally:
        other.close()


def test_looking_at_one_account_and_at_all_is_the_same(house):
    """Every waiting account's assessment, taken alone, is the one of the whole."""
    add_ticket(house, next(iter(pending(house))))
    fresh, now = house.again(), clock.now()
    seen = {one.account_id: one for one in fresh._scan(fresh.live_day, now, None).accounts}
    today = {one.account_id: one for one in fresh._scan(now.date(), now, None).accounts}
    assert len(pending(house)) > 3
    for account in pending(house):
        assert fresh._with_today(seen[account], today[account]) == house.again().look_again(account)


def test_snoozed_drafts_are_looked_at_too(house):
    """They are stale before anybody wakes them."""
    account, draft_id = next(iter(pending(house).items()))
    house.snooze(draft_id, 5)
    assert house.freshen() == ()
    add_ticket(house, account)
    assert [stale for stale, _ in house.again().freshen()] == [draft_id]


def test_an_approved_message_that_has_not_left_is_called_back(house):
    """Its own approval is no reason; a ticket is, and the slot is given back."""
    account, draft_id = next(iter(pending(house).items()))
    delivery = house.approve(draft_id).delivery_id
    assert house.again().freshen() == ()
    add_ticket(house, account)
    ((stale, reasons),) = house.again().freshen()
    assert stale == draft_id
    (line,) = house.outbox()
    assert (line.delivery_id, line.state) == (delivery, DeliveryState.CANCELLED)
    assert line.last_error == "; ".join(reasons)
    assert show_draft(house.store, draft_id).line.state is DraftState.STALE
    assert house.send() == ()
    from agent.approval.tables import ContactRule

    with house.store.reading() as session:
        assert session.get_one(ContactRule, account).reserved_delivery is None


def test_a_text_that_a_person_confirmed_past_a_rule_stays(house):
    """What was confirmed is confirmed."""
    _, draft_id = next(iter(pending(house).items()))
    message = show_draft(house.store, draft_id).message
    pressing = Message(subject=message.subject, body=f"{message.body}\n\nAct now!")
    blocks = [one.rule for one in house.check_draft(draft_id, pressing) if one.level == "block"]
    assert blocks
    house.edit(draft_id, pressing, confirm=blocks)
    assert house.again().freshen() == ()


def test_what_a_person_decides_meanwhile_stands(house, monkeypatch):
    """A decision between the look and the move is not overwritten."""
    account, draft_id = next(iter(pending(house).items()))
    add_ticket(house, account)
    fresh = house.again()
    look = fresh._why_stale

    def decided_meanwhile(one, *rest):
        reasons = look(one, *rest)
        if reasons:
            house.skip(one.draft_id, "no")
        return reasons

    monkeypatch.setattr(fresh, "_why_stale", decided_meanwhile)
    assert fresh.freshen() == ()
    assert show_draft(house.store, draft_id).line.state is DraftState.SKIPPED


def test_an_account_that_is_gone_is_not_written_to(house):
    """Fail closed: what the facts do not know, nobody writes to."""
    account, draft_id = next(iter(pending(house).items()))
    from agent.facts.erase import erase
    from agent.foundation.warehouse import open_warehouse

    with open_warehouse(house.workspace.facts_file, write=True) as warehouse:
        erase(warehouse, account)
    ((stale, reasons),) = house.again().freshen()
    assert stale == draft_id
    assert reasons == ("the account is no longer among the facts",)
