"""A backtest in words: what was found, plainly, and what a reader has to know."""

from __future__ import annotations

from agent.learning.backtest.result import Backtest, Horizon, Signal

FEW_EXPANSIONS = 10
MIDDLE = 60
"The horizon spoken of where none stands out, in days."
HOW_SHUFFLED = (
    "Each account is given the whole expansion history of another of similar tenure, again and again; "
    "the p-value is how often such a shuffled past gives at least the precision found."
)


def verdict(found: Backtest) -> str:
    """The answer in a few sentences."""
    if not found.account_days:
        return "No account was paying on any of these dates, so there is nothing to look at."
    if not found.expansions:
        return (
            f"No expansion is known in these dates or the 90 days after them, so nothing can be said about the bar: "
            f"{_times(found.bar.alerts, 'prompt')} would have gone out."
        )
    is_judged = any(one.judged for one in found.bar.horizons)
    beyond = found.bar.is_beyond_chance or any(one.is_beyond_chance for one in found.triggers)
    tried = found.bar.alerts or any(one.alerts for one in found.triggers)
    about_bar = _about_bar(found, is_first=bool(beyond)) if is_judged else _about_silence(found)
    first = "" if beyond or not tried else "No lift beyond chance was found. "
    return f"{first}{about_bar} {_about_triggers(found)}"


def _about_silence(found: Backtest) -> str:
    bar = found.bar
    if bar.alerts:
        return (
            f"The bar of {found.ready_points} points spoke {_times(bar.alerts, 'time')}, but for none of these "
            "have 30 days passed in known history, so its lift cannot be told."
        )
    if found.highest_points < found.ready_points:
        return (
            f"The bar of {found.ready_points} points was never reached (the most any account had was "
            f"{found.highest_points}), so it shows no lift."
        )
    because = "holds kept them silent" if found.held else "there was no second group or no play"
    return (
        f"Nobody was ever ready at the bar of {found.ready_points} points: where the points were enough, {because}. "
        "So it shows no lift."
    )


def _about_bar(found: Backtest, *, is_first: bool) -> str:
    one = _telling(found.bar)
    said = (
        f"Within {one.days} days an expansion followed {one.hits} of {one.judged} prompts of the bar "
        f"({percent(one.precision)}), against {percent(one.base_rate)} of all paying account-days: "
        f"a lift of {lift_words(one)}."
    )
    if found.bar.is_beyond_chance:
        said = f"The bar finds more than chance would. {said}"
    elif is_first:
        said = f"The bar shows no lift beyond chance. {said}"
    if one.p_value is not None:
        said += f" Shuffled histories do as well {_p(one)}."
    return f"{said} These are few cases; read the interval, not the figure." if one.is_few else said


def _about_triggers(found: Backtest) -> str:
    fired = [one for one in found.triggers if any(h.judged for h in one.horizons)]
    if not fired:
        return "No trigger fired on a day that can be judged."
    beyond = [one for one in fired if one.is_beyond_chance]
    if not beyond:
        return (
            f"No trigger shows lift beyond chance: none of the {len(fired)} that fired is followed by expansions "
            "more often than in shuffled histories, once it is counted how many were tried."
            if len(fired) > 1
            else f"No trigger shows lift beyond chance: only {fired[0].name} fired, and expansions follow it no more "
            "often than in shuffled histories."
        )
    names = "; ".join(
        f"{one.name}, a lift of {lift_words(_telling(one))} within {_telling(one).days} days"
        for one in beyond
    )
    return f"Of the {len(fired)} triggers that fired, {len(beyond)} show lift beyond chance: {names}."


def findings(found: Backtest) -> tuple[str, ...]:
    """Sentences on lead time, the cap, other bars and what holds silence."""
    said = []
    lead = found.bar.lead
    if lead.median is not None:
        said.append(
            f"Between the first prompt and the expansion lie {lead.median:.0f} days in the middle "
            f"(half of the cases: {lead.lower_quartile:.0f} to {lead.upper_quartile:.0f}; "
            f"{_times(lead.episodes, 'case')})."
        )
    if not found.bar.alerts:
        lower = [one for one in found.curve if one.signal.alerts]
        if lower:
            most = lower[-1]
            said.append(
                f"The highest bar that spoke is one of {most.points} points, {_times(most.signal.alerts, 'time')}; "
                f"within 60 days an expansion followed {most.signal.at(60).hits} of {most.signal.at(60).judged}."
            )
    if found.bar.alerts:
        said.append(
            f"The bar sends {found.bar.per_week:.1f} prompts a week; without the cap it would be ready on "
            f"{found.uncapped.alerts:,} account-days in {_times(found.uncapped.episodes, 'episode')}."
        )
    better = _better_bar(found)
    if better:
        said.append(better)
    silenced = found.undated.uncapped.alerts - found.uncapped.alerts
    leaving = found.undated.account_days.get("leaving", 0)
    said.append(
        f"The hold leaving covers {leaving:,} account-days with a finding. A cancellation date or a status "
        "carries no date of its own, so a look at a past day may know of a later one; that can only silence. "
        + (_unsilenced(found, silenced) if silenced else "At this bar these holds silenced nobody.")
    )
    return tuple(said)


def _better_bar(found: Backtest) -> str:
    """The bar of the curve with the highest precision that rests on enough cases, if it is another one."""
    enough = [
        one for one in found.curve if not one.signal.at(60).is_few and one.signal.at(60).precision is not None
    ]
    if not enough:
        return "At no bar from 5 to 12 points are there enough judged prompts to compare bars."
    best = max(enough, key=lambda one: (one.signal.at(60).precision or 0, -one.points))
    here = best.signal.at(60)
    own = " (the current one)" if best.is_current else ""
    return (
        f"Of the bars with enough cases, {best.points} points{own} has the highest precision within 60 days: "
        f"{percent(here.precision)} ({interval(here.precision_range, percent)}) "
        f"at {best.signal.per_week:.1f} prompts a week."
    )


def notes(found: Backtest, more: tuple[str, ...]) -> tuple[str, ...]:
    """What the reader has to know."""
    said = list(more)
    if found.expansions and found.expansions < FEW_EXPANSIONS:
        said.append(
            f"Only {_times(found.expansions, 'expansion')} are known: all figures are those of a small sample."
        )
    for days in (30, 60, 90):
        if found.account_days and found.bar.at(days).base_rate is None:
            said.append(
                f"The history ends before {days} days have passed after any date; nothing can be said of {days} days."
            )
    if "no_contact" in found.set_aside:
        said.append(
            "Nobody here has an address, so the hold no_contact would silence everything; it says nothing about who "
            "expands, and is not applied in this report."
        )
    blind = [one.name for one in found.triggers if one.windows and one.windows.missing]
    if blind:
        said.append(f"These triggers need tables that have no rows, and cannot fire: {', '.join(blind)}.")
    partial = [
        f"{one.name} ({one.windows.partial_dates})"
        for one in found.triggers
        if one.windows and not one.windows.missing and one.windows.partial_dates
    ]
    if partial:
        said.append(
            "On the first dates the windows of these triggers reach back before the facts begin; they see only part "
            f"of what they look for there (number of such dates): {', '.join(partial)}."
        )
    said.append(
        "An alert counts for an expansion strictly after its day. Alerts whose days run past the end of known history "
        f"({found.history_last}) are left out of that horizon's figures and counted as unfinished."
    )
    said.append(
        "Intervals are 95%, from drawing whole accounts with replacement, because alerts of one account on "
        "successive days are not independent; where all that was judged came out alike, Wilson's over accounts."
    )
    said.append(
        "An expansion is a higher tier in force, more seats in the following period, or a product not held before "
        "beside another. A subscription beside one that goes on is no following period; trials do not count; a "
        "return after more than 30 days is won again."
    )
    return tuple(said)


def _telling(signal: Signal) -> Horizon:
    """The horizon to speak of: the surest of those beyond chance, else the middle one, else one that was judged."""
    beyond = [one for one in signal.horizons if one.is_beyond_chance]
    if beyond:
        return min(beyond, key=lambda one: (one.p_value or 0, one.days))
    judged = [one for one in signal.horizons if one.judged]
    return min(judged, key=lambda one: abs(one.days - MIDDLE))


def percent(value: float | None) -> str:
    """0.123 as '12.3%'."""
    if value is None:
        return "unknown"
    return f"{value * 100:.1f}%" if value < 0.0995 else f"{value * 100:.0f}%"


def factor(value: float | None) -> str:
    """1.234 as '1.23'."""
    return "unknown" if value is None else f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def interval(of: object, show: object = factor) -> str:
    """'0.81 to 1.35'."""
    low, high = getattr(of, "low", None), getattr(of, "high", None)
    if low is None and high is None:
        return "no interval"
    assert callable(show)  # noqa: S101 - one of the two above
    return f"{show(low)} to {show(high)}"


def lift_words(one: Horizon) -> str:
    """'1.52 (0.81 to 2.35)'."""
    return f"{factor(one.lift)} ({interval(one.lift_range)})"


def _p(one: Horizon) -> str:
    assert one.p_value is not None  # noqa: S101 - asked for where there is one
    return f"{'less than ' if one.p_value < 0.001 else ''}{max(one.p_value, 0.001) * 100:.2g}% of the time"


def _times(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _unsilenced(found: Backtest, silenced: int) -> str:
    without, precision = found.undated.capped.at(90).precision, found.bar.at(90).precision
    more = f"With leaving, past_due and trial not applied, {silenced:,} more account-days would be ready"
    if without is None and precision is None:
        return f"{more}."
    return f"{more}, and the precision within 90 days would be {percent(without)} instead of {percent(precision)}."
