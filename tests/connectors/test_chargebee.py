"""Chargebee: from its answers to accounts, plans, periods and invoices."""

from types import SimpleNamespace

import pytest

from connectors._api import Api
from connectors.chargebee import CHARGEBEE
from tests.books import Books
from tests.vendors.chargebee import ENV, KEY, NOW, Chargebee, ago, at


def day(days):
    """The day so long before now."""
    return ago(days).date()


def who(site, name, **more):
    """A customer of its own domain."""
    return site.customer(name, email=f"jo@{name.lower()}.example", account_id=name.lower(), **more)


@pytest.fixture(scope="module")
def env():
    """The key in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENV.items():
            patch.setenv(name, value)
        yield patch


@pytest.fixture(scope="module")
def world(env, tmp_path_factory):
    """A site with catalogue 2.0 in which everything happens, read once; `first` are its facts then."""
    with Chargebee() as site:
        made = SimpleNamespace(site=site, subs={}, bills={})
        sell(site, made)
        happen(site, made)
        made.books = Books(tmp_path_factory.mktemp("chargebee"), site, "chargebee")
        made.reports = made.books.sync()
        made.failed, made.asked, made.first = made.books.failed, list(site.asked), made.books.copy()
        yield made


def sell(site, made):
    """What the site sells."""
    basic, pro = site.item("Basic"), site.item("Pro")
    reports = site.item("Reports", kind="addon")
    scale = site.item("Scale", metadata={"tier": 9, "sold": "no"}, cf_per_seat="true")
    made.basic = site.price(basic, 1900)
    made.basic_year = site.price(basic, 19000, every="year")
    made.pro = site.price(pro, 4900, model="per_unit")
    made.pro_year = site.price(pro, 49000, every="year", model="per_unit")
    made.pro_eur = site.price(pro, 4500, currency="EUR", model="per_unit")
    made.pro_jpy = site.price(pro, 5000, currency="JPY", model="per_unit")
    made.reports = site.price(reports, 900)
    made.scale = site.price(scale, 9900)
    made.volume = site.price(
        site.item("Volume"), None, model="volume", tiers=[{"starting_unit": 1, "price": 700}]
    )
    made.old = site.price(site.item("Old"), 1500, status="archived")
    site.price(site.item("Setup", kind="charge"), 5000, every=None)


def happen(site, made):
    """What customers did."""

    def sub(name, items, **more):
        made.subs[name] = site.subscribe(who(site, name), items, **more)
        return made.subs[name]

    debtor = sub("Debtor", [(made.pro, 3)], days=600)
    sub("Plain", [(made.pro, 3)], days=100, current_term_end=at(ago(-20)), next_billing_at=at(ago(-20)))
    sub("Yearly", [(made.pro_year, 2)], days=100)
    sub("Yen", [(made.pro_jpy, 2)], days=40)
    sub("Euro", [(made.pro_eur, 2)], days=40)
    sub("Tried", [(made.basic, 1)], days=60, trial_days=14)
    sub("Trying", [(made.basic, 1)], days=5, trial_days=14)
    sub("Later", [(made.basic, 1)], days=5, status="future")
    site.change(sub("Late", [(made.basic, 1)], days=60), days=3, due_invoices_count=1, total_dues=1900)
    site.change(
        sub("Paused", [(made.basic, 1)], days=60),
        days=3,
        event="subscription_paused",
        status="paused",
        pause_date=at(ago(3)),
    )
    site.change(
        sub("Pausing", [(made.basic, 1)], days=60),
        days=3,
        event="subscription_pause_scheduled",
        pause_date=at(ago(-9)),
    )
    site.change(
        sub("Leaving", [(made.basic, 1)], days=60), days=3, event="subscription_cancellation_scheduled",
        status="non_renewing", cancelled_at=at(ago(-9)),
    )  # fmt: skip
    site.cancel(sub("Left", [(made.basic, 1)], days=80), days=30)
    discount = {
        "type": "percentage",
        "percentage": 20.0,
        "duration_type": "forever",
        "apply_on": "invoice_amount",
    }
    sub("Share", [(made.pro, 3)], days=60, discounts=[discount])
    sub("Over", [(made.pro, 3)], days=60, discounts=[{**discount, "apply_till": at(ago(90))}])
    sub("Once", [(made.pro, 3)], days=60, discounts=[{**discount, "duration_type": "one_time"}])
    sub(
        "Amount",
        [(made.pro, 3)],
        days=60,
        discounts=[{"type": "fixed_amount", "amount": 2940, "duration_type": "forever"}],
    )
    site.coupon("EARLY 20", discount_percentage=20.0)
    sub("Coupon", [(made.pro, 3)], days=60, coupons=[{"coupon_id": "EARLY 20", "applied_count": 1}])
    sub("Unknown", [(made.pro, 3)], days=60, coupons=[{"coupon_id": "GONE"}])
    sub("Volume", [(made.volume, 10)], days=60, mrr=6500)
    made.subs["Volume"]["subscription_items"][0] = {
        "item_price_id": made.volume["id"],
        "item_type": "plan",
        "quantity": 10,
    }
    site.lists["events"].pop()

    grown = sub("Grown", [(made.basic, 1)], days=80)
    site.change(grown, days=60, items=[(made.pro, 2)])
    site.change(grown, days=40, items=[(made.pro, 5), (made.reports, 1)])
    site.change(grown, days=20, due_invoices_count=1)
    site.change(grown, days=13, due_invoices_count=0)
    # Longer ago than the site remembers events: bills alone tell.
    aged = sub("Aged", [(made.basic, 1)], days=330)
    for days in range(330, 150, -30):
        site.bill(aged, days)
    site.change(aged, days=140, items=[(made.pro, 2)])
    site.bill(aged, 140, items=[({**made.pro, "price": 1600}, 2)], length=10)
    for days in range(130, 0, -30):
        site.bill(aged, days)
    site.lists["events"] = [
        event for event in site.lists["events"] if event["content"]["subscription"] is not aged
    ]
    site.lists["events"] = [
        e for e in site.lists["events"] if e["content"]["subscription"]["id"] != aged["id"]
    ]
    for name, fields in {
        "paid": {}, "due": {"status": "payment_due"}, "tried": {"status": "not_paid"},
        "posted": {"status": "posted", "due_date": at(ago(26))}, "voided": {"status": "voided"},
        "written off": {"status": "paid", "write_off_amount": 14700}, "pending": {"status": "pending"},
        "nothing": {"total": 0},
    }.items():  # fmt: skip
        made.bills[name] = site.bill(debtor, 40, **fields)
    made.bills["old debt"] = site.bill(debtor, 500, status="not_paid")
    made.bills["old"] = site.bill(debtor, 530)
    made.bare = site._add("customers", {"id": "bare", "email": "x@bare.example", "created_at": at(ago(9))})


# The first reading.


def test_the_first_reading_goes_well(world):
    """Nothing is rejected, and no page is asked for twice."""
    assert world.failed == ""
    assert world.books.rejected == []
    assert len({asked.target for asked in world.asked}) == len(world.asked)


def test_a_customer_is_an_account(world):
    """With our own id from the meta data, who to write to, and since when."""
    assert world.first.ask(
        "SELECT * EXCLUDE (segment, owner, time_zone) FROM accounts WHERE account_id = 'plain'"
    ) == [("plain", "Plain", "plain.example", day(200), "Jo Green", "jo@plain.example", "de", False)]


def test_a_customer_about_whom_little_is_known_is_an_account_too(world):
    """Chargebee leaves out what is empty."""
    found = world.first.ask(
        "SELECT name, contact_name, language, created_on FROM accounts WHERE contact_email = 'x@bare.example'"
    )
    assert found == [("bare.example", None, None, day(9))]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("basic-USD-month", ("Basic", 3, 1900, "USD", False, "main", True)),
        ("basic-USD-year", ("Basic", 3, 1583, "USD", False, "main", False)),
        ("pro-USD-month", ("Pro", 4, 4900, "USD", True, "main", True)),
        ("pro-USD-year", ("Pro", 4, 4083, "USD", True, "main", False)),
        ("pro-EUR-month", ("Pro", 4, 4500, "EUR", True, "main", True)),
        ("pro-JPY-month", ("Pro", 4, 5000, "JPY", True, "main", True)),
        ("reports-USD-month", ("Reports", 1, 900, "USD", False, "Reports", True)),
        ("scale-USD-month", ("Scale", 9, 9900, "USD", True, "main", False)),
        ("volume-USD-month", ("Volume", 1, 700, "USD", True, "main", True)),
        ("old-USD-month", ("Old", 2, 1500, "USD", False, "main", False)),
        ("setup-USD-None", None),
    ],
)
def test_every_recurring_price_is_a_plan(world, plan, expected):
    """Its tier is its place by price unless it is noted; a yearly twin is not what is offered; a charge is no plan."""
    assert world.first.plans().get(plan) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Plain", ("plain", "pro-USD-month", 3, 14700, "USD", "active", "month", day(-20), None, None)),
        ("Yearly", ("yearly", "pro-USD-year", 2, 8167, "USD", "active", "year", day(-265), None, None)),
        ("Yen", ("yen", "pro-JPY-month", 2, 10000, "JPY", "active", "month", day(-20), None, None)),
        ("Euro", ("euro", "pro-EUR-month", 2, 9000, "EUR", "active", "month", day(-20), None, None)),
        (
            "Trying",
            ("trying", "basic-USD-month", None, 1900, "USD", "trialing", "month", day(-9), None, None),
        ),
        (
            "Late",
            (
                "late",
                "basic-USD-month",
                None,
                1900,
                "USD",
                "past_due",
                "month",
                day(-30),
                None,
                None,
            ),
        ),
        ("Paused", ("paused", "basic-USD-month", None, 1900, "USD", "paused", "month", None, None, None)),
        (
            "Pausing",
            ("pausing", "basic-USD-month", None, 1900, "USD", "active", "month", None, day(-9), None),
        ),
        (
            "Leaving",
            ("leaving", "basic-USD-month", None, 1900, "USD", "active", "month", None, day(-9), None),
        ),
        ("Share", ("share", "pro-USD-month", 3, 11760, "USD", "active", "month", day(-30), None, 20.0)),
        ("Over", ("over", "pro-USD-month", 3, 14700, "USD", "active", "month", day(-30), None, None)),
        ("Once", ("once", "pro-USD-month", 3, 14700, "USD", "active", "month", day(-30), None, None)),
        ("Amount", ("amount", "pro-USD-month", 3, 11760, "USD", "active", "month", day(-30), None, 20.0)),
        ("Coupon", ("coupon", "pro-USD-month", 3, 11760, "USD", "active", "month", day(-30), None, 20.0)),
        ("Unknown", ("unknown", "pro-USD-month", 3, 14700, "USD", "active", "month", day(-30), None, None)),
    ],
)
def test_how_a_subscription_stands(world, name, expected):
    """Plan, seats, what it brings a month, and what is going to happen to it."""
    columns = (
        "account_id, plan_id, seats, mrr_minor, currency, status, term, renews_on, cancel_on, discount_pct"
    )
    assert world.first.one(world.subs[name], columns) == expected


def test_of_a_price_in_tiers_the_first_is_taken_where_no_amount_is_told(world):
    """What exactly is paid Chargebee says in bills alone."""
    assert world.first.one(world.subs["Volume"], "seats, mrr_minor") == (10, 7000)


def test_a_trial_is_a_trial_until_it_is_paid(world):
    """Its first two weeks were not paid for."""
    assert world.first.life(world.subs["Tried"]) == [
        (day(60), "basic-USD-month", None, 1900, "trialing"),
        (day(46), "basic-USD-month", None, 1900, "active"),
    ]


def test_one_that_has_not_begun_is_not_there(world):
    """It may never begin."""
    assert world.first.life(world.subs["Later"]) == []


def test_a_cancelled_subscription_ends_on_its_day(world):
    """It was cancelled 30 days ago."""
    assert world.first.ends(world.subs["Left"]) == day(30)


def test_events_tell_each_change(world):
    """Seats, plan, and a payment that was late for a week."""
    assert world.first.life(world.subs["Grown"]) == [
        (day(80), "basic-USD-month", None, 1900, "active"),
        (day(60), "pro-USD-month", 2, 9800, "active"),
        (day(40), "pro-USD-month", 5, 24500, "active"),
        (day(20), "pro-USD-month", 5, 24500, "past_due"),
        (day(13), "pro-USD-month", 5, 24500, "active"),
    ]


def test_an_addon_is_a_subscription_of_its_own_from_when_it_came(world):
    """Named after what stays the same of it: its item."""
    assert world.first.life(world.subs["Grown"], ":reports")[0] == (
        day(40),
        "reports-USD-month",
        None,
        900,
        "active",
    )


def test_bills_tell_what_events_no_longer_do(world):
    """A part of a period is billed in part, and costs what its price says."""
    assert world.first.life(world.subs["Aged"]) == [
        (day(330), "basic-USD-month", None, 1900, "active"),
        (day(140), "pro-USD-month", 2, 9800, "active"),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("paid", (14700, "USD", day(40), day(40), day(39), "paid")),
        ("due", (14700, "USD", day(40), day(40), None, "open")),
        ("tried", (14700, "USD", day(40), day(40), None, "open")),
        ("posted", (14700, "USD", day(40), day(26), None, "open")),
        ("voided", (14700, "USD", day(40), day(40), None, "void")),
        ("written off", (14700, "USD", day(40), day(40), None, "uncollectible")),
        ("pending", None),
        ("nothing", None),
        ("old debt", (14700, "USD", day(500), day(500), None, "open")),
        ("old", None),
    ],
)
def test_an_invoice_says_what_was_asked_for_and_whether_it_came(world, name, expected):
    """History is a year long; a debt has no end."""
    assert world.first.invoice(world.bills[name]) == expected


# The readings after it.


@pytest.fixture(scope="module")
def second(world):
    """The same site read again, a day on which nothing happened."""
    world.quiet = world.books.sync()
    world.quiet_asked = list(world.site.asked)
    return world


@pytest.fixture(scope="module")
def third(second):
    """And once more, after much has happened; one row of each kind makes no sense."""
    world, site = second, second.site
    site.change(world.subs["Plain"], days=0, items=[(world.pro, 7)])
    site.change(world.subs["Grown"], days=0, items=[(world.pro, 5)])
    site.cancel(world.subs["Euro"], days=0)
    site.change(world.subs["Yen"], days=0, event="subscription_deleted", deleted=True)
    world.subs["New"] = site.subscribe(who(site, "New", days=0), [(world.pro, 2)], days=0, trial_days=14)
    world.bills["due"].update(status="paid", paid_at=at(ago(1)), updated_at=at(NOW))
    world.bills["paid"].update(deleted=True, updated_at=at(NOW))
    site.lists["customers"][1].update(company="Plain GmbH", updated_at=at(NOW))
    site.bill(world.subs["Plain"], 0)["total"] = "a lot"
    site.customer("Broken", days=0)["created_at"] = "yesterday"
    site.subscribe(world.site.lists["customers"][0], [(world.pro, 1)], days=0).update(
        billing_period_unit="moon"
    )
    world.books.sync()
    world.third = world.books.copy()
    return world


def test_a_second_reading_asks_for_what_changed_and_changes_nothing(second):
    """Prices are listed anew, since a tier is a place among them; all else is asked for since the first reading."""
    assert sum(report.new + report.changed for report in second.quiet.values()) == 0
    recent = at(ago(0, hours=2))
    for asked in second.quiet_asked:
        if not asked.path.endswith(("/items", "/item_prices")) and "/coupons/" not in asked.path:
            since = asked.query.get("updated_at[after]") or asked.query.get("occurred_at[after]")
            assert int(since) > recent, asked.target


def test_a_change_makes_a_new_period(third):
    """From the day on which it happened; before it all stays as it was."""
    assert third.third.life(third.subs["Plain"])[-2:] == [
        (day(100), "pro-USD-month", 3, 14700, "active"),
        (day(0), "pro-USD-month", 7, 34300, "active"),
    ]


def test_an_addon_that_is_taken_off_ends(third):
    """The plan goes on."""
    assert third.third.ends(third.subs["Grown"], ":reports") == day(0)
    assert third.third.ends(third.subs["Grown"]) is None


def test_what_was_cancelled_or_deleted_since_ends(third):
    """Deleting is Chargebee's other way of ending one."""
    assert third.third.ends(third.subs["Euro"]) == day(0)
    assert third.third.ends(third.subs["Yen"]) == day(0)


def test_a_subscription_made_since_begins_when_it_began(third):
    """On trial."""
    assert third.third.life(third.subs["New"]) == [(day(0), "pro-USD-month", 2, 9800, "trialing")]


def test_invoices_move_on(third):
    """One was paid, one deleted."""
    assert third.third.invoice(third.bills["due"])[-2:] == (day(1), "paid")
    assert third.third.invoice(third.bills["paid"])[-1] == "void"


def test_a_renamed_customer_is_the_same_account(third):
    """Under its new name."""
    assert third.third.ask("SELECT name FROM accounts WHERE account_id = 'plain'") == [("Plain GmbH",)]


def test_rows_that_make_no_sense_are_told_and_passed_over(third):
    """The others count; the event and the list each tell the subscription."""
    assert not third.books.failed
    assert sorted({table for table, _ in third.books.rejected}) == ["invoices", "records", "versions"]


# Other sites.


def test_a_site_with_the_older_catalogue_is_known_by_itself(env, tmp_path):
    """Plans and addons in place of items and prices."""
    with Chargebee(catalogue="1.0") as site:
        basic, pro = site.plan("Basic", 1900), site.plan("Pro", 4900, model="per_unit")
        more = site.plan("Pro", 900, kind="addons", charge_type="recurring")
        site.plan("Setup", 900, kind="addons", charge_type="non_recurring")
        sub = site.subscribe(who(site, "Plain"), [(basic, 1)], days=330)
        site.bill(sub, 330)
        site.change(sub, days=100, items=[(pro, 3), (more, 2)])
        books = Books(tmp_path, site, "chargebee")
        books.sync()
        assert (books.failed, books.rejected) == ("", [])
        assert books.facts.plans() == {
            "basic": ("Basic", 1, 1900, "USD", False, "main", True),
            "pro": ("Pro", 2, 4900, "USD", True, "main", True),
            "addon:pro": ("Pro", 1, 900, "USD", False, "Pro", True),
        }
        assert books.facts.life(sub) == [
            (day(330), "basic", None, 1900, "active"),
            (day(100), "pro", 3, 14700, "active"),
        ]
        assert books.facts.life(sub, ":addon:pro") == [(day(100), "addon:pro", 2, 1800, "active")]


def test_a_long_listing_is_read_to_its_end(env, tmp_path):
    """Thirty pages, none of them twice, with one pause that the site asks for."""
    with Chargebee(pages=30) as site:
        site.busy = 1
        books = Books(tmp_path, site, "chargebee")
        books.sync()
        assert not books.failed
        assert len(site.asked) > 30
        made = len(site.lists["customers"])
        assert books.facts.ask("SELECT count(*) FROM accounts") == [(made,)]
        assert books.facts.ask("SELECT count(DISTINCT subscription_id) FROM subscriptions") == [(made,)]
        assert books.facts.ask("SELECT count(*) FROM invoices") == [(made,)]


def test_a_refused_key_is_told_without_it(env, tmp_path):
    """What to make instead is said; the key is not."""
    with Chargebee() as site, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARGEBEE_API_KEY", "live_wrong_0815")
        books = Books(tmp_path, site, "chargebee")
        books.sync()
        assert "CHARGEBEE_API_KEY (401)" in books.failed
        assert "read-only" in books.failed
        assert "live_wrong_0815" not in "".join(books.said)
        assert KEY not in "".join(books.said)


def test_a_key_is_tried_by_one_question():
    """Whether it may read what counts."""
    with Chargebee() as site:
        site.subscribe(who(site, "Jo"), [(site.price(site.item("Basic"), 1900), 1)])
        api = Api(CHARGEBEE, CHARGEBEE.section(base_url=site.url), ENV)
        assert CHARGEBEE.check(api) == "reads the site 127"
        assert len(site.asked) == 1
