"""Stand-ins for Resend and Postmark on loopback: what they check, what they remember, and how they fail."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from agent.foundation.access import MailAccess
from tests.mailserver import mail_access

RESEND_KEY = "re_test_key"
POSTMARK_TOKEN = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Trouble:
    """What happens to one request."""

    code: int = 0
    "The answer's code; 0 means that the connection ends without one."
    document: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    takes: bool = False
    "Whether the work is done all the same."
    seconds: float = 0.0


LOSES_ANSWER = Trouble(takes=True)
LOSES_REQUEST = Trouble()


@dataclass(frozen=True)
class Taken:
    """A message a provider has accepted."""

    provider: str
    document: dict[str, Any]
    key: str = ""


class MailApi:
    """Both providers at one address: `/emails` and `/domains` are Resend's, the rest is Postmark's."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.requests: list[tuple[str, str]] = []
        self.troubles: deque[Trouble | None] = deque()
        self.domains = [{"name": "docs.example", "status": "verified"}]
        self.lags = False
        "Whether Postmark's search does not find what it has taken yet."
        self._by_key: dict[str, tuple[dict[str, Any], str]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Requests", (_Requests,), {"api": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def access(self, **changes: Any) -> MailAccess:
        """How to reach both."""
        values: dict[str, Any] = {
            "resend_key": SecretStr(RESEND_KEY),
            "resend_url": self.url,
            "postmark_token": SecretStr(POSTMARK_TOKEN),
            "postmark_url": self.url,
            "delivery": {"timeout_seconds": 5},
        }
        return mail_access(**{**values, **changes})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def answer(
        self, method: str, path: str, headers: Any, document: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """What a provider answers when all is well with it."""
        split = urlsplit(path)
        with self._lock:
            if split.path in ("/emails", "/domains"):
                return self._resend(method, split.path, headers, document)
            return self._postmark(method, split.path, parse_qs(split.query), headers, document)

    def _resend(
        self, method: str, path: str, headers: Any, document: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if headers.get("Authorization") != f"Bearer {RESEND_KEY}":
            return 403, {"statusCode": 403, "name": "invalid_api_key", "message": "API key is invalid"}
        if path == "/domains":
            return 200, {"data": self.domains}
        missing = [name for name in ("from", "to", "subject") if not document.get(name)]
        if missing or method != "POST":
            return 422, {
                "statusCode": 422,
                "name": "missing_required_field",
                "message": f"Missing `{missing}`",
            }
        key = headers.get("Idempotency-Key", "")
        if key in self._by_key:
            before, number = self._by_key[key]
            if before != document:
                return 409, {
                    "statusCode": 409,
                    "name": "invalid_idempotent_request",
                    "message": "another payload",
                }
            return 200, {"id": number}
        number = str(uuid.uuid4())
        self._by_key[key] = (document, number)
        self.taken.append(Taken("resend", document, key))
        return 200, {"id": number}

    def _postmark(
        self, method: str, path: str, query: dict[str, list[str]], headers: Any, document: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if headers.get("X-Postmark-Server-Token") != POSTMARK_TOKEN:
            return 401, {"ErrorCode": 10, "Message": "Bad or missing Server API token."}
        if (method, path) == ("GET", "/server"):
            return 200, {"ID": 1, "Name": "Docs"}
        if (method, path) == ("GET", "/messages/outbound"):
            wanted = query.get("metadata_delivery_id", [""])[0]
            of_postmark = [one for one in self.taken if one.provider == "postmark" and not self.lags]
            found = [one.document for one in of_postmark if one.document["Metadata"]["delivery_id"] == wanted]
            return 200, {
                "TotalCount": len(found),
                "Messages": [{"Metadata": one["Metadata"]} for one in found],
            }
        if (method, path) == ("POST", "/email"):
            self.taken.append(Taken("postmark", document))
            return 200, {
                "ErrorCode": 0,
                "Message": "OK",
                "MessageID": str(uuid.uuid4()),
                "To": document["To"],
            }
        return 404, {"ErrorCode": 0, "Message": "not found"}


class _Requests(BaseHTTPRequestHandler):
    api: MailApi
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        api, length = self.api, int(self.headers.get("Content-Length") or 0)
        document = json.loads(self.rfile.read(length)) if length else {}
        api.requests.append((self.command, self.path))
        trouble = api.troubles.popleft() if api.troubles else None
        if trouble is None:
            self._say(*api.answer(self.command, self.path, self.headers, document))
            return
        if trouble.takes:
            api.answer(self.command, self.path, self.headers, document)
        time.sleep(trouble.seconds)
        if not trouble.code:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            self._say(trouble.code, trouble.document, trouble.headers)

    do_GET = do_POST = _serve  # noqa: N815 - the library's names

    def _say(self, code: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quietly."""
