"""Stripe against a server that others wrote, in the protocol of 2017: settings and what they cost."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.connectors.test_stripe import Books, well
from tests.vendors import oldstripe
from tests.vendors.oldstripe import OldStripe

pytestmark = pytest.mark.slow


@pytest.fixture
def server(monkeypatch):
    """localstripe with two plans."""
    for name, value in oldstripe.ENV.items():
        monkeypatch.setenv(name, value)
    with OldStripe() as found:
        pro = found.post("/v1/products", name="Pro", metadata__plan_id="pro", metadata__ceiling_exports="500")
        found.post(
            "/v1/plans", id="pro-month", product=pro["id"], amount=4900, currency="eur", interval="month"
        )
        found.post("/v1/plans", id="max-year", name="Max", amount=120_000, currency="eur", interval="year")
        yield found


def test_an_old_server_is_listed_each_time(tmp_path, server):
    """Plans without prices, lists without filters: accounts, plans, seats, bills; and a change on the day it is seen."""
    begun = datetime.now(UTC) - timedelta(days=20)
    alpha = server.customer("Alpha", metadata__account_id="a")
    subscription = server.post(
        "/v1/subscriptions", customer=alpha["id"], items__0__plan="pro-month", items__0__quantity=3,
        backdate_start_date=int(begun.timestamp()),
    )  # fmt: skip
    for number in range(120):
        server.post("/v1/customers", name=f"Many {number}", email=f"ops@many-{number}.example")
    books = Books(tmp_path, server)
    well(books.pull()[0])
    today, name = datetime.now(UTC).date(), subscription["id"]
    assert books.ask("SELECT name FROM accounts WHERE account_id = 'a'") == [("Alpha",)]
    assert books.ask("SELECT count(*) FROM accounts") == [(121,)]
    plans = "SELECT name, price_minor, per_seat, sold FROM plans ORDER BY name"
    assert books.ask(plans) == [("Max", 10_000, False, True), ("Pro", 4900, True, True)]
    assert books.ask("SELECT plan_id, ceiling FROM ceilings") == [("pro", 500.0)]
    assert books.ask("SELECT amount_minor, status, account_id FROM invoices") == [(14_700, "paid", "a")]
    assert books.periods(name) == [(begun.date(), None, "pro", 3, 14_700, "active")]
    before = books.everything()
    well(books.pull()[0])
    assert books.everything() == before
    server.post(f"/v1/subscriptions/{name}", items__0__plan="max-year", items__0__quantity=1)
    well(books.pull()[0])
    assert [row[:2] + row[4:] for row in books.periods(name)] == [
        (begun.date(), today, 14_700, "active"), (today, None, 10_000, "active"),
    ]  # fmt: skip
    server.ask("DELETE", f"/v1/subscriptions/{name}")
    well(books.pull()[0])
    assert [row[1] for row in books.periods(name)][-1] == today


def test_old_tiers_and_a_first_bill_that_was_never_paid(tmp_path, server):
    """Tiers come with the plan; what is incomplete never started; a cancellation is seen when it is listed."""
    beta = server.customer("Beta")
    server.post(
        "/v1/plans", id="tiered", name="Tiered", currency="eur", interval="month", billing_scheme="tiered",
        tiers_mode="volume", tiers__0__up_to=5, tiers__0__unit_amount=1000, tiers__0__flat_amount=0,
        tiers__1__up_to="inf", tiers__1__unit_amount=800, tiers__1__flat_amount=0,
    )  # fmt: skip
    made = server.post(
        "/v1/subscriptions", customer=beta["id"], items__0__plan="tiered", items__0__quantity=8
    )
    poor = server.customer("Gamma", number="4000000000000341")
    begun = server.post("/v1/subscriptions", customer=poor["id"], items__0__plan="pro-month")
    assert (made["status"], begun["status"]) == ("active", "incomplete")
    books = Books(tmp_path, server)
    landed = well(books.pull()[0])
    assert landed.requests == 5
    columns = "SELECT subscription_id, mrr_minor, seats, status, cancel_on FROM subscriptions"
    assert books.ask(columns) == [(f"stripe:{made['id']}", 6400, 8, "active", None)]
    server.post(f"/v1/subscriptions/{made['id']}", cancel_at_period_end="true")
    well(books.pull()[0])
    ends = datetime.fromtimestamp(made["current_period_end"], UTC).date()
    assert books.ask(columns) == [(f"stripe:{made['id']}", 6400, 8, "active", ends)]
