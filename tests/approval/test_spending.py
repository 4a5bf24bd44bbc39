"""What the model may take in a month, and what it took."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from agent.approval.spending import Limits, MonthSpent, Spending, limits_of, month
from agent.approval.tables import ModelCall
from agent.foundation.llm.port import NoAnswer, Task, Usage, Why
from agent.foundation.settings import Llm
from agent.foundation.store import Store, open_store
from agent.learning.forget import forget
from tests.approval.made import NOW
from tests.foundation.modelserver import Reply, completion, serving, wait_for

ROOT = Path(__file__).resolve().parents[2]
MOST = Usage(calls=1, tokens_in=600, tokens_out=400, cost_micro=1000)
TOOK = Usage(calls=1, tokens_in=500, tokens_cached=300, tokens_out=100, seconds=1.25, cost_micro=330)


def limits(tokens: int = 10_000, cost_micro: int = 10_000) -> Limits:
    """Room for ten of these."""
    return Limits(tokens, cost_micro, "USD", MOST)


def spending(store: Store, now: datetime = NOW, **changes: int) -> Spending:
    """The meter, at that moment."""
    return Spending(store, limits(**changes), lambda: now)


def reserve(meter: Spending, most: Usage = MOST, task: Task = Task.DRAFT, about: str = "acme") -> str:
    """Leave for one call."""
    return meter.reserve(task, "openai:gpt-5-mini", most, about)


def calls(store: Store) -> list[ModelCall]:
    """Every line of the books."""
    with store.reading() as session:
        return list(session.exec(select(ModelCall).order_by(ModelCall.call_id)))


def test_what_a_call_took_replaces_what_was_set_aside(store: Store) -> None:
    """And until then the latter counts."""
    meter = spending(store)
    call_id = reserve(meter)
    assert (meter.month().tokens, meter.month().cost_micro) == (1000, 1000)
    meter.settle(call_id, TOOK, "answered")
    spent = meter.month()
    assert (spent.tokens, spent.cost_micro, spent.calls) == (600, 330, 1)
    (line,) = calls(store)
    assert (line.reserved, line.outcome, line.about, line.at) == (False, "answered", "acme", NOW)
    assert (line.tokens_in, line.tokens_cached, line.tokens_out, line.seconds) == (500, 300, 100, 1.25)


def test_a_call_is_settled_once(store: Store) -> None:
    """A second word about it changes nothing, nor does one about a call nobody knows."""
    meter = spending(store)
    call_id = reserve(meter)
    meter.settle(call_id, TOOK, "answered")
    meter.settle(call_id, Usage(), "timeout")
    meter.settle("nobody", TOOK, "answered")
    assert meter.month().cost_micro == 330
    assert len(calls(store)) == 1


@pytest.mark.parametrize(
    ("changes", "most", "allowed", "says"),
    [
        pytest.param({}, MOST, 10, "tokens", id="tokens"),
        pytest.param({"tokens": 10**9}, MOST, 10, "money", id="money"),
        pytest.param({"tokens": 9_999}, MOST, 9, "9,999 tokens", id="the last one does not fit"),
        pytest.param({"tokens": 0}, MOST, 0, "tokens", id="no tokens at all"),
        pytest.param({"cost_micro": 0}, MOST, 0, "money", id="no money at all"),
        pytest.param(
            {"cost_micro": 0}, Usage(tokens_in=1000), 10, "tokens", id="no price, bounded by tokens"
        ),
    ],
)
def test_a_month_s_budget_is_never_overspent(
    store: Store, changes: dict[str, int], most: Usage, allowed: int, says: str
) -> None:
    """To the token, and the refusal says until when."""
    meter = spending(store, **changes)
    for _ in range(allowed):
        reserve(meter, most)
    with pytest.raises(NoAnswer) as refused:
        reserve(meter, most)
    assert refused.value.why is Why.OUT_OF_BUDGET
    assert says in str(refused.value)
    assert "until 1 April" in str(refused.value)
    assert len(calls(store)) == allowed


@pytest.mark.parametrize(
    ("first", "then", "is_new"),
    [
        (datetime(2026, 3, 31, 23, 59, 59, 999999), datetime(2026, 4, 1), True),
        (datetime(2026, 12, 31, 23, 59), datetime(2027, 1, 1), True),
        (datetime(2026, 3, 1), datetime(2026, 3, 31, 23, 59, 59), False),
        (datetime(2028, 2, 29, 12), datetime(2028, 3, 1), True),
    ],
)
def test_everything_may_be_spent_again_in_a_new_month(
    store: Store, first: datetime, then: datetime, is_new: bool
) -> None:
    """A calendar month, UTC."""
    for _ in range(10):
        reserve(spending(store, first))
    later = spending(store, then)
    if is_new:
        assert later.month().calls == 0
        reserve(later)
    else:
        with pytest.raises(NoAnswer):
            reserve(later)


def test_a_month_is_told_by_task_with_its_limits(store: Store) -> None:
    """What the doctor and the digest show."""
    meter = spending(store, tokens=20_000)
    for task in (Task.DRAFT, Task.DRAFT, Task.CLASSIFY):
        meter.settle(reserve(meter, task=task), TOOK, "answered")
    spent = month(store, limits(tokens=20_000), NOW)
    assert {one.task: (one.calls, one.tokens_cached, one.cost_micro, one.seconds) for one in spent.tasks} == {
        "classify": (1, 300, 330, 1.25),
        "draft": (2, 600, 660, 2.5),
    }
    assert (spent.since, spent.until) == (date(2026, 3, 1), date(2026, 4, 1))
    assert (spent.tokens, spent.cost_micro, spent.cost_minor) == (1800, 990, 1)
    assert spent.share == pytest.approx(0.099)
    assert not spent.is_at_limit


def test_a_month_without_room_for_a_usual_question_is_at_its_limit(store: Store) -> None:
    """Not only one that is spent to the last token."""
    meter = spending(store, tokens=2_500)
    assert not meter.month().is_at_limit
    reserve(meter)
    assert not meter.month().is_at_limit
    reserve(meter)
    assert meter.month().is_at_limit
    assert spending(store, datetime(2026, 6, 1), tokens=0).month().is_at_limit


def test_the_limits_are_those_of_the_settings() -> None:
    """In the currency of the price table; money in millionths."""
    found = limits_of(Llm())
    assert (found.tokens, found.cost_micro, found.currency) == (2_000_000, 20_000_000, "USD")
    assert found.one_call.cost_micro == 9000  # 4000 tokens in at 0.25 and 4000 out at 2.00 a million.
    assert limits_of(Llm(model="unknown")).one_call.cost_micro == 0


def test_a_forgotten_account_leaves_its_cost_and_not_its_name(store: Store) -> None:
    """The month's sum is right, and about nobody."""
    meter = spending(store)
    for about in ("acme", "bolt", ""):
        meter.settle(reserve(meter, about=about), TOOK, "answered")
    forget(store, "acme", who="Dana", now=NOW)
    assert sorted(str(line.about) for line in calls(store)) == ["None", "None", "bolt"]
    assert meter.month().cost_micro == 990


RACING = """
import sys
from datetime import datetime
from agent.approval.spending import Spending
from agent.foundation.llm.port import NoAnswer
from agent.foundation.store import open_store
from tests.approval.test_spending import limits, reserve
store = open_store(sys.argv[1])
meter = Spending(store, limits(tokens=10**9, cost_micro=25_000), lambda: datetime(2026, 3, 2, 9))
print("ready", flush=True)
sys.stdin.readline()
won = 0
try:
    while True:
        reserve(meter)
        won += 1
except NoAnswer:
    print(won, flush=True)
store.close()
"""


@pytest.mark.slow
def test_four_processes_together_spend_no_more_than_the_month_allows(store: Store, state_url: str) -> None:
    """Twenty-five calls fit, whoever makes them."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACING, state_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("\n")
        racer.stdin.flush()
    won = [int(racer.communicate(timeout=120)[0]) for racer in racers]
    assert sum(won) == 25
    spent = month(store, limits(), NOW)
    assert (spent.calls, spent.cost_micro) == (25, 25_000)


DYING = """
import sys
from datetime import datetime
from agent.approval.spending import Spending
from agent.foundation.store import open_store
from tests.approval.test_spending import limits
from tests.foundation.asking import a_model, ask
meter = Spending(open_store(sys.argv[1]), limits(tokens=10**6, cost_micro=10**6), lambda: datetime(2026, 3, 2, 9))
with a_model(sys.argv[2], meter) as model:
    ask(model, about="acme")
"""


@pytest.mark.slow
def test_a_killed_process_leaves_what_it_set_aside(store: Store, state_url: str) -> None:
    """The provider may have answered, and will bill."""
    with serving(Reply(completion("{}").body, wait=60)) as server:
        dying = subprocess.Popen([sys.executable, "-c", DYING, state_url, server.url], cwd=ROOT)
        assert wait_for(lambda: server.requests or dying.poll() is not None, 90)
        dying.kill()
        assert dying.wait(10) == -9
    (line,) = calls(store)
    assert (line.reserved, line.outcome, line.about) == (True, None, "acme")
    assert line.tokens_out == 4000
    assert month(store, limits(), NOW).cost_micro == line.cost_micro > 8000


@pytest.mark.slow
def test_the_model_and_the_books_agree(store: Store) -> None:
    """What an answer says it took is what the month counts, also for answers that cannot be used."""
    from tests.foundation.asking import GOOD, a_model, ask, refused

    meter = spending(store, tokens=10**6, cost_micro=10**6)
    with serving(GOOD, completion("{}"), Reply("no")) as server, a_model(server, meter) as model:
        took = ask(model).usage + refused(model).usage + refused(model).usage
    spent: Any = meter.month()
    assert isinstance(spent, MonthSpent)
    assert (spent.calls, spent.cost_micro) == (took.calls, took.cost_micro)
    assert spent.tokens == took.tokens_in + took.tokens_out
    assert sorted(str(line.outcome) for line in calls(store)) == ["answered", "malformed", "malformed"]


def test_a_call_under_way_at_midnight_belongs_to_the_month_it_began_in(store: Store) -> None:
    """However it ends."""
    moment = [datetime(2026, 3, 31, 23, 59)]
    meter = Spending(store, limits(), lambda: moment[0])
    call_id = reserve(meter)
    moment[0] += timedelta(minutes=5)
    meter.settle(call_id, TOOK, "answered")
    assert meter.month().calls == 0
    assert month(store, limits(), datetime(2026, 3, 5)).cost_micro == 330


def test_opening_again_finds_the_books(store: Store, state_url: str) -> None:
    """They are state like any other."""
    reserve(spending(store))
    with open_store(state_url) as again:
        assert month(again, limits(), NOW).calls == 1
