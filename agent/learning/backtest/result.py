"""A backtest's answer, as documents."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from agent.signals.finding import Frozen

SURE = 0.05
"A corrected p-value up to this is called more than chance."


class SignalKind(StrEnum):
    """What alerts come from."""

    BAR = "bar"
    PLAY = "play"
    TRIGGER = "trigger"


class Range(Frozen):
    """A 95% interval; an end that the data do not bound is empty."""

    low: float | None
    high: float | None


class Horizon(Frozen):
    """How alerts fared within so many days. Shares are of 1; what cannot be told is empty."""

    days: int
    judged: int
    "Alerts of paying accounts whose days have passed."
    unfinished: int
    "Alerts whose days run past the end of known history: neither right nor wrong, and in no figure."
    hits: int
    "Judged alerts that an expansion followed, strictly after the alert's day."
    precision: float | None
    precision_range: Range | None
    expansions: int
    "Expansions whose days before are covered by the as-of dates."
    caught: int
    "Those with an alert in the days before."
    recall: float | None
    recall_range: Range | None
    base_rate: float | None
    "Share of all paying account-days that an expansion followed."
    lift: float | None
    "Precision over base rate."
    lift_range: Range | None
    p_value: float | None = None
    "How often shuffled histories give at least this precision; empty without alerts."
    p_adjusted: float | None = None
    "The same, corrected for how many signals and horizons were tried."
    is_few: bool
    "Too few accounts or expansions for the figures to mean much."

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the lift is above 1 and more than chance."""
        return self.p_adjusted is not None and self.p_adjusted <= SURE and (self.lift or 0) > 1


class Bin(Frozen):
    """Lead times from `first` to `last` days, both included."""

    first: int
    last: int
    count: int


class Lead(Frozen):
    """Days from the first alert of an episode to the expansion that came of it."""

    episodes: int
    "Finished episodes that an expansion followed."
    median: float | None
    lower_quartile: float | None
    upper_quartile: float | None
    bins: tuple[Bin, ...]


class Windows(Frozen):
    """Which as-of dates a trigger could look at in full."""

    days: int
    "How many days it looks back."
    whole_from: date | None
    "The first day whose window lies within the facts; empty when a table it needs is empty."
    partial_dates: int
    "As-of dates before that: marked, counted, and not guessed at."
    missing: tuple[str, ...]
    "Tables it needs that have no rows."


class Signal(Frozen):
    """How one trigger, one play or one bar did."""

    name: str
    kind: SignalKind
    group: str | None = None
    alerts: int
    "Alert-days, or prompts where the cap holds."
    episodes: int
    "Runs of alerts on successive as-of dates."
    accounts: int
    outside: int
    "Alerts of accounts that paid for nothing on that day, or are tests: counted, not judged."
    per_week: float
    "New alerts a week: episodes, or prompts where the cap holds."
    horizons: tuple[Horizon, ...]
    lead: Lead
    windows: Windows | None = None
    is_beyond_chance: bool = False
    "Whether its lift is above 1 and chance alone hardly explains it."

    def at(self, days: int) -> Horizon:
        """The horizon of so many days."""
        return next(one for one in self.horizons if one.days == days)


class BarPoint(Frozen):
    """A bar at another number of points."""

    points: int
    is_current: bool
    signal: Signal


class HeldBy(Frozen):
    """How many account-days at the bar a hold kept silent."""

    hold: str
    account_days: int


class Undated(Frozen):
    """Holds that may rest on facts without a date of their own, and the bar without them."""

    holds: tuple[str, ...]
    account_days: dict[str, int]
    "Account-days with a finding that each of these holds covers, at the bar or not."
    capped: Signal
    uncapped: Signal


class Chance(Frozen):
    """How the permutation check was made."""

    permutations: int
    accounts: int
    blocks: int
    seed: int
    says: str


class Backtest(Frozen):
    """The whole answer."""

    verdict: str
    "In words, first what matters most."
    findings: tuple[str, ...]
    "Further sentences, most important first."
    notes: tuple[str, ...]
    "What the reader has to know to read the figures."
    first: date
    last: date
    every: int
    dates: int
    weeks: float
    history_first: date
    history_last: date
    accounts: int
    account_days: int
    "Paying account-days looked at."
    expansions: int
    "Expansions within the dates looked at and the longest horizon after them."
    expansions_by_kind: dict[str, int]
    ready_points: int
    ready_groups: int
    highest_points: int
    "The most points any account had on any date."
    set_aside: tuple[str, ...]
    "Holds not applied, for the reasons given in the notes."
    bar: Signal
    "With one prompt in 30 days, as if every ready account had been prompted."
    uncapped: Signal
    "The same without the cap: every account-day that is ready."
    undated: Undated
    held: tuple[HeldBy, ...]
    plays: tuple[Signal, ...]
    triggers: tuple[Signal, ...]
    "By lift, best first."
    curve: tuple[BarPoint, ...]
    chance: Chance


class Change(Frozen):
    """What changes for one account."""

    account_id: str
    name: str
    status_before: str
    status_after: str
    points_before: int
    points_after: int
    says: str
    "What it gains and loses: findings, play, holds."


class WhatIf(Frozen):
    """What other settings would do."""

    settings: tuple[str, ...]
    as_of: date
    ready_before: int
    ready_after: int
    becomes_ready: tuple[Change, ...]
    stops_being_ready: tuple[Change, ...]
    changes_otherwise: tuple[Change, ...]
    verdict: str
    before: Backtest
    after: Backtest
