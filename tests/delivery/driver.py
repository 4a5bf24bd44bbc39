"""A process that forks one child for each job, so that a test can kill many and pay the imports once.

It reads one JSON line per job from its input (`{"job": …, …}`) and answers with the child's process id;
`{"job": "wait", "pid": …}` answers with how the child ended: 0, or the signal that killed it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg  # noqa: F401 - so that no child has to
from sqlalchemy import event
from sqlalchemy.orm import configure_mappers

from agent.approval.states import DraftState
from agent.approval.views import list_drafts
from agent.delivery.channel import Announce, Channel, Envelope, unannounced
from agent.delivery.eml import EmlChannel
from agent.delivery.sender import send
from agent.delivery.smtp import SmtpChannel
from agent.foundation.errors import MoveRefused, Stale
from agent.foundation.settings import Company
from agent.foundation.store import Store, open_store
from tests.delivery.made import approved
from tests.mailserver import AUTHORITY, mail_access

BEGUN = "begun"
"Is there once a child comes to its first draft."
COMPANY = Company(name="Docs", product="Docs", sender_name="Dana", sender_email="dana@docs.example")


class MailboxChannel(Channel):
    """A stand-in for a mail server: every handing over is a line, and nobody can ask afterwards."""

    name = "mailbox"

    def __init__(self, log: Path) -> None:
        self._log = log

    def deliver(self, envelope: Envelope, announce: Announce = unannounced) -> None:
        """One write, so that a kill leaves a whole line or none."""
        handle = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{envelope.delivery_id}\n".encode())
        os.close(handle)

    def was_delivered(self, delivery_id: str) -> None:
        """It cannot be known."""

    def erase(self, delivery_id: str) -> None:
        """There is nothing to erase."""


class Steps:
    """Counts what the child does, and kills it before the step it is to die at."""

    def __init__(self, die_at: int, note: Path) -> None:
        self._left, self._note = die_at, note

    def __call__(self, name: str) -> None:
        """One step; nothing runs after the one it is to die at."""
        self._left -= 1
        if self._left == 0:
            self._note.write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, store: Store) -> None:
        """Every statement, every commit, every file made or renamed is a step."""
        event.listen(store.engine, "before_cursor_execute", self._statement)
        event.listen(store.engine, "commit", lambda connection: self("COMMIT"))
        sys.addaudithook(self._file)

    def _statement(self, _c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        words = statement.split()
        verb = words[0].upper()
        if verb == "UPDATE":
            self(f"UPDATE {words[1]}")
        elif verb == "INSERT":
            self(f"INSERT {words[2]}")
        elif verb in ("BEGIN", "SELECT"):
            self(verb)

    def _file(self, name: str, args: tuple[Any, ...]) -> None:
        if name == "os.rename":
            self("rename file")
        elif name == "open" and isinstance(args[0], str | os.PathLike) and str(args[0]).endswith(".part"):
            self("write file")


class Stepping(Channel):
    """A channel with a step before and after the handing over."""

    def __init__(self, inner: Channel, step: Steps) -> None:
        self.name, self._inner, self._step = inner.name, inner, step
        self.announces = inner.announces

    def deliver(self, envelope: Envelope, announce: Announce = unannounced) -> None:
        """Hand over between two steps."""
        self._step("before handing over")
        self._inner.deliver(envelope, announce)
        self._step("after handing over")

    def was_delivered(self, delivery_id: str) -> bool | None:
        """As the channel itself knows."""
        return self._inner.was_delivered(delivery_id)

    def erase(self, delivery_id: str) -> None:
        """As the channel itself does."""
        self._inner.erase(delivery_id)


def a_channel(kind: str, folder: Path) -> Channel:
    """The real file channel, the real SMTP channel ("smtp:PORT", its authority in the folder), or a mailbox's stand-in."""
    if kind.startswith("smtp:"):
        smtp = {"host": "127.0.0.1", "port": int(kind[5:]), "ca_file": str(folder / AUTHORITY)}
        return SmtpChannel(mail_access(smtp=smtp), COMPANY)
    return EmlChannel(folder, COMPANY) if kind == "eml" else MailboxChannel(folder / "mailbox.log")


def work(url: str, folder: str, kind: str, now: str, die_at: int = 0) -> None:
    """Approve and send everything there is, one draft after the other."""
    store, moment, channel = open_store(url), datetime.fromisoformat(now), a_channel(kind, Path(folder))
    if die_at:
        steps = Steps(die_at, Path(folder) / "died_at")
        steps.watch(store)
        channel = Stepping(channel, steps)
    send(store, [channel], now=moment)
    (Path(folder) / BEGUN).touch()
    for line in list_drafts(store, DraftState.PENDING):
        approved(store, line.draft_id, now=moment, channel=channel.name)
        send(store, [channel], now=moment)


def wait_until(at: float) -> None:
    """Sleep to just before the moment, then keep awake for it."""
    time.sleep(max(0.0, at - time.monotonic() - 0.003))
    while time.monotonic() < at:
        pass


def race(url: str, folder: str, draft_id: str, who: str, at: float, now: str) -> None:
    """Approve one draft at the same moment as the others, and note how it went."""
    store = open_store(url)
    wait_until(at)
    try:
        word = f"won {approved(store, draft_id, who=who, now=datetime.fromisoformat(now)).delivery_id}"
    except Stale as why:
        word = f"stale {why}"
    except MoveRefused as why:
        word = f"refused {why}"
    (Path(folder) / f"{who}.result").write_text(word)


def send_race(url: str, folder: str, kind: str, at: float, now: str) -> None:
    """Send whatever there is at the same moment as the others."""
    store, channel = open_store(url), a_channel(kind, Path(folder))
    wait_until(at)
    send(store, [channel], now=datetime.fromisoformat(now))


def open_race(url: str, at: float) -> None:
    """Open a state that is still empty at the same moment as the others."""
    wait_until(at)
    open_store(url).close()


JOBS = {"work": work, "race": race, "send_race": send_race, "open_race": open_race}


def main() -> None:
    """Read jobs until the input ends; what every child needs is prepared once."""
    configure_mappers()
    for line in sys.stdin:
        job = json.loads(line)
        name = job.pop("job")
        if name == "wait":
            _, status = os.waitpid(job["pid"], 0)
            _answer(os.waitstatus_to_exitcode(status))
            continue
        pid = os.fork()
        if pid == 0:
            _run(name, job)
        _answer(pid)


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(name: str, job: dict[str, Any]) -> None:
    """Do the job and end, without any of the parent's endings."""
    code = 1
    try:
        JOBS[name](**job)
        code = 0
    except BaseException as why:
        sys.stderr.write(f"{name}: {type(why).__name__}: {why}\n")
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
