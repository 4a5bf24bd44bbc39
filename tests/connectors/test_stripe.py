"""Stripe: customers, plans, subscriptions and invoices, through the real sync into real facts."""

from datetime import UTC, date, datetime, timedelta

import pytest

from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from connectors._api import Api, keys_of
from connectors._inbox import NotGenuine, NotUnderstood, put
from connectors._landing import Landing
from connectors.stripe import STRIPE
from connectors.sync import fetch, run, section_of
from tests.vendors import stripe
from tests.vendors.stripe import Stripe, moment

COMPANY = (
    '[company]\nname = "Acme"\nproduct = "Acme"\nsender_name = "Dana"\nsender_email = "dana@acme.example"\n'
)
ACTIVE, TRIAL, LATE, PAUSED = "active", "trialing", "past_due", "paused"


def on(day):
    """The date of a day, counted from today."""
    return datetime.fromtimestamp(moment(day), UTC).date()


class Books:
    """A workspace whose customers are Stripe's alone."""

    def __init__(self, folder, vendor, more=""):
        self.folder, self.vendor = folder, vendor
        self.set(more)

    def set(self, more=""):
        """Write outgrown.toml; `more` is what else stands under [connectors.stripe]."""
        (self.folder / "outgrown.toml").write_text(COMPANY + self.vendor.workspace() + more, encoding="utf-8")

    @property
    def landing(self):
        """Where Stripe's rows land."""
        return Landing(open_workspace(self.folder), "stripe")

    def pull(self, since=None):
        """Sync; what the reading came to, and the reports by table."""
        workspace = open_workspace(self.folder)
        [landed] = fetch(workspace, ["stripe"], since)
        with open_warehouse(workspace.facts_file, write=True) as warehouse:
            reports = run(workspace, warehouse, read_at=datetime(2026, 3, 2, 9), landed=[landed])
        return landed, {report.table: report for report in reports}

    def ask(self, sql):
        """Rows of a query on the facts."""
        with open_warehouse(open_workspace(self.folder).facts_file) as warehouse:
            return warehouse.duck.execute(sql).fetchall()

    def periods(self, name, columns="plan_id, seats, mrr_minor, status"):
        """The periods of a subscription: from, to, and the columns."""
        return self.ask(
            f"SELECT starts_on, ends_on, {columns} FROM subscriptions "
            f"WHERE subscription_id = 'stripe:{name}' ORDER BY starts_on"
        )

    def mine(self, key, columns):
        """Columns of the subscriptions of one test, by what follows its key in their ids."""
        start = f"stripe:sub_{key}_"
        found = self.ask(
            f"SELECT subscription_id, {columns} FROM subscriptions WHERE starts_with(subscription_id, '{start}')"
        )
        return {name.removeprefix(start): tuple(rest) for name, *rest in found}

    def everything(self):
        """All facts that Stripe gives."""
        tables = ("accounts", "plans", "ceilings", "plan_features", "subscriptions", "invoices")
        return {table: self.ask(f"SELECT * FROM {table} ORDER BY ALL") for table in tables}


@pytest.fixture
def vendor(monkeypatch):
    """The stand-in, and the keys to it."""
    for name, value in stripe.ENV.items():
        monkeypatch.setenv(name, value)
    with Stripe() as found:
        found.customer("cus_a", "Alpha", metadata={"account_id": "a"})
        yield found


@pytest.fixture
def books(tmp_path, vendor):
    """The workspace."""
    return Books(tmp_path, vendor)


GIVEN = []


def given(setup):
    """Mark what the test below it needs in the one account that all such tests read."""
    GIVEN.append(setup)
    return setup


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A workspace that has read everything `given`, once."""
    with pytest.MonkeyPatch.context() as patch, Stripe() as vendor:
        for name, value in stripe.ENV.items():
            patch.setenv(name, value)
        vendor.customer("cus_a", "Alpha", metadata={"account_id": "a"})
        for setup in GIVEN:
            setup(vendor)
        books = Books(tmp_path_factory.mktemp("world"), vendor)
        well(books.pull()[0])
        yield books


def well(landed):
    """The reading went well and took every row."""
    assert (landed.failed, landed.rejected) == ("", ())
    return landed


def test_a_customer_is_an_account(books, vendor):
    """By the id in its metadata where there is one, else by its own; name, address, language and day of sign-up."""
    vendor.customer("cus_b", None, email="Ops@Beta.example", at=-40, preferred_locales=["de-DE"])
    vendor.customer("cus_c", "", email=None, at=-30, preferred_locales=None, metadata={})
    well(books.pull()[0])
    columns = "account_id, name, contact_email, domain, language, created_on, is_test"
    found = {row[0]: row for row in books.ask(f"SELECT {columns} FROM accounts")}
    assert found["a"] == ("a", "Alpha", "ops@cus-a.example", None, None, on(-300), False)
    others = {row[2]: row for name, row in found.items() if name != "a"}
    assert others["Ops@Beta.example"][4:] == ("de", on(-40), False)
    assert others[None][1] == "cus_c"


def test_the_key_of_our_id_is_the_founders_choice(books, vendor):
    """account_id_key names it; an id of blanks is none."""
    vendor.customer("cus_b", "Beta", metadata={"workspace": "b-1", "account_id": "x"})
    vendor.customer("cus_c", "Gamma", metadata={"workspace": "  "})
    books.set('account_id_key = "workspace"\n')
    well(books.pull()[0])
    assert {"b-1"} == {name for (name,) in books.ask("SELECT account_id FROM accounts WHERE name = 'Beta'")}
    [(name,)] = books.ask("SELECT account_id FROM accounts WHERE name = 'Gamma'")
    assert name.strip()


def test_a_sandbox_is_no_test_account_unless_the_key_is_live(books, vendor, monkeypatch):
    """With a test key one tries things out on test data; with a live key whatever is not live is a trial run."""
    well(books.pull()[0])
    assert books.ask("SELECT is_test FROM accounts") == [(False,)]
    key = "rk_live_" + "0" * 12
    vendor.key = key
    monkeypatch.setenv("STRIPE_API_KEY", key)
    vendor.customer("cus_b", "Beta", livemode=True)
    books.landing.drop()
    well(books.pull()[0])
    assert books.ask("SELECT name, is_test FROM accounts ORDER BY name") == [("Alpha", True), ("Beta", False)]


def test_plans_are_products_by_currency(books, vendor):
    """Price a month, tier by price, product line, seats, features, ceilings; another currency is another plan."""
    vendor.product("prod_legacy", "Legacy", active=False, tier="7", product_line="old")
    vendor.price("price_legacy", "prod_legacy", 2900)
    vendor.product("prod_annual", "Annual only")
    vendor.price("price_annual", "prod_annual", 100_000, interval="year")
    well(books.pull()[0])
    found = books.ask("SELECT plan_id, name, tier, price_minor, currency, per_seat, product, sold FROM plans")
    assert {row[0]: row[1:] for row in found} == {
        "prod_free": ("Free", 1, 0, "EUR", False, "main", True),
        "team": ("Team", 2, 1500, "EUR", True, "main", True),
        "prod_pro": ("Pro", 3, 4900, "EUR", False, "main", True),
        "prod_pro:usd": ("Pro", 3, 5500, "USD", False, "main", True),
        # 8333.33 a month.
        "prod_annual": ("Annual only", 4, 8333, "EUR", False, "main", True),
        "prod_max": ("Max", 5, 14_900, "EUR", False, "main", True),
        "prod_max:jpy": ("Max", 5, 20_000, "JPY", False, "main", True),
        # Billed by use: there is no price a month, so it is never offered, and comes last.
        "prod_calls": ("Calls", 6, 0, "EUR", False, "main", False),
        "prod_extra": ("Extra storage", 1, 1000, "EUR", False, "storage", True),
        "prod_legacy": ("Legacy", 7, 2900, "EUR", False, "old", False),
    }
    assert books.ask("SELECT plan_id, ceiling FROM ceilings WHERE plan_id NOT LIKE '%:%' ORDER BY plan_id") == [
        ("prod_free", 10.0), ("prod_max", None), ("prod_pro", 500.0),
    ]  # fmt: skip
    assert books.ask("SELECT plan_id, feature FROM plan_features WHERE plan_id NOT LIKE '%:%' ORDER BY 1, 2") == [
        ("prod_max", "Audit log"), ("prod_max", "SSO"), ("prod_pro", "api"), ("prod_pro", "sso"),
    ]  # fmt: skip


def test_a_number_mistyped_in_metadata_costs_that_number_alone(books, vendor):
    """The plan stands, its place comes from its price, and the rejection names the product."""
    vendor.product(
        "prod_pro", "Pro", default_price="price_pro", tier="gold", ceiling_exports="lots", ceiling_users="5"
    )
    landed, _ = books.pull()
    assert sorted((found.column, found.value) for _, found in landed.rejected) == [
        ("prod_pro ceiling", "lots"), ("prod_pro tier", "gold"),
    ]  # fmt: skip
    assert books.ask("SELECT tier FROM plans WHERE plan_id = 'prod_pro'") == [(3,)]
    assert books.ask("SELECT metric, ceiling FROM ceilings WHERE plan_id = 'prod_pro'") == [("users", 5.0)]


def test_a_product_withdrawn_takes_its_ceilings_and_features_along(books, vendor):
    """What is no longer listed is gone; the plan itself stays, for subscriptions of the past name it."""
    well(books.pull()[0])
    del vendor.objects["product"]["prod_max"]
    well(books.pull()[0])
    assert books.ask("SELECT count(*) FROM ceilings WHERE plan_id = 'prod_max'") == [(0,)]
    assert books.ask("SELECT count(*) FROM plan_features WHERE plan_id = 'prod_max'") == [(0,)]
    assert books.ask("SELECT count(*) FROM plans WHERE plan_id = 'prod_max'") == [(1,)]


@given
def _(vendor):
    vendor.subscribe("sub_plan_a", "cus_a", "price_pro", at=-200)
    vendor.change("sub_plan_a", -10, price="price_max")


def test_a_plan_change_is_dated_by_its_event(world):
    """From the day it happened on, not from the day it was read; before it the plan of before."""
    assert world.periods("sub_plan_a") == [
        (on(-200), on(-10), "prod_pro", None, 4900, ACTIVE),
        (on(-10), None, "prod_max", None, 14_900, ACTIVE),
    ]


@given
def _(vendor):
    vendor.subscribe("sub_seats_a", "cus_a", "price_team", at=-20, quantity=3)
    vendor.change("sub_seats_a", -5, quantity=5)


def test_seats_bought_make_a_new_period(world):
    """The quantity of a price per seat is the number of seats, and multiplies its price."""
    assert world.periods("sub_seats_a") == [
        (on(-20), on(-5), "team", 3, 4500, ACTIVE),
        (on(-5), None, "team", 5, 7500, ACTIVE),
    ]


def test_a_quantity_makes_seats_where_nothing_else_says_so(books, vendor):
    """Somebody bought two of a price: it is per seat, for everybody; unless the product's metadata says otherwise."""
    vendor.customer("cus_b", "Beta")
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-20, quantity=2)
    vendor.subscribe("sub_b", "cus_b", "price_pro", at=-20)
    vendor.product("prod_extra", "Extra storage", product_line="storage", per_seat="false")
    vendor.subscribe("sub_c", "cus_b", "price_extra", at=-20, quantity=4)
    well(books.pull()[0])
    assert books.ask("SELECT seats FROM subscriptions ORDER BY subscription_id") == [(2,), (1,), (None,)]
    flags = "SELECT plan_id, per_seat FROM plans WHERE plan_id IN ('prod_pro', 'prod_extra') ORDER BY 1"
    assert books.ask(flags) == [("prod_extra", False), ("prod_pro", True)]
    well(books.pull()[0])
    assert books.ask(flags) == [("prod_extra", False), ("prod_pro", True)]


@given
def _(vendor):
    vendor.subscribe("sub_leave_a", "cus_a", "price_pro", at=-25)
    vendor.change("sub_leave_a", -12, cancel_at_period_end=True, canceled_at=moment(-12))
    vendor.change("sub_leave_a", -9, cancel_at_period_end=False, canceled_at=None)
    vendor.change("sub_leave_a", -3, cancel_at=moment(60), canceled_at=moment(-3))


def test_a_cancellation_set_and_taken_back_is_seen_on_its_days(world):
    """cancel_on holds from the day the customer asked for it to the day they thought better of it."""
    assert world.periods("sub_leave_a", "cancel_on, renews_on") == [
        (on(-25), on(-12), None, on(5)),
        (on(-12), on(-9), on(5), on(5)),
        (on(-9), on(-3), None, on(5)),
        (on(-3), None, on(60), on(5)),
    ]


@given
def _(vendor):
    vendor.subscribe("sub_late_a", "cus_a", "price_pro", at=-28)
    vendor.change("sub_late_a", -20, status="past_due")
    vendor.change("sub_late_a", -18, status="unpaid")
    vendor.change("sub_late_a", -15, status="active")
    vendor.change("sub_late_a", -9, pause_collection={"behavior": "void", "resumes_at": None})
    vendor.change("sub_late_a", -6, pause_collection=None)


def test_past_due_recovery_and_pause_are_seen_on_their_days(world):
    """unpaid counts as past due; a pause of collection is a pause."""
    assert world.periods("sub_late_a", "status") == [
        (on(-28), on(-20), ACTIVE),
        (on(-20), on(-15), LATE),
        (on(-15), on(-9), ACTIVE),
        (on(-9), on(-6), PAUSED),
        (on(-6), None, ACTIVE),
    ]


@given
def _(vendor):
    trial = {"status": "trialing", "trial_start": moment(-28), "trial_end": moment(-14)}
    vendor.subscribe("sub_trial_a", "cus_a", "price_pro", at=-28, **trial)
    vendor.change("sub_trial_a", -14, status="active")
    vendor.end("sub_trial_a", -2)
    vendor.subscribe(
        "sub_trial_b", "cus_a", "price_pro", at=-100, quietly=True, trial_start=moment(-100), trial_end=moment(-86),
        status="canceled", canceled_at=moment(-60), ended_at=moment(-45),
    )  # fmt: skip


def test_a_trial_ends_and_a_subscription_is_cancelled(world):
    """The end of a trial comes by event, or from the subscription itself where events no longer reach."""
    assert world.periods("sub_trial_a", "status") == [(on(-28), on(-14), TRIAL), (on(-14), on(-2), ACTIVE)]
    assert world.periods("sub_trial_b", "status, cancel_on") == [
        (on(-100), on(-86), TRIAL, None),
        (on(-86), on(-60), ACTIVE, None),
        (on(-60), on(-45), ACTIVE, on(-45)),
    ]


@given
def _(vendor):
    vendor.subscribe("sub_never_a", "cus_a", "price_pro", at=-9, status="incomplete")
    vendor.change("sub_never_a", -8, status="incomplete_expired")
    vendor.subscribe("sub_never_b", "cus_a", "price_pro", at=-9, status="incomplete")
    vendor.change("sub_never_b", -9, seconds=40, status="active")
    vendor.subscribe("sub_never_c", "cus_a", "price_pro", at=-90, status="incomplete_expired", quietly=True)


def test_what_never_started_is_no_subscription(world):
    """Its first bill was never paid; once it is paid, it starts."""
    assert world.mine("never", "starts_on") == {"b": (on(-9),)}


@given
def _(vendor):
    for name, price, interval, count in (
        ("y", 49_000, "year", 1), ("yy", 90_000, "year", 2), ("m", 12_000, "month", 12),
        ("q", 9000, "month", 3), ("w", 700, "week", 1), ("d", 100, "day", 1),
    ):  # fmt: skip
        vendor.price(f"price_{name}", "prod_pro", price, interval=interval, interval_count=count)
        vendor.subscribe(f"sub_year_{name}", "cus_a", f"price_{name}", at=-20)


def test_a_year_is_a_term_and_a_twelfth_of_its_price_a_month(world):
    """As are two years and twelve months; a quarter is no year, and a week is 12/365 of a year."""
    assert world.mine("year", "mrr_minor, term") == {
        "y": (4083, "year"), "yy": (3750, "year"), "m": (1000, "year"),
        "q": (3000, "month"), "w": (3042, "month"), "d": (3042, "month"),
    }  # fmt: skip


@given
def _(vendor):
    for currency, amount in (
        ("jpy", 20_000),
        ("kwd", 5120),
        ("isk", 500_000),
        ("ugx", 370_000),
        ("mga", 9000),
    ):
        vendor.price(f"price_{currency}", "prod_max", amount, currency=currency)
        vendor.subscribe(f"sub_money_{currency}", "cus_a", f"price_{currency}", at=-20)
        vendor.bill(f"in_money_{currency}", f"sub_money_{currency}", -20)


def test_money_without_decimals_stays_as_it_is(world):
    """Yen are whole; Stripe counts krona and Ugandan shillings in hundredths, and ariary whole, which we do not."""
    expected = {"jpy": (20_000,), "kwd": (5120,), "isk": (5000,), "ugx": (3700,), "mga": (900_000,)}
    assert world.mine("money", "mrr_minor") == expected
    bills = world.ask("SELECT lower(currency), amount_minor FROM invoices WHERE invoice_id LIKE '%money%'")
    assert {currency: (amount,) for currency, amount in bills} == expected
    plans = world.ask("SELECT lower(currency), price_minor FROM plans WHERE plan_id LIKE 'prod_max:%'")
    assert expected.items() <= {currency: (price,) for currency, price in plans}.items()


@given
def _(vendor):
    vendor.coupon("quarter", percent_off=25.5)
    vendor.coupon("ten", amount_off=1000, currency="eur", duration="repeating")
    vendor.coupon("welcome", percent_off=100, duration="once")
    vendor.coupon("huge", amount_off=999_999, currency="eur")
    for name, coupons in (
        ("a", ["quarter"]),
        ("b", ["ten"]),
        ("c", ["quarter", "ten"]),
        ("d", ["welcome"]),
        ("e", ["huge"]),
    ):
        ids = [
            vendor.discount(f"di_off_{name}{one}", one, f"sub_off_{name}", 90 if one == "ten" else None)
            for one in coupons
        ]
        vendor.subscribe(f"sub_off_{name}", "cus_a", "price_pro", at=-20, discounts=ids)
    vendor.discount("di_off_past", "ten", "sub_off_f", end=-5)
    vendor.subscribe("sub_off_f", "cus_a", "price_pro", at=-100, discounts=["di_off_past"], quietly=True)


def test_discounts_are_taken_off(world):
    """Percent and amounts, several in turn; one for a single bill takes nothing off what recurs."""
    assert world.mine("off", "mrr_minor, discount_pct") == {
        "a": (3651, 25.5),
        "b": (3900, 20.41),
        "c": (2651, 45.91),
        "d": (4900, None),
        "e": (0, 100.0),
        "f": (4900, None),
    }


@given
def _(vendor):
    vendor.coupon("off", amount_off=12_000, currency="eur")
    vendor.subscribe(
        "sub_spread_a",
        "cus_a",
        "price_pro_year",
        at=-20,
        discounts=[vendor.discount("di_spread_1", "off", "sub_spread_a")],
    )


def test_an_amount_off_a_year_is_spread_over_its_months(world):
    """The amount is per bill."""
    assert world.mine("spread", "mrr_minor, discount_pct") == {"a": (3083, 24.49)}


def test_a_discount_given_later_is_learned_from_its_event(books, vendor):
    """Since 2025 events name discounts by id alone: what each takes off comes from its own event and the coupon."""
    vendor.coupon("half", percent_off=50)
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-25)
    well(books.pull()[0])
    vendor.discount("di_1", "half", "sub_a")
    soon(vendor.event("customer.discount.created", vendor.discounts["di_1"], 0))
    soon(vendor.change("sub_a", 0, discounts=["di_1"]))
    well(books.pull()[0])
    assert books.periods("sub_a", "mrr_minor, discount_pct")[-1][2:] == (2450, 50.0)
    assert any(asked.path == "/v1/coupons/half" for asked in vendor.asked)


def test_a_discount_that_ends_without_another_event_is_looked_up(books, vendor):
    """The subscription is asked for, and stands without it from that second on."""
    vendor.coupon("half", percent_off=50)
    vendor.discount("di_1", "half", "sub_a")
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-25, discounts=["di_1"])
    well(books.pull()[0])
    assert books.periods("sub_a", "mrr_minor")[-1][2:] == (2450,)
    vendor.objects["subscription"]["sub_a"]["discounts"] = []
    now = int(datetime.now(UTC).timestamp())
    vendor.event("customer.discount.deleted", vendor.discounts["di_1"], now)
    well(books.pull()[0])
    assert books.periods("sub_a", "mrr_minor, discount_pct")[-1] == (on(0), None, 4900, None)


@given
def _(vendor):
    extra = vendor.item("si_items_extra", "price_extra", at=-12)
    vendor.coupon("part", amount_off=590, currency="eur")
    first = vendor.subscribe("sub_items_a", "cus_a", "price_pro", at=-25)["items"]["data"]
    vendor.change("sub_items_a", -12, items=[*first, extra])
    vendor.change("sub_items_a", -6, discounts=[vendor.discount("di_items_1", "part", "sub_items_a")])
    vendor.change("sub_items_a", -3, items=first, discounts=[])
    vendor.event("customer.discount.created", vendor.discounts["di_items_1"], moment(-6))


def test_several_items_are_several_subscriptions(world):
    """The oldest carries the subscription's id, an added one its own besides; taken away again, it ends."""
    # 5.90 off 59.00: a tenth of each.
    assert world.periods("sub_items_a") == [
        (on(-25), on(-6), "prod_pro", None, 4900, ACTIVE),
        (on(-6), on(-3), "prod_pro", None, 4410, ACTIVE),
        (on(-3), None, "prod_pro", None, 4900, ACTIVE),
    ]
    assert world.periods("sub_items_a:si_items_extra") == [
        (on(-12), on(-6), "prod_extra", None, 1000, ACTIVE),
        (on(-6), on(-3), "prod_extra", None, 900, ACTIVE),
    ]


def test_an_item_that_went_while_nobody_looked_ends(books, vendor):
    """After a silence longer than Stripe keeps events, what is no longer there ends when events begin."""
    extra = vendor.item("si_extra", "price_extra", at=-200)
    base = vendor.item("si_base", "price_pro", at=-201)
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-201, items=[base, extra], quietly=True)
    well(books.pull()[0])
    vendor.objects["subscription"]["sub_a"]["items"]["data"] = [base]
    well(books.pull(since=on(-3))[0])
    assert [row[1] for row in books.periods("sub_a:si_extra")][-1] == on(-30)
    assert books.periods("sub_a")[-1][1] is None


@given
def _(vendor):
    items = [vendor.item(f"si_many_{n:02d}", "price_extra", at=-20 + n / 1000) for n in range(15)]
    found = vendor.subscribe("sub_many_a", "cus_a", "price_extra", at=-20, items=items, quietly=True)
    found["items"] |= {"data": items[:10], "has_more": True, "all": items}


def test_more_items_than_a_page_are_fetched(world):
    """A subscription's own list holds the first ones only."""
    found = world.mine("many", "mrr_minor")
    assert (len(found), set(found.values())) == (15, {(1000,)})


@given
def _(vendor):
    tiers = [
        {"up_to": 5, "unit_amount": 1000, "flat_amount": 500, "unit_amount_decimal": "1000", "flat_amount_decimal": "500"},
        {"up_to": None, "unit_amount": 800, "flat_amount": None, "unit_amount_decimal": "800", "flat_amount_decimal": None},
    ]  # fmt: skip
    for mode in ("graduated", "volume"):
        vendor.product(f"prod_{mode}", mode.title(), unit_label="seat")
        vendor.price(
            f"price_{mode}", f"prod_{mode}", None, billing_scheme="tiered", tiers_mode=mode, tiers=tiers,
        )  # fmt: skip
        vendor.subscribe(f"sub_tiers_{mode}", "cus_a", f"price_{mode}", at=-20, quantity=8)
    vendor.product("prod_packs", "Packs", per_seat="false")
    vendor.price("price_packs", "prod_packs", 300, transform_quantity={"divide_by": 10, "round": "up"})
    # Bills of tiered prices have a line per tier, and add nothing.
    vendor.bill("in_tiers_1", "sub_tiers_volume", -20, quantity=5)
    vendor.subscribe("sub_tiers_packs", "cus_a", "price_packs", at=-20, quantity=25)
    vendor.subscribe("sub_tiers_calls", "cus_a", "price_calls", at=-20)


def test_tiers_and_packs_are_worked_out_and_use_is_not_guessed(world):
    """A quantity goes through tiers or packs as the price says; what is billed by use is no recurring revenue."""
    assert world.mine("tiers", "mrr_minor, seats") == {
        "graduated": (5 * 1000 + 500 + 3 * 800, 8),
        "volume": (8 * 800, 8),
        "packs": (900, None),
        "calls": (0, None),
    }
    sql = "SELECT plan_id, sold, price_minor FROM plans WHERE plan_id IN ('prod_graduated', 'prod_packs', 'prod_calls')"
    assert sorted(world.ask(sql)) == [
        ("prod_calls", False, 0), ("prod_graduated", False, 0), ("prod_packs", False, 0),
    ]  # fmt: skip


@given
def _(vendor):
    vendor.price(
        "price_multi", "prod_max", 15_000, created=moment(-500),
        currency_options={"eur": {"unit_amount": 15_000}, "gbp": {"unit_amount": 13_000, "unit_amount_decimal": "13000"}},
    )  # fmt: skip
    vendor.subscribe("sub_multi_a", "cus_a", "price_multi", at=-20, currency="gbp")


def test_a_price_paid_in_another_of_its_currencies(world):
    """The amount of that currency counts, and the plan is that currency's."""
    assert world.periods("sub_multi_a", "plan_id, mrr_minor, currency") == [
        (on(-20), None, "prod_max:gbp", 13_000, "GBP")
    ]
    assert world.ask("SELECT price_minor FROM plans WHERE plan_id = 'prod_max:gbp'") == [(13_000,)]


def test_an_amount_that_stripe_does_not_tell_is_not_made_up(books, vendor):
    """The subscription is rejected by name, and nothing stands there in its place."""
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-20, currency="chf", quietly=True)
    landed, _ = books.pull()
    [(table, found)] = landed.rejected
    assert (table, found.column) == ("versions", "sub_a /v1/subscriptions")
    assert "price_pro has no amount in CHF" in found.reason
    assert books.ask("SELECT count(*) FROM subscriptions") == [(0,)]


@given
def _(vendor):
    vendor.subscribe("sub_bills_a", "cus_a", "price_team", at=-210, quantity=2, quietly=True)
    vendor.bill("in_bills_1", "sub_bills_a", -210, "price_team", 2)
    vendor.bill("in_bills_2", "sub_bills_a", -180, "price_team", 4)
    vendor.bill("in_bills_3", "sub_bills_a", -150, "price_team", 4)
    vendor.bill("in_bills_4", "sub_bills_a", -140, "price_max", 1, days=10, proration=True)
    vendor.change("sub_bills_a", -120, kind="quiet", price="price_max", quantity=1, renewed=365)
    vendor.bill("in_bills_5", "sub_bills_a", -120, "price_max", 1, days=365)


def test_bills_tell_of_the_time_before_events(world):
    """Plan, seats and price at each period's start, back to the beginning; a change in mid-period by its own line."""
    assert world.periods("sub_bills_a", "plan_id, seats, mrr_minor, renews_on") == [
        (on(-210), on(-180), "team", 2, 3000, on(-180)),
        (on(-180), on(-150), "team", 4, 6000, on(-150)),
        (on(-150), on(-140), "team", 4, 6000, on(-120)),
        (on(-140), on(-120), "prod_max", None, 14_900, on(-120)),
        (on(-120), None, "prod_max", None, 14_900, on(245)),
    ]


@given
def _(vendor):
    vendor.subscribe("sub_swap_a", "cus_a", "price_pro", at=-90, quietly=True)
    vendor.bill("in_swap_1", "sub_swap_a", -90)
    vendor.bill("in_swap_2", "sub_swap_a", -60)
    item = vendor.item("si_swap_other", "price_max", at=-20)
    vendor.change("sub_swap_a", -20, items=[item])
    vendor.bill("in_swap_3", "sub_swap_a", -20)


def test_an_item_put_in_the_place_of_another_is_the_same_subscription(world):
    """Its bills name items that are gone: they are still of the one there was."""
    assert world.periods("sub_swap_a", "plan_id, mrr_minor, renews_on") == [
        (on(-90), on(-60), "prod_pro", 4900, on(-60)),
        (on(-60), on(-20), "prod_pro", 4900, on(-30)),
        (on(-20), None, "prod_max", 14_900, on(10)),
    ]


@given
def _(vendor):
    vendor.subscribe("sub_undated_a", "cus_a", "price_pro", at=-100, quietly=True)
    vendor.bill("in_undated_1", "sub_undated_a", -100, days=365)
    vendor.change("sub_undated_a", -60, kind="quiet", price="price_max")


def test_a_change_that_nothing_dates_is_dated_late(world):
    """Otherwise a backtest would know of it before it could be known: it counts from where events begin."""
    assert [(row[0], row[2]) for row in world.periods("sub_undated_a", "plan_id")][-1] == (
        on(-30),
        "prod_max",
    )
    assert world.periods("sub_undated_a", "plan_id")[0][2] == "prod_pro"


@given
def _(vendor):
    vendor.subscribe("sub_due_a", "cus_a", "price_pro", at=-100, quietly=True)
    vendor.bill("in_due_paid", "sub_due_a", -40)
    vendor.bill("in_due_open", "sub_due_a", -20, status="open", due_date=moment(10))
    vendor.bill("in_due_days", "sub_due_a", -19, status="open", days_until_due=14)
    vendor.bill("in_due_void", "sub_due_a", -18, status="void")
    vendor.bill("in_due_lost", "sub_due_a", -17, status="uncollectible")
    vendor.bill("in_due_draft", "sub_due_a", -1, status="draft")


def test_invoices_say_when_they_are_due_and_paid(world):
    """A draft is none; without a due date it is due when it was issued, or the days after that it says."""
    columns = "invoice_id, account_id, issued_on, due_on, paid_on, amount_minor, status"
    assert world.ask(f"SELECT {columns} FROM invoices WHERE invoice_id LIKE '%due%' ORDER BY issued_on") == [
        ("stripe:in_due_paid", "a", on(-40), on(-40), on(-40), 4900, "paid"),
        ("stripe:in_due_open", "a", on(-20), on(10), None, 4900, "open"),
        ("stripe:in_due_days", "a", on(-19), on(-5), None, 4900, "open"),
        ("stripe:in_due_void", "a", on(-18), on(-18), None, 4900, "void"),
        ("stripe:in_due_lost", "a", on(-17), on(-17), None, 4900, "uncollectible"),
    ]


def soon(event):
    """Date an event as of this second: after the last reading."""
    event["created"] = int(datetime.now(UTC).timestamp())
    return event


def test_a_second_sync_asks_for_events_alone_and_changes_nothing(books, vendor):
    """Customers, subscriptions and invoices are not listed again; the facts stay byte for byte."""
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-20)
    vendor.bill("in_1", "sub_a", -20)
    well(books.pull()[0])
    before, asked = books.everything(), len(vendor.asked)
    landed, reports = books.pull()
    well(landed)
    assert books.everything() == before
    assert not any(report.new or report.changed for report in reports.values())
    paths = [one.path for one in vendor.asked[asked:]]
    assert sorted(set(paths)) == ["/v1/events", "/v1/prices", "/v1/products"]
    begin = [int(one.query["created[gte]"]) for one in vendor.asked[asked:] if one.path == "/v1/events"]
    assert all(datetime.now(UTC).timestamp() - at < 2 * 3600 for at in begin)


def test_later_syncs_take_what_happened(books, vendor):
    """A renamed customer, a plan change, a new customer with a subscription, a paid invoice."""
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-20)
    vendor.bill("in_1", "sub_a", -20, status="open")
    well(books.pull()[0])
    vendor.rename("cus_a", "Alpha & Sons", 0)
    vendor.change("sub_a", 0, price="price_max")
    vendor.customer("cus_b", "Beta", at=0, metadata={"account_id": "b"})
    vendor.event("customer.created", vendor.objects["customer"]["cus_b"], moment(0))
    vendor.subscribe("sub_b", "cus_b", "price_team", at=0, quantity=2)
    vendor.pay("in_1", 0)
    for event in vendor.objects["event"].values():
        if event["created"] == moment(0):
            soon(event)
    well(books.pull()[0])
    assert books.ask("SELECT account_id, name FROM accounts ORDER BY 1") == [
        ("a", "Alpha & Sons"),
        ("b", "Beta"),
    ]
    assert books.periods("sub_a", "plan_id") == [(on(-20), on(0), "prod_pro"), (on(0), None, "prod_max")]
    assert books.periods("sub_b", "plan_id, seats") == [(on(0), None, "team", 2)]
    assert books.ask("SELECT status, paid_on FROM invoices") == [("paid", on(0))]


def a_world(vendor):
    """Subscriptions with everything that can happen, much of it within one second."""
    vendor.coupon("half", percent_off=50)
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-28, status="incomplete")
    vendor.change("sub_a", -28, status="active")
    vendor.change("sub_a", -20, price="price_max")
    vendor.change("sub_a", -20, quantity=1, cancel_at_period_end=True, canceled_at=moment(-20))
    vendor.change("sub_a", -20, cancel_at_period_end=False, canceled_at=None)
    vendor.change("sub_a", -10, status="past_due")
    vendor.change("sub_a", -10, status="active")
    vendor.change("sub_a", -7, discounts=[vendor.discount("di_1", "half", "sub_a")])
    vendor.event("customer.discount.created", vendor.discounts["di_1"], moment(-7))
    first = vendor.subscribe("sub_m", "cus_a", "price_pro", at=-100, quietly=True)["items"]["data"]
    period = {name: first[0][name] for name in ("current_period_start", "current_period_end")}
    vendor.change("sub_m", -9, items=[*first, vendor.item("si_x", "price_extra", at=-9) | period])
    vendor.change("sub_m", -5, items=first)
    vendor.subscribe(
        "sub_t",
        "cus_a",
        "price_team",
        at=-27,
        quantity=2,
        status="trialing",
        trial_start=moment(-27),
        trial_end=moment(-13),
    )
    vendor.change("sub_t", -13, status="active")
    vendor.change("sub_t", -13, quantity=6)
    vendor.change("sub_t", -13, quantity=7)
    vendor.end("sub_t", -1)
    vendor.subscribe("sub_y", "cus_a", "price_yen", at=-26)
    vendor.bill("in_1", "sub_a", -28, status="open")
    vendor.pay("in_1", -27)


@pytest.mark.slow
@pytest.mark.parametrize("is_first", [True, False], ids=["listing", "events"])
def test_events_in_any_order_and_twice_come_to_the_same_facts(tmp_path, monkeypatch, is_first):
    """In order, shuffled, doubled, both: byte for byte the same, whether listed at first or read as they come."""
    for name, value in stripe.ENV.items():
        monkeypatch.setenv(name, value)
    found = []
    for shuffled, doubled in ((False, False), (True, False), (False, True), (True, True)):
        with Stripe() as vendor:
            vendor.shuffled, vendor.doubled = shuffled, doubled
            vendor.page_limit = 7
            vendor.customer("cus_a", "Alpha", metadata={"account_id": "a"})
            folder = tmp_path / f"{shuffled}{doubled}"
            folder.mkdir()
            books = Books(folder, vendor)
            if not is_first:
                well(books.pull()[0])
                _wind_back(books, days=20)
            a_world(vendor)
            if not is_first:
                vendor.objects["event"] = {
                    name: event
                    for name, event in vendor.objects["event"].items()
                    if event["created"] > moment(-19)
                }
            well(books.pull()[0])
            found.append(books.everything())
    assert len(found[0]["subscriptions"]) >= 5
    assert found[1:] == [found[0]] * 3
    if is_first:
        rows = [row[6:8] for row in found[0]["subscriptions"] if row[0] == "stripe:sub_t"]
        assert rows == [(on(-27), on(-13)), (on(-13), on(-1))]
        seats = [row[3] for row in found[0]["subscriptions"] if row[0] == "stripe:sub_t"]
        assert seats == [2, 7]
        # What was set and taken back within one second was never so.
        assert books.periods("sub_a", "plan_id, status, cancel_on") == [
            (on(-28), on(-20), "prod_pro", ACTIVE, None),
            (on(-20), on(-7), "prod_max", ACTIVE, None),
            (on(-7), None, "prod_max", ACTIVE, None),
        ]


def _wind_back(books, days):
    """Make the last reading one of some days ago."""
    import duckdb

    with duckdb.connect(str(books.landing.file)) as duck:
        duck.execute(f"UPDATE outgrown.places SET until = until - INTERVAL {days} DAY")


def test_after_a_long_silence_everything_is_listed_again(books, vendor):
    """26 days and more: what Stripe keeps of events may no longer reach back; history stays as it was dated."""
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-100, quietly=True)
    well(books.pull()[0])
    before = books.everything()
    _wind_back(books, days=40)
    vendor.change("sub_a", -35, kind="quiet", price="price_max")
    vendor.subscribe(
        "sub_b", "cus_a", "price_pro", at=-50, status="canceled", ended_at=moment(-33), quietly=True
    )
    vendor.rename("cus_a", "Alpha & Sons", -35)
    asked = len(vendor.asked)
    well(books.pull()[0])
    assert {"/v1/customers", "/v1/subscriptions", "/v1/invoices"} <= {
        one.path for one in vendor.asked[asked:]
    }
    assert books.ask("SELECT name FROM accounts") == [("Alpha & Sons",)]
    assert books.periods("sub_a", "plan_id")[0][0] == before["subscriptions"][0][6]
    assert books.periods("sub_a", "plan_id")[-1] == (on(-30), None, "prod_max")
    assert books.periods("sub_b", "status") == [(on(-50), on(-33), ACTIVE)]
    again = books.everything()
    _wind_back(books, days=27)
    well(books.pull()[0])
    assert books.everything() == again


@pytest.mark.slow
def test_a_reading_of_many_pages(tmp_path, monkeypatch):
    """Thirty pages and more are read to their ends, each once, and every subscription has its history."""
    for name, value in stripe.ENV.items():
        monkeypatch.setenv(name, value)
    with Stripe(pages=30) as vendor:
        books = Books(tmp_path, vendor)
        landed = well(books.pull()[0])
        assert landed.requests >= 30
        assert len({one.target for one in vendor.asked}) == len(vendor.asked)
        assert books.ask("SELECT count(*) FROM accounts") == [(1000,)]
        assert books.ask("SELECT count(DISTINCT subscription_id) FROM subscriptions") == [(1000,)]
        assert books.ask("SELECT count(*) FROM invoices") == [(1000,)]


@pytest.mark.slow
def test_both_shapes_come_to_the_same_facts(tmp_path, monkeypatch):
    """An account of 2023, asked in its own version, gives what the same account gives in that of 2026."""
    for name, value in stripe.ENV.items():
        monkeypatch.setenv(name, value)
    found = []
    for version in ("2026-08-26.dahlia", "2025-06-30.basil", "2023-08-16"):
        with Stripe(version=version) as vendor:
            vendor.customer("cus_a", "Alpha", metadata={"account_id": "a"})
            a_world(vendor)
            folder = tmp_path / version
            folder.mkdir()
            books = Books(folder, vendor, f'stripe_version = "{version}"\n')
            well(books.pull()[0])
            found.append(books.everything())
            assert {one.headers["stripe-version"] for one in vendor.asked} == {version}
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_events_keep_the_shape_of_the_account(tmp_path, monkeypatch):
    """Lists come in the version asked for, events in the account's own: an older one is understood beside it."""
    for name, value in stripe.ENV.items():
        monkeypatch.setenv(name, value)
    with Stripe(version="2023-08-16") as vendor:
        vendor.customer("cus_a", "Alpha", metadata={"account_id": "a"})
        a_world(vendor)
        books = Books(tmp_path, vendor)
        well(books.pull()[0])
        assert books.periods("sub_a", "plan_id, mrr_minor, discount_pct")[-1][2:] == ("prod_max", 7450, 50.0)


def test_a_webhook_is_read_like_an_event(books, vendor):
    """What came by webhook waits, is read with the next sync, and goes; the same event from the list is one fact."""
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-20)
    well(books.pull()[0])
    event = soon(vendor.change("sub_a", 0, price="price_max"))
    del vendor.objects["event"][event["id"]]
    headers, body = vendor.signed(event)
    kept = STRIPE.hook.read(headers, body, stripe.SECRET)
    put(books.landing.inbox, kept)
    well(books.pull()[0])
    assert books.periods("sub_a", "plan_id")[-1] == (on(0), None, "prod_max")
    assert list(books.landing.inbox.glob("*.jsonl")) == []
    before = books.everything()
    vendor.objects["event"][event["id"]] = event
    put(books.landing.inbox, [*kept, *kept])
    well(books.pull()[0])
    assert books.everything() == before


def test_only_a_call_that_stripe_signed_lately_is_taken(vendor):
    """One right signature among several is enough; a wrong secret, another body, an old one, none: refused."""
    read = STRIPE.hook.read
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "customer.updated",
        "created": 1,
        "data": {"object": {}},
    }
    headers, body = vendor.signed(event)
    assert read(headers, body, stripe.SECRET) == [event]
    now = int(datetime.now(UTC).timestamp())
    for bad in (
        ({}, body), ({"stripe-signature": ""}, body), (headers, body + b" "), vendor.signed(event, secret="whsec_other"),
        vendor.signed(event, at=now - 301), vendor.signed(event, at=now + 301), ({"stripe-signature": "t=é,v1=é"}, body),
    ):  # fmt: skip
        with pytest.raises(NotGenuine):
            read(*bad, stripe.SECRET)
    for strange in ([1], {"object": "event", "type": "customer.updated"}, "x"):
        with pytest.raises(NotUnderstood):
            read(*vendor.signed(strange), stripe.SECRET)
    other = event | {"type": "charge.succeeded"}
    assert read(*vendor.signed(other), stripe.SECRET) == []


def test_a_refused_key_is_told_without_being_shown(books, vendor, monkeypatch):
    """Which rights it needs, and nothing of the key itself; the facts stay as they were."""
    well(books.pull()[0])
    before = books.everything()
    for path in ("/v1/events", "/v1/products"):
        vendor.denied = {path}
        landed, _ = books.pull()
        assert "refused STRIPE_API_KEY" in landed.failed
        assert "(403)" in landed.failed
        assert "Subscriptions" in landed.failed
    vendor.denied = set()
    monkeypatch.setenv("STRIPE_API_KEY", "rk_test_wrong11111111")
    landed, _ = books.pull()
    assert "(401)" in landed.failed
    assert "rk_test" not in landed.failed
    assert books.everything() == before


def test_rows_that_make_no_sense_are_rejected_one_by_one(books, vendor):
    """A subscription without items, a currency of five letters, a customer without a date: named, and left out."""
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-20)
    vendor.subscribe("sub_b", "cus_a", "price_pro", at=-20, quietly=True)["items"]["data"] = []
    vendor.subscribe("sub_c", "cus_a", "price_pro", at=-20, quietly=True)["status"] = "dormant"
    vendor.customer("cus_b", "Beta")["created"] = vendor.objects["customer"]["cus_a"]["created"]
    vendor.objects["customer"]["cus_b"]["metadata"] = {"account_id": {"not": "text"}}
    vendor.bill("in_1", "sub_a", -20)["currency"] = "euros"
    landed, reports = books.pull()
    assert landed.failed == ""
    named = sorted(found.column.split()[0] for _, found in landed.rejected)
    assert named == ["cus_b", "in_1", "sub_b", "sub_c"]
    assert books.ask("SELECT DISTINCT subscription_id FROM subscriptions") == [("stripe:sub_a",)]
    assert reports["subscriptions"].rejected == 2


def test_hostile_text_is_kept_as_text(books, vendor):
    """Names, features and ids of customers are data, whatever they look like."""
    name = "Robert'); DROP TABLE accounts;--\u202e {{7*7}}"
    vendor.customer("cus_b", name, metadata={"account_id": "b'\"; --"})
    vendor.product("prod_free", name, features="a'b, c\"d")
    well(books.pull()[0])
    assert books.ask("SELECT name FROM accounts WHERE account_id LIKE 'b%'") == [(name,)]
    assert ("a'b",) in books.ask("SELECT feature FROM plan_features WHERE plan_id = 'prod_free'")


def test_a_busy_stripe_is_asked_again(books, vendor):
    """429 with Retry-After is waited for."""
    vendor.busy = 1
    well(books.pull()[0])
    assert books.ask("SELECT count(*) FROM accounts") == [(1,)]


def test_check_says_which_data_the_key_reads(books, vendor):
    """One request."""
    workspace = open_workspace(books.folder)
    api = Api(STRIPE, section_of(STRIPE, workspace.settings), keys_of(STRIPE, workspace))
    assert STRIPE.check(api) == "reads the test data of the Stripe account the key was made in"
    assert [one.path for one in vendor.asked] == ["/v1/customers"]


def test_since_a_day_reads_everything_anew_and_rewrites_no_history(books, vendor):
    """`sync --since` lists all; what was dated before stays where it was."""
    vendor.subscribe("sub_a", "cus_a", "price_pro", at=-25)
    vendor.change("sub_a", -10, price="price_max")
    well(books.pull()[0])
    before = books.everything()
    well(books.pull(since=date.today() - timedelta(days=200))[0])
    assert books.everything() == before
