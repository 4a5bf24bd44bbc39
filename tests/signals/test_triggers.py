"""Every trigger of rule book §3: one case that fires, one just below each bound, one for each "not when"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from agent.facts.tables import Ceiling
from agent.scoring.assessment import Assessment
from tests.worlds import World, ago

Story = Callable[[World, str], None]
CASES: list[tuple[str, str, bool, Story]] = []
"Trigger, case, whether it fires, and the facts."


def case(trigger: str, name: str, *, fires: bool) -> Callable[[Story], Story]:
    """Add a case: an account of its own in the one world all cases share."""

    def add(story: Story) -> Story:
        CASES.append((trigger, name, fires, story))
        return story

    return add


# plan_limit_pressure


def storage(*levels: float | None, **account: object) -> Story:
    """Storage at the end of weeks 0, 1, 2 … on Starter's 100."""

    def story(w: World, a: str) -> None:
        w.account(a, **account)  # type: ignore[arg-type]
        w.measure(a, "storage", {7 * week: level for week, level in enumerate(levels) if level is not None})

    return story


case("plan_limit_pressure", "three weeks at the bound", fires=True)(storage(80, 80, 80))
case("plan_limit_pressure", "newest week just below", fires=False)(storage(79.99, 80, 80))
case("plan_limit_pressure", "middle week just below", fires=False)(storage(90, 79.99, 90))
case("plan_limit_pressure", "oldest week just below", fires=False)(storage(90, 90, 79.99))
case("plan_limit_pressure", "one week unknown", fires=False)(storage(90, None, 90))
case("plan_limit_pressure", "unlimited plan", fires=False)(storage(9000, 9000, 9000, plan="scale"))
case("plan_limit_pressure", "no subscription, so no ceiling", fires=False)(
    storage(90, 90, 90, subscribed=False)
)


@case("plan_limit_pressure", "gauge read on another day of the week", fires=True)
def _(w: World, a: str) -> None:
    w.account(a)
    w.measure(a, "storage", {6: 85, 13: 85, 20: 85})


@case("plan_limit_pressure", "a metric that is not core", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    w.measure(a, "calls", dict.fromkeys(range(21), 45))


@case("plan_limit_pressure", "ceiling raised three days ago, newest week below it", fires=False)
def _(w: World, a: str) -> None:
    w.account(a, plan="starter", ends_on=ago(3))
    w.subscribe(a, "growth", 3)
    w.measure(a, "storage", {0: 90, 7: 90, 14: 90})


@case("plan_limit_pressure", "an account's own higher ceiling wins", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    w.add(Ceiling(account_id=a, metric="storage", ceiling=1000))
    w.measure(a, "storage", {0: 90, 7: 90, 14: 90})


@case("plan_limit_pressure", "an account's own ceiling that has ended does not count", fires=True)
def _(w: World, a: str) -> None:
    w.account(a)
    w.add(Ceiling(account_id=a, metric="storage", ceiling=1000, to_on=ago(14)))
    w.measure(a, "storage", {0: 90, 7: 90, 14: 90})


@case("plan_limit_pressure", "a monthly flow summed over its 30 days", fires=True)
def _(w: World, a: str) -> None:
    w.account(a)
    w.measure(a, "exports", dict.fromkeys(range(50), 27))


@case("plan_limit_pressure", "a monthly flow one export short", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    w.measure(a, "exports", {29: 799, 30: 500, 31: 500})


# limit_hits


def limit_hits(*days: int) -> Story:
    """One limit hit on each of these days ago."""

    def story(w: World, a: str) -> None:
        w.account(a)
        for day in days:
            w.event(a, "limit_hit", day)

    return story


case("limit_hits", "three hits on two days", fires=True)(limit_hits(0, 0, 13))
case("limit_hits", "two hits", fires=False)(limit_hits(0, 1))
case("limit_hits", "three hits in one day", fires=False)(limit_hits(4, 4, 4))
case("limit_hits", "the third hit a day too old", fires=False)(limit_hits(0, 1, 14))

# near_ceiling

case("near_ceiling", "above 90% now and 80% a week ago", fires=True)(storage(90.01, 80))
case("near_ceiling", "exactly 90%", fires=False)(storage(90, 80))
case("near_ceiling", "a one-day spike", fires=False)(storage(95, 79.9))
case("near_ceiling", "last week unknown", fires=False)(storage(95))


@case("near_ceiling", "any limited metric, core or not", fires=True)
def _(w: World, a: str) -> None:
    w.account(a)
    w.measure(a, "calls", {0: 46, 7: 40})


@case("near_ceiling", "a daily flow without a row today is zero", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    w.measure(a, "calls", {1: 50, 7: 50})


@case("near_ceiling", "seats taken against seats paid for", fires=True)
def _(w: World, a: str) -> None:
    w.account(a, seats=10)
    for person in range(10):
        w.member(a, f"u{person}", joined=100 if person < 8 else 1)


# feature_utilisation


def features_used(*names: str, **account: object) -> Story:
    """These features used ten days ago."""

    def story(w: World, a: str) -> None:
        w.account(a, **account)  # type: ignore[arg-type]
        for name in names:
            w.event(a, "used", 10, user_id="u1", feature=name)

    return story


case("feature_utilisation", "all four features", fires=True)(
    features_used("reports", "sharing", "comments", "export_csv")
)
case("feature_utilisation", "three of four", fires=False)(features_used("reports", "sharing", "comments"))
case("feature_utilisation", "features of another plan do not count", fires=False)(
    features_used("reports", "sharing", "comments", "sso", "audit_log")
)
case("feature_utilisation", "a plan with one feature", fires=False)(features_used("reports", plan="tiny"))


@case("feature_utilisation", "the fourth feature a day too long ago", fires=False)
def _(w: World, a: str) -> None:
    features_used("reports", "sharing", "comments")(w, a)
    w.event(a, "used", 30, user_id="u1", feature="export_csv")


# usage_doubled_since_start


def exports(start: float, now: float, *, days: int = 120, first: int = 1) -> Story:
    """A total in the first 28 full days (from day `first`), and one in the last 28."""

    def story(w: World, a: str) -> None:
        w.account(a, days=days)
        w.measure(a, "exports", {days - first: start, 5: now})

    return story


case("usage_doubled_since_start", "twice the start", fires=True)(exports(10, 20))
case("usage_doubled_since_start", "just below twice", fires=False)(exports(10, 19.99))
case("usage_doubled_since_start", "start below the floor", fires=False)(exports(9.99, 100))
case("usage_doubled_since_start", "90 days old", fires=True)(exports(10, 20, days=90))
case("usage_doubled_since_start", "89 days old", fires=False)(exports(10, 20, days=89))
case("usage_doubled_since_start", "rows begin long after the account did", fires=False)(
    exports(10, 20, first=8)
)


@case("usage_doubled_since_start", "the day of creation is not a full day", fires=False)
def _(w: World, a: str) -> None:
    exports(5, 20)(w, a)
    w.measure(a, "exports", {120: 100})


# wau_doubled


def users(*weeks: int, days: int = 200) -> Story:
    """So many different people in weeks 0, 1, 2, 3, 4."""

    def story(w: World, a: str) -> None:
        w.account(a, days=days)
        for week, people in enumerate(weeks):
            for person in range(people):
                w.event(a, "used", 7 * week + 3, user_id=f"u{person}")

    return story


case("wau_doubled", "twice the mean of four weeks", fires=True)(users(6, 3, 3, 3, 3))
case("wau_doubled", "just below twice", fires=False)(users(6, 3, 3, 3, 4))
case("wau_doubled", "mean below three", fires=False)(users(10, 3, 3, 3, 2))
case("wau_doubled", "only three prior weeks of history", fires=False)(users(10, 4, 4, 4))
case("wau_doubled", "account younger than five weeks", fires=False)(users(6, 3, 3, 3, 3, days=33))


# headcount_growth


def headcount(values: dict[int, float]) -> Story:
    """Headcount readings by days ago."""

    def story(w: World, a: str) -> None:
        w.account(a)
        w.measure(a, "headcount", values)

    return story


case("headcount_growth", "up 20%", fires=True)(headcount({179: 50, 0: 60}))
case("headcount_growth", "just below 20%", fires=False)(headcount({179: 50, 0: 59.9}))
case("headcount_growth", "one reading", fires=False)(headcount({0: 60}))
case("headcount_growth", "the old reading a day too old", fires=False)(headcount({180: 50, 0: 60}))


# beyond_first_use


def new_uses(*features: str, times: int = 5, days: int = 120) -> Story:
    """Features used so many times ten days ago."""

    def story(w: World, a: str) -> None:
        w.account(a, days=days)
        for name in features:
            w.event(a, "used", 10, times=times, user_id="u1", feature=name)

    return story


case("beyond_first_use", "two features, five times each", fires=True)(new_uses("sharing", "comments"))
case("beyond_first_use", "one feature", fires=False)(new_uses("sharing"))
case("beyond_first_use", "four times each", fires=False)(new_uses("sharing", "comments", times=4))
case("beyond_first_use", "89 days old", fires=False)(new_uses("sharing", "comments", days=89))


@case("beyond_first_use", "one of them was used in the first 30 days", fires=False)
def _(w: World, a: str) -> None:
    new_uses("sharing", "comments")(w, a)
    w.event(a, "used", 120 - 29, user_id="u1", feature="sharing")


# seats_added


def joined(*people: tuple[int, int | None], role: str = "member") -> Story:
    """People by (joined, left) days ago."""

    def story(w: World, a: str) -> None:
        w.account(a)
        for number, (day, left) in enumerate(people):
            w.member(a, f"u{number}", joined=day, left=left, role=role)

    return story


case("seats_added", "two within 14 days", fires=True)(joined((0, None), (13, None)))
case("seats_added", "one within 14 days", fires=False)(joined((0, None), (14, None)))
case("seats_added", "one has left again", fires=False)(joined((0, None), (10, 2)))
case("seats_added", "guests", fires=False)(joined((0, None), (3, None), role="guest"))


@case("seats_added", "a re-join within 30 days", fires=False)
def _(w: World, a: str) -> None:
    joined((0, None))(w, a)
    w.member(a, "back", joined=100, left=20)
    w.member(a, "back", joined=5)


@case("seats_added", "someone who comes back after months counts", fires=True)
def _(w: World, a: str) -> None:
    joined((0, None))(w, a)
    w.member(a, "back", joined=100, left=36)
    w.member(a, "back", joined=5)


@case("seats_added", "a guest who became a member counts", fires=True)
def _(w: World, a: str) -> None:
    joined((0, None))(w, a)
    w.member(a, "guest", joined=100, left=5, role="guest")
    w.member(a, "guest", joined=5)


# seats_active


def seats(taken: int, active: int, *, paid: int | None = 10) -> Story:
    """So many members, of whom so many used the product 29 days ago."""

    def story(w: World, a: str) -> None:
        w.account(a, seats=paid)
        for person in range(taken):
            w.member(a, f"u{person}", joined=100)
            if person < active:
                w.event(a, "used", 29, user_id=f"u{person}")

    return story


case("seats_active", "nine of ten taken, eight active", fires=True)(seats(9, 8))
case("seats_active", "exactly 80% taken", fires=False)(seats(8, 8))
case("seats_active", "too few active", fires=False)(seats(10, 8))
case("seats_active", "no seat count", fires=False)(seats(9, 9, paid=None))


@case("seats_active", "use 30 days ago is too long ago", fires=False)
def _(w: World, a: str) -> None:
    w.account(a, seats=10)
    for person in range(9):
        w.member(a, f"u{person}", joined=100)
        w.event(a, "used", 30, user_id=f"u{person}")


# guests_accumulating

case("guests_accumulating", "three guests, two new", fires=True)(
    joined((100, None), (29, None), (1, None), role="guest")
)
case("guests_accumulating", "two guests", fires=False)(joined((29, None), (1, None), role="guest"))
case("guests_accumulating", "one new", fires=False)(joined((100, None), (30, None), (1, None), role="guest"))
case("guests_accumulating", "one has left", fires=False)(
    joined((100, 3), (29, None), (1, None), role="guest")
)


# invites


def invited(*days: int, user_id: str | None = "boss", role: str = "member") -> Story:
    """Invitations sent so many days ago."""

    def story(w: World, a: str) -> None:
        w.account(a)
        w.member(a, "boss", joined=100, role=role)
        for day in days:
            w.event(a, "invited", day, user_id=user_id)

    return story


case("invites", "two in 30 days", fires=True)(invited(0, 29))
case("invites", "one in 30 days", fires=False)(invited(0, 30))
case("invites", "sent by nobody known", fires=False)(invited(0, 1, user_id=None))
case("invites", "sent by a guest", fires=False)(invited(0, 1, role="guest"))


# new_team


def teams(first: int, *, others: tuple[str, ...] = ("ops",), days: int = 200) -> Story:
    """A design team first seen so many days ago, and others seen before."""

    def story(w: World, a: str) -> None:
        w.account(a, days=days)
        for name in others:
            w.event(a, "used", days - 1, user_id="u1", team=name)
        w.event(a, "used", first, user_id="u2", team="design")

    return story


case("new_team", "first use 29 days ago", fires=True)(teams(29))
case("new_team", "first use 30 days ago", fires=False)(teams(30))
case("new_team", "the only team", fires=False)(teams(5, others=()))
case("new_team", "60 days old", fires=True)(teams(5, days=60))
case("new_team", "59 days old", fires=False)(teams(5, days=59))


# capability_request


def asked(text: str, day: int = 5, **more: object) -> Story:
    """One ticket with this text."""

    def story(w: World, a: str) -> None:
        w.account(a)
        w.ticket(a, day, text, **more)

    return story


case("capability_request", "asks for a higher plan's feature", fires=True)(
    asked("Do you support SSO? We need it.")
)
case("capability_request", "30 days ago is too long ago", fires=False)(
    asked("Do you support SSO? We need it.", 30)
)
case("capability_request", "29 days ago", fires=True)(asked("Do you support SSO? We need it.", 29))
case("capability_request", "a feature the plan has", fires=False)(asked("Do you support sharing?"))
case("capability_request", "a feature no sold plan has", fires=False)(asked("Do you support fax?"))
case("capability_request", "a price complaint", fires=False)(
    asked("We need SSO but your enterprise tier is too expensive.")
)
case("capability_request", "asks to leave", fires=False)(
    asked("We need SSO, so please cancel our subscription.")
)


# paywall_attempts


def blocked(feature: str, *days: int, **account: object) -> Story:
    """Blocked attempts on a feature, one a day listed."""

    def story(w: World, a: str) -> None:
        w.account(a, **account)  # type: ignore[arg-type]
        for day in days:
            w.event(a, "blocked", day, feature=feature)

    return story


case("paywall_attempts", "three on two days", fires=True)(blocked("sso", 0, 0, 13))
case("paywall_attempts", "two", fires=False)(blocked("sso", 0, 13))
case("paywall_attempts", "three in one day", fires=False)(blocked("sso", 3, 3, 3))
case("paywall_attempts", "the third too old", fires=False)(blocked("sso", 0, 1, 14))
case("paywall_attempts", "a feature only a legacy plan has", fires=False)(blocked("fax", 0, 1, 2))
case("paywall_attempts", "a feature the plan has", fires=False)(blocked("sso", 0, 1, 2, plan="growth"))


@case("paywall_attempts", "three over two features", fires=False)
def _(w: World, a: str) -> None:
    blocked("sso", 0, 1)(w, a)
    w.event(a, "blocked", 2, feature="audit_log")


# premium_preview


def previewed(*features: str, day: int = 29) -> Story:
    """Features looked at."""

    def story(w: World, a: str) -> None:
        w.account(a)
        for name in features:
            w.event(a, "previewed", day, feature=name)

    return story


case("premium_preview", "two features", fires=True)(previewed("sso", "api_access"))
case("premium_preview", "one feature twice", fires=False)(previewed("sso", "sso"))
case("premium_preview", "too long ago", fires=False)(previewed("sso", "api_access", day=30))
case("premium_preview", "one of them in the plan already", fires=False)(previewed("sso", "reports"))


# repeated_workaround


@case("repeated_workaround", "three events with one feature", fires=True)
def _(w: World, a: str) -> None:
    w.account(a)
    for day in (0, 10, 29):
        w.event(a, "workaround", day, feature="api_access")


@case("repeated_workaround", "two events", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    for day in (0, 10, 30):
        w.event(a, "workaround", day, feature="api_access")


@case("repeated_workaround", "three events with different features", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    for feature in ("api_access", "sso", "audit_log"):
        w.event(a, "workaround", 3, feature=feature)


@case("repeated_workaround", "three tickets with one feature", fires=True)
def _(w: World, a: str) -> None:
    w.account(a)
    for day in (0, 10, 29):
        w.ticket(a, day, "As a workaround we copy the numbers by hand.", feature="api_access")


# support_time_up


def minutes(now: float, before: float, **account: object) -> Story:
    """Ticket minutes of the last 30 days, and of the 30 before."""

    def story(w: World, a: str) -> None:
        w.account(a, **account)  # type: ignore[arg-type]
        w.ticket(a, 0, minutes=now / 2)
        w.ticket(a, 29, minutes=now / 2)
        w.ticket(a, 30, minutes=before / 2)
        w.ticket(a, 59, minutes=before / 2)

    return story


case("support_time_up", "1.3 times", fires=True)(minutes(130, 100))
case("support_time_up", "just below 1.3 times", fires=False)(minutes(129.9, 100))
case("support_time_up", "60 minutes before", fires=True)(minutes(100, 60))
case("support_time_up", "59 minutes before", fires=False)(minutes(100, 59))


@case("support_time_up", "the plan changed inside the 60 days", fires=False)
def _(w: World, a: str) -> None:
    minutes(200, 100, ends_on=ago(40))(w, a)
    w.subscribe(a, "growth", 40)


@case("support_time_up", "the plan changed before the 60 days", fires=True)
def _(w: World, a: str) -> None:
    minutes(200, 100, ends_on=ago(60))(w, a)
    w.subscribe(a, "growth", 60)


# out_of_scope_asks, hard_deadline, faster_turnaround, budget_language: classes of tickets


def topics(topic: str, *days: int) -> Story:
    """Tickets the helpdesk has classed already."""

    def story(w: World, a: str) -> None:
        w.account(a)
        for day in days:
            w.ticket(a, day, "Hello", topic=topic)

    return story


case("out_of_scope_asks", "two in 30 days", fires=True)(topics("out_of_scope", 0, 29))
case("out_of_scope_asks", "one in 30 days", fires=False)(topics("out_of_scope", 0, 30))
case("hard_deadline", "a launch after D", fires=True)(asked("Our launch is on 2026-02-01, can you help?"))
case("hard_deadline", "a launch on D", fires=False)(asked("Our launch is on 2026-01-31, can you help?"))
case("hard_deadline", "a date in the past", fires=False)(asked("Our launch was on 2026-01-10."))
case("hard_deadline", "asked too long ago", fires=False)(
    asked("Our launch is on 2026-03-01, can you help?", 30)
)
case("faster_turnaround", "asks for a faster answer", fires=True)(
    asked("We need a faster response time than we get today.")
)
case("faster_turnaround", "the product is slow", fires=False)(asked("The page is slow today."))
case("budget_language", "asks for a quote for more", fires=True)(
    asked("Please send us a quote for 20 more seats.")
)
case("budget_language", "a refund", fires=False)(asked("Please refund our last invoice."))
case("budget_language", "a discount on the current plan", fires=False)(
    asked("Can we get a discount on our plan?")
)


# renewal_window


def renews(days: int, **more: object) -> Story:
    """A subscription that renews in so many days."""

    def story(w: World, a: str) -> None:
        w.account(a, term="year", renews_on=ago(-days), **more)  # type: ignore[arg-type]

    return story


case("renewal_window", "in 60 days", fires=True)(renews(60))
case("renewal_window", "in 90 days", fires=True)(renews(90))
case("renewal_window", "in 59 days", fires=False)(renews(59))
case("renewal_window", "in 91 days", fires=False)(renews(91))
case("renewal_window", "to be cancelled", fires=False)(renews(75, cancel_on=ago(-75)))


# product_page_visits, product_use_case_ask


def visits(times: int, level: float, *, product: str = "analytics", day: int = 29) -> Story:
    """Looks at another product, with storage at a level."""

    def story(w: World, a: str) -> None:
        w.account(a)
        w.measure(a, "storage", {0: level})
        w.event(a, "viewed", day, times=times, product=product)

    return story


case("product_page_visits", "three looks, half the plan in use", fires=True)(visits(3, 50))
case("product_page_visits", "two looks", fires=False)(visits(2, 50))
case("product_page_visits", "less than half in use", fires=False)(visits(3, 49.9))
case("product_page_visits", "too long ago", fires=False)(visits(3, 50, day=30))
case("product_page_visits", "a product that is not sold", fires=False)(visits(3, 50, product="unknown"))


@case("product_page_visits", "they have it already", fires=False)
def _(w: World, a: str) -> None:
    visits(3, 50)(w, a)
    w.subscribe(a, "insight", 50)


case("product_use_case_ask", "a listed use case", fires=True)(
    asked("We would like a dashboard for our board.")
)
case("product_use_case_ask", "another wish", fires=False)(asked("We would like a new logo."))


@case("product_use_case_ask", "they have it already", fires=False)
def _(w: World, a: str) -> None:
    asked("We would like a dashboard for our board.")(w, a)
    w.subscribe(a, "insight", 50)


@pytest.fixture(scope="module")
def assessed() -> dict[str, Assessment]:
    """Every case's account, from one scan of them all, its figures computed a second time."""
    world = World()
    for number, (_trigger, _name, _fires, story) in enumerate(CASES):
        story(world, f"c{number:03d}")
    result = world.scan(show_rows=True)
    assert result.mismatches == ()
    return {one.account_id: one for one in result.accounts}


@pytest.mark.parametrize(
    ("number", "trigger", "fires"),
    [pytest.param(n, t, f, id=f"{t}: {name}") for n, (t, name, f, _) in enumerate(CASES)],
)
def test_a_trigger_fires_as_the_rule_book_says(assessed, number, trigger, fires):
    """Each case is an account whose facts lie at, or just beside, one bound of one trigger."""
    found = {finding.trigger for finding in assessed[f"c{number:03d}"].findings}
    assert (trigger in found) is fires


def test_every_finding_says_something_a_customer_could_read(assessed):
    """No empty sentence, no place holder left, and every figure it shows is one of its own."""
    for account in assessed.values():
        for finding in account.findings:
            assert finding.says
            assert "{" not in finding.says
            assert "None" not in finding.says
            assert finding.figures
            assert finding.first_day <= finding.last_day


def test_every_trigger_has_cases_on_both_sides():
    """A trigger without a case that fires, and one that does not, is untested."""
    from agent.signals.library import load_library

    for entry in load_library().entries:
        assert {fires for trigger, _, fires, _ in CASES if trigger == entry.name} == {True, False}, entry.name


def test_the_day_after_changes_nothing_before_it():
    """Facts of the day after D are not read, whatever the tables hold."""
    w = World()
    w.account("a")
    w.event("a", "limit_hit", 0, times=2)
    w.event("a", "limit_hit", -1, times=5)
    [account] = w.scan().accounts
    assert not account.findings
    late = datetime.combine(ago(0), datetime.min.time()) + timedelta(hours=23, minutes=59)
    assert late.date() == ago(0)
