"""A real Spark for the tests: one session in this process, and a cluster of a master and two workers on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.log.level": "OFF",
}
"Small, silent and on loopback."
WAIT_SECONDS = 60.0


def missing() -> str | None:
    """Why there can be no Spark here, or None."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "pyspark is not installed"
    java = shutil.which("java", path=_path())
    return None if java else "there is no Java; install openjdk-17-jre-headless"


def _path() -> str:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin:{os.environ['PATH']}" if home else os.environ["PATH"]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[tuple[str, int]]:
    """A standalone cluster of real processes, for as long as the block lasts: its spark:// URL, its page's port."""
    import pyspark

    home = Path(pyspark.__file__).parent
    port, page = free_port(), free_port()
    master = f"spark://127.0.0.1:{port}"
    environment = os.environ | {
        "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1", "SPARK_DAEMON_MEMORY": "256m",
    }  # fmt: skip
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> None:
        log = (folder / f"{name}.log").open("wb")
        command = [str(home / "bin" / "spark-class"), *arguments]
        started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder))

    try:
        start(
            "master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port),
            "--webui-port", str(page),
        )  # fmt: skip
        for number in range(workers):
            start(
                f"worker{number}", "org.apache.spark.deploy.worker.Worker", master, "--host", "127.0.0.1", "--cores", "1",
                "--memory", "1g", "--webui-port", str(free_port()), "--work-dir", str(folder / f"work{number}"),
            )  # fmt: skip
        _wait_for(page, workers, started)
        yield master, page
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def _wait_for(page: int, workers: int, started: list[subprocess.Popen[bytes]]) -> None:
    """Until the master says that all workers are alive."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        assert all(process.poll() is None for process in started), "a process of the cluster ended"
        if alive_workers(page) == workers:
            return
        time.sleep(0.3)
    raise AssertionError(f"the cluster was not up within {WAIT_SECONDS:g} seconds")


def alive_workers(page: int) -> int:
    """How many workers the master counts."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
            return int(json.load(answer)["aliveworkers"])
    except OSError:
        return 0


@pytest.fixture(scope="session")
def spark_options() -> dict[str, Any]:
    """The options of a small session; a test that needs Spark is skipped, with the reason, where there is none."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    return dict(QUIET)
