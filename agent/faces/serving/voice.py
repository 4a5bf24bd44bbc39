"""What a running service says: plain lines on stderr, a trouble once until it is over, and never a token."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable

from agent.faces.common import note

REPEAT_SECONDS = 300.0
"How often a trouble that goes on is told again."
SECRET = re.compile(r"\b(xox[a-z]|xapp|xwfp|re|sk|whsec)[-_][\w-]{6,}|(?<=://)[^/@\s]+(?=@)", re.IGNORECASE)
"Tokens of Slack and of mail providers, and a password in an address."
LIBRARIES = {
    "slack_bolt": logging.WARNING,
    "slack_sdk": logging.WARNING,
    # That it looks again while a run is under way is no news.
    "apscheduler": logging.ERROR,
    # What goes wrong inside a route we tell ourselves.
    "uvicorn": logging.CRITICAL,
    "asyncio": logging.ERROR,
}
"From which level on each may speak."


def hidden(text: str) -> str:
    """The text on one line, without anything that is a key."""
    return SECRET.sub("…", " ".join(text.split()))


class Voice:
    """Lines of the service; safe to use from several threads."""

    def __init__(self, write: Callable[[str], None] = note) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._troubles: dict[str, tuple[str, float]] = {}

    def say(self, text: str) -> None:
        """One line."""
        with self._lock:
            self._write(hidden(text))

    def trouble(self, what: str, text: str) -> None:
        """Something that does not work for now: told when it begins or changes, then every few minutes."""
        moment = time.monotonic()
        with self._lock:
            told, at = self._troubles.get(what, ("", 0.0))
            if told == text and moment - at < REPEAT_SECONDS:
                return
            self._troubles[what] = (text, moment)
            self._write(hidden(f"{what}: {text}"))

    def well(self, what: str) -> None:
        """It works, and if it did not before, that is told."""
        with self._lock:
            if self._troubles.pop(what, None) is not None:
                self._write(f"{what}: works again.")


class Lines(logging.Handler):
    """Warnings of the libraries as single lines of ours, without tracebacks."""

    def __init__(self, voice: Voice) -> None:
        super().__init__()
        self._voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        """Say it; the same line again only every few minutes."""
        room = record.name.split(".")[0]
        self._voice.trouble(room, f"{record.getMessage()[:300]}")


def quiet_libraries(voice: Voice) -> Lines:
    """Let the libraries speak through us alone, and only of what is wrong."""
    handler = Lines(voice)
    for name, level in LIBRARIES.items():
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
        logger.setLevel(level)
    return handler
