"""What the tickets ask for, kept: never other than what reading them all again would say."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from agent.facts.door import add_facts
from agent.facts.erase import erase
from agent.facts.schema import INTERNAL
from agent.facts.tables import PlanFeature, Ticket
from agent.foundation.warehouse import fetch, open_warehouse
from agent.scoring.scan import scan
from agent.signals.source import ASK_SCHEMA
from agent.signals.tickets import kept as keeping
from agent.signals.tickets.phrases import PhraseClassifier
from agent.signals.world import keep_what_tickets_ask, read_source
from tests.signals.random_worlds import random_world
from tests.worlds import MEMO, MOMENT, READ_AT, D, ago, settings

PHRASES = {
    "triggers": {"hands": {"kind": "phrase_in_ticket", "group": "hands", "phrases": ["by hand"]}},
    "groups": {"hands": 3},
}


@pytest.fixture
def warehouse():
    """The facts of a random world, nothing kept yet."""
    with open_warehouse(None, write=True, memo=MEMO) as opened:
        add_facts(opened, random_world(5, 30).facts, source="files", read_at=READ_AT)
        yield opened


def asks(warehouse, given=None, account_id=None, **more):
    """All asks of a scan, kept or read, and how many of them were read."""
    source = read_source(warehouse, given or settings(), D, account_id, **more)
    rows = list(source.asks) + ([] if source.kept_asks is None else fetch(source.kept_asks))
    return sorted(rows, key=repr), len(source.asks)


def as_read(warehouse, given=None, account_id=None):
    """The same with nothing kept."""
    found, fresh = asks(warehouse, given, account_id, classifier=PhraseClassifier())
    assert len(found) == fresh
    return found


def some_tickets(warehouse, count):
    """Ids of recent tickets with their accounts."""
    return warehouse.duck.execute(
        "SELECT ticket_id, account_id FROM tickets WHERE opened_at::DATE BETWEEN ? AND ? ORDER BY ticket_id LIMIT ?",
        [ago(40), ago(1), count],
    ).fetchall()


def say(warehouse, tickets, text):
    """Load tickets again with another text."""
    at = datetime.combine(ago(10), datetime.min.time())
    rows = [
        Ticket(ticket_id=ticket, account_id=account, opened_at=at, text=text, priority="normal")
        for ticket, account in tickets
    ]
    add_facts(warehouse, rows, source="files", read_at=READ_AT)


def test_the_tables_have_the_columns_of_an_ask():
    """The facts, which know nothing of signals, name the same columns."""
    assert [column.split()[0] for column in INTERNAL["ticket_asks"].split(", ")] == list(ASK_SCHEMA)


def test_what_is_kept_is_what_reading_says(warehouse):
    """Read once: the same asks, none of them read again, for all accounts and for one."""
    before = as_read(warehouse)
    assert asks(warehouse) == (before, len(before))
    assert keep_what_tickets_ask(warehouse, settings()) > 50
    assert asks(warehouse) == (before, 0)
    account = before[0]["account_id"]
    assert asks(warehouse, account_id=account) == (as_read(warehouse, account_id=account), 0)
    assert keep_what_tickets_ask(warehouse, settings()) == 0


@pytest.mark.slow
def test_a_scan_finds_the_same(warehouse):
    """Findings, figures and their rows, of all accounts and of one alone."""

    def look(account_id=None):
        return scan(warehouse, settings(), D, MOMENT, {}, account_id, show_rows=True)

    before = look()
    assert any(
        found.trigger == "feature_ask" or "ask" in found.trigger
        for one in before.accounts
        for found in one.findings
    )
    keep_what_tickets_ask(warehouse, settings())
    assert look() == before
    # Some kept, some not: they are put together.
    warehouse.duck.execute("DELETE FROM asks_version")
    for table in ("ticket_asks", "ticket_readings"):
        warehouse.duck.execute(f"DELETE FROM {table} WHERE hash(ticket_id) % 2 = 0")
    assert look() == before
    one = before.accounts[0]
    assert look(one.account_id).accounts == (one,)


def test_a_new_text_is_read_alone(warehouse):
    """After a load, what changed is read for the scan, and kept at the next sync."""
    keep_what_tickets_ask(warehouse, settings())
    say(warehouse, some_tickets(warehouse, 3), "We need SSO but your enterprise tier is too expensive.")
    found, fresh = asks(warehouse)
    assert found == as_read(warehouse)
    assert 3 <= fresh <= 9
    assert keep_what_tickets_ask(warehouse, settings()) == 3
    assert asks(warehouse) == (found, 0)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(settings(**PHRASES), id="phrases"),
        pytest.param(
            settings(products={"crm": {"name": "CRM", "use_cases": ["copy the numbers"]}}), id="use case"
        ),
    ],
)
def test_other_settings_read_again(warehouse, given):
    """Kept for one trigger's phrases or one catalogue, nothing serves another."""
    keep_what_tickets_ask(warehouse, settings())
    found, fresh = asks(warehouse, given)
    assert found == as_read(warehouse, given) != as_read(warehouse)
    assert fresh == len(found)
    keep_what_tickets_ask(warehouse, given)
    assert asks(warehouse, given) == (found, 0)


def test_a_new_feature_of_a_plan_reads_again(warehouse):
    """The catalogue is part of how a ticket is read."""
    say(warehouse, some_tickets(warehouse, 2), "Do you support quantum ledgers? We need it.")
    keep_what_tickets_ask(warehouse, settings())
    add_facts(
        warehouse, [PlanFeature(plan_id="scale", feature="quantum_ledgers")], source="files", read_at=READ_AT
    )
    found, fresh = asks(warehouse)
    assert found == as_read(warehouse)
    assert fresh == len(found)
    assert sum(row["feature"] == "quantum_ledgers" for row in found) >= 2


def test_tickets_that_say_the_same_are_read_once(warehouse, monkeypatch):
    """Once a text and day; the classes are everybody's own."""
    warehouse.duck.execute("DELETE FROM tickets")
    at = datetime.combine(ago(3), datetime.min.time())
    texts = {f"t{n}": ("Do you support SSO? We need it.", "Hello")[n % 2] for n in range(20)}
    add_facts(
        warehouse,
        [
            Ticket(ticket_id=t, account_id=f"acct_{t}", opened_at=at, text=text, priority="normal")
            for t, text in texts.items()
        ]
        + [
            Ticket(
                ticket_id="later",
                account_id="x",
                opened_at=at + timedelta(days=1),
                text="Hello",
                priority="normal",
            )
        ],
        source="files",
        read_at=READ_AT,
    )
    read = []
    classify = PhraseClassifier.classify
    monkeypatch.setattr(
        PhraseClassifier,
        "classify",
        lambda self, tickets, catalogue: read.extend(tickets) or classify(self, tickets, catalogue),
    )
    assert keep_what_tickets_ask(warehouse, settings()) == 21
    assert len(read) == 3
    found, _ = asks(warehouse)
    assert {row["ticket_id"]: row["account_id"] for row in found} == {t: f"acct_{t}" for t in texts} | {
        "later": "x"
    }


def test_an_interrupted_reading_goes_on(warehouse, monkeypatch):
    """Batch by batch: what was kept before the interruption is not read again."""
    monkeypatch.setattr(keeping, "BATCH", 10)
    told = []

    def interrupt(sentence):
        told.append(sentence)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_what_tickets_ask(warehouse, settings(), interrupt)
    found, fresh = asks(warehouse)
    assert found == as_read(warehouse)
    assert 0 < fresh < len(found)
    first = int(told[0].split()[2])
    assert 0 < keep_what_tickets_ask(warehouse, settings()) < first
    assert asks(warehouse) == (found, 0)


def test_forgetting_an_account_erases_what_its_tickets_asked(warehouse):
    """Neither asks nor readings stay."""
    keep_what_tickets_ask(warehouse, settings())
    [[_, account]] = some_tickets(warehouse, 1)
    erase(warehouse, account)
    for table in ("ticket_asks", "ticket_readings"):
        whose = warehouse.duck.execute(f"SELECT DISTINCT account_id FROM {table}").fetchall()
        assert len(whose) > 5
        assert (account,) not in whose
    assert asks(warehouse) == (as_read(warehouse), 0)
