"""The rules alone, profile to ranked accounts, with the rule-engine and zen-engine packages.

Each gets the same wide rows as Python dictionaries, already in memory, and the conditions of triggers.sql, compiled
once before the clock starts. Each answers, in order, (account, points, band, triggers): holds, plays and the composite,
which our own engine works out besides, are spared them. Of zen-engine's ways the two quickest are measured: its
decision table over a batch (a call per row costs ten times that) and one expression for all conditions at once (an
expression per trigger costs twenty times that). rule-engine has no batch: a rule is matched against a row at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from evals.speed.queries import profiles, queries, worth
from evals.speed.stopwatch import Timed, timed

Row = dict[str, Any]
Ranked = list[tuple[str, int, str, list[str]]]
BATCH = 1000
BANDS = ((9, "ready"), (5, "watch"), (0, "stable"))


def export(path: Path, file: Path, as_of: date) -> None:
    """The profiles of a world as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(profiles(path, as_of)), file)


def read(file: Path) -> list[Row]:
    """The profiles as dictionaries."""
    import pyarrow.parquet as pq

    rows: list[Row] = pq.read_table(file).to_pylist()
    return rows


def ranked(rows: list[Row], fired: list[list[str]]) -> Ranked:
    """Points by group, the band, and the order: most points first, then account id."""
    groups = worth()
    answers = []
    for row, names in zip(rows, fired, strict=True):
        points = sum(worth_of for _, worth_of in {groups[name] for name in names})
        band = next(name for bound, name in BANDS if points >= bound)
        answers.append((row["account_id"], points, band, names))
    return sorted(answers, key=lambda one: (-one[1], one[0]))


def rule_engine(rows: list[Row]) -> Callable[[], Ranked]:
    """25 rules of the rule-engine package, ready to be run."""
    import rule_engine as package

    context = package.Context(resolver=package.resolve_item)
    rules = [(name, package.Rule(query.condition, context=context)) for name, query in queries().items()]
    return lambda: ranked(rows, [[name for name, rule in rules if rule.matches(row)] for row in rows])


def zen_table(rows: list[Row]) -> Callable[[], Ranked]:
    """One decision table of zen-engine that collects every row that applies, ready to be run in batches."""
    import zen

    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"triggers": decision_table()}}})

    def run() -> Ranked:
        fired: list[list[str]] = []
        for start in range(0, len(rows), BATCH):
            requests = [{"key": "triggers", "context": row} for row in rows[start : start + BATCH]]
            answers = engine.evaluate_batch(requests)
            fired += [[hit["trigger"] for hit in answer["data"]["result"]] for answer in answers]
        return ranked(rows, fired)

    return run


def decision_table() -> dict[str, Any]:
    """The 25 conditions as a decision graph: input, a table that collects, output."""
    rules = [
        {"_id": name, "when": query.condition, "trigger": f'"{name}"'} for name, query in queries().items()
    ]
    table = {
        "hitPolicy": "collect",
        "inputs": [{"id": "when", "name": "when"}],
        "outputs": [{"id": "trigger", "field": "trigger", "name": "trigger"}],
        "rules": rules,
    }
    place = {"x": 0, "y": 0}
    return {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "profile", "position": place},
            {
                "id": "table",
                "type": "decisionTableNode",
                "name": "triggers",
                "content": table,
                "position": place,
            },
            {"id": "out", "type": "outputNode", "name": "fired", "position": place},
        ],
        "edges": [
            {"id": "1", "type": "edge", "sourceId": "in", "targetId": "table"},
            {"id": "2", "type": "edge", "sourceId": "table", "targetId": "out"},
        ],
    }


def zen_expression(rows: list[Row]) -> Callable[[], Ranked]:
    """One compiled zen expression that answers all 25 conditions of a row as a list of truths."""
    import zen

    names = list(queries())
    together = zen.compile_expression("[" + ", ".join(f"({q.condition})" for q in queries().values()) + "]")

    def run() -> Ranked:
        fired = [
            [name for name, holds in zip(names, together.evaluate(row), strict=True) if holds] for row in rows
        ]
        return ranked(rows, fired)

    return run


def measured(make: Callable[[list[Row]], Callable[[], Ranked]], file: Path) -> Timed:
    """From profile to ranked accounts: the time, and how many reach the bar."""
    run = make(read(file))
    return timed(lambda: sum(points >= BANDS[0][0] for _, points, _, _ in run()))
