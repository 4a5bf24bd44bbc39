"""Stripe's own fixtures of 2026 and the tables of a warehouse that read it: rows nobody here wrote."""

import csv
import json
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import pairwise

import pytest

from connectors._stripe_events import Happening, in_order
from connectors._stripe_history import Historian, Known
from connectors._stripe_money import a_period, minor, months, unit
from connectors._stripe_plans import Catalogue
from connectors._stripe_prices import Coupon, Discount, Price, Product
from connectors._stripe_shapes import Bill, Customer, Line, Standing
from connectors.stripe import Stripe

NOW = datetime(2026, 11, 1)


@pytest.fixture(scope="module")
def fixtures(shared):
    """One object of every kind, as Stripe's own fixtures of 2026-08 have it."""
    return json.loads((shared / "specs/stripe/fixtures3.json").read_text(encoding="utf-8"))["resources"]


def table(shared, name):
    """A table of a warehouse, empty cells as None."""
    path = shared / "data/vendor_tables/stripe" / f"{name}_data.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return [{key: value or None for key, value in row.items()} for row in csv.DictReader(lines)]


def seconds(text):
    """A warehouse's time as Stripe gives it."""
    return None if text is None else int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def is_true(text):
    """A warehouse's flag."""
    return text is not None and text.lower() == "true"


def versions(standing, catalogue=None, coupon=None, now=NOW):
    """The versions of one listed subscription, as a first reading tells them."""
    found = Historian(
        catalogue or Catalogue([], []),
        lambda one: (one.coupon, one.end) if one.coupon else coupon,
        now,
        now,
        now,
    )
    return sorted(found.versions(Known(listed=standing), None), key=lambda one: (one.subscription_id, one.at))


def test_the_fixtures_of_2026_are_understood(fixtures):
    """Customer, product, price, plan, discount, coupon, invoice, line and event: each in its shape."""
    [record] = Customer.model_validate(fixtures["customer"]).facts(Stripe())
    assert (record.record_id, record.created_on, record.name) == ("cus_QXg1o8vcGmoR32", date(2009, 2, 13), "")
    product = Product.model_validate(fixtures["product"])
    assert (product.name, product.default_price) == ("T-shirt", "price_1PgafmB7WZ01zgkW02Hf9z6c")
    price, plan = Price.model_validate(fixtures["price"]), Price.model_validate(fixtures["plan"])
    assert (price.currency, price.unit_amount, months(price)) == ("USD", 2000, 1)
    assert (plan.unit_amount, plan.recurring, plan.product) == (
        price.unit_amount,
        price.recurring,
        price.product,
    )
    assert Coupon.model_validate(fixtures["coupon"]).percent_off == 25.5
    assert Discount.model_validate(fixtures["discount"]).end == datetime(2009, 2, 13, 23, 31, 30)
    assert list(Bill.model_validate(fixtures["invoice"]).facts(Stripe())) == []
    line = Line.model_validate(fixtures["line_item"])
    assert (line.amount, line.subscription, line.price_id) == (1000, None, None)
    event = Happening.model_validate(fixtures["event"])
    assert (event.type, event.subject) == ("plan.created", "price_1PgafmB7WZ01zgkW6dKueIc5")


def test_the_subscription_of_2026_has_its_period_on_the_item(fixtures):
    """And one of 2023 has it itself: both renew on the same day."""
    new = fixtures["subscription"] | {"status": "active", "ended_at": None, "pause_collection": None}
    item = new["items"]["data"][0] | {
        "price": new["items"]["data"][0]["price"] | {"transform_quantity": None, "custom_unit_amount": None},
        "current_period_start": 1_790_000_000,
        "current_period_end": 1_792_592_000,
    }
    new |= {"items": {"data": [item]}, "start_date": 1_790_000_000, "trial_start": None, "trial_end": None}
    new |= {"cancel_at": None, "cancel_at_period_end": False}
    bare = {key: value for key, value in item.items() if not key.startswith("current")}
    old = new | {"items": {"data": [bare]}, "discount": None}
    old |= {name: item[name] for name in ("current_period_start", "current_period_end")}
    del old["discounts"]
    [one], [other] = versions(Standing.model_validate(new)), versions(Standing.model_validate(old))
    assert one == other
    assert (one.subscription_id, one.plan_id, one.mrr_minor) == (new["id"], "prod_QXg1hqf4jFNsqG", 2000)
    assert (one.renews_on, one.at) == (date(2026, 10, 21), datetime(2026, 9, 21, 14, 13, 20))


def test_the_invoice_of_2026_once_it_is_open(fixtures):
    """Its total in minor units, due on its own day."""
    row = fixtures["invoice"] | {"status": "open"}
    [found] = Bill.model_validate(row).facts(Stripe())
    assert (found.amount_minor, found.currency, found.due_on, found.paid_on) == (
        1000,
        "USD",
        date(2009, 2, 13),
        None,
    )


def test_a_warehouse_s_customers(shared):
    """Each has the id the founder put into metadata, under the key that is set."""
    rows = table(shared, "customer")
    found = [
        Customer.model_validate(
            {
                "id": row["id"], "name": row["name"], "email": row["email"], "created": seconds(row["created"]),
                "metadata": json.loads(row["metadata"] or "{}"), "deleted": is_true(row["is_deleted"]),
            }
        )
        for row in rows
    ]  # fmt: skip
    settings = Stripe(account_id_key="external_id")
    records = [record for one in found for record in one.facts(settings)]
    assert len(records) == sum(not is_true(row["is_deleted"]) for row in rows) > 5
    assert {record.own_id for record in records} == {"80755622-45b3-40a6-9544-25af39e0e50c"}
    assert records[0].created_on == date(2021, 1, 18)
    assert all(record.own_id is None for one in found for record in one.facts(Stripe()))


def test_a_warehouse_s_plans_and_prices(shared):
    """Quarterly and yearly prices by the month, one-time ones are no plan."""
    prices = [
        Price.model_validate(
            {
                "id": row["id"], "active": is_true(row["active"]), "currency": row["currency"],
                "created": seconds(row["created"]), "product": row["product_id"], "billing_scheme": row["billing_scheme"],
                "unit_amount": int(row["unit_amount"]), "unit_amount_decimal": row["unit_amount_decimal"],
                "recurring": None if row["type"] == "one_time" else {
                    "interval": row["recurring_interval"], "interval_count": int(row["recurring_interval_count"]),
                    "usage_type": row["recurring_usage_type"],
                },
            }
        )
        for row in table(shared, "price")
    ]  # fmt: skip
    products = [Product(id=one.product, name=one.product) for one in prices]
    plans = {plan.plan_id: plan for plan in Catalogue(products, prices).facts({})}
    assert {name: (plan.price_minor, plan.currency, plan.tier) for name, plan in plans.items()} == {
        "prod_001": (2999, "USD", 2),
        "prod_002": (2499, "USD", 1),
        "prod_003": (2667, "EUR", 1),
    }
    old = [
        Price.model_validate(
            row | {"amount": int(row["amount"]), "created": seconds(row["created"]), "product": row["product_id"],
                   "interval_count": int(row["interval_count"]), "active": is_true(row["active"])}
        )
        for row in table(shared, "plan")
    ]  # fmt: skip
    costs = {one.id: minor(unit(one, "USD") / months(one), "USD") for one in old}
    assert (costs["zb1"], costs["5gh"], costs["214gfdg"]) == (150_000, 25_000, 88_010)


def test_a_warehouse_s_subscriptions_with_their_items(shared):
    """Rows of three tables make one object; one that ended ends, one whose items are two is two."""
    plans = {row["id"]: row for row in table(shared, "plan")}
    items = {}
    for row in table(shared, "subscription_item"):
        plan = plans.get(row["plan_id"])
        if plan is None:
            continue
        price = {
            "id": plan["id"], "object": "plan", "amount": int(plan["amount"]), "currency": plan["currency"],
            "interval": plan["interval"], "interval_count": int(plan["interval_count"]), "product": plan["product_id"],
            "usage_type": plan["usage_type"],
        }  # fmt: skip
        items.setdefault(row["subscription_id"], []).append(
            {
                "id": row["id"],
                "plan": price,
                "quantity": int(row["quantity"]),
                "created": seconds(row["created"]),
            }
        )
    times = (
        "cancel_at", "canceled_at", "created", "current_period_end", "current_period_start", "ended_at", "start_date",
        "trial_end", "trial_start",
    )  # fmt: skip
    found = {}
    for row in table(shared, "subscription"):
        made = Standing.model_validate(
            {name: seconds(row[name]) for name in times}
            | {
                "id": row["id"],
                "customer": row["customer_id"],
                "status": "canceled",
                "items": items[row["id"]],
            }
            | {"cancel_at_period_end": is_true(row["cancel_at_period_end"])}
        )
        found[row["id"]] = versions(made)
    assert set(found) == {"sdgfs4536", "sfjytkyu876"}
    first, *rest = found["sdgfs4536"]
    assert (first.account_id, first.mrr_minor, first.currency, first.status) == (
        "sdf6547",
        150_000,
        "USD",
        "trialing",
    )
    assert (rest[-1].status, rest[-1].at) == ("canceled", datetime(2021, 2, 19, 14, 16, 37))
    assert found["sfjytkyu876"][0].mrr_minor == 300_000


def test_a_subscription_that_began_while_we_read_is_told():
    """Its first second may lie after the one in which the reading began."""
    price = {"id": "p", "currency": "eur", "unit_amount": 900, "recurring": {"interval": "month"}}
    item = {"id": "si", "price": price, "quantity": 1}
    row = {
        "id": "s",
        "customer": "c",
        "status": "active",
        "start_date": "2026-11-01T00:00:02",
        "items": {"data": [item]},
    }
    [found] = versions(Standing.model_validate(row))
    assert (found.at, found.mrr_minor) == (datetime(2026, 11, 1, 0, 0, 2), 900)


def test_a_warehouse_s_invoices(shared):
    """Total, customer and status; due when issued, for the table has no due date."""
    rows = table(shared, "invoice")
    found = [
        next(
            Bill.model_validate(
                {
                    "id": row["id"], "customer": row["customer_id"], "status": row["status"], "total": int(row["total"]),
                    "currency": row["currency"], "created": seconds(row["period_start"]),
                }
            ).facts(Stripe())
        )
        for row in rows
    ]  # fmt: skip
    assert [(one.invoice_id, one.account_id, one.amount_minor) for one in found] == [
        ("ab1111", "sdgfs84854", 1000), ("si8jo54", "dfd54654", 1000),
    ]  # fmt: skip
    assert found[0].due_on == found[0].issued_on == date(2021, 2, 18)


def test_a_warehouse_s_coupons(shared):
    """Percent and amount, forever, repeating and once: what 100.00 a month becomes."""
    left = {}
    for row in table(shared, "coupon"):
        coupon = Coupon.model_validate(
            {
                "amount_off": row["amount_off"], "percent_off": row["percent_off"], "currency": row["currency"],
                "duration": row["duration"],
            }
        )  # fmt: skip
        price = {
            "id": "p",
            "currency": row["currency"],
            "unit_amount": 10_000,
            "recurring": {"interval": "month"},
        }
        item = {"id": "si", "price": price, "quantity": 1}
        made = Standing.model_validate(
            {"id": "s", "customer": "c", "status": "active", "start_date": 1_700_000_000, "items": {"data": [item]},
             "discount": {"id": "di", "coupon": coupon, "end": None}}
        )  # fmt: skip
        [version] = versions(made)
        left[row["id"]] = (version.mrr_minor, version.discount_pct)
    assert left["coupon_1"] == (10_000, None)
    assert left["coupon_2"] == (8450, 15.5)
    assert left["coupon_3"] == (9500, 5.0)
    assert left["coupon_5"] == (8000, 20.0)
    assert left["coupon_6"] == (9000, 10.0)
    assert left["coupon_10"] == (10_000, None)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        pytest.param(Fraction(5, 2), "EUR", 3, id="half-up"),
        pytest.param(Fraction(-5, 2), "EUR", -3, id="a-credit-too"),
        pytest.param(1999, "JPY", 1999, id="yen-are-whole"),
        pytest.param(5124, "KWD", 5124, id="fils-are-thousandths"),
        pytest.param(50_000, "ISK", 500, id="krona-in-hundredths"),
        pytest.param(70, "MGA", 7000, id="ariary-whole"),
    ],
)
def test_amounts_in_our_minor_units(amount, currency, expected):
    """What the product divides by is what ISO 4217 says; Stripe differs for three currencies."""
    assert minor(amount, currency) == expected


def test_an_amount_nobody_wrote_is_an_error():
    """Tiers that are not in the answer, a currency the price does not have: never a nought in its place."""
    row = {"id": "p", "currency": "eur", "billing_scheme": "tiered", "recurring": {"interval": "month"}}
    with pytest.raises(ValueError, match="p has no amount in EUR"):
        a_period(Price.model_validate(row), 3, "EUR")
    with pytest.raises(ValueError, match="p has no amount in USD"):
        a_period(Price.model_validate(row | {"billing_scheme": "per_unit", "unit_amount": 5}), 3, "USD")


def test_events_of_one_second_are_put_by_what_they_found():
    """Whatever order and ids they come with, each finds what the one before has left."""
    steps = [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 1}]
    rows = [{"id": "evt_9", "type": "x.created", "created": 100, "data": {"object": {"id": "s", **steps[0]}}}]
    for number, (before, after) in enumerate(pairwise(steps)):
        data = {"object": {"id": "s", **after}, "previous_attributes": before}
        rows.append({"id": f"evt_{5 - number}", "type": "x.updated", "created": 100, "data": data})
    made = [Happening.model_validate(row) for row in rows]
    for order in (made, made[::-1], made[1:] + made[:1] + made):
        assert [one.object["n"] for one in in_order(order)] == [0, 1, 2, 1]
