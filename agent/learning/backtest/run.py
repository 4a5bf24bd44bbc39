"""A backtest from beginning to end: a replay and a history in, one document out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats

from agent.foundation.settings import Scoring
from agent.learning.backtest import bars, verdict
from agent.learning.backtest.chance import PERMUTATIONS, Shuffled, shuffle
from agent.learning.backtest.dates import Span
from agent.learning.backtest.draws import draw
from agent.learning.backtest.field import HORIZONS, Alerts, Array, Field, lay_out
from agent.learning.backtest.known import History
from agent.learning.backtest.measures import Ground, ground, measure
from agent.learning.backtest.result import (
    Backtest,
    BarPoint,
    Chance,
    HeldBy,
    Signal,
    SignalKind,
    Undated,
    Windows,
)
from agent.scoring.replay import Replay

SEED = 20_260_101


def backtest(
    replay: Replay,
    history: History,
    span: Span,
    bar: Scoring,
    windows: Mapping[str, Windows],
    *,
    seed: int = SEED,
    permutations: int = PERMUTATIONS,
    progress: Callable[[str], None] = lambda _: None,
) -> Backtest:
    """How the bar, the plays and the triggers of a replay did by what is known to have happened."""
    field = lay_out(span.days, span.every, replay.account_ids, replay.first_day, history)
    land = ground(field, draw(field.accounts, seed))
    set_aside = (
        *bars.REPLACED,
        *(("no_contact",) if bars.nobody_reachable(replay, bar.ready_points) else ()),
    )
    progress("counting what followed")

    def at(points: int, more: tuple[str, ...] = ()) -> Alerts:
        return bars.alerts_of(replay, bars.ready(replay, points, bar.ready_groups, (*set_aside, *more)))

    def signal(name: str, alerts: Alerts, *, cap: bool) -> Signal:
        kept = bars.capped(alerts, field.days) if cap else alerts
        return measure(land, kept, name, SignalKind.BAR, weeks=span.weeks, is_capped=cap)

    now, bare = at(bar.ready_points), at(bar.ready_points, bars.UNDATED)
    firing = bars.triggers(replay)
    matching = bars.plays(replay)
    progress(f"shuffling histories {permutations:,} times")
    tried = [bars.capped(now, field.days), now, *matching.values(), *firing.values()]
    shuffled = shuffle(field, tried, seed, permutations)
    signals = _with_chance(
        [
            signal("ready", now, cap=True),
            signal("ready, no cap", now, cap=False),
            *[measure(land, a, name, SignalKind.PLAY, weeks=span.weeks) for name, a in matching.items()],
            *_triggers(land, replay, firing, windows, span.weeks),
        ],
        shuffled,
    )
    plays, triggers = signals[2 : 2 + len(matching)], signals[2 + len(matching) :]
    inside = _inside(field)
    by_kind = {kind: number for kind, number in _kinds(history, span, replay).items() if number}
    found = Backtest(
        verdict="",
        findings=(),
        notes=(),
        first=span.days[0],
        last=span.days[-1],
        every=span.every,
        dates=len(span.days),
        weeks=span.weeks,
        history_first=history.first,
        history_last=history.last,
        accounts=field.accounts,
        account_days=int(field.eligible.sum()),
        expansions=inside,
        expansions_by_kind=by_kind,
        ready_points=bar.ready_points,
        ready_groups=bar.ready_groups,
        highest_points=int(replay.points.max()) if len(replay.points) else 0,
        set_aside=set_aside,
        bar=signals[0],
        uncapped=signals[1],
        undated=Undated(
            holds=bars.UNDATED,
            account_days={hold: int(replay.held_by(hold).sum()) for hold in bars.UNDATED},
            capped=signal("without undated holds", bare, cap=True),
            uncapped=signal("without them, no cap", bare, cap=False),
        ),
        held=tuple(
            HeldBy(hold=hold, account_days=number)
            for hold, number in bars.held_by(replay, bar.ready_points, bar.ready_groups).items()
        ),
        plays=tuple(sorted(plays, key=_rank)),
        triggers=tuple(sorted(triggers, key=_rank)),
        curve=tuple(
            BarPoint(
                points=points,
                is_current=points == bar.ready_points,
                signal=signal(f"ready at {points} points", at(points), cap=True),
            )
            for points in sorted({*bars.CURVE, bar.ready_points})
        ),
        chance=Chance(
            permutations=shuffled.permutations,
            accounts=shuffled.accounts,
            blocks=shuffled.blocks,
            seed=seed,
            says=verdict.HOW_SHUFFLED,
        ),
    )
    return found.model_copy(
        update={
            "verdict": verdict.verdict(found),
            "findings": verdict.findings(found),
            "notes": verdict.notes(found, (*span.notes, *history.notes)),
        }
    )


def _triggers(
    land: Ground, replay: Replay, firing: Mapping[str, Alerts], windows: Mapping[str, Windows], weeks: float
) -> list[Signal]:
    return [
        measure(
            land, firing[name], name, SignalKind.TRIGGER, weeks=weeks, group=group, windows=windows.get(name)
        )
        for name, group in zip(replay.triggers, replay.groups, strict=True)
    ]


def _inside(field: Field) -> int:
    """Expansions that an alert of these dates could have foretold."""
    after = field.expansion_day > field.days[0]
    return int((after & (field.expansion_day <= field.days[-1] + max(HORIZONS))).sum())


def _kinds(history: History, span: Span, replay: Replay) -> dict[str, int]:
    first, last = span.days[0], span.days[-1].toordinal() + max(HORIZONS)
    known = set(replay.account_ids) - history.tests
    counts: dict[str, int] = {}
    for one in history.expansions:
        if one.account_id in known and one.on > first and one.on.toordinal() <= last:
            counts[one.kind.value] = counts.get(one.kind.value, 0) + 1
    return dict(sorted(counts.items()))


def _with_chance(signals: list[Signal], shuffled: Shuffled) -> list[Signal]:
    """The signals with their p-values, those of plays and triggers corrected for how many were tried.

    The bar is one question, asked before the data were seen: only its horizons are corrected for.
    """
    adjusted = np.full(shuffled.p.shape, np.nan)
    for rows in (slice(0, 1), slice(1, 2), slice(2, None)):
        part = shuffled.p[rows]
        known = ~np.isnan(part)
        if known.any():
            corrected = np.full(part.shape, np.nan)
            corrected[known] = stats.false_discovery_control(part[known], method="bh")
            adjusted[rows] = corrected
    return [
        _judged(signal, plain, corrected)
        for signal, plain, corrected in zip(signals, shuffled.p, adjusted, strict=True)
    ]


def _judged(signal: Signal, plain: Array, corrected: Array) -> Signal:
    horizons = tuple(
        one.model_copy(update={"p_value": _known(p), "p_adjusted": _known(q)})
        for one, p, q in zip(signal.horizons, plain, corrected, strict=True)
    )
    beyond = any(one.is_beyond_chance for one in horizons)
    return signal.model_copy(update={"horizons": horizons, "is_beyond_chance": beyond})


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _rank(signal: Signal) -> tuple[float, str]:
    """Best lift within the middle horizon first; what never fired last."""
    lift = signal.at(HORIZONS[1]).lift
    return (-lift if lift is not None else 1.0, signal.name)
