"""Every trigger and column of every account by the engine, and again in plain Python from the account's own rows."""

from __future__ import annotations

from datetime import date
from typing import Any

from agent.facts.door import add_facts
from agent.facts.schema import create_tables
from agent.foundation.warehouse import open_warehouse
from agent.scoring import columns
from agent.signals.engine import Detection, detect
from agent.signals.evidence import Evidence, Outcome
from agent.signals.formula import Grain, IsCore, utilisation
from agent.signals.library import Entry, Library, load_library
from agent.signals.source import Source
from agent.signals.world import read_evidence, read_source
from tests.worlds import READ_AT, D, World, settings

NOT_USAGE = {"health_score", "nps", "headcount"}
Row = dict[str, Any]


class Reader(Evidence):
    """The second computation, with the few columns that only scores and holds read."""

    def _attribute(self, name: str) -> Outcome:
        now = [
            row
            for row in self.tables["subscriptions"]
            if row["ends_on"] is None or row["ends_on"] > self.as_of
        ]
        if name == "cancelling":
            return Outcome(float(any(row["cancel_on"] for row in now)))
        if name == "core_utilisation":
            core = [
                metric for metric in self.metric_names() if self.compute(IsCore(), Grain.METRIC, metric).value
            ]
            shares = [self.compute(utilisation(0), Grain.METRIC, metric).value for metric in core]
            return Outcome(max((share for share in shares if share is not None), default=None))
        return super()._attribute(name)

    def fullest_metric(self) -> str | None:
        """The metric nearest to its ceiling: seats only for want of another, then a core one, then by name."""

        def place(share: float, metric: str) -> tuple[Any, ...]:
            return (
                metric == "seats",
                -share,
                -(self.compute(IsCore(), Grain.METRIC, metric).value or 0),
                metric,
            )

        shares = {
            name: self.compute(utilisation(0), Grain.METRIC, name).value for name in self.metric_names()
        }
        known = [place(share, name) for name, share in shares.items() if share is not None]
        return str(min(known)[-1]) if known else None

    def metric_names(self) -> list[str]:
        """Every metric the account could have a utilisation of."""
        return sorted({metric.metric for metric in self.book.metrics} | {"seats"})

    def _measures(self) -> list[Row]:
        known = {metric.metric for metric in self.book.metrics} - NOT_USAGE
        return [{**row, "usage": row["metric"] in known} for row in super()._measures()]

    def _tickets(self) -> list[Row]:
        # Newest of a day last opened first, so that "newest" may go by age alone; the unhappier of two.
        rows = super()._tickets()
        return sorted(rows, key=lambda row: (-row["opened_at"].timestamp(), row["sentiment"] or 0.0))

    def _invoices(self) -> list[Row]:
        rows = []
        for source in self.tables["invoices"]:
            later = (
                source["status"] == "paid"
                and source["paid_on"] is not None
                and source["paid_on"] > self.as_of
            )
            rows.append(
                {
                    **source,
                    "_table": "invoices",
                    "_row": source,
                    "day": source["issued_on"],
                    "age": (self.as_of - source["issued_on"]).days,
                    "overdue": (self.as_of - source["due_on"]).days,
                    "open": source["status"] == "open" or later,
                }
            )
        return rows


def disagreements(world: World, as_of: date = D) -> list[str]:
    """Where the engine and the second computation differ, for every trigger of every account, fired or not."""
    given = settings()
    with open_warehouse(None, write=True) as warehouse:
        create_tables(warehouse.duck)
        add_facts(warehouse, world.facts, source="files", read_at=READ_AT)
        source = read_source(warehouse, given, as_of)
        library = load_library()
        detection = detect(source, library, as_of, columns.ALL)
        evidence = read_evidence(source, as_of, [row["account_id"] for row in detection.accounts])
    found = []
    for row in detection.accounts:
        read = evidence[row["account_id"]]
        reader = Reader(read.as_of, read.account, read.tables, read.asks, read.book)
        found += [
            f"{row['account_id']}: {said}" for said in _account(detection, library, source, row, reader)
        ]
    return found


def _account(detection: Detection, library: Library, source: Source, row: Row, reader: Reader) -> list[str]:
    found = []
    for leaf in columns.ALL:
        again = reader.compute(leaf).value
        if not _same(row[leaf.column], again):
            found.append(f"{leaf.column} is {row[leaf.column]} and {again}")
    if row["fullest_metric"] != reader.fullest_metric():
        found.append(f"the fullest metric is {row['fullest_metric']} and {reader.fullest_metric()}")
    for entry in library.entries:
        keys = _keys(entry, source, reader)
        fired = [key for key in keys if reader.compute(entry.rule.fires, entry.rule.grain, key).value]
        fires = len(fired) >= entry.rule.at_least_keys
        if entry.rule.account_fires is not None:
            fires = fires and bool(reader.compute(entry.rule.account_fires).value)
        if bool(row[f"fires_{entry.name}"]) is not fires:
            found.append(f"{entry.name} fires: {row[f'fires_{entry.name}']} and {fires} (on {fired})")
        if entry.rule.grain is Grain.ACCOUNT:
            found += _values(entry, row, reader, "")
            continue
        rows = {r["key"]: r for r in detection.rows_of(row, entry)}
        if sorted(rows) != sorted(fired):
            found.append(f"{entry.name} fires on {sorted(rows)} and {sorted(fired)}")
        for key in rows:
            found += _values(entry, {**row, **rows[key]}, reader, key)
    return found


def _values(entry: Entry, row: Row, reader: Reader, key: str) -> list[str]:
    again = reader.compute(entry.rule.value, entry.rule.grain, key).value
    found = row[f"value_{entry.name}"]
    return [] if _same(found, again) else [f"{entry.name} of {key} is {found} and {again}"]


def _keys(entry: Entry, source: Source, reader: Reader) -> list[str]:
    grain = entry.rule.grain
    if grain is Grain.ACCOUNT:
        return [""]
    if grain is Grain.METRIC:
        return reader.metric_names()
    rows = [*reader.tables["events"], *reader.asks]
    return sorted({row[grain.value] for row in rows if row.get(grain.value)})


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return abs(float(one) - float(other)) <= 1e-6 * max(1.0, abs(float(one)))
