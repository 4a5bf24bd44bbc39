"""Worlds with known causes are recovered, and worlds without causes give nothing."""

from __future__ import annotations

import numpy as np
import pytest

from agent.learning.backtest.bars import triggers as alerts_by_trigger
from agent.learning.backtest.chance import shuffle
from agent.learning.backtest.run import backtest
from tests.learning.planted import TRIGGERS, a_replay, bit, planted

CAUSES, OTHERS = ("strong", "weak"), ("idle", "moody")
SEEDS = 24


@pytest.fixture(scope="module")
def effects():
    """The lift of each trigger, from a world so large that chance hardly shows."""
    world = planted(99, 20_000)
    return {name: world.signal(name).at(60).lift for name in TRIGGERS}


@pytest.fixture(scope="module")
def worlds():
    """The triggers' figures in many small worlds of the same making."""
    made = [planted(1_000 + seed, 250) for seed in range(SEEDS)]
    return [{name: world.signal(name).at(60) for name in TRIGGERS} for world in made]


def test_triggers_that_cause_rank_above_those_that_do_not(worlds):
    """In every one of the worlds, and the stronger cause first in nearly all."""
    for found in worlds:
        assert min(found[name].lift for name in CAUSES) > max(found[name].lift for name in OTHERS)
    assert sum(found["strong"].lift > found["weak"].lift for found in worlds) >= SEEDS - 2


@pytest.mark.parametrize("name", TRIGGERS)
def test_the_interval_covers_the_planted_effect(worlds, effects, name):
    """95% intervals: of 24, at most four may miss (chance has more of them miss one time in a hundred)."""
    ranges = [found[name].lift_range for found in worlds]
    assert sum(one.low <= effects[name] <= one.high for one in ranges) >= SEEDS - 4


def test_the_report_says_what_was_planted():
    """Both causes by name, neither of the others, and the bar that rests on them."""
    world = planted(3, 300)
    found = backtest(world.replay, world.history, world.span, world.bar, {}, permutations=499)
    assert [one.name for one in found.triggers][:2] == ["strong", "weak"]
    assert {one.name for one in found.triggers if one.is_beyond_chance} == set(CAUSES)
    assert found.bar.is_beyond_chance
    assert found.verdict.startswith("The bar finds more than chance would.")
    assert "No lift" not in found.verdict
    # The curve is the same measure at other bars: its point at the bar in use is the bar.
    [current] = [point for point in found.curve if point.is_current]
    assert current.signal.horizons[1].hits == found.bar.horizons[1].hits
    assert [point.points for point in found.curve] == list(range(5, 13))


def test_noise_alone_is_called_no_lift():
    """The verdict says so plainly, at its start."""
    world = planted(8, 300, strong=0, weak=0, anyway=0.02)
    found = backtest(world.replay, world.history, world.span, world.bar, {}, permutations=499)
    assert found.verdict.startswith("No lift beyond chance was found.")
    assert not any(one.is_beyond_chance for one in (found.bar, *found.plays, *found.triggers))


def test_the_same_seed_gives_the_same_answer():
    """A report can be made again."""
    world = planted(5, 80)
    first, second = (
        backtest(world.replay, world.history, world.span, world.bar, {}, permutations=99) for _ in range(2)
    )
    assert first == second


def test_shuffling_rarely_finds_something_in_noise():
    """Of 60 worlds without causes, p is at most 0.05 in about three: nine or more would be one time in three hundred."""
    found = []
    for seed in range(60):
        world = planted(7_000 + seed, 100, strong=0, weak=0, anyway=0.012)
        found.append(shuffle(world.field, [alerts_by_trigger(world.replay)["strong"]], seed, 199).p[0, 1])
    assert sum(p <= 0.05 for p in found) <= 8
    # Nor does it err on the other side: p-values of noise are spread evenly.
    assert 0.35 < np.mean(found) < 0.65


def test_shuffling_finds_a_strong_cause():
    """In each of ten worlds."""
    for seed in range(10):
        world = planted(100 + seed, 120)
        assert shuffle(world.field, [alerts_by_trigger(world.replay)["strong"]], seed, 199).p[0, 1] <= 0.01


def test_undated_holds_silence_and_their_size_is_shown():
    """With half of the account-days held by leaving, the bar without these holds is the bar of the free world."""
    world = planted(4, 200)
    free = backtest(world.replay, world.history, world.span, world.bar, {}, permutations=49)
    held = np.where(world.replay.account % 2 == 0, bit("leaving"), np.uint64(0))
    replay = replace_held(world.replay, held)
    found = backtest(replay, world.history, world.span, world.bar, {}, permutations=49)
    assert found.undated.account_days["leaving"] == int((held > 0).sum()) > 0
    assert found.bar.alerts < free.bar.alerts
    assert found.undated.capped.horizons == tuple(
        one.model_copy(update={"p_value": None, "p_adjusted": None}) for one in free.bar.horizons
    )
    assert "leaving covers" in " ".join(found.findings)


@pytest.mark.parametrize(
    ("holds", "silent"),
    [
        pytest.param(["no_contact"] * 2, False, id="nobody has an address"),
        pytest.param(["no_contact", "unhealthy"], True, id="some have one"),
        pytest.param(
            ["prompted_recently"] * 2, False, id="prompts of the past give way to the simulated ones"
        ),
        pytest.param(["too_new"] * 2, True, id="any other hold holds"),
    ],
)
def test_holds_that_say_nothing_about_the_account_are_set_aside(holds, silent):
    """The hold no_contact is set aside where it would silence everybody, and the notes say so."""
    world = planted(4, 60)
    held = np.where(world.replay.account % 2 == 0, bit(holds[0]), bit(holds[1]))
    replay = replace_held(world.replay, held)
    found = backtest(replay, world.history, world.span, world.bar, {}, permutations=9)
    assert (found.bar.alerts == 0) is silent
    assert ("Nobody here has an address" in " ".join(found.notes)) is (holds == ["no_contact"] * 2)


def test_without_expansions_there_is_a_result_that_says_so():
    """Alerts are counted; nothing is claimed."""
    world = planted(4, 60, strong=0, weak=0, anyway=0)
    found = backtest(world.replay, world.history, world.span, world.bar, {}, permutations=9)
    assert found.verdict.startswith("No expansion is known")
    assert found.bar.alerts > 0
    assert found.bar.at(30).lift is None


def test_without_alerts_there_is_a_result_that_says_so():
    """Nothing fired on any date."""
    world = planted(4, 60)
    empty = np.zeros((len(TRIGGERS), len(world.span.days), 60), dtype=bool)
    replay = a_replay(world.span.days, world.replay.account_ids, world.replay.first_day, empty)
    found = backtest(replay, world.history, world.span, world.bar, {}, permutations=9)
    assert "never reached" in found.verdict
    assert "No trigger fired" in found.verdict


def replace_held(replay, held):
    """The replay with other holds."""
    from dataclasses import replace

    return replace(replay, held=held.astype(np.uint64))
