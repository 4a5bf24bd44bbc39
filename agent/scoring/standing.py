"""What the facts alone decide of a replay, which can be kept, and what is decided anew each time it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from agent.facts.version import version_of
from agent.foundation.arrays import Column
from agent.foundation.kept import texts_as_arrays, texts_of_arrays
from agent.foundation.memo import Memo
from agent.foundation.settings import Scoring, Settings
from agent.foundation.warehouse import Warehouse
from agent.scoring.assessment import OfferKind
from agent.scoring.holds import Company, ContactFacts, SourceAge, in_holdout, source_is_stale, state_holds
from agent.scoring.plays import PLAYS
from agent.scoring.replay import HOLDS, KINDS, LOWEST_BAR, NONE, Replay
from agent.signals.library import Library

Contacts = Callable[[date], tuple[datetime, Mapping[str, ContactFacts]]]
"For a day, the moment it is looked at from and what the state knew then."
COLUMNS = (
    "day", "account", "fired", "points", "group_count", "composite", "matched", "play", "offer", "adds", "held",
)  # fmt: skip
"The columns of a replay, in the order of KINDS."
AFTERWARDS: Any = {
    "company": True,
    "connectors": True,
    "guardrails": True,
    "state": True,
    "warehouse": True,
    "scoring": {"ready_points", "watch_points", "ready_groups", "holdout_share"},
}
"Settings that no standing depends on: the bar and the control group are looked at afterwards."


@dataclass(frozen=True)
class Standing:
    """A replay whose holds are those of the facts, and whether each account's health was ever measured."""

    replay: Replay
    measured: Column
    "bool by entry."

    def arrays(self) -> dict[str, Column]:
        """As arrays that can be kept; days and triggers follow from the key they are kept under."""
        letters, lengths = texts_as_arrays(self.replay.account_ids)
        return {
            **{name: getattr(self.replay, name) for name in COLUMNS},
            "measured": self.measured,
            "first_day": self.replay.first_day,
            "id_letters": letters,
            "id_lengths": lengths,
        }

    @classmethod
    def of_arrays(cls, arrays: dict[str, Column], library: Library, days: Sequence[date]) -> Standing:
        """The standing of kept arrays; KeyError or ValueError where they cannot be one."""
        ids = tuple(texts_of_arrays(arrays["id_letters"], arrays["id_lengths"]))
        columns = [arrays[name] for name in COLUMNS]
        kinds = [column.dtype == kind for column, kind in zip(columns, KINDS, strict=True)]
        measured, first_day = arrays["measured"], arrays["first_day"]
        shapes = {(len(measured),), *(column.shape for column in columns)}
        whole = all(kinds) and measured.dtype == bool and len(shapes) == 1 and first_day.shape == (len(ids),)
        bounds = {"day": (0, len(days)), "account": (0, len(ids)), "matched": (NONE, len(PLAYS))}
        bounds |= {"play": bounds["matched"], "offer": (NONE, len(OfferKind))}
        if not whole or not all(_within(arrays[name], *bound) for name, bound in bounds.items()):
            raise ValueError("these are not the arrays of a standing")
        return cls(replay_of(library, days, ids, first_day, columns), measured)

    def looked_at(
        self, library: Library, sources: tuple[SourceAge, ...], bar: Scoring, contacts: Contacts
    ) -> Replay:
        """The replay with the holds that the state, the sources' age and the control group give."""
        held = self.replay.held.copy()
        near = np.flatnonzero(self.replay.points >= lowest(bar))
        tables = _Tables(library)
        for number, one_day in enumerate(self.replay.days):
            moment, known = contacts(one_day)
            company = Company(one_day, moment, sources, bar.holdout_share)
            first, last = np.searchsorted(self.replay.day[near], (number, number + 1))
            entries = near[first:last]
            self._stale(held, entries, company, tables)
            self._state(held, entries, company, known)
        return replace(self.replay, held=held)

    def _stale(self, held: Column, entries: Column, company: Company, tables: _Tables) -> None:
        """Accounts with the same triggers rest on the same tables."""
        for measured in (False, True):
            chosen = entries[self.measured[entries] == measured]
            fired, which = np.unique(self.replay.fired[chosen], return_inverse=True)
            stale = [source_is_stale(company, tables.of(int(one)), measured=measured) for one in fired]
            mark(held, "stale_source", chosen[np.array(stale, dtype=bool)[which]])

    def _state(
        self, held: Column, entries: Column, company: Company, known: Mapping[str, ContactFacts]
    ) -> None:
        if not known and company.holdout_share <= 0:
            return
        ids = self.replay.account_ids
        for entry in entries:
            account_id = ids[self.replay.account[entry]]
            contact = known.get(account_id)
            if contact is not None:
                for name in state_holds(account_id, contact, company):
                    held[entry] |= np.uint64(1 << HOLDS.index(name))
            elif in_holdout(account_id, company.holdout_share):
                held[entry] |= np.uint64(1 << HOLDS.index("holdout"))


class _Tables:
    """Which fact tables the triggers rest on."""

    def __init__(self, library: Library) -> None:
        self._needs = [entry.rule.needs for entry in library.entries]

    def of(self, fired: int) -> frozenset[str]:
        """Those of the triggers whose bits are set."""
        return frozenset(
            table for place, needs in enumerate(self._needs) if fired >> place & 1 for table in needs
        )


def replay_of(
    library: Library, days: Sequence[date], ids: tuple[str, ...], first_day: Column, columns: Sequence[Column]
) -> Replay:
    """A replay of its columns."""
    names, groups = (
        zip(*((entry.name, entry.group) for entry in library.entries), strict=True)
        if library.entries
        else ((), ())
    )
    return Replay(tuple(days), tuple(names), tuple(groups), dict(library.points), ids, first_day, *columns)


def mark(held: Column, name: str, entries: Column) -> None:
    """Note the hold at those entries, given as places or as a mask."""
    held[entries] |= np.uint64(1 << HOLDS.index(name))


def lowest(bar: Scoring) -> int:
    """The points from which anybody asks whether an account is held."""
    return min(LOWEST_BAR, bar.ready_points)


def key_of(warehouse: Warehouse, library: Library, settings: Settings, days: Sequence[date]) -> str | None:
    """The key of a standing: all it depends on. None where nothing tells whether the facts changed."""
    version = version_of(warehouse)
    if version is None:
        return None
    given = settings.model_dump(mode="json", exclude=AFTERWARDS)
    return Memo.key(version, list(days), library, given, lowest(settings.scoring), _makers())


@cache
def _makers() -> str:
    """What else a standing depends on: our own code and data, and the libraries that compute."""
    root = Path(__file__).parents[1]
    code = [str(metadata.version(name)) for name in ("ibis-framework", "sqlglot", "duckdb", "numpy")]
    for room in ("foundation", "facts", "signals", "scoring"):
        paths = (path for path in (root / room).rglob("*") if path.suffix in (".py", ".toml"))
        code += [f"{path.relative_to(root)} {Memo.key(path.read_bytes())}" for path in sorted(paths)]
    return Memo.key(code)


def _within(column: Column, least: int, most: int) -> bool:
    return bool(len(column) == 0 or (column.min() >= least and column.max() < most))
