"""A proxy between a connector and a vendor's stand-in that puts a fault at any answer, and passes the rest on."""

import contextlib
import gzip
import json
import random
import socket
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Question:
    """One request: the `number`th of all, asked `tries` times before with the same words."""

    def __init__(self, number, tries, method, target, body):
        self.number, self.tries, self.method, self.target, self.body = number, tries, method, target, body

    @property
    def path(self):
        return urlsplit(self.target).path


class Answer:
    """What goes back; faults change it, or send something of their own."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def head(self, **more):
        return {name.replace("_", "-"): str(value) for name, value in more.items()}

    @property
    def rows(self):
        """The longest list of objects in it, and the whole of it; nothing where it is no JSON."""
        try:
            whole = json.loads(self.body)
        except ValueError:
            return None, None
        return max(_lists(whole), key=len, default=None), whole


def _lists(value):
    if isinstance(value, list):
        if value and all(isinstance(one, dict) for one in value):
            yield value
        return
    if isinstance(value, dict):
        for one in value.values():
            yield from _lists(one)


class FaultProxy:
    """`plan` answers the name of a fault for a Question, or None; `asked` are the questions so far."""

    def __init__(self, upstream, seconds=0.4):
        """`seconds` is how late an answer comes that is too late: more than the client's patience."""
        self.upstream, self.seconds = upstream, seconds
        self.plan = lambda question: None
        self.asked = []
        self.before = lambda question: None
        "Told of every question before it is passed on: here a vendor's rows shift between two pages."
        self.skew = timedelta(0)
        "How far the Date header of every answer is moved."
        self._lock = threading.Lock()
        self._tries = Counter()
        self._last = {}
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def _serve(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                proxy.serve(self, body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

            def log_message(self, *given):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request, client_address):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def reset(self, plan=lambda question: None):
        """Count from one again, with another plan."""
        with self._lock:
            self.plan, self.asked, self._tries, self._last = plan, [], Counter(), {}
            self.before, self.skew = (lambda question: None), timedelta(0)

    def serve(self, handler, body):
        """Answer one request."""
        with self._lock:
            name = sha256(f"{handler.command} {handler.path} ".encode() + body).digest()
            question = Question(len(self.asked) + 1, self._tries[name], handler.command, handler.path, body)
            self._tries[name] += 1
            self.asked.append(question)
            fault = self.plan(question)
        self.before(question)
        answer = self._ask(handler, body)
        FAULTS[fault](self, handler, answer, question)

    def _ask(self, handler, body):
        parts = urlsplit(self.upstream)
        connection = HTTPConnection(parts.hostname, parts.port, timeout=60)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() not in HOP}
            # The vendor names its next pages by the address that it was asked under.
            headers["Host"] = handler.headers["host"]
            connection.request(handler.command, handler.path, body or None, headers)
            found = connection.getresponse()
            raw = found.read().replace(self.upstream.encode(), self.url.encode())
            kept = {
                name: value.replace(self.upstream, self.url)
                for name, value in found.getheaders()
                if name.lower() not in HOP
            }
            return Answer(found.status, kept, raw)
        except (OSError, HTTPException) as bad:
            return Answer(502, {"Content-Type": "text/plain"}, str(bad).encode())
        finally:
            connection.close()

    def send(self, handler, answer, *, length=None, pieces=None):
        """Send an answer; `length` says another length than it has, `pieces` are bytes and seconds between them."""
        headers = dict(answer.headers)
        if self.skew:
            headers["Date"] = format_datetime(datetime.now(UTC) + self.skew, usegmt=True)
        handler.send_response_only(answer.status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body) if length is None else length))
        handler.end_headers()
        if pieces is None:
            handler.wfile.write(answer.body)
        else:
            size, wait = pieces
            for start in range(0, len(answer.body), size):
                handler.wfile.write(answer.body[start : start + size])
                handler.wfile.flush()
                time.sleep(wait)
        handler.wfile.flush()

    def last_rows(self, question, rows):
        """The rows of the page before on the same path, and remember these."""
        with self._lock:
            found = self._last.get(question.path)
            self._last[question.path] = rows
        return found


def _pass(proxy, handler, answer, question):
    proxy.send(handler, answer)


def _late(proxy, handler, answer, question):
    time.sleep(proxy.seconds)
    with contextlib.suppress(OSError):  # Nobody waited for it.
        proxy.send(handler, answer)
    handler.close_connection = True


def _cut_before(proxy, handler, answer, question):
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _cut_inside(proxy, handler, answer, question):
    whole = len(answer.body)
    proxy.send(handler, Answer(answer.status, answer.headers, answer.body[: whole // 2]), length=whole)
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _status(status, body=b'{"error": "not now"}', **headers):
    def fault(proxy, handler, answer, question):
        found = {name.replace("_", "-"): value() for name, value in headers.items()}
        date = {name: value for name, value in answer.headers.items() if name == "Date"}
        proxy.send(handler, Answer(status, {"Content-Type": "application/json", **date, **found}, body))

    return fault


def _truncated(proxy, handler, answer, question):
    proxy.send(
        handler, Answer(answer.status, answer.headers, answer.body[: max(1, len(answer.body) * 2 // 3)])
    )


def _wrong_gzip(proxy, handler, answer, question):
    body = bytearray(gzip.compress(answer.body))
    body[len(body) // 2 :] = b"\x00" * (len(body) - len(body) // 2)
    proxy.send(handler, Answer(answer.status, {**answer.headers, "Content-Encoding": "gzip"}, bytes(body)))


def _twice(proxy, handler, answer, question):
    rows, whole = answer.rows
    if rows is None:
        return _pass(proxy, handler, answer, question)
    before = proxy.last_rows(question, [dict(row) for row in rows])
    if before and question.tries == 0:
        rows[:0] = before
        answer = Answer(answer.status, answer.headers, json.dumps(whole).encode())
    return proxy.send(handler, answer)


def _disordered(proxy, handler, answer, question):
    rows, whole = answer.rows
    if rows is None or len(rows) < 3:
        return _pass(proxy, handler, answer, question)
    # The last row stays the last: many vendors go on from it.
    first, inner, last = rows[0], rows[1:-1], rows[-1]
    inner = inner + inner[: len(inner) // 2] + [first]
    random.Random(question.number).shuffle(inner)
    rows[:] = [last, *inner, first, last]
    return proxy.send(handler, Answer(answer.status, answer.headers, json.dumps(whole).encode()))


def _trickle(proxy, handler, answer, question):
    proxy.send(handler, answer, pieces=(max(1, len(answer.body) // 12), 0.004))


FAULTS = {
    None: _pass,
    "late": _late,
    "cut before the body": _cut_before,
    "cut inside the body": _cut_inside,
    "500": _status(500),
    "502": _status(502, b"<html>bad gateway</html>"),
    "503": _status(503),
    "429 in seconds": _status(429, Retry_After=lambda: "2"),
    "429 by date": _status(
        429, Retry_After=lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    ),
    "429 by reset": _status(429, X_RateLimit_Reset=lambda: str(int(time.time()) + 2)),
    "truncated": _truncated,
    "wrong gzip": _wrong_gzip,
    "400": _status(400, b'{"error": "the cursor has expired"}'),
    "404": _status(404, b'{"error": "no such cursor"}'),
    "410": _status(410, b'{"error": "gone"}'),
    "422": _status(422, b'{"error": "cursor invalid"}'),
    "401": _status(401, b'{"error": "the key was revoked"}'),
    "a page twice": _twice,
    "disorder within a page": _disordered,
    "trickle": _trickle,
}
PASSING = (
    "late", "cut before the body", "cut inside the body", "500", "502", "503", "429 in seconds", "429 by date",
    "429 by reset", "truncated", "wrong gzip",
)  # fmt: skip
"Faults after which the same question is answered rightly."
HARMLESS = ("a page twice", "disorder within a page", "trickle")
"Faults that are whole answers all the same."
EXPIRED = ("400", "404", "410", "422")
