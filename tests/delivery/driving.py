"""The test's side of the driver."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Driver:
    """Starts jobs in processes of their own, waits for them, kills them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def start(self, job: str, **arguments: Any) -> int:
        """Begin a job; answers its process id."""
        return self._ask({"job": job, **arguments})

    def wait(self, pid: int) -> int:
        """How the job ended: 0, or minus the signal that killed it."""
        return self._ask({"job": "wait", "pid": pid})

    def kill(self, pid: int) -> int:
        """Kill it, as no program can prepare for; answers how it ended."""
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def run(self, job: str, **arguments: Any) -> int:
        """Do a job to its end."""
        return self.wait(self.start(job, **arguments))

    def close(self) -> None:
        """End the driver; its jobs have ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _ask(self, line: dict[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    """One driver for a file of tests."""
    running = Driver()
    yield running
    running.close()
