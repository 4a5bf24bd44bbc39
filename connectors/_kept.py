"""Answers kept on disk while a reading is under way, so that it goes on from the last good page.

A reading that failed or was killed asks the same questions again, and those that were answered are answered from
here. When it ends well the folder goes.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError
from requests.structures import CaseInsensitiveDict

from agent.foundation.errors import SourceFailed
from agent.foundation.holder import machine_now
from connectors._shapes import is_this_machine

OLDEST = timedelta(hours=24)
"An unfinished reading older than this is begun again: too much will have moved."
PIECE = 1 << 18
KEPT_HEADERS = ("content-type", "date", "link", "retry-after")


class Kept:
    """The folder of one unfinished reading."""

    def __init__(self, folder: Path, marker: Mapping[str, Any]) -> None:
        """`marker` says what the reading is from; answers kept for another one are thrown away."""
        self.folder = folder
        self._marker = folder / "reading.json"
        given = json.dumps(dict(marker), sort_keys=True, default=str)
        try:
            begun = json.loads(self._marker.read_text(encoding="utf-8"))
            is_ours = begun["marker"] == given
            self.started = datetime.fromisoformat(begun["started"])
            is_ours = is_ours and timedelta(0) <= machine_now() - self.started <= OLDEST
        except (OSError, ValueError, KeyError, TypeError):
            is_ours = False
        self.is_resumed = is_ours and len(list(folder.iterdir())) > 1
        if not is_ours:
            self.drop()
            folder.mkdir(mode=0o700, parents=True)
            self.started = machine_now()
            _write(self._marker, {"marker": given, "started": self.started.isoformat()})

    def path(self, name: str) -> Path:
        """Where the answer to a question is kept."""
        return self.folder / hashlib.sha256(name.encode()).hexdigest()

    def drop(self) -> None:
        """Throw everything away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self) -> None:
        """Throw the answers away; the reading stays the same."""
        for path in self.folder.iterdir():
            if path != self._marker:
                path.unlink(missing_ok=True)


class KeepingAdapter(HTTPAdapter):
    """Sends requests at a vendor's pace, and keeps every whole answer."""

    def __init__(self, kept: Kept | None, limit: tuple[int, float]) -> None:
        """`limit` is so many requests in so many seconds."""
        super().__init__()
        self.kept, self.limit = kept, limit
        self.is_whole: Callable[[Path], bool] = _is_json
        "Whether a body (a file) is all there; set around downloads that are not JSON."
        self.skew = timedelta(0)
        "How far the vendor's clock is ahead of ours."
        self.asked = 0
        self.answers = 0
        "Good answers so far, kept ones included."
        self.secrets: tuple[str, ...] = ()
        "Headers that go to the vendor alone."
        self.is_vendors: Callable[[str], bool] = lambda _: True
        "Whether an address is the vendor's."
        self._sent: deque[float] = deque(maxlen=limit[0])

    def send(self, request: PreparedRequest, *given: Any, **more: Any) -> Response:
        """The kept answer, or a fresh one; a body that ends too early raises ChunkedEncodingError."""
        self._must_be_safe(request)
        path = self.kept.path(_question(request)) if self.kept else None
        # One that is not whole was not wholly on the disk when the machine stopped.
        if path is not None and path.exists() and self.is_whole(path):
            self.answers += 1
            return self._answer(request, path)
        if len(self._sent) == self._sent.maxlen:
            time.sleep(max(0.0, self._sent[0] + self.limit[1] - time.monotonic()))
        self._sent.append(time.monotonic())
        self.asked += 1
        more["stream"] = True
        response = super().send(request, *given, **more)
        self._look_at_clock(response)
        if response.status_code != 200:
            wait = wait_of(response)
            if wait is not None:
                response.headers["Retry-After"] = str(wait)
            # Read here, so that what breaks it off is an error of the sending, and tried again.
            response._content = response.content
            return response
        return self._take(request, response, path)

    def _take(self, request: PreparedRequest, response: Response, path: Path | None) -> Response:
        folder = path.parent if path else Path(tempfile.gettempdir())
        handle, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as out:
                for piece in response.iter_content(PIECE):
                    out.write(piece)
            body = Path(name)
            if not self.is_whole(body):
                raise ChunkedEncodingError("the answer ends too early")
            self.answers += 1
            headers = {key: value for key, value in response.headers.items() if key.lower() in KEPT_HEADERS}
            if path is None:
                return _made(request, headers, body.read_bytes(), None)
            _write(Path(f"{path}.headers"), {"headers": headers, "skew": self.skew.total_seconds()})
            body.replace(path)
            return self._answer(request, path)
        finally:
            response.close()
            Path(name).unlink(missing_ok=True)

    def _answer(self, request: PreparedRequest, path: Path) -> Response:
        try:
            found = json.loads(Path(f"{path}.headers").read_text(encoding="utf-8"))
            # A reading that goes on sees the vendor's clock as the one did that was broken off.
            self.skew = timedelta(seconds=found["skew"])
            headers = found["headers"]
        except (OSError, ValueError, KeyError, TypeError):
            headers = {}
        # A download stays on the disk: whoever asked for it reads it there.
        body = path.read_bytes() if self.is_whole is _is_json else b""
        return _made(request, headers, body, path)

    def _must_be_safe(self, request: PreparedRequest) -> None:
        """Take the keys off a request that leads elsewhere, and refuse one that anybody on the way could read."""
        url = request.url or ""
        parts = urlsplit(url)
        if parts.scheme != "https" and not is_this_machine(parts.hostname):
            raise SourceFailed(
                f"An answer led to {parts.hostname} without encryption; nothing was sent there."
            )
        if not self.is_vendors(url):
            for name in (*self.secrets, "Authorization", "Proxy-Authorization", "Cookie"):
                request.headers.pop(name, None)

    def _look_at_clock(self, response: Response) -> None:
        theirs = _date_of(response)
        if theirs is not None:
            self.skew = theirs - machine_now()


def wait_of(response: Response) -> int | None:
    """Seconds the vendor asks us to wait: Retry-After in seconds or as a date, or one of the reset headers."""
    there = _date_of(response) or machine_now()
    for name in ("Retry-After", "X-RateLimit-Reset", "ratelimit-reset", "X-HubSpot-RateLimit-Reset"):
        given = response.headers.get(name, "").strip()
        if not given or (name != "Retry-After" and response.status_code != 429):
            continue
        try:
            seconds = float(given)
        except ValueError:
            try:
                until = parsedate_to_datetime(given).astimezone(UTC).replace(tzinfo=None)
            except (ValueError, TypeError):
                continue
            seconds = (until - there).total_seconds()
        if seconds > 1e11:  # a moment, in milliseconds since 1970
            seconds /= 1000
        if seconds > 1e9:  # a moment, in seconds since 1970, by the vendor's clock
            seconds -= there.replace(tzinfo=UTC).timestamp()
        if not math.isfinite(seconds):
            continue
        return max(1, round(seconds + 0.5))
    return None


def _date_of(response: Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC).replace(tzinfo=None)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content), encoding="utf-8")


def _question(request: PreparedRequest) -> str:
    body = request.body or b""
    raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
    return f"{request.method} {request.url} {hashlib.sha256(raw).hexdigest()}"


def _made(request: PreparedRequest, headers: Mapping[str, str], body: bytes, path: Path | None) -> Response:
    response = Response()
    response.status_code, response.request, response.url = 200, request, request.url or ""
    response.headers = CaseInsensitiveDict(headers)
    response.kept_at = path  # type: ignore[attr-defined]
    response.raw = io.BytesIO(body)
    return response


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes() or b"x")
    except ValueError:
        return False
    return True
