"""Real exchanges, kept in a file without key or headers, and given again."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evals.standin.asked import Request
from evals.standin.replies import Raw, Status

PATIENCE = 120
"Seconds a provider may take while it is recorded."


class Recorder:
    """An answer that passes every request on to a provider, and keeps what comes back, one JSON line each."""

    def __init__(self, base_url: str, path: Path) -> None:
        self._at = urlsplit(base_url)
        self._path = path
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Raw:
        """What the provider answers, errors included."""
        is_safe = self._at.scheme == "https"
        kind = http.client.HTTPSConnection if is_safe else http.client.HTTPConnection
        connection = kind(self._at.hostname or "", self._at.port, timeout=PATIENCE)
        headers = {"content-type": "application/json"}
        if key := request.headers.get("authorization"):
            headers["authorization"] = key
        try:
            path = self._at.path.rstrip("/") + request.api.value
            connection.request("POST", path, json.dumps(request.body), headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        content_type = response.getheader("content-type") or "application/json"
        reply = Raw(body, response.status, content_type)
        self._keep(request, reply)
        return reply

    def _keep(self, request: Request, reply: Raw) -> None:
        line = {
            "asked": request.content_hash,
            "api": request.api.value,
            "request": request.body,
            "code": reply.code,
            "content_type": reply.content_type,
            "body": reply.body.decode("utf-8", "replace"),
        }
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


class Replay:
    """An answer from a file of recordings; what was asked several times is given in the order it came."""

    def __init__(self, path: Path) -> None:
        self._kept: dict[str, list[Raw]] = {}
        self._lock = threading.Lock()
        for line in path.read_text(encoding="utf-8").splitlines():
            row: Mapping[str, Any] = json.loads(line)
            reply = Raw(row["body"].encode(), row["code"], row["content_type"])
            self._kept.setdefault(row["asked"], []).append(reply)

    def __call__(self, request: Request) -> Raw | Status:
        """The answer recorded for the same question; 404 where there is none."""
        with self._lock:
            replies = self._kept.get(request.content_hash)
            if not replies:
                return Status(
                    404, name="not_recorded", says="There is no recording of this request; record it anew."
                )
            return replies.pop(0) if len(replies) > 1 else replies[0]
