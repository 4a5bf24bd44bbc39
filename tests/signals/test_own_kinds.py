"""Every kind of a founder's own trigger: one case that fires, and one beside each bound that does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.scoring.scan import Scan
from tests import worlds
from tests.worlds import World

Story = Callable[[World, str], None]
KINDS: dict[str, dict[str, object]] = {
    "many_exports": {
        "kind": "count_in_window", "event": "used", "feature": "export_csv", "days": 30, "at_least": 5, "different_days": 2,
    },
    "busy_people": {
        "kind": "count_in_window", "event": ["used", "viewed"], "different": "users", "days": 7, "at_least": 3,
    },
    "any_paywall": {"kind": "count_in_window", "event": "blocked", "each": "feature", "days": 14, "at_least": 3},
    "billing_tickets": {
        "kind": "count_in_window", "of": "tickets", "topic": "billing", "priority": ["high", "urgent"], "days": 30, "at_least": 2,
    },
    "joiners": {"kind": "count_in_window", "of": "members", "days": 30, "at_least": 3},
    "storage_half_full": {"kind": "share_of_ceiling", "metric": "storage", "at_least": 0.5},
    "anything_over": {"kind": "share_of_ceiling", "at_least": 1.5},
    "full_for_a_month": {"kind": "streak", "metric": "storage", "at_least": 0.6, "weeks": 4},
    "many_calls": {"kind": "streak", "metric": "calls", "measure": "level", "at_least": 10, "weeks": 2},
    "exports_up": {"kind": "growth_against_baseline", "metric": "exports", "days": 28, "times": 1.5},
    "exports_up_since_start": {
        "kind": "growth_against_baseline", "metric": "exports", "days": 28, "times": 3, "against": "start",
    },
    "use_up": {"kind": "growth_against_baseline", "event": "used", "days": 14, "times": 2, "floor": 3},
    "new_features": {"kind": "first_seen", "what": "feature", "days": 30, "at_least": 2},
    "new_people": {"kind": "first_seen", "what": "user", "days": 14, "at_least": 2},
    "asks_for_import": {
        "kind": "phrase_in_ticket", "phrases": ["bulk import", "importieren"], "not_phrases": ["no need"], "days": 30,
    },
    "asks_for_sso": {"kind": "phrase_in_ticket", "phrases": ["okta"], "feature": "sso", "days": 30, "play": "feature"},
}  # fmt: skip
CASES: list[tuple[str, str, bool, Story]] = []
"Trigger, case, whether it fires, and the facts."


def case(trigger: str, name: str, *, fires: bool) -> Callable[[Story], Story]:
    """Add a case: an account of its own in the one world all cases share."""

    def add(story: Story) -> Story:
        CASES.append((trigger, name, fires, story))
        return story

    return add


def events(kind: str, *days: int, **more: object) -> Story:
    """One event on each of these days ago."""

    def story(w: World, a: str) -> None:
        w.account(a)
        for day in days:
            w.event(a, kind, day, **more)  # type: ignore[arg-type]

    return story


case("many_exports", "five on two days", fires=True)(events("used", 0, 0, 0, 0, 29, feature="export_csv"))
case("many_exports", "four", fires=False)(events("used", 0, 0, 0, 29, feature="export_csv"))
case("many_exports", "all on one day", fires=False)(events("used", 1, 1, 1, 1, 1, feature="export_csv"))
case("many_exports", "the fifth a day too old", fires=False)(
    events("used", 0, 0, 0, 0, 30, feature="export_csv")
)
case("many_exports", "another feature", fires=False)(events("used", 0, 0, 0, 1, 1, feature="reports"))
case("many_exports", "another kind of event", fires=False)(
    events("viewed", 0, 0, 0, 1, 1, feature="export_csv")
)
case("any_paywall", "three on one feature", fires=True)(events("blocked", 0, 1, 13, feature="api_access"))
case("any_paywall", "a day too old", fires=False)(events("blocked", 0, 1, 14, feature="api_access"))


@case("any_paywall", "two each on two features", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    for feature in ("sso", "api_access"):
        w.event(a, "blocked", 1, times=2, feature=feature)


@case("busy_people", "three people, by either kind", fires=True)
def _(w: World, a: str) -> None:
    w.account(a)
    w.event(a, "used", 0, user_id="u1")
    w.event(a, "viewed", 6, user_id="u2")
    w.event(a, "used", 3, user_id="u3")


@case("busy_people", "two people who do much", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    w.event(a, "used", 0, times=9, user_id="u1")
    w.event(a, "used", 0, times=9, user_id="u2")


def tickets(*priorities: str, topic: str = "billing") -> Story:
    """Tickets of these priorities on one topic."""

    def story(w: World, a: str) -> None:
        w.account(a)
        for day, priority in enumerate(priorities, start=1):
            w.ticket(a, day, "Hello.", topic=topic, priority=priority)

    return story


case("billing_tickets", "two that press", fires=True)(tickets("high", "urgent"))
case("billing_tickets", "one of them is normal", fires=False)(tickets("high", "normal"))
case("billing_tickets", "another topic", fires=False)(tickets("high", "urgent", topic="login"))


def joined(*days: int, **more: object) -> Story:
    """People who joined so many days ago."""

    def story(w: World, a: str) -> None:
        w.account(a)
        for number, day in enumerate(days):
            w.member(a, f"u{number}", day, **more)  # type: ignore[arg-type]

    return story


case("joiners", "three in the window", fires=True)(joined(0, 10, 29))
case("joiners", "one a day too early", fires=False)(joined(0, 10, 30))
case("joiners", "they left again", fires=False)(joined(20, 21, 22, left=1))
case("joiners", "guests", fires=False)(joined(0, 10, 29, role="guest"))


def storage(*levels: float, metric: str = "storage", **more: object) -> Story:
    """A gauge's level at the end of weeks 0, 1, 2 …"""

    def story(w: World, a: str) -> None:
        w.account(a, **more)  # type: ignore[arg-type]
        w.measure(a, metric, {7 * week: level for week, level in enumerate(levels)})

    return story


case("storage_half_full", "at the bound", fires=True)(storage(50))
case("storage_half_full", "just below", fires=False)(storage(49.99))
case("storage_half_full", "no ceiling", fires=False)(storage(500, plan="scale"))
case("storage_half_full", "another metric is full", fires=False)(storage(50, metric="calls"))
case("anything_over", "whatever metric", fires=True)(storage(75, metric="calls"))
case("full_for_a_month", "four weeks", fires=True)(storage(60, 61, 62, 60))
case("full_for_a_month", "the oldest below", fires=False)(storage(60, 61, 62, 59))
case("full_for_a_month", "the oldest unknown", fires=False)(storage(60, 61, 62))


def daily(metric: str, levels: dict[range, float], **more: object) -> Story:
    """Values by ranges of days ago."""

    def story(w: World, a: str) -> None:
        w.account(a, **more)  # type: ignore[arg-type]
        for days, level in levels.items():
            w.measure(a, metric, dict.fromkeys(days, level))

    return story


case("many_calls", "two weeks", fires=True)(daily("calls", {range(15): 10}))
case("many_calls", "last week below", fires=False)(daily("calls", {range(7): 10, range(7, 15): 9}))
case("exports_up", "half as many again", fires=True)(daily("exports", {range(28): 3, range(28, 57): 2}))
case("exports_up", "a little less", fires=False)(daily("exports", {range(28): 2.9, range(28, 57): 2}))
case("exports_up", "a baseline below the floor", fires=False)(
    daily("exports", {range(28): 3, range(28, 57): 0.3})
)
case("exports_up", "a baseline that began late", fires=False)(
    daily("exports", {range(28): 3, range(28, 50): 2})
)
case("exports_up_since_start", "three times the beginning", fires=True)(
    daily("exports", {range(28): 6, range(28, 201): 2})
)
case("exports_up_since_start", "not yet", fires=False)(daily("exports", {range(28): 5, range(28, 201): 2}))
case("use_up", "twice as often", fires=True)(events("used", *range(8), *range(8), 14, 16, 18, 27))
case("use_up", "below the floor", fires=False)(events("used", *range(14), 14, 27))
case("use_up", "first use inside the baseline", fires=False)(events("used", *range(14), 14, 15, 16, 26))


@case("new_features", "two of them", fires=True)
def _(w: World, a: str) -> None:
    w.account(a)
    for feature in ("reports", "sharing"):
        w.event(a, "used", 29, feature=feature)
        w.event(a, "used", 2, feature=feature)


@case("new_features", "one was known", fires=False)
def _(w: World, a: str) -> None:
    w.account(a)
    w.event(a, "used", 29, feature="reports")
    w.event(a, "used", 2, feature="sharing")
    w.event(a, "used", 30, feature="sharing")


@case("new_features", "a new account", fires=False)
def _(w: World, a: str) -> None:
    w.account(a, days=59)
    for feature in ("reports", "sharing"):
        w.event(a, "used", 2, feature=feature)


def used(*uses: tuple[str, int]) -> Story:
    """Who used it, and how many days ago."""

    def story(w: World, a: str) -> None:
        w.account(a)
        for user, day in uses:
            w.event(a, "used", day, user_id=user)

    return story


case("new_people", "two, beside one who was there", fires=True)(
    used(("u0", 50), ("u0", 0), ("u1", 1), ("u2", 13))
)
case("new_people", "one of them was there before", fires=False)(used(("u2", 14), ("u1", 1), ("u2", 13)))


def wrote(text: str, day: int = 3, **more: object) -> Story:
    """One ticket."""

    def story(w: World, a: str) -> None:
        w.account(a)
        w.ticket(a, day, text, **more)  # type: ignore[arg-type]

    return story


case("asks_for_import", "the words", fires=True)(wrote("Hi, is there a Bulk\nImport for contacts?"))
case("asks_for_import", "in disguise", fires=True)(wrote("bu\u200blk  imp\u00f3rt please"))
case("asks_for_import", "in another language", fires=True)(wrote("Wir wollen das gerne importieren, bitte."))
case("asks_for_import", "inside another word", fires=False)(wrote("bulk important things"))
case("asks_for_import", "taken back in the sentence", fires=False)(
    wrote("There is no need for a bulk import.")
)
case("asks_for_import", "another sentence takes nothing back", fires=True)(
    wrote("No need to hurry. We want bulk import.")
)
case("asks_for_import", "too old", fires=False)(wrote("bulk import please", 30))
case("asks_for_sso", "one", fires=True)(wrote("Do you work with Okta?"))


@pytest.fixture(scope="module")
def scanned() -> Scan:
    """All cases as accounts of one company, figures computed twice."""
    w = World()
    for number, (_, _, _, story) in enumerate(CASES):
        story(w, f"a{number:03d}")
    tables = {name: {"group": "extras", **table} for name, table in KINDS.items()}
    return w.scan(given=worlds.settings(triggers=tables, groups={"extras": 3}), show_rows=True)


@pytest.mark.parametrize(
    ("number", "trigger", "fires"),
    [
        pytest.param(n, trigger, fires, id=f"{trigger}: {name}")
        for n, (trigger, name, fires, _) in enumerate(CASES)
    ],
)
def test_a_kind_fires_at_its_bound_and_not_beside_it(scanned: Scan, number: int, trigger: str, fires: bool):
    """The window, the bound and every condition count."""
    account = next(one for one in scanned.accounts if one.account_id == f"a{number:03d}")
    found = [finding for finding in account.findings if finding.trigger == trigger]
    assert bool(found) is fires
    if fires:
        assert account.groups["extras"] == 3
        assert all(figure.formula and "{" not in figure.label for figure in found[0].figures)
        assert any(figure.rows for figure in found[0].figures)
        assert "{" not in found[0].says


def test_every_figure_of_a_kind_comes_out_the_same_twice(scanned: Scan):
    """The engine and the source rows agree, for every kind."""
    assert scanned.mismatches == ()
    assert {trigger for trigger, _, fires, _ in CASES if fires} == set(KINDS)


SENTENCES = {
    "many_exports": "your team used export CSV 5 times in the last 30 days",
    "busy_people": "3 people worked with it in the last 7 days",
    "any_paywall": "your team tried to use API access 3 times in the last 14 days",
    "billing_tickets": "you sent us 2 tickets in the last 30 days",
    "joiners": "3 people joined in the last 30 days",
    "storage_half_full": "you are at 60% of the storage in the Starter plan",
    "anything_over": "you are at 150% of the API calls in the Starter plan",
    "full_for_a_month": "you are at 60% of the storage in the Starter plan, and were at 60% in the first of these 4 weeks",
    "many_calls": "your API calls came to 10, after 10 in the first of these 2 weeks",
    "exports_up": "exports came to 168 in the last 28 days, against the 56 of the 28 days before",
    "exports_up_since_start": "exports came to 168 in the last 28 days, against the 56 of your first 28 days",
    "use_up": "your team used it 16 times in the last 14 days, against 4 in the 14 days before",
    "new_features": "your team started using reports and others in the last 30 days: twice so far",
    "new_people": "2 people started working with it in the last 14 days",
    "asks_for_import": "you wrote to us about this once in the last 30 days",
    "asks_for_sso": "you wrote to us about SSO once in the last 30 days",
}  # fmt: skip
"What each kind says without words of its own."


def test_the_sentences_of_the_kinds_read_well(scanned: Scan):
    """What a trigger says without words of its own."""
    said = {
        f.trigger: f.says for one in reversed(scanned.accounts) for f in one.findings if f.trigger in KINDS
    }
    assert said == SENTENCES
