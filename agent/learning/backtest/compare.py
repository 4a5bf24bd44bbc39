"""What other settings would do: on the live day account by account, and over the past."""

from __future__ import annotations

from agent.learning.backtest.result import Backtest, Change, Horizon, WhatIf
from agent.learning.backtest.verdict import factor, percent
from agent.scoring.assessment import Assessment, Status
from agent.scoring.scan import Scan

HORIZON = 60
"The horizon that the comparison in words is about."


def compare(said: tuple[str, ...], before: Scan, after: Scan, past: Backtest, past_after: Backtest) -> WhatIf:
    """The two scans and the two backtests side by side."""
    was = {one.account_id: one for one in before.accounts}
    changes = [
        _change(was[one.account_id], one) for one in after.accounts if _differs(was[one.account_id], one)
    ]
    ready = Status.READY.value
    gained = [one for one in changes if one.status_after == ready != one.status_before]
    lost = [one for one in changes if one.status_before == ready != one.status_after]
    rest = [one for one in changes if one not in gained and one not in lost]
    return WhatIf(
        settings=said,
        as_of=after.as_of,
        ready_before=_ready(before),
        ready_after=_ready(after),
        becomes_ready=tuple(gained),
        stops_being_ready=tuple(lost),
        changes_otherwise=tuple(rest),
        verdict=_verdict(len(gained), len(lost), len(rest), past, past_after),
        before=past,
        after=past_after,
    )


def _ready(scan: Scan) -> int:
    return sum(one.status is Status.READY for one in scan.accounts)


def _facets(one: Assessment) -> tuple[object, ...]:
    return (
        one.status,
        one.points,
        {finding.trigger for finding in one.findings},
        one.play,
        one.offer,
        one.composite,
        {hold.hold for hold in one.holds},
    )


def _differs(before: Assessment, after: Assessment) -> bool:
    return _facets(before) != _facets(after)


def _change(before: Assessment, after: Assessment) -> Change:
    return Change(
        account_id=after.account_id,
        name=after.name,
        status_before=before.status.value,
        status_after=after.status.value,
        points_before=before.points,
        points_after=after.points,
        says="; ".join(_differences(before, after)),
    )


def _differences(before: Assessment, after: Assessment) -> list[str]:
    had, has = ({finding.trigger for finding in one.findings} for one in (before, after))
    held, holds = ({hold.hold for hold in one.holds} for one in (before, after))
    said = []
    for word, names in (
        ("gains", sorted(has - had)),
        ("loses", sorted(had - has)),
        ("newly held by", sorted(holds - held)),
        ("no longer held by", sorted(held - holds)),
    ):
        if names:
            said.append(f"{word} {', '.join(names)}")
    if before.play != after.play:
        said.append(f"play {before.play or 'none'} becomes {after.play or 'none'}")
    elif before.offer != after.offer:
        named = [one.offer.name if one.offer else "none" for one in (before, after)]
        said.append(
            f"offer {named[0]} becomes {named[1]}" if named[0] != named[1] else "the offer's terms change"
        )
    if before.points != after.points:
        said.append(f"{before.points} points become {after.points}")
    if not said and before.status is not after.status:
        said.append("the bar moved")
    if not said:
        said.append("the composite changes")
    return said


def _verdict(gained: int, lost: int, rest: int, before: Backtest, after: Backtest) -> str:
    now = (
        f"On the live day {gained} account{'s' * (gained != 1)} would become ready, {lost} would stop being ready, "
        f"and {rest} would change otherwise."
    )
    one, other = before.bar.at(HORIZON), after.bar.at(HORIZON)
    if before.bar == after.bar:
        return f"{now} Over {before.first} to {before.last} the bar would have spoken exactly as it did."
    past = (
        f"Over {before.first} to {before.last} the bar would have sent {_rate(after)} prompts a week instead of "
        f"{_rate(before)}. {_share(other)}; as it is, {_share(one, inside=True)}."
    )
    return f"{now} {past} {_apart(one, other)}"


def _rate(past: Backtest) -> str:
    return f"{past.bar.per_week:.2f}"


def _share(one: Horizon, *, inside: bool = False) -> str:
    """What followed the prompts, as the end of a sentence or as a sentence's beginning."""
    if not one.judged:
        said = "no prompt could be judged"
    else:
        said = (
            f"an expansion followed {percent(one.precision)} of {one.judged} within {HORIZON} days, "
            f"a lift of {factor(one.lift)}"
        )
    return said if inside else f"{said[:1].upper()}{said[1:]}"


def _apart(one: Horizon, other: Horizon) -> str:
    if one.is_few or other.is_few:
        return "These are few cases: the difference may well be chance."
    first, second = one.precision_range, other.precision_range
    if first is None or second is None or None in (first.low, first.high, second.low, second.high):
        return "The two cannot be told apart."
    overlap = (first.low or 0) <= (second.high or 0) and (second.low or 0) <= (first.high or 0)
    return "The intervals overlap." if overlap else "The intervals do not overlap."
