"""A server on loopback that answers as a test scripts it: late, in drips, cut off, or with nonsense."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer, and how it comes."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    "Seconds before the first byte."
    drip: float = 0.0
    "Seconds between two bytes."
    cut: int | None = None
    "Bytes after which the connection is closed."


def completion(content: str | None, finish: str = "stop", usage: Any = "usual", **message: Any) -> Reply:
    """A chat completion."""
    usual = {
        "prompt_tokens": 1200,
        "completion_tokens": 80,
        "total_tokens": 1280,
        "prompt_tokens_details": {"cached_tokens": 1024},
    }
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1767225600,
        "model": "gpt-5-mini-2025-08-07",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, "refusal": None, **message},
            }
        ],
    }
    if usage is not None:
        body["usage"] = usual if usage == "usual" else usage
    return Reply(json.dumps(body))


def calling(*calls: tuple[str, Any], usage: Any = "usual") -> Reply:
    """A completion that calls tools; arguments given as text are sent as they stand."""
    made = [
        {
            "id": f"call_{number}_{name}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(calls)
    ]
    return completion(None, "tool_calls", usage, tool_calls=made)


def failing(status: int, code: str = "", **headers: str) -> Reply:
    """An error in the provider's form; it repeats the key, as some servers do."""
    said = {"error": {"message": "secret words of the error", "type": "x", "code": code or None}}
    return Reply(json.dumps(said), status, {name.replace("_", "-"): value for name, value in headers.items()})


class Server:
    """What it was asked, and what it answers: the script, then its last line again and again."""

    def __init__(self, *script: Reply) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.lock = threading.Lock()
        self.under_way = self.most_at_once = 0
        self.over = threading.Event()
        self.url = ""

    def next(self) -> Reply:
        """The next line of the script."""
        with self.lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def _answer(self, asked: bytes) -> None:
        told: Server = self.server.told
        with told.lock:
            told.paths.append(self.path)
            told.headers.append({name.lower(): value for name, value in self.headers.items()})
            told.requests.append(json.loads(asked) if asked else {})
            told.under_way += 1
            told.most_at_once = max(told.most_at_once, told.under_way)
        try:
            with suppress(OSError):
                self._send(told, told.next())
        finally:
            with told.lock:
                told.under_way -= 1

    def _send(self, told: Server, reply: Reply) -> None:
        told.over.wait(reply.wait)
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json", **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for at in range(0, len(body), 1 if reply.drip else max(len(body), 1)):
            if told.over.wait(reply.drip) if reply.drip else False:
                return
            if reply.cut is not None:
                self.wfile.write(body[: reply.cut])
                self.close_connection = True
                return
            self.wfile.write(body[at : at + 1] if reply.drip else body)
            self.wfile.flush()

    def log_message(self, *args: Any) -> None:
        """Nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    told: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the script."""


@contextmanager
def serving(*script: Reply) -> Iterator[Server]:
    """A server with that script."""
    told = Server(*script)
    server = _Quiet(("127.0.0.1", 0), _Handler)
    server.told = told
    told.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def wait_for(condition: Any, seconds: float = 5.0) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return False
