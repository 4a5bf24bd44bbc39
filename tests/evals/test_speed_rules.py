"""The rule engines of the benchmark reach the same ranking from the same profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.speed import queries
from evals.speed.asks import keep_asks
from evals.speed.catalogue import AS_OF
from evals.speed.report import as_text
from evals.speed.world import generate


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict], int]:
    """The profiles of a small company, and how many of its accounts reach the bar."""
    path: Path = tmp_path_factory.mktemp("rules") / "world.duckdb"
    generate(path, 300)
    keep_asks(path)
    return queries.profiles(path, AS_OF), queries.one_date(path, AS_OF)


@pytest.mark.parametrize(
    ("package", "way"), [("rule_engine", "rule_engine"), ("zen", "zen_table"), ("zen", "zen_expression")]
)
def test_a_package_ranks_as_the_queries_do(rows: tuple[list[dict], int], package: str, way: str):
    """Every account once, most points first, and as many at the bar as the SQL says."""
    pytest.importorskip(package, reason=f"{package} comes with the bench extra")
    from evals.speed import rule_engines

    profiles, at_the_bar = rows
    answer = getattr(rule_engines, way)(profiles)()
    assert sorted(account for account, _, _, _ in answer) == [row["account_id"] for row in profiles]
    assert [points for _, points, _, _ in answer] == sorted((one[1] for one in answer), reverse=True)
    assert sum(band == "ready" for _, _, band, _ in answer) == at_the_bar > 0


def _result(name: str, accounts: int, seconds: float, section: str = "one date", peak: float = 100) -> dict:
    return {
        "name": name, "accounts": accounts, "section": section, "label": name, "seconds": seconds, "cpu": 2 * seconds, "peak_mib": peak, "found": 1,
    }  # fmt: skip


def test_the_report_shows_ratios_growth_and_targets():
    """Seconds over the floor's, seconds over the smaller size's, and a verdict on each bound."""
    text = as_text(
        [
            _result("floor", 100_000, 0.5), _result("ours", 100_000, 1.0),
            _result("floor", 1_000_000, 5.0), _result("ours", 1_000_000, 12.0, peak=5000),
        ]
    )  # fmt: skip
    lines = {tuple(line.split()[:2]): line.split() for line in text.splitlines() if line.split()}
    assert lines["1,000,000", "ours"][2:] == ["12.000", "24.000", "2.40", "5000", "12.0/10", "1"]
    assert "met     100,000 accounts: ours against the floor: 2 x, bound 3 x" in text
    assert "MISSED  1,000,000 accounts: ours against the floor: 2.4 x, bound 2 x" in text
    assert "MISSED  1,000,000 accounts: peak memory" in text
    assert "MISSED  growth of ours from 100,000 to 1,000,000: 12 x, bound 10 x" in text
