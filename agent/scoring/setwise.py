"""The whole rule book at every as-of date in one evaluation: every account's standing, set-wise.

What the facts decide is decided by the warehouse, in one plan for all dates. What only the state, the calendar or
an address can say is looked up here, for accounts that reach the lowest bar anybody asks about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np

from agent.foundation.arrays import Column, fetch_columns
from agent.foundation.settings import Settings
from agent.foundation.warehouse import Warehouse, fetch
from agent.scoring import columns
from agent.scoring.decisions import FACT_HOLDS, decisions
from agent.scoring.holds import CHANGE_DAYS, Company, ContactFacts, outside_holds, sources_of
from agent.scoring.offering import Offering
from agent.scoring.plays import CONDITIONS, PLAYS
from agent.scoring.replay import HOLDS, KINDS, LOWEST_BAR, NONE, OFFERS, Replay
from agent.signals.engine import survey
from agent.signals.library import Library, library_of
from agent.signals.source import Source
from agent.signals.world import read_source

AS_OF: dict[str, tuple[str, Any]] = {"as_of": ("datetime64[D]", np.datetime64(0, "D"))}
READ: dict[str, tuple[str, Any]] = {
    "account_id": ("object", ""),
    "fired_triggers": ("uint64", 0),
    "points": ("int32", 0),
    "group_count": ("int32", 0),
    "composite": ("float64", np.nan),
    "fact_holds": ("float64", 0),
    "plan_id": ("object", ""),
    "currency": ("object", ""),
    "seats": ("int64", 0),
    "mrr_minor": ("int64", 0),
    "seats_bought_age": ("int64", NONE),
    "contact_email": ("object", ""),
    columns.HEALTH_EVER.column: ("int64", 0),
    "feature_place": ("int64", NONE),
    "offered_product": ("object", ""),
    "relief_place": ("int64", NONE),
}
"Columns of the survey, with their types and what stands for null."

Contacts = Callable[[date], tuple[datetime, Mapping[str, ContactFacts]]]
"For a day, the moment it is looked at from and what the state knew then."


def replay(
    warehouse: Warehouse,
    settings: Settings,
    days: Sequence[date],
    contacts: Contacts,
    progress: Callable[[str], None] = lambda _: None,
) -> Replay:
    """Every account's standing at the end of each of `days`, which ascend."""
    library = library_of(settings)
    progress(f"reading the tickets up to {days[-1]}")
    source = read_source(warehouse, settings, days[-1], since=days[0])
    progress(f"evaluating {len(library.entries)} triggers on {len(days)} days")
    return survey_days(source, library, settings, days, contacts)


def survey_days(
    source: Source, library: Library, settings: Settings, days: Sequence[date], contacts: Contacts
) -> Replay:
    """The same, for facts that have been opened already."""

    def ask(sql: str) -> dict[str, Column]:
        if len(days) > 1:
            return fetch_columns(source.con, sql, AS_OF | READ)
        columns_ = fetch_columns(source.con, sql, READ)
        return columns_ | {"as_of": np.full(len(columns_["points"]), days[0], dtype="datetime64[D]")}

    found = survey(source, library, days, columns.ALL, decisions(library), tuple(READ)[1:], ask)
    return _Standing(source, library, settings, days, found).replay(contacts)


class _Standing:
    """From the survey's columns to a replay."""

    def __init__(
        self, source: Source, library: Library, settings: Settings, days: Sequence[date], found: dict[str, Column]
    ) -> None:
        self.source = source
        self.library = library
        self.settings = settings
        self.days = days
        self.found = found
        self.names = [entry.name for entry in library.entries]
        self.calendar = np.array(days, dtype="datetime64[D]")

    @cached_property
    def accounts(self) -> dict[str, date]:
        """When each account was created, by id."""
        t = self.source.tables["accounts"]
        t = t.filter(t.created_on <= self.days[-1]).select("account_id", "created_on").order_by("account_id")
        return {row["account_id"]: row["created_on"] for row in fetch(t)}

    def fired(self, name: str) -> Column:
        """Whether the trigger fired, by entry."""
        if name not in self.names:
            return np.zeros(len(self.found["points"]), dtype=bool)
        return (self.found["fired_triggers"] >> np.uint64(self.names.index(name))) & np.uint64(1) == 1

    def applies(self, play: str) -> Column:
        """Whether the play's condition holds, by entry."""
        result = np.ones(len(self.found["points"]), dtype=bool)
        for one_of in CONDITIONS[play]:
            result &= self._any(one_of)
        return result | self._any(self.library.playing(play))

    def _any(self, names: Any) -> Column:
        result = np.zeros(len(self.found["points"]), dtype=bool)
        for name in names:
            result |= self.fired(name)
        return result

    def replay(self, contacts: Contacts) -> Replay:
        """The replay, ordered by day, then account."""
        found = self.found
        place = {account_id: number for number, account_id in enumerate(self.accounts)}
        account = np.fromiter((place[one] for one in found["account_id"]), dtype="int32", count=len(found["points"]))
        day = np.searchsorted(self.calendar, found["as_of"]).astype("int32")
        created = np.array(list(self.accounts.values()), dtype="datetime64[D]")
        matched = np.full(len(day), NONE, dtype="int32")
        play = np.full(len(day), NONE, dtype="int32")
        offer = np.full(len(day), NONE, dtype="int32")
        adds = np.zeros(len(day), dtype="int64")
        offering = Offering(self.source.book, self.settings, found, self._any({"faster_turnaround"}))
        for number, name in enumerate(PLAYS):
            applies = self.applies(name)
            matched = np.where((matched == NONE) & applies, number, matched)
            for answer in offering.answers(name):
                chosen = applies & answer.available & (play == NONE)
                play = np.where(chosen, number, play)
                offer = np.where(chosen, OFFERS.index(answer.kind), offer)
                adds = np.where(chosen, answer.adds, adds)
        held = self._held(matched, play, offer, day, contacts)
        columns_ = (
            day, account, found["fired_triggers"], found["points"], found["group_count"], found["composite"], matched,
            play, offer, adds, held,
        )  # fmt: skip
        order = np.lexsort((account, day))
        arrays = [column[order].astype(kind) for column, kind in zip(columns_, KINDS, strict=True)]
        return Replay(
            tuple(self.days),
            tuple(self.names),
            tuple(entry.group for entry in self.library.entries),
            dict(self.library.points),
            tuple(self.accounts),
            np.searchsorted(self.calendar, created).astype("int32"),
            *arrays,
        )

    def _held(self, matched: Column, play: Column, offer: Column, day: Column, contacts: Contacts) -> Column:
        found = self.found
        held = np.zeros(len(day), dtype="uint64")
        bits = found["fact_holds"].astype("uint64")
        for number, name in enumerate(FACT_HOLDS):
            _mark(held, name, (bits >> np.uint64(number)) & np.uint64(1) == 1)
        bought = found["seats_bought_age"]
        more_seats = (offer == OFFERS.index("seat_expansion")) & (bought != NONE) & (bought < CHANGE_DAYS)
        _mark(held, "just_changed", more_seats)
        _mark(held, "nothing_to_offer", (matched != NONE) & (play == NONE))
        near = np.flatnonzero(found["points"] >= LOWEST_BAR)
        sources = sources_of(self.source, self.settings)
        for number, one_day in enumerate(self.days):
            moment, known = contacts(one_day)
            company = Company(one_day, moment, sources, self.settings.scoring.holdout_share)
            for entry in near[day[near] == number]:
                measured = bool(found[columns.HEALTH_EVER.column][entry])
                contact = known.get(found["account_id"][entry], ContactFacts())
                tables = self._tables(int(found["fired_triggers"][entry]))
                names = outside_holds(
                    found["account_id"][entry], found["contact_email"][entry], contact, company, tables, measured
                )
                for name in names:
                    held[entry] |= np.uint64(1 << HOLDS.index(name))
        return held

    def _tables(self, fired: int) -> frozenset[str]:
        if fired not in self._tables_of:
            names = [table for n, entry in enumerate(self.library.entries) if fired >> n & 1 for table in entry.rule.needs]
            self._tables_of[fired] = frozenset(names)
        return self._tables_of[fired]

    @cached_property
    def _tables_of(self) -> dict[int, frozenset[str]]:
        return {}


def _mark(held: Column, name: str, where: Column) -> None:
    held |= np.where(where, np.uint64(1 << HOLDS.index(name)), np.uint64(0))
