"""What every stand-in of a vendor shares: real HTTP on loopback, a log of what was asked, and the vendor's clock."""

import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Refusal(Exception):
    """An answer that is not 200."""

    def __init__(self, status, body=None, **headers):
        super().__init__(status)
        self.status, self.body, self.headers = status, body if body is not None else {}, headers


class Asked:
    """One request as the vendor saw it; `query` holds the first value of each parameter, `many` all of them."""

    def __init__(self, method, target, headers, body):
        parts = urlsplit(target)
        self.method, self.path, self.target = method, parts.path, target
        self.many = parse_qs(parts.query, keep_blank_values=True)
        self.query = {name: values[0] for name, values in self.many.items()}
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.body or b"null")


class Vendor:
    """A stand-in: subclasses write `answer(asked)`, which gives JSON, bytes, or (status, body, headers)."""

    def __init__(self):
        self.asked = []
        self.skew = timedelta(0)
        "How far this vendor's clock is ahead."
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet: apart, each answer would wait for the other side's acknowledgement.
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def _serve(self):
                length = int(self.headers.get("content-length") or 0)
                asked = Asked(self.command, self.path, self.headers, self.rfile.read(length))
                vendor.asked.append(asked)
                try:
                    found = vendor.answer(asked)
                    status, body, headers = found if isinstance(found, tuple) else (200, found, {})
                except Refusal as refusal:
                    status, body, headers = refusal.status, refusal.body, refusal.headers
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
                self.send_response_only(status)
                self.send_header("Date", format_datetime(datetime.now(UTC) + vendor.skew, usegmt=True))
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(raw)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), str(value))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

            def log_message(self, *given):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def answer(self, asked):
        """What is answered."""
        raise NotImplementedError

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
