"""Worlds in which it is known what causes expansions: columns of a replay and a history, made with a seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from agent.foundation.settings import Scoring
from agent.learning.backtest.bars import triggers as alerts_by_trigger
from agent.learning.backtest.dates import Span, grid
from agent.learning.backtest.draws import draw
from agent.learning.backtest.field import Field, lay_out
from agent.learning.backtest.known import History, Spell
from agent.learning.backtest.measures import ground, measure
from agent.learning.backtest.result import Signal, SignalKind
from agent.learning.backtest.truth import Expansion, ExpansionKind
from agent.scoring.plays import PLAYS
from agent.scoring.replay import HOLDS, NONE, Replay

FIRST, LAST = date(2025, 1, 6), date(2026, 1, 26)
HISTORY_LAST = date(2026, 2, 28)
WORTH = {"usage_pressure": 5, "growth": 3, "interest": 4, "mood": 2}
TRIGGERS = ("strong", "weak", "idle", "moody")
"`strong` and `weak` cause expansions, `idle` and `moody` only fire."
GROUPS = tuple(WORTH)


@dataclass(frozen=True)
class Planted:
    """A replay, its dates, and what happened."""

    replay: Replay
    history: History
    span: Span
    bar: Scoring

    @property
    def field(self) -> Field:
        """The ground of this world."""
        return lay_out(
            self.span.days, self.span.every, self.replay.account_ids, self.replay.first_day, self.history
        )

    def signal(self, trigger: str, seed: int = 1) -> Signal:
        """A trigger's figures, without the permutation check."""
        field = self.field
        land = ground(field, draw(field.accounts, seed, draws=500))
        return measure(
            land, alerts_by_trigger(self.replay)[trigger], trigger, SignalKind.TRIGGER, weeks=self.span.weeks
        )


def planted(
    seed: int, accounts: int = 300, *, strong: float = 0.35, weak: float = 0.15, anyway: float = 0.006
) -> Planted:
    """A year of weeks. An episode of `strong` is followed by an expansion within 60 days with that probability.

    `anyway` is the chance of an expansion in any week without a cause. Accounts differ in how often they fire, so
    that their alerts come in clusters.
    """
    rng = np.random.default_rng(seed)
    days = grid(FIRST, LAST, 7)
    ids = tuple(f"a{number:05d}" for number in range(accounts))
    first = np.where(rng.random(accounts) < 0.6, 0, rng.integers(0, 30, accounts)).astype(np.int32)
    exists = np.arange(len(days))[:, None] >= first[None, :]
    fired = np.stack([_episodes(rng, len(days), accounts) & exists for _ in TRIGGERS])
    events: set[tuple[int, date]] = set()
    for number, chance in ((0, strong), (1, weak)):
        begins = fired[number] & ~np.vstack([np.zeros((1, accounts), bool), fired[number][:-1]])
        for day, account in np.argwhere(begins & (rng.random(begins.shape) < chance)):
            events.add((int(account), days[day] + timedelta(days=int(rng.integers(1, 61)))))
    for day, account in np.argwhere(exists & (rng.random(exists.shape) < anyway)):
        events.add((int(account), days[day] + timedelta(days=int(rng.integers(0, 7)))))
    history = History(
        expansions=tuple(
            Expansion(ids[account], on, ExpansionKind.PLAN_UPGRADE)
            for account, on in sorted(events)
            if on <= HISTORY_LAST
        ),
        spells=tuple(Spell(name, days[first[n]], date.max) for n, name in enumerate(ids)),
        tests=frozenset(),
        first=FIRST,
        last=HISTORY_LAST,
        first_days={},
        empty=frozenset(),
    )
    return Planted(
        a_replay(days, ids, first, fired), history, Span(days, 7), Scoring(ready_points=8, ready_groups=2)
    )


def _episodes(rng, days, accounts):
    """Runs of weeks: some accounts fire often, some never."""
    often = rng.gamma(0.6, 0.05, accounts)
    on = np.zeros((days, accounts), dtype=bool)
    state = np.zeros(accounts, dtype=bool)
    for day in range(days):
        state = np.where(state, rng.random(accounts) < 0.6, rng.random(accounts) < often)
        on[day] = state
    return on


def a_replay(days, ids, first, fired, held=None) -> Replay:
    """A replay of what fired, by trigger, date and account; the capacity play is matched throughout."""
    place = fired.any(axis=0)
    day, account = np.nonzero(place)
    bits = sum(fired[n][place].astype(np.uint64) << np.uint64(n) for n in range(len(fired)))
    worth = np.array([WORTH[group] for group in GROUPS[: len(fired)]])
    number = len(day)
    capacity = np.full(number, PLAYS.index("capacity"), dtype=np.int32)
    return Replay(
        days=tuple(days),
        triggers=TRIGGERS[: len(fired)],
        groups=GROUPS[: len(fired)],
        worth=dict(WORTH),
        account_ids=tuple(ids),
        first_day=np.asarray(first, dtype=np.int32),
        day=day.astype(np.int32),
        account=account.astype(np.int32),
        fired=bits,
        points=(fired[:, place] * worth[:, None]).sum(axis=0).astype(np.int32),
        group_count=fired[:, place].sum(axis=0).astype(np.int32),
        composite=np.full(number, np.nan),
        matched=capacity,
        play=capacity,
        offer=np.full(number, NONE, dtype=np.int32),
        adds=np.zeros(number, dtype=np.int64),
        held=np.zeros(number, dtype=np.uint64) if held is None else held[place],
    )


def bit(hold: str) -> np.uint64:
    """The bit of a hold in `Replay.held`."""
    return np.uint64(1 << HOLDS.index(hold))
