"""The benchmark's table: seconds on the clock and of processor, ratios, memory, growth, and whether the targets are met."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

Result = dict[str, Any]
COMPARED_WITH = {"one date": "floor", "26 weekly dates": "ours_history", "rules alone": "our_rules"}
"By section: whose seconds the others are divided by."


def as_text(results: list[Result]) -> str:
    """All results as a table by section and size, then the targets."""
    lines: list[str] = []
    for section in dict.fromkeys(result["section"] for result in results):
        rows = [result for result in results if result["section"] == section]
        base = COMPARED_WITH.get(section)
        head = f"{'accounts':>10}  {section:<52}{'seconds':>9}{'cpu':>9}{'ratio':>8}{'MiB':>7}{'growth':>8}{'found':>9}"
        lines += ["", head, "-" * len(head)]
        for row in sorted(rows, key=lambda row: row["accounts"]):
            lines.append(_line(row, results, base))
    return "\n".join([*lines, "", *targets(results)]).lstrip("\n")


def _line(row: Result, results: list[Result], base: str | None) -> str:
    against = _find(results, base, row["accounts"]) if base else None
    ratio = f"{row['seconds'] / against['seconds']:.2f}" if against else ""
    smaller = [one for one in results if one["name"] == row["name"] and one["accounts"] < row["accounts"]]
    growth = ""
    if smaller:
        before = max(smaller, key=lambda one: one["accounts"])
        times = row["seconds"] / before["seconds"]
        growth = f"{times:.1f}/{row['accounts'] / before['accounts']:g}"
    return (
        f"{row['accounts']:>10,}  {row['label']:<52}{row['seconds']:>9.3f}{row['cpu']:>9.3f}{ratio:>8}{row['peak_mib']:>7.0f}"
        f"{growth:>8}{row['found']:>9,}"
    )


def _find(results: list[Result], name: str | None, accounts: int) -> Result | None:
    return next((one for one in results if one["name"] == name and one["accounts"] == accounts), None)


def targets(results: list[Result]) -> Iterator[str]:
    """One line per target that the results can judge."""
    sizes = sorted({one["accounts"] for one in results})

    def seconds(name: str, accounts: int) -> float | None:
        found = _find(results, name, accounts)
        return found["seconds"] if found else None

    def judged(what: str, value: float | None, bound: float | None, unit: str = "") -> Iterator[str]:
        if value is not None and bound is not None:
            met = "met   " if value <= bound else "MISSED"
            yield f"{met}  {what}: {value:.3g}{unit}, bound {bound:.3g}{unit}"

    for accounts in sizes:
        ours, floor = seconds("ours", accounts), seconds("floor", accounts)
        if ours is not None and floor is not None:
            bound = 2.0 if accounts >= 1_000_000 else 3.0
            yield from judged(f"{accounts:,} accounts: ours against the floor", ours / floor, bound, " x")
        for name in ("queries", "polars"):
            yield from judged(
                f"{accounts:,} accounts: ours against {name}", ours, seconds(name, accounts), " s"
            )
        mine = _find(results, "ours", accounts)
        yield from judged(
            f"{accounts:,} accounts: peak memory", mine["peak_mib"] if mine else None, 4096, " MiB"
        )
        many, one = seconds("many", accounts), seconds("ours_history", accounts)
        if many is not None and one is not None:
            yield from judged(f"{accounts:,} accounts: 26 dates against one", many / one, 4.0, " x")
        rules = seconds("our_rules", accounts)
        for name in ("rule_engine", "zen_table", "zen_expression"):
            theirs = seconds(name, accounts)
            if rules is not None and theirs is not None and accounts == 100_000:
                yield from judged(
                    f"{accounts:,} accounts: 50 x our rules against {name}", 50 * rules, theirs, " s"
                )
        if accounts == 100_000:
            yield from judged(f"{accounts:,} accounts: nothing new", seconds("again", accounts), 1.0, " s")
    for small, large in pairwise(sizes):
        before, after = seconds("ours", small), seconds("ours", large)
        if before is not None and after is not None:
            yield from judged(
                f"growth of ours from {small:,} to {large:,}", after / before, large / small, " x"
            )
