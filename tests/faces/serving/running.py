"""The real service in a process of its own, as systemd or a container would run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SLOW_MACHINE = 60.0
"""Seconds that a step may take where others share the machine."""


class Served:
    """One `outgrown serve`, and what it said."""

    def __init__(
        self, workspace: Path, *options: str, program: Sequence[str] = (), **environment: str
    ) -> None:
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        command = program or ["agent.faces.cli", "serve", "--workspace", str(workspace), *options]
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**keep, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **environment},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def said(self, words: str, seconds: float = SLOW_MACHINE) -> str:
        """The line that holds these words, waited for."""
        return wait_for(
            lambda: next((line for line in self.lines if words in line), None), seconds, self.tell
        )

    def tell(self) -> str:
        """Everything it said, for whoever wants to know why a test failed."""
        return f"exit code {self.process.poll()}:\n" + "\n".join(self.lines)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.said("Listening on ").split()[2]

    def get(self, path: str) -> tuple[int, str]:
        """What it answers."""
        return fetch(f"{self.url}{path}")

    def health(self) -> dict[str, Any]:
        """The document of /healthz."""
        return dict(json.loads(self.get("/healthz")[1]))

    @property
    def memory(self) -> float:
        """What it takes of the machine's memory, in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self, number: int = signal.SIGTERM, seconds: float = 40.0) -> int:
        """Ask it to end; answers its exit code."""
        self.process.send_signal(number)
        return self.ended(seconds)

    def kill(self) -> int:
        """End it as no program can prepare for."""
        return self.stop(signal.SIGKILL)

    def ended(self, seconds: float = SLOW_MACHINE) -> int:
        """Its exit code, waited for."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._reader.join(5)
        assert self.process.stderr
        self.process.stderr.close()


def fetch(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Status and text of one request."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def wait_for(what: Callable[[], Any], seconds: float = SLOW_MACHINE, tell: Callable[[], str] = str) -> Any:
    """The first answer that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"it did not happen in {seconds:.0f} s; {tell()}")
