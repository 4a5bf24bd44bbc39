"""Every hold of rule book §6: one account that it silences, and one just beside each bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from agent.facts.door import add_facts
from agent.facts.schema import create_tables
from agent.foundation.warehouse import open_warehouse
from agent.scoring import columns
from agent.scoring.addresses import is_reachable
from agent.scoring.assess import Assessor
from agent.scoring.assessment import Assessment, Part, Status
from agent.scoring.holds import Company, ContactFacts, SourceAge, in_holdout
from agent.scoring.holds import holds as look
from agent.signals.engine import detect
from agent.signals.findings import Narrator
from agent.signals.library import load_library
from agent.signals.world import read_evidence, read_source
from tests import worlds
from tests.scoring.rows import row
from tests.worlds import MOMENT, READ_AT, D, World, ago

Story = Callable[[World, str], None]
CASES: list[tuple[str, str, bool, Story]] = []
"Hold, case, whether it holds, and the facts."
CONTACTS: dict[str, ContactFacts] = {}


def case(hold: str, name: str, *, holds: bool) -> Callable[[Story], Story]:
    """Add a case: an account of its own in the one world all cases share."""

    def add(story: Story) -> Story:
        CASES.append((hold, name, holds, story))
        return story

    return add


def ready(w: World, a: str, **account: Any) -> None:
    """An account that would be ready: pressure on a limit, a paywall and two people more."""
    w.account(a, **account)
    w.measure(a, "storage", {0: 95, 7: 95, 14: 95})
    for day in (0, 1, 2):
        w.event(a, "blocked", day, feature="sso")
    for user in ("new1", "new2"):
        w.member(a, user, joined=3 if account.get("days", 200) > 3 else 0)


def fields(**account: Any) -> Story:
    """A ready account with these fields."""
    return lambda w, a: ready(w, a, **account)


def measured(metric: str, values: dict[int, float]) -> Story:
    """A ready account with these measures."""

    def story(w: World, a: str) -> None:
        ready(w, a)
        w.measure(a, metric, values)

    return story


def ticket(day: int, text: str | None = None, **more: Any) -> Story:
    """A ready account with one ticket."""

    def story(w: World, a: str) -> None:
        ready(w, a)
        w.ticket(a, day, text, **more)

    return story


def invoice(due_ago: int, **more: Any) -> Story:
    """A ready account with one invoice."""

    def story(w: World, a: str) -> None:
        ready(w, a)
        w.invoice(a, due_ago, **more)

    return story


def known(**facts: Any) -> Story:
    """A ready account about which the state knows something."""

    def story(w: World, a: str) -> None:
        ready(w, a)
        CONTACTS[a] = ContactFacts(**facts)

    return story


def at(days_ago: int, hour: int = 0) -> datetime:
    """A time on the day so many days before D."""
    return datetime.combine(ago(days_ago), datetime.min.time()) + timedelta(hours=hour)


case("unhealthy", "health 59.9", holds=True)(measured("health_score", {0: 59.9}))
case("unhealthy", "health 60", holds=False)(measured("health_score", {0: 60}))
case("unhealthy", "low health long ago", holds=False)(measured("health_score", {90: 10}))
case("unhealthy", "derived health 5 by sentiment", holds=True)(ticket(20, sentiment=-0.4))
case("unhealthy", "derived health 4 by NPS", holds=True)(measured("nps", {0: 6}))
case("unhealthy", "derived health 6 by an old urgent ticket", holds=False)(
    ticket(4, priority="urgent", closed_at=at(-1))
)
case("open_escalation", "urgent and never closed", holds=True)(ticket(2, priority="urgent", closed_at=None))
case("open_escalation", "urgent, closed after D", holds=True)(ticket(2, priority="urgent", closed_at=at(-1)))
case("open_escalation", "urgent, closed on D", holds=False)(ticket(2, priority="urgent", closed_at=at(0, 23)))
case("open_escalation", "high and open", holds=False)(ticket(2, priority="high", closed_at=None))
case("open_escalation", "newest sentiment -0.5", holds=True)(ticket(13, sentiment=-0.5))
case("open_escalation", "newest sentiment -0.49", holds=False)(ticket(13, sentiment=-0.49))
case("open_escalation", "sentiment -1 fourteen days ago", holds=False)(ticket(14, sentiment=-1))


@case("open_escalation", "an older ticket was worse", holds=False)
def _(w: World, a: str) -> None:
    ticket(5, sentiment=-1)(w, a)
    w.ticket(a, 4, sentiment=0.9)


case("past_due", "invoice 8 days over", holds=True)(invoice(8))
case("past_due", "invoice 7 days over", holds=False)(invoice(7))
case("past_due", "paid after D", holds=True)(invoice(8, status="paid", paid_on=ago(-1)))
case("past_due", "paid on D", holds=False)(invoice(8, status="paid", paid_on=ago(0)))
case("past_due", "void", holds=False)(invoice(8, status="void"))
case("past_due", "subscription past due", holds=True)(fields(status="past_due"))
case("leaving", "cancellation set", holds=True)(fields(cancel_on=ago(-20)))
case("leaving", "canceled", holds=True)(fields(status="canceled"))
case("leaving", "paused", holds=True)(fields(status="paused"))
case("leaving", "ended on D", holds=True)(fields(ends_on=ago(0)))
case("leaving", "ends tomorrow", holds=False)(fields(ends_on=ago(-1)))
case("leaving", "asks to cancel", holds=True)(ticket(29, "Please cancel our subscription."))
case("leaving", "asked 30 days ago", holds=False)(ticket(30, "Please cancel our subscription."))
case("leaving", "complains about the price", holds=True)(ticket(3, "Your price is far too expensive for us."))
case("leaving", "says something else", holds=False)(ticket(3, "How do I export a report?"))


@case("leaving", "an earlier subscription was canceled, another runs", holds=False)
def _(w: World, a: str) -> None:
    ready(w, a)
    w.subscribe(a, "starter", 300, status="canceled", ends_on=ago(200), cancel_on=ago(200))


case("trial", "trialing", holds=True)(fields(status="trialing"))
case("trial", "active", holds=False)(fields())
case("too_new", "29 days old", holds=True)(fields(days=29))
case("too_new", "30 days old", holds=False)(fields(days=30))


def changed(day: int, before: str = "tiny", **more: Any) -> Story:
    """A ready account whose subscription was renewed so many days ago."""

    def story(w: World, a: str) -> None:
        ready(w, a, subscribed=False)
        w.subscribe(a, before, 200, ends_on=ago(day), seats=more.get("seats_before"))
        w.subscribe(a, "starter", day, seats=more.get("seats"))

    return story


def full(seats_before: int, seats: int, day: int) -> Story:
    """An account with every seat taken by people who use it, and seats bought so many days ago."""

    def story(w: World, a: str) -> None:
        w.account(a, subscribed=False)
        w.subscribe(a, "starter", 200, ends_on=ago(day), seats=seats_before)
        w.subscribe(a, "starter", day, seats=seats)
        for person in range(seats):
            w.member(a, f"u{person}", joined=5)
            w.event(a, "used", 2, user_id=f"u{person}")

    return story


case("just_changed", "plan changed 29 days ago", holds=True)(changed(29))
case("just_changed", "plan changed 30 days ago", holds=False)(changed(30))
case("just_changed", "renewed on the same plan", holds=False)(changed(5, "starter"))
case("just_changed", "seats bought, the offer is a plan", holds=False)(
    changed(5, "starter", seats_before=20, seats=40)
)
case("just_changed", "seats bought 29 days ago, the offer is seats", holds=True)(full(2, 5, 29))
case("just_changed", "seats bought 30 days ago, the offer is seats", holds=False)(full(2, 5, 30))
case("just_changed", "seats given back, the offer is seats", holds=False)(full(9, 5, 5))


@case("just_changed", "another product begun", holds=False)
def _(w: World, a: str) -> None:
    ready(w, a)
    w.subscribe(a, "insight", 5)


case("prompted_recently", "29 days ago", holds=True)(known(prompted_at=MOMENT - timedelta(days=29)))
case("prompted_recently", "a minute short of 30 days ago", holds=True)(
    known(prompted_at=MOMENT - timedelta(days=30) + timedelta(minutes=1))
)
case("prompted_recently", "30 days ago", holds=False)(known(prompted_at=MOMENT - timedelta(days=30)))
case("opted_out", "asked not to be written to", holds=True)(known(opted_out="unsubscribed on 2026-01-02"))
case("opted_out", "did not", holds=False)(known())
case("in_conversation", "a reply waits", holds=True)(known(in_conversation="their reply of 2026-01-30 waits"))
case("in_conversation", "none waits", holds=False)(known())
case("nothing_to_offer", "more is offered", holds=False)(fields())


@case("nothing_to_offer", "already at the top", holds=True)
def _(w: World, a: str) -> None:
    w.account(a, plan="scale")
    for day in (0, 1, 2):
        w.event(a, "limit_hit", day)


case("no_contact", "no address", holds=True)(fields(contact_email=None))
case("no_contact", "not an address", holds=True)(fields(contact_email="call me"))
case("no_contact", "a second recipient", holds=True)(fields(contact_email="a@b.example, c@d.example"))
case("no_contact", "an address", holds=False)(fields(contact_email="maya.o'neil+docs@mail.customer.example"))
case("test_account", "marked as a test", holds=True)(fields(is_test=True))
case("test_account", "not marked", holds=False)(fields(is_test=False))


@pytest.fixture(scope="module")
def assessed() -> dict[str, Assessment]:
    """Every case's account, from one scan of them all."""
    world = World()
    CONTACTS.clear()
    for number, (_hold, _name, _holds, story) in enumerate(CASES):
        story(world, f"c{number:03d}")
    return {one.account_id: one for one in world.scan(contacts=CONTACTS).accounts}


@pytest.mark.parametrize(
    ("number", "hold", "holds"),
    [pytest.param(n, h, held, id=f"{h}: {name}") for n, (h, name, held, _) in enumerate(CASES)],
)
def test_a_hold_holds_as_the_rule_book_says(assessed, number, hold, holds):
    """Each case is an account whose facts lie at, or just beside, one bound of one hold."""
    account = assessed[f"c{number:03d}"]
    assert (hold in {one.hold for one in account.holds}) is holds
    assert all(one.says for one in account.holds)


def test_a_ready_account_is_ready_without_its_hold_and_held_with_it(assessed):
    """The status is held exactly where points, groups and play would have made the account ready."""
    for account in assessed.values():
        matched = account.play is not None or "nothing_to_offer" in {one.hold for one in account.holds}
        enough = account.points >= 9 and len(account.groups) >= 2 and matched
        expected = (
            {Status.HELD if account.holds else Status.READY} if enough else {Status.WATCH, Status.STABLE}
        )
        assert account.status in expected
    assert sum(account.status is Status.HELD for account in assessed.values()) > 25
    assert sum(account.status is Status.READY for account in assessed.values()) > 15


def test_a_hold_is_shown_where_the_account_is_far_from_ready_too():
    """Holds are looked at for every account; an account that nothing was found for is stable, not held."""
    w = World()
    w.account("quiet", status="past_due", is_test=True)
    [account] = w.scan().accounts
    assert account.status is Status.STABLE
    assert [one.hold for one in account.holds] == ["past_due", "test_account"]


def test_an_account_with_several_holds_shows_them_all():
    """Nothing hides behind the first reason."""
    w = World()
    ready(w, "a", status="past_due", days=20, is_test=True, contact_email=None)
    w.measure("a", "health_score", {0: 10})
    w.ticket("a", 1, "Please cancel our subscription.", priority="urgent", closed_at=None, sentiment=-1)
    contact = ContactFacts(prompted_at=MOMENT, opted_out="bounced", in_conversation="a reply waits")
    [account] = w.scan(contacts={"a": contact}).accounts
    assert account.status is Status.HELD
    assert [one.hold for one in account.holds] == [
        "unhealthy",
        "open_escalation",
        "past_due",
        "leaving",
        "too_new",
        "no_contact",
        "test_account",
        "prompted_recently",
        "opted_out",
        "in_conversation",
    ]


# Addresses.

REACHABLE = (
    "a@b.example",
    "o'neil@b.example",
    "first.last+tag@sub.b-c.example",
    "x@xn--bcher-kva.example",
    "x@bücher.example",
    "x@b.xn--p1ai",
    "A@B.EXAMPLE",
)
NOT_REACHABLE = (
    "",
    "@",
    "a",
    "a@",
    "@b.example",
    "a@b",
    "a@@b.example",
    "a@b..example",
    "a@.b.example",
    "a@b.example.",
    "a@-b.example",
    ".a@b.example",
    "a.@b.example",
    "a..b@b.example",
    "a b@b.example",
    "a@b.example ",
    "Maya <a@b.example>",
    "<a@b.example>",
    "a@b.example,c@d.example",
    "a@b.example;c@d.example",
    "a@[127.0.0.1]",
    "a@127.0.0.1",
    '"a b"@b.example',
    "a\\@b.example",
    "a@b.example\nBcc: c@d.example",
    "a@b.example\r\nBcc:c@d.example",
    "a@b.example\n",
    "\na@b.example",
    "a\x00@b.example",
    "a@b.example%0abcc:c@d.example",
    "a@b.example\u2028Bcc",
    "a@b\u200b.example",
    "a\u202e@b.example",
    "a@b.example\ufeff",
    "a@b\u3000.example",
    "a@b.e\u00adxample",
    "=?utf-8?q?a?= <a@b.example>",
    "x" * 65 + "@b.example",
    "a@" + "b" * 64 + ".example",
    "a@" + "b." * 130 + "example",
)


@pytest.mark.parametrize("address", REACHABLE, ids=ascii)
def test_an_address_that_mail_can_reach(address):
    """One plain address, its domain possibly in another script."""
    assert is_reachable(address)


@pytest.mark.parametrize("address", NOT_REACHABLE, ids=lambda address: ascii(address)[:40])
def test_an_address_that_mail_cannot_reach_or_that_hides_another(address):
    """No line break, hidden character, second recipient, display name or broken part."""
    assert not is_reachable(address)


# Sources, by the clock.


def test_a_stale_source_holds_what_rests_on_it():
    """48 hours by the clock, and only where a fired trigger or a hold rests on the table."""
    late = {"moment": READ_AT + timedelta(hours=48, minutes=1)}
    on_time = {"moment": READ_AT + timedelta(hours=48)}
    w = World()
    ready(w, "a")
    [held] = w.scan(**late).accounts
    [fresh] = w.scan(**on_time).accounts
    longer = worlds.settings(connectors={"files": {"stale_after_hours": 72}})
    [allowed] = w.scan(given=longer, **late).accounts
    assert held.status is Status.HELD
    [stale] = held.holds
    assert (stale.hold, "48 hours ago" in stale.says) == ("stale_source", True)
    assert fresh.status is Status.READY
    assert allowed.status is Status.READY


def looked_at(
    account_id: str, *, company: Company, tables: Iterable[str] = (), **values: Any
) -> dict[str, str]:
    """The holds of an account that has no other reason to be held."""
    account = row(
        account_id=account_id,
        age_days=200,
        cancel_on=None,
        status="active",
        last_end_age=None,
        plan_change_age=None,
        seats_bought_age=None,
        contact_email="a@b.example",
        is_test=False,
        **values,
    )
    found = look(account, Part(score=9, weight=1), ContactFacts(), None, company, set(tables))
    return {one.hold: one.says for one in found}


RELEVANCE = {
    "a fired trigger rests on it": ("events", {"events"}, {}, True),
    "no fired trigger rests on it": ("events", {"measures"}, {}, False),
    "holds always rest on subscriptions": ("subscriptions", set(), {}, True),
    "holds always rest on tickets": ("tickets", set(), {}, True),
    "holds always rest on invoices": ("invoices", set(), {}, True),
    "health rests on measures where there is any": ("measures", set(), {"HEALTH_EVER": 1}, True),
    "measures of an account without health": ("measures", set(), {}, False),
    "members, and no trigger": ("members", set(), {}, False),
}


@pytest.mark.parametrize(("table", "tables", "values", "holds"), RELEVANCE.values(), ids=RELEVANCE)
def test_a_source_matters_where_something_rests_on_it(table, tables, values, holds):
    """Only the stale table differs."""
    source = SourceAge("files", table, MOMENT - timedelta(hours=49), 48)
    found = looked_at("a", company=Company(D, MOMENT, (source,)), tables=tables, **values)
    assert list(found) == (["stale_source"] if holds else [])


# Figures that differ when computed again.


def test_a_figure_that_differs_from_its_source_rows_is_a_mismatch():
    """Evidence with one row fewer than the engine saw: the figure is named, with both values."""
    w = World()
    w.account("a")
    for day in (0, 1, 2):
        w.event("a", "limit_hit", day)
    with open_warehouse(None, write=True) as warehouse:
        create_tables(warehouse.duck)
        add_facts(warehouse, w.facts, source="files", read_at=READ_AT)
        source = read_source(warehouse, worlds.settings(), D)
        library = load_library()
        detection = detect(source, library, D, columns.ALL)
        evidence = read_evidence(source, D, ["a"])["a"]
    evidence.tables["events"].pop()
    narrator = Narrator(detection, library, source.book, {})
    narrator.findings(detection.accounts[0], evidence)
    hits, days = narrator.mismatches["a"]
    assert hits == "limit_hits.limit_hits of account a is 3.0 by the engine and 2 by its own source rows"
    assert "limit_hit_days" in days


def test_a_mismatch_holds_an_account_that_would_be_ready():
    """A brief is never made of figures that two computations disagree on."""
    w = World()
    ready(w, "a")
    with open_warehouse(None, write=True) as warehouse:
        create_tables(warehouse.duck)
        add_facts(warehouse, w.facts, source="files", read_at=READ_AT)
        given = worlds.settings()
        source = read_source(warehouse, given, D)
        library = load_library()
        detection = detect(source, library, D, columns.ALL)
        [account] = detection.accounts
        evidence = read_evidence(source, D, ["a"])["a"]
    evidence.tables["measures"][-1]["value"] += 1
    narrator = Narrator(detection, library, source.book, {})
    findings = narrator.findings(account, evidence)
    assessor = Assessor(given, library, source.book, Company(D, MOMENT), True, {})
    clean = assessor.assess(account, findings)
    held = assessor.assess(account, findings, narrator.mismatches["a"])
    assert clean.status is Status.READY
    assert held.status is Status.HELD
    assert [one.hold for one in held.holds] == ["figure_mismatch"]
    assert "by its own source rows" in held.holds[0].says


# The control group.


def test_the_control_group_is_the_same_every_time_and_about_as_large_as_asked():
    """By the account's id alone; who is in a small group is in every larger one."""
    names = [f"account-{number}" for number in range(4000)]
    tenth = {name for name in names if in_holdout(name, 0.1)}
    assert tenth == {name for name in names if in_holdout(name, 0.1)}
    assert 320 < len(tenth) < 480
    assert tenth < {name for name in names if in_holdout(name, 0.3)}
    assert not any(in_holdout(name, 0.0) for name in names)


def test_the_control_group_is_held_and_still_scored():
    """With a share of nine tenths, those inside are held by it and those outside are ready."""
    w = World()
    names = [f"a{number}" for number in range(40)]
    for name in names:
        ready(w, name)
    accounts = w.scan(given=worlds.settings(scoring={"holdout_share": 0.9})).accounts
    held = {one.account_id for one in accounts if [hold.hold for hold in one.holds] == ["holdout"]}
    assert held == {name for name in names if in_holdout(name, 0.9)}
    assert {one.account_id for one in accounts if one.status is Status.READY} == set(names) - held
    assert 0 < len(held) < 40
    assert len({one.points for one in accounts}) == 1


def test_an_identity_nobody_has_settled_holds():
    """Two vendors' records that could be this account."""
    says = "crm/17 and billing/9 could both be this account"
    assert looked_at("a", company=Company(D, MOMENT, ambiguous={"a": says})) == {"ambiguous_identity": says}
    assert looked_at("b", company=Company(D, MOMENT, ambiguous={"a": says})) == {}
