"""Paddle: from its answers to accounts, plans, periods and invoices."""

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from connectors._api import Api
from connectors.paddle import PADDLE
from tests.books import Books
from tests.vendors.paddle import ENV, KEY, NOW, Paddle, ago, at

HOSTILE = "'; DROP TABLE accounts; -- {{ 7*7 }}"


def day(days):
    """The day so long before now."""
    return ago(days).date()


def who(paddle, name, **more):
    """A customer of its own domain."""
    return paddle.customer(name, email=f"jo@{name.lower()}.example", account_id=name.lower(), **more)


@pytest.fixture(scope="module")
def env():
    """The key in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENV.items():
            patch.setenv(name, value)
        yield patch


@pytest.fixture(scope="module")
def world(env, tmp_path_factory):
    """An account in which everything happens, read once; `first` are its facts then."""
    with Paddle() as paddle:
        made = SimpleNamespace(paddle=paddle, subs={}, bills={})
        sell(paddle, made)
        stand(paddle, made)
        change(paddle, made)
        bill(paddle, made)
        more = 'per_seat = ["pro_seated"]\naddons = ["pro_addon"]\n'
        made.books = Books(tmp_path_factory.mktemp("paddle"), paddle, "paddle", more)
        made.reports = made.books.sync()
        made.failed, made.asked, made.first = made.books.failed, list(paddle.asked), made.books.copy()
        yield made


def sell(paddle, made):
    """What is sold."""
    basic, pro = paddle.product("Basic"), paddle.product("Pro")
    made.basic = paddle.price(basic, "1900", id="pri_basic", seats=(1, 1))
    made.basic_year = paddle.price(basic, "19000", every="year", id="pri_basic_year", seats=(1, 1))
    made.pro = paddle.price(
        pro, "4900", id="pri_pro", seats=(1, 999), overrides={"EUR": "4500", "JPY": "5000"}
    )
    made.pro_year = paddle.price(pro, "49000", every="year", id="pri_pro_year", seats=(1, 999))
    paddle.price(pro, "3900", id="pri_pro_old", seats=(1, 999), status="archived")
    paddle.price(pro, "9900", every=None, id="pri_setup")
    made.own = paddle.price(pro, "3000", id="pri_own", type="custom")
    paddle.price(
        paddle.product("Scale", custom={"tier": "9", "sold": "no"}),
        "9900",
        id="pri_scale",
        custom={"per_seat": True},
    )
    paddle.price(
        paddle.product("Seated", id="pro_seated", custom={"product": "other"}), "700", id="pri_seated"
    )
    made.addon = paddle.price(paddle.product("Addon", id="pro_addon"), "90000", id="pri_addon")
    made.more = paddle.price(
        paddle.product("More", id="pro_more", custom={"product": "more"}), "900", id="pri_more"
    )
    made.yen = paddle.price(paddle.product("Yen"), "5000", currency="JPY", id="pri_yen")


def stand(paddle, made):
    """How subscriptions stand."""

    def sub(name, price, **more):
        made.subs[name] = paddle.subscribe(who(paddle, name), price, **more)
        return made.subs[name]

    sub("Plain", made.pro, quantity=3, days=100)
    sub("Yearly", made.pro_year, quantity=2, days=100)
    sub("Yen", made.yen, days=40)
    sub("Euro", made.pro, quantity=2, days=40, currency="EUR")
    sub("Pound", made.pro, quantity=2, days=60, currency="GBP")
    paddle.bill(made.subs["Pound"], days=30, units=[3950])
    sub("Own", made.own, days=60)
    paddle.lists["prices"].remove(made.own)
    sub("Tried", made.basic, days=120, trial_days=14)
    sub("Trying", made.basic, days=5, trial_days=14)
    paddle.change(sub("Late", made.basic, days=60), days=3, event="subscription.past_due", status="past_due")
    paddle.change(
        sub("Paused", made.basic, days=60), days=3, event="subscription.paused", status="paused", paused_at=at(ago(3)),
        next_billed_at=None,
    )  # fmt: skip
    leaving = {"effective_at": at(ago(-9)), "resume_at": None}
    paddle.change(
        sub("Pausing", made.basic, days=60), days=3, scheduled_change={"action": "pause", **leaving}
    )
    paddle.change(
        sub("Leaving", made.basic, days=60), days=3, scheduled_change={"action": "cancel", **leaving}
    )
    paddle.cancel(sub("Left", made.basic, days=80), days=30)
    for name, discount, ends in (
        ("Share", {"amount": "20"}, None),
        ("Over", {"amount": "20"}, 70),
        ("Once", {"amount": "20", "recur": False}, None),
        ("Amount", {"amount": "2940", "kind": "flat", "currency": "USD"}, None),
        ("Perseat", {"amount": "980", "kind": "flat_per_seat", "currency": "USD"}, None),
        ("Foreign", {"amount": "2940", "kind": "flat", "currency": "EUR"}, None),
    ):
        found = paddle.discount(**discount)
        told = {"id": found["id"], "starts_at": at(ago(80)), "ends_at": at(ago(ends)) if ends else None}
        sub(name, made.pro, quantity=3, days=60, discount=told)
    sub(
        "Gone", made.pro, quantity=3, days=60, discount={"id": "dsc_gone", "starts_at": None, "ends_at": None}
    )


def change(paddle, made):
    """What happened to some of them."""

    def sub(name, price, **more):
        made.subs[name] = paddle.subscribe(who(paddle, name), price, **more)
        return made.subs[name]

    grown = sub("Grown", made.basic, days=80)
    paddle.change(grown, days=60, items=[(made.pro, 2)])
    paddle.change(grown, days=40, items=[(made.pro, 5), (made.more, 1)])
    paddle.change(grown, days=20, event="subscription.past_due", status="past_due")
    paddle.change(grown, days=13, event="subscription.activated", status="active")
    sub("Several", made.pro, days=60, items=[(made.addon, 1), (made.pro, 3)])
    # Events reach back 90 days: bills tell of what was before, or an item by when it came.
    aged = sub("Aged", made.basic, days=330)
    for days in range(330, 150, -30):
        paddle.bill(aged, days)
    paddle.change(aged, days=150, items=[(made.pro, 2)])
    for days in range(150, 0, -30):
        paddle.bill(aged, days)
    dated = sub("Dated", made.basic_year, days=300)
    paddle.bill(dated, days=300)
    paddle.change(dated, days=120, items=[(made.pro_year, 1)])
    dated["updated_at"] = at(ago(10))
    paddle.bill(
        dated, days=120, origin="subscription_update", items=[(made.basic_year, -1), (made.pro_year, 1)]
    )


def bill(paddle, made):
    """What was billed, and who is billed."""
    debtor = paddle.subscribe(who(paddle, "Debtor"), made.basic, days=600)
    by_hand = {"collection": "manual", "terms": {"payment_terms": {"interval": "day", "frequency": 14}}}
    for name, status, fields in (
        ("paid", "completed", {}),
        ("due", "past_due", {}),
        ("by hand", "billed", by_hand),
        ("void", "canceled", {}),
        ("left", "draft", {}),
        ("not issued", "ready", {}),
        ("nothing", "completed", {"units": [0]}),
    ):
        made.bills[name] = paddle.bill(debtor, days=40, status=status, **fields)
    made.bills["old debt"] = paddle.bill(debtor, days=500, status="past_due")
    made.bills["old"] = paddle.bill(debtor, days=530)
    made.bills["yen"] = paddle.bill(made.subs["Yen"], days=10)
    paddle.business(paddle.lists["customers"][0], "Plain GmbH", days=100)
    paddle.bill(made.subs["Plain"], days=100)
    paddle.customer(None, days=10, email="x@bare.example").update(custom_data=None, locale=None)
    made.hostile = paddle.customer(HOSTILE, days=10, email="h@hostile.example")


# The first reading.


def test_the_first_reading_goes_well(world):
    """Nothing is rejected, and no page is asked for twice."""
    assert world.failed == ""
    assert world.books.rejected == []
    assert len({asked.target for asked in world.asked}) == len(world.asked)


def test_a_customer_is_an_account_under_the_name_of_its_business(world):
    """With our own id from the custom data, who to write to, and since when."""
    assert world.first.ask(
        "SELECT * EXCLUDE (segment, owner, time_zone) FROM accounts WHERE account_id = 'plain'"
    ) == [("plain", "Plain GmbH", "plain.example", day(200), "Plain", "jo@plain.example", "de", False)]


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        pytest.param("x@bare.example", ("bare.example", None, None), id="little is known"),
        pytest.param("h@hostile.example", (HOSTILE, HOSTILE, "de"), id="a name is a name, whatever it says"),
    ],
)
def test_a_customer_without_a_business_is_an_account_too(world, email, expected):
    """Under its own name, or its domain's."""
    asked = f"SELECT name, contact_name, language FROM accounts WHERE contact_email = '{email}'"
    assert world.first.ask(asked) == [expected]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param("pri_basic", ("Basic", 1, 1900, "USD", False, "main", True), id="flat"),
        pytest.param("pri_basic_year", ("Basic", 1, 1583, "USD", False, "main", False), id="yearly twin"),
        pytest.param("pri_pro", ("Pro", 2, 4900, "USD", True, "main", True), id="per seat by its limits"),
        pytest.param("pri_pro:eur", ("Pro", 2, 4500, "EUR", True, "main", True), id="other currency"),
        pytest.param(
            "pri_pro:jpy", ("Pro", 2, 5000, "JPY", True, "main", True), id="currency without a smaller unit"
        ),
        pytest.param(
            "pri_pro:gbp", ("Pro", 2, 3950, "GBP", True, "main", False), id="converted, as it was billed"
        ),
        pytest.param("pri_pro_old", ("Pro", 2, 3900, "USD", True, "main", False), id="archived"),
        pytest.param(
            "pri_own", ("Pro", 2, 3000, "USD", False, "main", False), id="of one customer, in no list"
        ),
        pytest.param("pri_scale", ("Scale", 9, 9900, "USD", True, "main", False), id="noted"),
        pytest.param(
            "pri_seated", ("Seated", 1, 700, "USD", True, "other", True), id="per seat by a setting"
        ),
        pytest.param(
            "pri_addon", ("Addon", 1, 90000, "USD", False, "Addon", True), id="an addon by a setting"
        ),
        pytest.param("pri_setup", None, id="paid once"),
    ],
)
def test_every_recurring_price_is_a_plan(world, plan, expected):
    """Its tier is its place by price unless it is noted; what is offered is the shortest period in each currency."""
    assert world.first.plans().get(plan) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Plain", ("pri_pro", 3, 14700, "USD", "active", "month", day(-20), None, None)),
        ("Yearly", ("pri_pro_year", 2, 8167, "USD", "active", "year", day(-265), None, None)),
        ("Yen", ("pri_yen", None, 5000, "JPY", "active", "month", day(-20), None, None)),
        ("Euro", ("pri_pro:eur", 2, 9000, "EUR", "active", "month", day(-20), None, None)),
        ("Pound", ("pri_pro:gbp", 2, 7900, "GBP", "active", "month", day(-30), None, None)),
        ("Own", ("pri_own", None, 3000, "USD", "active", "month", day(-30), None, None)),
        ("Trying", ("pri_basic", None, 1900, "USD", "trialing", "month", day(-9), None, None)),
        ("Late", ("pri_basic", None, 1900, "USD", "past_due", "month", day(-30), None, None)),
        ("Paused", ("pri_basic", None, 1900, "USD", "paused", "month", None, None, None)),
        ("Pausing", ("pri_basic", None, 1900, "USD", "active", "month", None, day(-9), None)),
        ("Leaving", ("pri_basic", None, 1900, "USD", "active", "month", None, day(-9), None)),
        ("Share", ("pri_pro", 3, 11760, "USD", "active", "month", day(-30), None, 20.0)),
        ("Over", ("pri_pro", 3, 14700, "USD", "active", "month", day(-30), None, None)),
        ("Once", ("pri_pro", 3, 14700, "USD", "active", "month", day(-30), None, None)),
        ("Amount", ("pri_pro", 3, 11760, "USD", "active", "month", day(-30), None, 20.0)),
        ("Perseat", ("pri_pro", 3, 11760, "USD", "active", "month", day(-30), None, 20.0)),
        ("Foreign", ("pri_pro", 3, 14700, "USD", "active", "month", day(-30), None, None)),
        ("Gone", ("pri_pro", 3, 14700, "USD", "active", "month", day(-30), None, None)),
        ("Several", ("pri_pro", 3, 14700, "USD", "active", "month", day(-30), None, None)),
    ],
)
def test_how_a_subscription_stands(world, name, expected):
    """Plan, seats, what it brings a month, and what is going to happen to it."""
    columns = "plan_id, seats, mrr_minor, currency, status, term, renews_on, cancel_on, discount_pct"
    assert world.first.one(world.subs[name], columns) == expected
    assert world.first.one(world.subs[name], "account_id") == (name.lower(),)


def test_a_subscription_counts_from_its_start(world):
    """Nobody has seen it otherwise, so it has always been like that."""
    assert world.first.life(world.subs["Plain"]) == [(day(100), "pri_pro", 3, 14700, "active")]


def test_a_trial_is_a_trial_until_it_is_paid(world):
    """Its first two weeks were not paid for; no event tells of them."""
    assert world.first.life(world.subs["Tried"]) == [
        (day(120), "pri_basic", None, 1900, "trialing"),
        (day(106), "pri_basic", None, 1900, "active"),
    ]


def test_a_cancelled_subscription_ends_on_its_day(world):
    """It was cancelled 30 days ago."""
    assert world.first.ends(world.subs["Left"]) == day(30)


def test_each_recurring_item_is_a_subscription_of_its_own(world):
    """The plan keeps the name, though the addon stands first and costs more."""
    assert world.first.life(world.subs["Several"], ":pro_addon") == [
        (day(60), "pri_addon", None, 90000, "active")
    ]


def test_an_item_that_was_put_on_begins_then(world):
    """Not with the subscription."""
    assert world.first.life(world.subs["Grown"], ":pro_more")[0] == (day(40), "pri_more", None, 900, "active")


def test_events_tell_each_change_of_the_last_months(world):
    """Seats, plan, and a payment that was late for a week."""
    assert world.first.life(world.subs["Grown"]) == [
        (day(80), "pri_basic", None, 1900, "active"),
        (day(60), "pri_pro", 2, 9800, "active"),
        (day(40), "pri_pro", 5, 24500, "active"),
        (day(20), "pri_pro", 5, 24500, "past_due"),
        (day(13), "pri_pro", 5, 24500, "active"),
    ]


def test_bills_tell_what_was_before_events_reach(world):
    """A subscription of a year, upgraded 150 days ago."""
    assert world.first.life(world.subs["Aged"]) == [
        (day(330), "pri_basic", None, 1900, "active"),
        (day(150), "pri_pro", 2, 9800, "active"),
    ]


def test_an_upgrade_within_a_yearly_term_is_dated_by_its_item(world):
    """No bill of a whole period, no event: the item knows when it came."""
    assert world.first.life(world.subs["Dated"]) == [
        (day(300), "pri_basic_year", None, 1583, "active"),
        (day(120), "pri_pro_year", 1, 4083, "active"),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("paid", (1900, "USD", day(40), day(40), day(39), "paid")),
        ("due", (1900, "USD", day(40), day(40), None, "open")),
        ("by hand", (1900, "USD", day(40), day(26), None, "open")),
        ("void", (1900, "USD", day(40), day(40), None, "void")),
        ("left", None),
        ("not issued", None),
        ("nothing", None),
        ("old debt", (1900, "USD", day(500), day(500), None, "open")),
        ("old", None),
        ("yen", (5000, "JPY", day(10), day(10), day(9), "paid")),
    ],
)
def test_a_transaction_is_an_invoice_once_issued(world, name, expected):
    """What was asked for, until when, and whether it came. History is a year long; a debt has no end."""
    assert world.first.invoice(world.bills[name]) == expected


# The readings after it.


@pytest.fixture(scope="module")
def second(world):
    """The same account read again, when nothing has happened."""
    world.quiet = world.books.sync()
    world.quiet_asked = list(world.paddle.asked)
    return world


@pytest.fixture(scope="module")
def third(second):
    """And once more, after much has happened; one row of each kind makes no sense."""
    world, paddle = second, second.paddle
    paddle.change(world.subs["Plain"], days=0, items=[(world.pro, 7)])
    paddle.change(world.subs["Grown"], days=0, items=[(world.pro, 5)])
    paddle.change(world.subs["Several"], days=0, items=[(world.pro, 3), (world.addon, 1)])
    paddle.cancel(world.subs["Euro"], days=0)
    world.subs["New"] = paddle.subscribe(
        who(paddle, "New", days=0), world.pro, quantity=2, days=0, trial_days=14
    )
    paddle.rename(world.hostile, "Jo Green")
    paddle.business(paddle.lists["customers"][1], "Yearly Ltd", days=0)
    payment = {"status": "captured", "captured_at": at(ago(1))}
    world.bills["due"].update(status="completed", updated_at=at(NOW), payments=[payment])
    paddle.bill(world.subs["Plain"], 0)["details"]["totals"]["total"] = "12.50"
    paddle.lists["events"][-1]["data"]["name"] = "Yearly Ltd"
    paddle.event(
        "customer.updated", ago(0), {"id": "ctm_broken", "created_at": "yesterday", "updated_at": at(NOW)}
    )
    paddle.event(
        "subscription.updated",
        ago(0),
        {**world.subs["Plain"], "billing_cycle": {"interval": "moon", "frequency": 1}},
    )
    world.books.sync()
    world.third, world.third_asked = world.books.copy(), list(paddle.asked)
    return world


def test_a_second_reading_asks_for_what_changed_and_changes_nothing(second):
    """Prices are listed anew, since a tier is a place among them; of the rest, what happened since."""
    assert sum(report.new + report.changed for report in second.quiet.values()) == 0
    paths = {asked.path for asked in second.quiet_asked if not asked.path.startswith("/discounts/")}
    assert paths == {"/prices", "/events", "/transactions"}
    assert all("after" in asked.query for asked in second.quiet_asked if asked.path == "/events")
    [question] = [asked for asked in second.quiet_asked if asked.path == "/transactions"]
    assert datetime.fromisoformat(question.query["updated_at[GTE]"].rstrip("Z")) > NOW - timedelta(hours=2)


def test_a_change_makes_a_new_period(third):
    """From the day on which it happened; before it all stays as it was."""
    assert third.third.life(third.subs["Plain"]) == [
        (day(100), "pri_pro", 3, 14700, "active"),
        (day(0), "pri_pro", 7, 34300, "active"),
    ]


def test_the_order_of_items_does_not_matter(third):
    """Paddle shuffles them: each goes on as what it was."""
    assert third.third.life(third.subs["Several"]) == [(day(60), "pri_pro", 3, 14700, "active")]
    assert third.third.life(third.subs["Several"], ":pro_addon") == [
        (day(60), "pri_addon", None, 90000, "active")
    ]


def test_an_item_that_is_taken_off_ends(third):
    """The plan goes on."""
    assert third.third.ends(third.subs["Grown"], ":pro_more") == day(0)
    assert third.third.ends(third.subs["Grown"]) is None


def test_what_was_cancelled_since_ends(third):
    """An event tells."""
    assert third.third.ends(third.subs["Euro"]) == day(0)


def test_a_subscription_made_since_begins_when_it_began(third):
    """Its first event tells it, trial and all."""
    assert third.third.life(third.subs["New"]) == [(day(0), "pri_pro", 2, 9800, "trialing")]


def test_an_invoice_that_is_paid_later_is_paid(third):
    """It is the same one."""
    assert third.third.invoice(third.bills["due"])[-2:] == (day(1), "paid")


def test_names_given_later_are_taken_from_events(third):
    """A business's event does not hold its customer, who is asked for by id: nobody else is."""
    named = third.third.ask(
        "SELECT name FROM accounts WHERE contact_email IN ('h@hostile.example', 'jo@yearly.example')"
    )
    assert sorted(named) == [("Jo Green",), ("Yearly Ltd",)]
    [question] = [asked for asked in third.third_asked if asked.path == "/customers"]
    assert question.query["id"] == third.paddle.lists["customers"][1]["id"]


def test_rows_that_make_no_sense_are_told_and_passed_over(third):
    """The others count."""
    assert not third.books.failed
    assert sorted({table for table, _ in third.books.rejected}) == ["invoices", "records", "versions"]


# Other accounts.


def test_an_event_that_is_no_longer_kept_makes_us_list_again(env, tmp_path):
    """Nothing that was seen is lost, and what changed meanwhile is found."""
    with Paddle() as paddle:
        basic, pro = (
            paddle.price(paddle.product("Basic"), "1900", id="a"),
            paddle.price(paddle.product("Pro"), "4900", id="b"),
        )
        sub = paddle.subscribe(who(paddle, "Jo", days=70), basic, days=60)
        books = Books(tmp_path, paddle, "paddle")
        books.sync()
        paddle.change(sub, days=1, items=[(pro, 2)])
        paddle.lists["events"].clear()
        books.sync()
        assert not books.failed
        assert any("no longer knows where we were" in line for line in books.said)
        assert books.facts.life(sub) == [
            (day(60), "a", None, 1900, "active"),
            (day(1), "b", 2, 9800, "active"),
        ]


def test_a_long_listing_is_read_to_its_end(env, tmp_path):
    """Thirty pages, none of them twice, with one pause that Paddle asks for."""
    with Paddle(pages=30) as paddle:
        paddle.busy = 1
        books = Books(tmp_path, paddle, "paddle")
        books.sync()
        assert not books.failed
        assert len(paddle.asked) > 30
        made = len(paddle.lists["customers"])
        assert books.facts.ask("SELECT count(*) FROM accounts") == [(made,)]
        assert books.facts.ask("SELECT count(DISTINCT subscription_id) FROM subscriptions") == [(made,)]
        assert books.facts.ask("SELECT count(*) FROM invoices") == [(made,)]


def test_a_refused_key_is_told_without_it(env, tmp_path):
    """The rights by their exact names; the key never."""
    with Paddle() as paddle, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PADDLE_API_KEY", "pdl_live_wrong_0815")
        books = Books(tmp_path, paddle, "paddle")
        books.sync()
        assert "PADDLE_API_KEY (403)" in books.failed
        assert "notification.read" in books.failed
        assert "pdl_live_wrong_0815" not in "".join(books.said)


@pytest.mark.parametrize("right", ["transaction.read", "notification.read", "product.read", "discount.read"])
def test_a_right_that_is_missing_fails_the_reading(env, tmp_path, right):
    """Facts without their history would be wrong facts."""
    with Paddle() as paddle:
        told = {"id": paddle.discount()["id"], "starts_at": None, "ends_at": None}
        paddle.subscribe(who(paddle, "Jo"), paddle.price(paddle.product("Basic"), "1900"), discount=told)
        paddle.rights.discard(right)
        books = Books(tmp_path, paddle, "paddle")
        books.sync()
        assert "(403)" in books.failed
        assert right in books.failed
        assert KEY not in "".join(books.said)


def test_a_key_is_tried_by_one_question():
    """Whether it may read what counts."""
    with Paddle() as paddle:
        paddle.subscribe(who(paddle, "Jo"), paddle.price(paddle.product("Basic"), "1900"))
        api = Api(PADDLE, PADDLE.section(base_url=paddle.url), ENV)
        assert PADDLE.check(api) == "reads 1 subscriptions"
        assert len(paddle.asked) == 1
