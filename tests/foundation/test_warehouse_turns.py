"""The facts' file among many: a writer gets its turn beside readers that never end, threads and processes alike."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agent.foundation.errors import StoreBusy
from agent.foundation.warehouse import open_warehouse

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def facts(tmp_path):
    """A file of facts."""
    path = tmp_path / "facts.duckdb"
    with open_warehouse(path, write=True) as warehouse:
        warehouse.duck.execute("CREATE TABLE t AS SELECT 1 AS a")
    return path


def test_another_thread_s_reading_is_waited_for(facts):
    """Not taken for a broken file."""
    said = "another piece of work of this process"
    for first in (False, True):
        with open_warehouse(facts, write=first), pytest.raises(StoreBusy, match=said):
            open_warehouse(facts, write=not first, wait=0.3).__enter__()


def read_for_ever(facts, ending, errors):
    """Stays that overlap with those of others."""
    while not ending.is_set():
        try:
            with open_warehouse(facts, wait=5) as warehouse:
                warehouse.duck.execute("SELECT * FROM t").fetchall()
                time.sleep(0.2)
        except Exception as error:
            errors.append(error)


READER = """
import sys, time
from pathlib import Path
from agent.foundation.warehouse import open_warehouse

until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    with open_warehouse(Path(sys.argv[1]), wait=5):
        print("in", flush=True)
        time.sleep(0.2)
"""


@pytest.mark.slow
def test_a_writer_comes_in_beside_readers_that_never_end(facts):
    """Four threads here and two processes elsewhere read without a pause in which the file is free."""
    ending, errors = threading.Event(), []
    threads = [threading.Thread(target=read_for_ever, args=(facts, ending, errors)) for _ in range(4)]
    others = [
        subprocess.Popen([sys.executable, "-c", READER, str(facts), "12"], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for other in others:
        assert other.stdout.readline() == b"in\n"
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for number in range(3):
        begun = time.monotonic()
        with open_warehouse(facts, write=True, wait=5) as warehouse:
            warehouse.duck.execute(f"INSERT INTO t VALUES ({number})")
        assert time.monotonic() - begun < 5
        time.sleep(0.3)
    ending.set()
    for thread in threads:
        thread.join(10)
    for other in others:
        other.communicate(timeout=30)
        assert other.returncode == 0
    assert errors == []
    with open_warehouse(facts) as warehouse:
        assert warehouse.duck.execute("SELECT count(*) FROM t").fetchall() == [(4,)]
