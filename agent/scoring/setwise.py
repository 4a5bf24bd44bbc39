"""The whole rule book at every as-of date in one evaluation: every account's standing, set-wise.

What the facts decide is decided by the warehouse, in one plan for all dates, and kept for the next time. What only
the state, the clock or an address can say is looked up for accounts that reach the lowest bar anybody asks about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from agent.foundation.arrays import Column, fetch_columns
from agent.foundation.kept import Kept
from agent.foundation.settings import Settings
from agent.foundation.warehouse import Warehouse, fetch
from agent.scoring import columns
from agent.scoring.addresses import is_reachable
from agent.scoring.decisions import FACT_HOLDS, decisions
from agent.scoring.holds import CHANGE_DAYS
from agent.scoring.offering import Offering
from agent.scoring.plays import CONDITIONS, PLAYS
from agent.scoring.replay import KINDS, NONE, OFFERS, Replay, bit_of
from agent.scoring.sources import sources_of
from agent.scoring.standing import Contacts, Standing, key_of, lowest, mark, replay_of
from agent.signals.engine import survey
from agent.signals.library import Library, library_of
from agent.signals.source import Source
from agent.signals.world import read_source

AS_OF: dict[str, tuple[str, Any]] = {"as_of": ("datetime64[D]", np.datetime64(0, "D"))}
ACCOUNT: dict[str, tuple[str, Any]] = {"account_id": ("int32", 0)}
READ: dict[str, tuple[str, Any]] = {
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


def replay(
    warehouse: Warehouse,
    settings: Settings,
    days: Sequence[date],
    contacts: Contacts,
    progress: Callable[[str], None] = lambda _: None,
    kept: Kept | None = None,
) -> Replay:
    """Every account's standing at the end of each of `days`, which ascend.

    What the facts decide comes from `kept` where the same was asked of the same facts before.
    """
    library = library_of(settings)
    key = key_of(warehouse, library, settings, days) if kept else None
    found = _remembered(kept, key, library, days)
    if found is None:
        progress(f"reading the tickets up to {days[-1]}")
        source = read_source(warehouse, settings, days[-1], since=days[0])
        progress(f"evaluating {len(library.entries)} triggers on {len(days)} days")
        found = survey_days(source, library, settings, days)
        if kept and key:
            kept.put(key, found.arrays())
    sources = sources_of(warehouse.table("source_reads"), settings)
    return found.looked_at(library, sources, settings.scoring, contacts)


def _remembered(
    kept: Kept | None, key: str | None, library: Library, days: Sequence[date]
) -> Standing | None:
    arrays = kept.get(key) if kept and key else None
    if arrays is not None:
        with suppress(KeyError, ValueError):
            return Standing.of_arrays(arrays, library, days)
    return None


def survey_days(source: Source, library: Library, settings: Settings, days: Sequence[date]) -> Standing:
    """What the facts say of each of `days`."""

    def ask(sql: str) -> dict[str, Column]:
        if len(days) > 1:
            return fetch_columns(source.con, sql, AS_OF | ACCOUNT | READ)
        columns_ = fetch_columns(source.con, sql, ACCOUNT | READ)
        return columns_ | {"as_of": np.full(len(columns_["points"]), days[0], dtype="datetime64[D]")}

    found = survey(source, library, days, columns.ALL, decisions(library), tuple(READ), ask)
    return _Survey(source, library, settings, days, found).standing()


class _Survey:
    """From the survey's columns to a standing."""

    def __init__(
        self,
        source: Source,
        library: Library,
        settings: Settings,
        days: Sequence[date],
        found: dict[str, Column],
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
        """When each account was created, by id, in the order of their numbers."""
        t = self.source.tables["accounts"]
        t = t.select("account_id", "created_on").order_by("account_id")
        return {row["account_id"]: row["created_on"] for row in fetch(t)}

    def fired(self, name: str) -> Column:
        """Whether the trigger fired, by entry."""
        if name not in self.names:
            return np.zeros(len(self.found["points"]), dtype=bool)
        return bit_of(self.found["fired_triggers"], self.names.index(name))

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

    def standing(self) -> Standing:
        """The standing, ordered by day, then account."""
        found = self.found
        created = np.array(list(self.accounts.values()), dtype="datetime64[D]")
        there = created <= self.calendar[-1]
        # Numbers count all accounts; a replay knows those that existed by its last day.
        account = (np.cumsum(there) - 1)[found["account_id"] - 1].astype("int32")
        names = [name for name, known in zip(self.accounts, there, strict=True) if known]
        day = np.searchsorted(self.calendar, found["as_of"]).astype("int32")
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
        held = self._held(matched, play, offer)
        columns_ = (
            day, account, found["fired_triggers"], found["points"], found["group_count"], found["composite"], matched,
            play, offer, adds, held,
        )  # fmt: skip
        order = np.lexsort((account, day))
        arrays = [column[order].astype(kind) for column, kind in zip(columns_, KINDS, strict=True)]
        ids, first_day = tuple(names), np.searchsorted(self.calendar, created[there]).astype("int32")
        measured = found[columns.HEALTH_EVER.column].astype(bool)[order]
        return Standing(replay_of(self.library, self.days, ids, first_day, arrays), measured)

    def _held(self, matched: Column, play: Column, offer: Column) -> Column:
        """The holds that the facts give, a missing address among them."""
        found = self.found
        held = np.zeros(len(matched), dtype="uint64")
        bits = found["fact_holds"].astype("uint64")
        for number, name in enumerate(FACT_HOLDS):
            mark(held, name, bit_of(bits, number))
        bought = found["seats_bought_age"]
        more_seats = (offer == OFFERS.index("seat_expansion")) & (bought != NONE) & (bought < CHANGE_DAYS)
        mark(held, "just_changed", more_seats)
        mark(held, "nothing_to_offer", (matched != NONE) & (play == NONE))
        near = np.flatnonzero(found["points"] >= lowest(self.settings.scoring))
        reached = np.fromiter(
            (is_reachable(one) for one in found["contact_email"][near]), dtype=bool, count=len(near)
        )
        mark(held, "no_contact", near[~reached])
        return held
