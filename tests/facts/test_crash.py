"""A load that is killed leaves the old facts or the new ones, never a mixture."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.foundation.warehouse import open_warehouse

KILLS = 20


def state(path):
    """What the facts hold: the versions found in each table, and their row counts."""
    with open_warehouse(path) as warehouse:
        ask = warehouse.duck.execute
        names = {int(name[1:]) for (name,) in ask("SELECT DISTINCT name FROM accounts").fetchall()}
        values = {int(value) for (value,) in ask("SELECT DISTINCT value FROM measures").fetchall()}
        rejected = {int(file[4:-4]) for (file,) in ask("SELECT file FROM rejected_rows").fetchall()}
        reads = ask("SELECT count(*) FROM source_reads").fetchone()[0]
        sizes = ask("SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM measures)").fetchone()
    return names, values, rejected, reads, sizes


@pytest.mark.slow
def test_a_killed_load_is_whole_or_undone(tmp_path):
    """After each of many kills at random moments, all tables show one and the same version."""
    path = tmp_path / "facts.duckdb"
    root = Path(__file__).parents[2]
    chance = random.Random(4711)
    version = 0
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.facts.loading", str(path), str(version + 1)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        told = int(child.stdout.readline())
        time.sleep(chance.uniform(0, 0.6))
        child.kill()
        rest = child.stdout.read().split()
        child.wait()
        child.stdout.close()
        told = int(rest[-1]) if rest else told
        names, values, rejected, reads, sizes = state(path)
        assert len(names) == 1
        (version,) = names
        odd = version % 2
        # Rows of a longer version stay when a shorter one follows, with the value they had.
        assert values <= {version, version - 1}
        assert version in values
        assert (version - 1 in values) == (not odd and version > 1)
        assert rejected == {version}
        assert reads == 3 * version
        assert sizes == (500, 45_000)
        assert version in (told, told + 1)
    assert version >= KILLS
