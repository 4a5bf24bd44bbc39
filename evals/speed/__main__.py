"""The benchmark: python -m evals.speed [--sizes 10000 100000] [--runs 3] [--dir DIR] [--json FILE] [--only NAME …].

Every measurement is a fresh process; the contestants take turns, and the median of the runs counts. Generated worlds
are kept in --dir and used again.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from evals.speed.contestants import CONTESTANTS, RULES, files_of
from evals.speed.report import as_text

Result = dict[str, Any]


def main() -> None:
    """Measure, print the table, and write the JSON document if asked."""
    asked = _arguments()
    if asked.one:
        print(json.dumps(_measure_here(asked)))  # noqa: T201
        return
    asked.dir.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    for accounts in asked.sizes:
        results += _measure_size(accounts, asked)
    print(as_text(results))  # noqa: T201
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.speed", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], help="accounts")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "outgrown-speed")
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="measure these alone: " + ", ".join(CONTESTANTS)
    )
    parser.add_argument("--skip", nargs="+", metavar="NAME", default=[], help="leave these out")
    parser.add_argument("--scattered", action="store_true", help="facts as a daily export appends them")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure_size(accounts: int, asked: argparse.Namespace) -> list[Result]:
    chosen = []
    for name, one in CONTESTANTS.items():
        if accounts > one.at_most or name in asked.skip or (asked.only and name not in asked.only):
            continue
        if one.can_run:
            chosen.append(name)
        else:
            _say(f"{one.label.strip()}: left out, the package {one.needs} is not installed (bench extra)")
    runs: dict[str, list[Result]] = defaultdict(list)
    for name in chosen:
        made = _run(f"make:{name}", accounts, asked)
        if made["seconds"] > 1:
            _say(f"{accounts:,} accounts: facts generated in {made['seconds']:.0f} s")
    for turn in range(asked.runs):
        for name in chosen:
            _say(f"{accounts:,} accounts, run {turn + 1} of {asked.runs}: {CONTESTANTS[name].label.strip()}")
            one = _run(name, accounts, asked)
            if one["seconds"] is not None:
                runs[name].append(one)
    return [_summary(name, accounts, took) for name, took in runs.items()]


def _summary(name: str, accounts: int, took: list[Result]) -> Result:
    """The medians of the runs, with the greatest peak of memory."""
    return {
        "name": name,
        "accounts": accounts,
        "section": CONTESTANTS[name].section,
        "label": CONTESTANTS[name].label,
        "seconds": statistics.median(one["seconds"] for one in took),
        "cpu": statistics.median(one["cpu"] for one in took),
        "peak_mib": max(one["peak_mib"] for one in took),
        "found": took[-1]["found"],
        "runs": took,
    }


def _run(name: str, accounts: int, asked: argparse.Namespace) -> Result:
    command = [
        sys.executable,
        "-m",
        "evals.speed",
        "--one",
        name,
        "--sizes",
        str(accounts),
        "--dir",
        str(asked.dir),
    ]
    command += ["--scattered"] if asked.scattered else []
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr.decode()}")
    result: Result = json.loads(done.stdout)
    return result


def _measure_here(asked: argparse.Namespace) -> Result:
    """One measurement, or the making of its files, in this process."""
    name = asked.one.removeprefix("make:")
    files = files_of(name, asked.dir, asked.sizes[0], clustered=not asked.scattered)
    if asked.one != name:
        took = files.make()
        if name == "polars":
            files.make_parquet()
        if CONTESTANTS[name].section == RULES:
            files.make_profiles()
        return {"seconds": took}
    answer = CONTESTANTS[name].run(files)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken = answer._asdict() if answer is not None else {"seconds": None}
    return {**taken, "peak_mib": peak}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
