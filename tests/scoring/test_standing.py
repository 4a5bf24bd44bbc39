"""Nothing new since the last time: a replay's standing is kept, and what may have changed is looked at anew."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import numpy as np
import pytest

from agent.facts.door import add_facts
from agent.facts.tables import Event, Measure
from agent.foundation.kept import Kept
from agent.foundation.warehouse import open_warehouse
from agent.scoring.holds import ContactFacts
from agent.scoring.replay import LOWEST_BAR
from agent.scoring.setwise import replay
from agent.scoring.standing import Standing, key_of
from agent.signals.library import library_of
from tests.signals.random_worlds import random_world
from tests.worlds import MEMO, MOMENT, READ_AT, SETTINGS, D, ago, settings

DAYS = [ago(7), D]
FOLDER = object()


@pytest.fixture
def warehouse():
    """The facts of a random world."""
    with open_warehouse(None, write=True, memo=MEMO) as opened:
        add_facts(opened, random_world(33, 40).facts, source="files", read_at=READ_AT)
        yield opened


@pytest.fixture
def look(warehouse, tmp_path):
    """A replay with what is kept, and the steps that it told of."""

    def look(given=None, contacts=None, moment=MOMENT, days=DAYS, kept=FOLDER):
        told = []
        kept = Kept(tmp_path / "standings") if kept is FOLDER else kept
        found = replay(
            warehouse, given or settings(), days, lambda _: (moment, contacts or {}), told.append, kept
        )
        return found, bool(told)

    return look


def same(one, other):
    """Whether two replays are equal in every field."""
    pairs = ((getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") if isinstance(a, np.ndarray) else a == b
        for a, b in pairs
    )


@pytest.mark.slow
def test_the_second_time_is_the_first_and_evaluates_nothing(look):
    """Equal in every field, and equal to a replay that keeps nothing; the bar is asked of it afterwards."""
    first, evaluated = look()
    assert evaluated
    assert len(first.day) > 20
    assert (first.points >= LOWEST_BAR).sum() > 5
    second, evaluated = look()
    assert not evaluated
    assert same(first, second)
    fresh, evaluated = look(kept=None)
    assert evaluated
    assert same(first, fresh)
    bar = look(settings(scoring={"ready_points": 6}, connectors={"files": {"stale_after_hours": 500}}))
    assert not bar[1]


@pytest.mark.slow
def test_what_the_state_says_is_looked_at_every_time(look):
    """A prompt, an opt-out, a control group and an old source show at once, without evaluating anything."""
    plain, _ = look()
    near = np.flatnonzero((plain.points >= LOWEST_BAR) & (plain.day == 1))
    one, two = (plain.account_ids[plain.account[entry]] for entry in near[:2])
    cases = [
        (
            {
                "contacts": {
                    one: ContactFacts(opted_out="asked us to stop"),
                    two: ContactFacts(in_conversation="talks"),
                }
            }
        ),
        ({"contacts": {one: ContactFacts(prompted_at=MOMENT - timedelta(days=3))}}),
        ({"given": settings(scoring={"holdout_share": 0.5})}),
        ({"moment": datetime(2026, 4, 1)}),
    ]
    seen = []
    for case in cases:
        found, evaluated = look(**case)
        assert not evaluated
        fresh, _ = look(**case, kept=None)
        assert same(found, fresh)
        assert not same(found, plain)
        seen.append(found)
    assert seen[0].held_by("opted_out")[near[0]]
    assert seen[0].held_by("in_conversation")[near[1]]
    assert seen[0].held_by("opted_out").sum() <= 2
    assert seen[1].held_by("prompted_recently")[near[0]]
    assert 0 < seen[2].held_by("holdout")[near].sum() < len(near)
    assert seen[3].held_by("stale_source")[near].all()
    assert same(look()[0], plain)


CHANGED = {
    "a trigger's parameter": {"triggers": {"plan_limit_pressure": {"at_least": 0.7}}},
    "what a group is worth": {"groups": {"usage_pressure": 1}},
    "an offer": {"offers": SETTINGS["offers"][1:]},
    "a product": {"products": {"crm": {"name": "CRM"}}},
    "what means faster": {"scoring": {"faster_service": ["sso"]}},
}


@pytest.mark.parametrize("changes", CHANGED.values(), ids=list(CHANGED))
def test_other_settings_are_other_standings(warehouse, changes):
    """Whatever the rules read is in the key."""
    keys = {key_of(warehouse, library_of(given), given, DAYS) for given in (settings(), settings(**changes))}
    assert len(keys) == 2
    assert None not in keys


@pytest.mark.slow
def test_other_days_and_other_facts_are_other_standings(warehouse, look):
    """A day more, a row more: evaluated; the same rows read again: not."""
    first, _ = look()
    assert look(days=[D])[1]
    again = [Measure(account_id="x", day=D, metric="storage", value=1.0)]
    add_facts(warehouse, again, source="files", read_at=READ_AT)
    found, evaluated = look()
    assert evaluated
    add_facts(warehouse, again, source="files", read_at=READ_AT)
    assert not look()[1]
    hits = [
        Event(event_id=f"{account}{n}", account_id=account, at=datetime(2026, 1, 20 + n), kind="limit_hit")
        for account in first.account_ids[:20]
        for n in range(9)
    ]
    add_facts(warehouse, hits, source="files", read_at=READ_AT)
    changed, evaluated = look()
    assert evaluated
    assert not same(changed, found)


def broken(path):
    """Ways in which a kept file is not what was written."""
    data = path.read_bytes()
    yield "cut short", data[: len(data) // 2]
    middle = len(data) // 2
    yield "a byte changed", data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    yield "empty", b""
    yield "something else", b"PK\x03\x04 nothing"


@pytest.mark.slow
def test_a_file_that_is_not_what_was_written_is_ignored(warehouse, look, tmp_path):
    """Cut, changed, foreign or of another key: evaluated again, and the answer is right."""
    first, _ = look(days=[D])
    [path] = (tmp_path / "standings").iterdir()
    good = path.read_bytes()
    for name, data in broken(path):
        path.write_bytes(data)
        found, evaluated = look(days=[D])
        assert evaluated, name
        assert same(found, first)
        assert path.read_bytes() == good
    key = key_of(warehouse, library_of(settings()), settings(), [ago(7)])
    path.with_name(f"{key}.npz").write_bytes(good)
    other, evaluated = look(days=[ago(7)])
    assert evaluated
    assert other.days == (ago(7),)


@pytest.mark.slow
def test_arrays_that_cannot_be_a_standing_are_ignored(warehouse, look, tmp_path):
    """Sealed, and yet not ours: a column that points beyond what there is."""
    first, _ = look(days=[D])
    kept = Kept(tmp_path / "standings")
    library = library_of(settings())
    key = key_of(warehouse, library, settings(), [D])
    arrays = kept.get(key)
    wrong = {
        "account": arrays["account"] + np.int32(10**6),
        "day": arrays["day"] + np.int32(1),
        "points": arrays["points"][:-1],
        "fired": arrays["fired"].astype("float64"),
        "id_lengths": arrays["id_lengths"] + 1,
        "play": arrays["play"] - np.int32(9),
    }
    assert Standing.of_arrays(arrays, library, [D]).replay.account_ids == first.account_ids
    for name, array in wrong.items():
        with pytest.raises(ValueError, match="not"):
            Standing.of_arrays({**arrays, name: array}, library, [D])
    for foreign in ({**arrays, "account": wrong["account"]}, {"other": np.arange(3)}):
        kept.put(key, foreign)
        found, evaluated = look(days=[D])
        assert evaluated
        assert same(found, first)
