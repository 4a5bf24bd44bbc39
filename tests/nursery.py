"""Processes of the command line that know the small vendor: one process imports everything, and forks for each command.

`python -m tests.nursery` reads lines of JSON ({"arguments": […], "log": PATH}) and answers with a process id; when that
process has ended, with {"pid": …, "status": …}.
"""

import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path


class Nursery:
    """Asks the process that forks."""

    def __init__(self, env):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **env, "PYTHONDONTWRITEBYTECODE": "1"},
            text=True,
            cwd=Path(__file__).parents[1],
        )
        self._ended, self._started = {}, []
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _listen(self):
        for line in self._process.stdout:
            found = json.loads(line)
            with self._news:
                if "status" in found:
                    self._ended[found["pid"]] = found["status"]
                else:
                    self._started.append(found["pid"])
                self._news.notify_all()

    def start(self, *arguments, log):
        """Start a command; its process id."""
        with self._news:
            known = len(self._started)
            self._process.stdin.write(
                json.dumps({"arguments": [str(one) for one in arguments], "log": str(log)}) + "\n"
            )
            self._process.stdin.flush()
            assert self._news.wait_for(lambda: len(self._started) > known, 60)
            return self._started[-1]

    def wait(self, pid, seconds=120):
        """The exit status of a process: as the shell has it, minus the signal for a killed one."""
        with self._news:
            assert self._news.wait_for(lambda: pid in self._ended, seconds), f"{pid} did not end"
            return self._ended[pid]

    def is_running(self, pid):
        with self._news:
            return pid not in self._ended

    def run(self, *arguments, log, seconds=120):
        """Start a command and wait for it."""
        return self.wait(self.start(*arguments, log=log), seconds)


def _say(found):
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def _child(order):
    with Path(order["log"]).open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.argv = ["outgrown", *order["arguments"]]
    from agent.faces.cli import main

    try:
        main()
    except SystemExit as done:
        sys.stdout.flush()
        sys.stderr.flush()
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    return 0


def main():
    """Import what takes long, then fork."""
    from connectors import VENDORS
    from connectors._landing import parts
    from tests.vendors.small import SMALL

    VENDORS["small"] = SMALL
    import agent.faces.cli  # noqa: F401
    import connectors._api
    import connectors._kept
    import connectors._staging

    parts()
    connectors._api.BACKOFF = 0.05
    children = set()
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], 0.01)
        if ready:
            line = sys.stdin.readline()
            if not line:
                return
            pid = os.fork()
            if pid == 0:
                os.close(0)
                os._exit(_child(json.loads(line)))
            children.add(pid)
            _say({"pid": pid})
        for pid in list(children):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                children.discard(pid)
                _say({"pid": pid, "status": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
