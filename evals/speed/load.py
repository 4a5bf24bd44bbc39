"""Loading a million measures through the door, beside a bare CREATE TABLE AS of the same file.

Run: python -m evals.speed.load [--rows 1000000] [--kind csv|parquet] [--runs 3]
Every measurement is a fresh process on a fresh store; the two take turns. It fails when the first load takes
more than 4 times as long as the bare table, or needs 1 GiB.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

READ_AT = datetime(2026, 1, 1)  # noqa: DTZ001


TIMES, MEMORY = 4.0, 1024
"How many times the bare table's seconds a first load may take, and how many MiB."


def generate(path: Path, rows: int) -> None:
    """A file of `rows` measures: 90 days, 10 metrics, as many accounts as that needs."""
    import duckdb

    options = "FORMAT parquet" if path.suffix == ".parquet" else "FORMAT csv, HEADER"
    duckdb.execute(
        f"COPY (SELECT 'account-' || (i // 900) AS account_id, "
        f"DATE '2025-01-01' + CAST(i % 90 AS INTEGER) AS day, "
        f"'metric_' || (i // 90 % 10) AS metric, round(random() * 1000, 2) AS value "
        f"FROM range({rows}) t(i)) TO '{path}' ({options})"
    )


def bare(path: Path, store: Path) -> dict[str, float]:
    """Seconds of the bare database."""
    import duckdb

    con = duckdb.connect(str(store))
    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    started = time.perf_counter()
    con.execute(f"CREATE TABLE measures AS SELECT * FROM {reader}('{path}')")
    seconds = time.perf_counter() - started
    con.close()
    return {"seconds": seconds}


def door(path: Path, store: Path) -> dict[str, float]:
    """Seconds of a first load through the files connector, and of the same file again."""
    from agent.facts.door import load
    from agent.foundation.warehouse import open_warehouse
    from connectors._canonical import staged as stage_file

    took = []
    with open_warehouse(store, write=True) as warehouse:
        for _ in range(2):
            started = time.perf_counter()
            staged = stage_file(warehouse.duck, "measures", path)
            report = load(warehouse, "files", [staged], read_at=READ_AT, max_rejected=0.01)[0]
            took.append(time.perf_counter() - started)
    if report.unchanged != report.read:
        raise SystemExit(f"the second load was not idempotent: {report}")
    return {"seconds": took[0], "again": took[1]}


def measure(what: str, path: Path, folder: Path) -> dict[str, float]:
    """One measurement in a process of its own, with its peak memory in MiB."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        command = [sys.executable, "-m", "evals.speed.load", "--one", what, "--file", str(path)]
        done = subprocess.run([*command, "--store", f"{fresh}/f.duckdb"], capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print medians, their ratio and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", choices=["bare", "door"], help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        result = (bare if asked.one == "bare" else door)(asked.file, asked.store)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**result, "peak_mib": peak}))  # noqa: T201
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"measures.{asked.kind}"
        generate(path, asked.rows)
        runs = [
            (measure("bare", path, Path(folder)), measure("door", path, Path(folder)))
            for _ in range(asked.runs)
        ]
    base = statistics.median(one["seconds"] for one, _ in runs)
    first = statistics.median(two["seconds"] for _, two in runs)
    again = statistics.median(two["again"] for _, two in runs)
    peak = max(two["peak_mib"] for _, two in runs)
    print(  # noqa: T201
        f"{asked.rows:,} measures from {asked.kind}: bare {base:.3f} s, first load {first:.3f} s "
        f"({first / base:.2f} x), same file again {again:.3f} s ({again / base:.2f} x), peak {peak:.0f} MiB"
    )
    if first > TIMES * base or peak > MEMORY:
        raise SystemExit(f"more than {TIMES:g} x or {MEMORY} MiB")


if __name__ == "__main__":
    main()
