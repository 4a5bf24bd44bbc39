"""The stand-in's server: HTTP on loopback, one thread a connection, and everything that can go wrong on a wire."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from evals.standin import chat, responses
from evals.standin.asked import Api, Request, read_request
from evals.standin.counting import Count, PromptCache, tokens
from evals.standin.errors import error_of, headers_of, objection
from evals.standin.replies import (
    Answer,
    CutOff,
    Dribble,
    Hang,
    Html,
    NotJson,
    Raw,
    Reply,
    Slow,
    Status,
    Wrong,
)
from evals.standin.said import Spoken, made_id, saying_of

ROOT = "/v1"
MODELS = ("gpt-5-mini", "gpt-5", "gpt-4.1-mini")
"What is listed where a stand-in takes any model."


class Standin:
    """A model provider on loopback, as long as its `with` block lasts."""

    def __init__(self, answer: Answer, *, models: Iterable[str] = (), key: str | None = None) -> None:
        """`models` are the only ones it knows, any where there are none; `key` the only one it takes, any where None."""
        self.answer = answer
        self.models = tuple(models)
        self.key = key
        self.cache = PromptCache()
        self.closing = threading.Event()
        self.failures: list[BaseException] = []
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    @property
    def base_url(self) -> str:
        """Where it is, as clients take it."""
        return f"http://127.0.0.1:{self._server.server_port}{ROOT}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """What was asked of a model so far, in the order it came in, refused requests included."""
        with self._lock:
            return tuple(self._requests)

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for one in self._sockets:
                _end(one)
        self._server.server_close()
        if self.failures and error is None:
            raise self.failures[0]

    def note(self, request: Request) -> None:
        """Keep a request for `requests`."""
        with self._lock:
            self._requests.append(request)

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, to close it at the end."""
        with self._lock:
            self._sockets.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._sockets.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, standin: Standin) -> None:
        self.standin = standin
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Bind without asking for the machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that goes away is no error here, and an answer that fails is kept by the handler."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _Server

    def setup(self) -> None:
        """Open the connection, known to the stand-in."""
        super().setup()
        self.standin.opened(self.connection)

    def finish(self) -> None:
        """Close it."""
        self.standin.closed(self.connection)
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    @property
    def standin(self) -> Standin:
        """Whose connection this is."""
        return self.server.standin

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's names
        """Nothing: what is asked may hold customers' words."""

    def do_GET(self) -> None:
        """The list of models, or one of them."""
        path = self.path.partition("?")[0]
        names = self.standin.models or MODELS
        if path == f"{ROOT}/models":
            self._json(200, {"object": "list", "data": [_model(name) for name in names]})
            return
        name = unquote(path.removeprefix(f"{ROOT}/models/"))
        if name in names:
            self._json(200, _model(name))
        else:
            self._status(Status(404), name)

    def do_POST(self) -> None:
        """A question to a model."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            api = Api(self.path.partition("?")[0].removeprefix(ROOT))
        except ValueError:
            self._status(Status(404, says=f"Invalid URL (POST {self.path})", name="unknown_url"), "")
            return
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = read_request(api, json.loads(raw), headers, time.monotonic())
        except (ValueError, AttributeError, KeyError, TypeError):
            says = "We could not parse the JSON body of your request."
            self._status(Status(400, says=says), "")
            return
        self.standin.note(request)
        try:
            reply = self._objection(request) or self.standin.answer(request)
        except Exception as error:
            self.standin.failures.append(error)
            reply = Status(500)
        self._give(reply, request)

    def _objection(self, request: Request) -> Status | None:
        key = self._key()
        if not key or self.standin.key not in (None, key):
            return Status(401)
        return objection(request, self.standin.models)

    def _key(self) -> str:
        return (self.headers.get("authorization") or "").removeprefix("Bearer ").strip()

    def _give(self, reply: Reply, request: Request) -> None:
        """Send a reply, or do what it says instead of sending one."""
        match reply:
            case Slow(seconds, then):
                if not self.standin.closing.wait(seconds):
                    self._give(then, request)
            case Hang():
                self.standin.closing.wait()
                self.close_connection = True
            case Dribble(rate):
                self._dribble(rate)
            case Status():
                self._status(reply, request.model)
            case Html(code, text):
                self._send(code, text.encode(), "text/html; charset=utf-8")
            case NotJson(text):
                self._send(200, text.encode())
            case Wrong(body):
                self._json(200, body)
            case Raw(body, code, content_type, headers):
                self._send(code, body, content_type, headers.items())
            case _:
                self._speak(reply, request)

    def _speak(self, reply: Spoken, request: Request) -> None:
        """Answer in the protocol asked in, whole or as a stream."""
        saying = saying_of(reply, request)
        prompt = request.prefix
        cached = self.standin.cache.cached(request.model, request.cache_key, prompt)
        count = Count(tokens(prompt), cached, saying.tokens_out)
        after = reply.after if isinstance(reply, CutOff) else None
        if request.stream:
            is_chat = request.api is Api.CHAT
            parts = chat.chunks if is_chat else responses.events
            self._stream(_events(parts(saying, request, count), with_end=is_chat), after)
            return
        whole = chat.completion if request.api is Api.CHAT else responses.response
        self._send(200, json.dumps(whole(saying, request, count)).encode(), after=after)

    def _status(self, status: Status, model: str) -> None:
        body = json.dumps(error_of(status, model, self._key())).encode()
        self._send(status.code, body, headers=headers_of(status))

    def _json(self, code: int, body: Any) -> None:
        self._send(code, json.dumps(body).encode())

    def _send(
        self,
        code: int,
        body: bytes,
        content_type: str = "application/json",
        headers: Iterable[tuple[str, str]] = (),
        after: int | None = None,
    ) -> None:
        """A response of known length; cut off `after` so many bytes."""
        self._begin(code, content_type, [("content-length", str(len(body))), *headers])
        self.wfile.write(body if after is None else body[:after])
        self.wfile.flush()
        if after is not None:
            self._cut()

    def _stream(self, parts: Iterable[bytes], after: int | None) -> None:
        """A response in chunks; cut off `after` so many bytes."""
        self._begin(200, "text/event-stream; charset=utf-8", [("transfer-encoding", "chunked")])
        left = after
        for part in parts:
            piece = part if left is None else part[:left]
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            if left is not None and (left := left - len(piece)) <= 0:
                self._cut()
                return
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _dribble(self, rate: int) -> None:
        """A body without end: what may stand before any JSON value, a little at a time."""
        self._begin(200, "application/json", [("transfer-encoding", "chunked")])
        pause = max(1 / rate, 0.01)
        size = max(1, round(rate * pause))
        try:
            while not self.standin.closing.wait(pause):
                self.wfile.write(b"%x\r\n%s\r\n" % (size, b" " * size))
                self.wfile.flush()
        except OSError:
            self.close_connection = True
        self._cut()

    def _begin(self, code: int, content_type: str, headers: Iterable[tuple[str, str]]) -> None:
        self.send_response(code)
        for name, value in (("content-type", content_type), ("x-request-id", made_id("req_")), *headers):
            self.send_header(name, value)
        self.end_headers()

    def _cut(self) -> None:
        """Close the connection in the middle."""
        self.close_connection = True
        _end(self.connection)


def _events(parts: Iterator[Mapping[str, Any]], *, with_end: bool) -> Iterator[bytes]:
    """Server-sent events; chat's carry no name and end with a mark of their own."""
    for part in parts:
        name = "" if with_end else f"event: {part['type']}\n"
        yield f"{name}data: {json.dumps(part)}\n\n".encode()
    if with_end:
        yield b"data: [DONE]\n\n"


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "standin"}


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
