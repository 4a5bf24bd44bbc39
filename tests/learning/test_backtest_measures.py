"""What became of alerts, counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from agent.learning.backtest.bars import capped
from agent.learning.backtest.draws import draw
from agent.learning.backtest.field import Alerts, lay_out
from agent.learning.backtest.known import History, Spell
from agent.learning.backtest.measures import ground, lead_time, measure
from agent.learning.backtest.result import SignalKind
from agent.learning.backtest.truth import Expansion, ExpansionKind

START = date(2025, 1, 1)


def day(number):
    """So many days after the first as-of date."""
    return START + timedelta(days=number)


def a_field(expansions, *, last=400, dates=30, every=7, accounts="abcd", ends=None, tests=()):
    """A field of 30 weeks; expansions are (account, day), `ends` the day on which an account stops paying."""
    history = History(
        expansions=tuple(Expansion(a, day(n), ExpansionKind.PLAN_UPGRADE) for a, n in expansions),
        spells=tuple(Spell(a, START, day(ends[a]) if ends and a in ends else date.max) for a in accounts),
        tests=frozenset(tests),
        first=START,
        last=day(last),
        first_days={},
        empty=frozenset(),
    )
    days = tuple(day(every * n) for n in range(dates))
    return lay_out(days, every, tuple(accounts), np.zeros(len(accounts), np.int32), history)


def alerts(*pairs):
    """Alerts as (account, index of the as-of date)."""
    return Alerts.of(np.array([d for _, d in pairs]), np.array(["abcd".index(a) for a, _ in pairs]))


def figures(field, given, days=30):
    """The horizon of a signal."""
    land = ground(field, draw(field.accounts, 1, draws=50))
    return measure(land, given, "signal", SignalKind.TRIGGER, weeks=30).at(days)


@pytest.mark.parametrize(
    ("on", "hits"),
    [
        pytest.param(70, 0, id="on the alert's own day"),
        pytest.param(69, 0, id="the day before"),
        pytest.param(71, 1, id="the day after"),
        pytest.param(100, 1, id="on the thirtieth day"),
        pytest.param(101, 0, id="one day too late"),
    ],
)
def test_an_expansion_counts_strictly_after_the_alert(on, hits):
    """An alert of day 70 looks ahead to day 100."""
    assert figures(a_field([("a", on)]), alerts(("a", 10))).hits == hits


def test_another_accounts_expansion_does_not_count():
    """Alerts and expansions meet within an account."""
    assert figures(a_field([("b", 80)]), alerts(("a", 10))).hits == 0


@pytest.mark.parametrize(("last", "judged", "unfinished"), [(100, 1, 0), (99, 0, 1)])
def test_an_alert_whose_days_are_not_over_is_no_miss(last, judged, unfinished):
    """Known history has to reach to the thirtieth day, whether or not the expansion has been seen already."""
    one = figures(a_field([("a", 75)], last=last), alerts(("a", 10)))
    assert (one.judged, one.unfinished) == (judged, unfinished)
    assert one.precision == (1.0 if judged else None)


def test_alerts_of_accounts_that_pay_nothing_or_are_tests_are_counted_and_not_judged():
    """They are no chance to expand, so they are no mistake either."""
    field = a_field([], ends={"a": 50}, tests={"b"})
    signal = measure(
        ground(field, draw(4, 1, draws=50)),
        alerts(("a", 10), ("b", 10), ("c", 10)),
        "signal",
        SignalKind.TRIGGER,
        weeks=30,
    )
    assert (signal.alerts, signal.outside, signal.at(30).judged) == (3, 2, 1)


def test_the_base_rate_is_over_all_paying_account_days():
    """One expansion on day 70 is foretold by the five dates of days 40 to 69, of 4 times 30 account-days."""
    one = figures(a_field([("a", 70)]), alerts(("a", 9)))
    assert one.base_rate == pytest.approx(4 / 120)
    assert one.lift == pytest.approx(30)


def test_recall_asks_for_an_alert_in_the_days_before():
    """Of three expansions one had an alert 28 days before, one on its own day, one 31 days before."""
    field = a_field([("a", 70), ("b", 70), ("c", 73)])
    one = figures(field, alerts(("a", 6), ("b", 10), ("c", 6)))
    assert (one.expansions, one.caught) == (3, 1)


def test_recall_leaves_out_expansions_nobody_watched():
    """Before day 30 and long after the last date the as-of dates do not cover the 30 days before."""
    assert figures(a_field([("a", 29), ("b", 30), ("c", 211)]), alerts(("a", 0))).expansions == 1


def test_episodes_are_runs_of_successive_dates():
    """Three dates in a row, a pause, one more; another account's are its own."""
    given = alerts(("a", 3), ("a", 4), ("a", 5), ("a", 7), ("b", 8))
    assert given.starts.tolist() == [True, False, False, True, True]


def test_lead_time_runs_from_the_first_alert_of_the_episode():
    """An episode of days 70 to 84 and an expansion on day 100: 30 days."""
    lead = lead_time(a_field([("a", 100)]), alerts(("a", 10), ("a", 11), ("a", 12)))
    assert (lead.episodes, lead.median) == (1, 30.0)
    assert [(one.first, one.last, one.count) for one in lead.bins if one.count] == [(29, 35, 1)]


def test_lead_time_stops_at_ninety_days_after_the_episode():
    """What comes later came of something else."""
    field = a_field([("a", 84 + 91)])
    assert lead_time(field, alerts(("a", 12))).episodes == 0


@pytest.mark.parametrize(
    ("every", "ready", "prompts"),
    [
        pytest.param(10, [0, 1, 2, 3, 4], [0, 3], id="allowed again on the thirtieth day"),
        pytest.param(7, [0, 4, 5], [0, 5], id="28 days are too few"),
        pytest.param(1, list(range(100)), [0, 30, 60, 90], id="every day"),
        pytest.param(7, [2], [2], id="once"),
        pytest.param(7, [], [], id="never"),
    ],
)
def test_the_cap_lets_one_prompt_through_in_thirty_days(every, ready, prompts):
    """As if every ready account had been prompted; accounts do not share a cap."""
    days = np.array([START.toordinal() + every * n for n in range(120)])
    given = Alerts.of(
        np.array(ready * 2, dtype=int), np.array([0] * len(ready) + [1] * len(ready), dtype=int)
    )
    kept = capped(given, days)
    assert kept.day.tolist() == prompts * 2
    assert kept.account.tolist() == [0] * len(prompts) + [1] * len(prompts)


def test_all_hits_or_none_have_an_interval_of_their_own():
    """Drawing accounts says nothing where all came out alike; Wilson's interval of 4 accounts does."""
    field = a_field([(a, 75) for a in "abcd"])
    all_hit = figures(field, alerts(*[(a, 10) for a in "abcd"]))
    none_hit = figures(field, alerts(*[(a, 20) for a in "abcd"]))
    assert (all_hit.precision_range.low, all_hit.precision_range.high) == pytest.approx(
        (0.5101, 1.0), abs=1e-3
    )
    assert (none_hit.precision_range.low, none_hit.precision_range.high) == pytest.approx(
        (0.0, 0.4899), abs=1e-3
    )
    assert none_hit.is_few
