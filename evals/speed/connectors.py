"""How fast a vendor's events become facts: python -m evals.speed.connectors [VENDOR …] [--events 1000000].

The vendor is a process of its own that answers from bodies made beforehand; the sync is another, and everything it
does counts: download, landing, matching, the door. A third downloads the same answers to nowhere, for comparison.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from struct import pack
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

VENDORS = ("posthog", "mixpanel", "amplitude")
EVENTS, ACCOUNTS, DAYS = 1_000_000, 2_000, 40
NAMES = (
    "Report exported", "Dashboard opened", "Document saved", "Comment added", "Search run", "Member invited",
    "Paywall shown", "Limit reached", "Filter changed", "File uploaded", "Template used", "$pageview",
    "Integration connected", "Chart created", "Settings opened", "Notification read",
)  # fmt: skip
AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
PAGE = 50_000
KEYS = {
    "POSTHOG_API_KEY": "phx_speed",
    "MIXPANEL_USERNAME": "speed.service-account",
    "MIXPANEL_SECRET": "speed",
    "AMPLITUDE_API_KEY": "speed",
    "AMPLITUDE_SECRET_KEY": "speed",
}
RULES = """
[connectors.{vendor}.events]
"Paywall shown" = "blocked"
"Limit reached" = "limit_hit"
"Member invited" = "invited"
"Report exported" = {{ kind = "used", feature_from = "report" }}
[connectors.{vendor}.metrics.exports]
event = "Report exported"
label = "Exports"
unit = "exports"
[connectors.{vendor}.metrics.stored]
event = "File uploaded"
sum = "size"
label = "Stored"
unit = "MB"
"""
COMPANY = (
    '[company]\nname = "Acme"\nproduct = "Acme"\nsender_name = "Dana"\nsender_email = "dana@acme.example"\n'
)


def main() -> None:
    """Measure, and print one JSON document per vendor."""
    parser = argparse.ArgumentParser(prog="python -m evals.speed.connectors", description=__doc__)
    parser.add_argument("vendors", nargs="*", help="of " + ", ".join(VENDORS))
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--as", dest="part", choices=("vendor", "sync", "download"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part == "vendor":
        _serve(asked.vendors[0], asked.events, asked.dir)
    elif asked.part == "sync":
        print(json.dumps(_sync(asked.dir)))  # noqa: T201
    elif asked.part == "download":
        print(json.dumps(_download(asked.dir)))  # noqa: T201
    else:
        for vendor in asked.vendors or VENDORS:
            with tempfile.TemporaryDirectory(prefix="outgrown-speed-") as folder:
                print(json.dumps(measure(vendor, asked.events, asked.dir or Path(folder)), indent=1))  # noqa: T201


def measure(vendor: str, events: int, folder: Path) -> dict[str, Any]:
    """Seconds and peak memory (MiB) of one first sync of so many events, beside a plain download of the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    with _process(vendor, events, folder, "vendor") as server:
        try:
            said = _said(server)
            _workspace(vendor, folder, said["url"])
            with _process(vendor, events, folder, "sync") as process:
                synced = _said(process)
            with _process(vendor, events, folder, "download") as process:
                plain = _said(process)
        finally:
            server.terminate()
    more = {
        "bytes": said["bytes"],
        "download": plain,
        "ratio": round(synced["seconds"] / plain["seconds"], 1),
    }
    return {"vendor": vendor, "events": events, **synced, **more, "load": round(os.getloadavg()[0], 1)}


def _process(vendor: str, events: int, folder: Path, part: str) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "evals.speed.connectors", vendor, "--events", str(events), "--dir", str(folder),
        "--as", part,
    ]  # fmt: skip
    return subprocess.Popen(  # noqa: S603 - ourselves
        command, text=True, cwd=Path(__file__).parents[2], env={**os.environ, **KEYS}, stdout=subprocess.PIPE
    )


def _said(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The first thing a process says. Raises RuntimeError for one that says nothing."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError(f"{process.args!r} failed")
    found: dict[str, Any] = json.loads(line)
    return found


# The sync, and the download it is compared with.


def _workspace(vendor: str, folder: Path, url: str) -> None:
    there = folder / "workspace"
    (there / "exports").mkdir(parents=True)
    more = {"posthog": 'project_id = 1\nteam = "team"\n', "mixpanel": 'project_id = 1\nteam = "team"\n'}
    (there / "outgrown.toml").write_text(
        COMPANY
        + '[connectors.files]\ndir = "exports"\n'
        + f'[connectors.{vendor}]\nbase_url = "{url}"\nhistory_days = {DAYS + 20}\nrequests_per_minute = 60000\n'
        + more.get(vendor, 'team = "team"\n')
        + RULES.format(vendor=vendor),
        encoding="utf-8",
    )
    names = [_account(number) for number in range(ACCOUNTS)]
    tables = {
        "accounts": ["account_id,name,created_on", *(f"{name},Company {name},2024-01-01" for name in names)],
        "plans": ["plan_id,name,tier,price_minor,currency,per_seat", "p,Pro,1,4900,EUR,false"],
        "subscriptions": [
            "subscription_id,account_id,plan_id,mrr_minor,currency,starts_on,status,term",
            *(f"s{name},{name},p,4900,EUR,2024-01-01,active,month" for name in names),
        ],
    }
    for table, lines in tables.items():
        (there / "exports" / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _sync(folder: Path) -> dict[str, Any]:
    from agent.foundation.settings import open_workspace
    from agent.foundation.warehouse import open_warehouse
    from connectors.sync import fetch, run

    started = time.perf_counter()
    workspace = open_workspace(folder / "workspace")
    landed = fetch(workspace)
    read = time.perf_counter()
    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        reports = run(workspace, warehouse, read_at=datetime.now(UTC).replace(tzinfo=None), landed=landed)
    ended = time.perf_counter()
    failed = [one.failed for one in landed if one.failed]
    if failed:
        raise RuntimeError(failed[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": round(ended - started, 1),
        "reading": round(read - started, 1),
        "loading": round(ended - read, 1),
        "cpu": round(time.process_time(), 1),
        "peak_mib": round(peak / 1024),
        "requests": sum(one.requests for one in landed),
        "new": {report.table: report.new for report in reports if report.new},
    }


def _download(folder: Path) -> dict[str, Any]:
    import requests

    asked = [json.loads(line) for line in (folder / "asked.jsonl").read_text(encoding="utf-8").splitlines()]
    size, started = 0, time.perf_counter()
    with requests.Session() as session, Path(os.devnull).open("wb") as nowhere:
        session.trust_env = False
        for method, url, body in asked:
            with session.request(method, url, data=body, stream=True, timeout=60) as response:
                for piece in response.iter_content(1 << 18):
                    size += nowhere.write(piece)
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 2), "mib": round(size / (1 << 20)), "requests": len(asked)}


# The vendors: what they answer is made before the first request.


def _account(number: int) -> str:
    return f"acct_{number:05d}"


class _World:
    """Events in the order in which they happened, spread evenly over the last days."""

    def __init__(self, events: int) -> None:
        self.events, self.chance = events, random.Random(7)  # noqa: S311 - made-up events
        self.until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
        self.since = self.until - timedelta(days=DAYS)
        self.step = timedelta(days=DAYS) / events

    def rows(self) -> Iterator[tuple[datetime, str, str, str, str, dict[str, Any]]]:
        """Moment, id, event, account, user, and what else an event says."""
        draw, bits = self.chance.random, self.chance.getrandbits
        for number in range(self.events):
            account = int(draw() ** 2 * ACCOUNTS)
            user = int(draw() * 12)
            more = {
                "team": f"team-{user % 3}",
                "report": f"Report {number % 40}",
                "size": round(draw() * 100, 2),
                "$os": "Mac OS X",
                "$browser": "Chrome",
                "$browser_version": 126,
                "$current_url": f"https://app.acme.example/w/{account}/documents/{bits(48):012x}?tab=activity",
                "$referrer": "https://app.acme.example/home",
                "$user_agent": AGENT,
                "$screen_height": 1117,
                "$screen_width": 1728,
                "$lib": "web",
                "$device_id": f"{bits(64):016x}-{bits(48):012x}",
                "plan": "growth",
                "is_trial": False,
            }
            identity = str(UUID(int=bits(128), version=4))
            name = NAMES[number % len(NAMES)]
            yield (
                self.since + number * self.step,
                identity,
                name,
                _account(account),
                f"u{account}-{user}",
                more,
            )


def _serve(vendor: str, events: int, folder: Path) -> None:
    made: dict[str, type[_Answers]] = {"posthog": _PostHog, "mixpanel": _Mixpanel, "amplitude": _Amplitude}
    answers = made[vendor](_World(events), folder)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length).decode()
            with lock, (folder / "asked.jsonl").open("a", encoding="utf-8") as log:
                there = f"http://{self.headers['host']}{self.path}"
                log.write(json.dumps([self.command, there, body or None]) + "\n")
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            status, headers, pieces = answers.answer(query, body)
            self.send_response_only(status)
            size = sum(len(piece) if isinstance(piece, bytes) else piece.stat().st_size for piece in pieces)
            for name, value in {**headers, "Content-Length": str(size)}.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in pieces:
                self.wfile.write(piece if isinstance(piece, bytes) else piece.read_bytes())

        do_GET = do_POST = _answer  # noqa: N815 - the library's names

        def log_message(self, *given: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    said = {"url": f"http://127.0.0.1:{server.server_address[1]}", "bytes": answers.bytes}
    print(json.dumps(said), flush=True)  # noqa: T201
    server.serve_forever()


Answer = tuple[int, dict[str, str], list[bytes | Path]]


class _Answers:
    """What one vendor answers; `bytes` is how much JSON its events are."""

    def __init__(self, world: _World, folder: Path) -> None:
        self.bytes = 0
        self.make(world, folder)

    def make(self, world: _World, folder: Path) -> None:
        """Make every body."""
        raise NotImplementedError

    def answer(self, query: dict[str, str], body: str) -> Answer:
        """The answer to one question."""
        raise NotImplementedError

    def _packed(self, lines: list[bytes]) -> bytes:
        text = b"\n".join(lines) + b"\n"
        self.bytes += len(text)
        return gzip.compress(text, 1)


class _Mixpanel(_Answers):
    """Exports by day, compressed."""

    def make(self, world: _World, folder: Path) -> None:
        """A file a day."""
        self.days: dict[str, Path] = {}
        lines: list[bytes] = []
        day = ""
        for at, identity, name, account, user, more in world.rows():
            if f"{at:%F}" != day:
                self._keep(day, lines, folder)
                day, lines = f"{at:%F}", []
            properties = {
                "time": int(at.timestamp()), "distinct_id": user, "$insert_id": identity, "account_id": account,
                "mp_processing_time_ms": int(at.timestamp() * 1000) + 900, **more,
            }  # fmt: skip
            lines.append(
                json.dumps({"event": name, "properties": properties}, separators=(",", ":")).encode()
            )
        self._keep(day, lines, folder)

    def _keep(self, day: str, lines: list[bytes], folder: Path) -> None:
        if lines:
            self.days[day] = folder / f"{day}.gz"
            self.days[day].write_bytes(self._packed(lines))

    def answer(self, query: dict[str, str], body: str) -> Answer:  # noqa: ARG002
        """What /api/2.0/export answers."""
        days = [file for day, file in self.days.items() if query["from_date"] <= day <= query["to_date"]]
        return 200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, [*days, gzip.compress(b"")]


class _Amplitude(_Answers):
    """Zip files of compressed hours."""

    def make(self, world: _World, folder: Path) -> None:
        """A file an hour."""
        self.hours: dict[str, tuple[Path, int]] = {}
        lines: list[bytes] = []
        hour = ""
        for at, identity, name, account, user, more in world.rows():
            if f"{at:%Y%m%dT%H}" != hour:
                self._keep(hour, lines, folder)
                hour, lines = f"{at:%Y%m%dT%H}", []
            moment = f"{at:%F %T}.{at.microsecond:06d}"
            # Amplitude has the browser in columns of its own.
            del more["$user_agent"], more["$referrer"]
            event = {
                "event_type": name, "event_time": moment, "server_upload_time": moment, "uuid": identity,
                "$insert_id": identity[:23], "user_id": user, "amplitude_id": 75805000264, "app": 218028,
                "event_properties": more, "user_properties": {"role": "editor"}, "groups": {"account_id": [account]},
                "group_properties": {}, "platform": "Web", "country": "Austria", "session_id": 1738439178,
            }  # fmt: skip
            lines.append(json.dumps(event, separators=(",", ":")).encode())
        self._keep(hour, lines, folder)

    def _keep(self, hour: str, lines: list[bytes], folder: Path) -> None:
        if lines:
            body = self._packed(lines)
            file = folder / f"{hour}.json.gz"
            file.write_bytes(body)
            self.hours[hour] = file, zlib.crc32(body)

    def answer(self, query: dict[str, str], body: str) -> Answer:  # noqa: ARG002
        """What /api/2/export answers."""
        inside = [(h, *found) for h, found in self.hours.items() if query["start"] <= h <= query["end"]]
        if not inside:
            return 404, {}, [b""]
        pieces: list[bytes | Path] = []
        listing, offset = b"", 0
        for hour, file, crc in inside:
            name, size = f"218028/218028_{hour}#0.json.gz".encode(), file.stat().st_size
            common = pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, crc, size, size, len(name), 0)
            pieces += [b"PK\x03\x04" + common + name, file]
            listing += b"PK\x01\x02" + pack("<H", 20) + common + pack("<HHHII", 0, 0, 0, 0, offset) + name
            offset += 30 + len(name) + size
        count = len(inside)
        pieces.append(listing + b"PK\x05\x06" + pack("<HHHHIIH", 0, 0, count, count, len(listing), offset, 0))
        return 200, {"Content-Type": "application/zip"}, pieces


class _PostHog(_Answers):
    """Answers to HogQL, a page after the one whose last event is named."""

    def make(self, world: _World, folder: Path) -> None:
        """A file a page."""
        self.pages: dict[str, Path] = {}
        rows: list[list[Any]] = []
        after, last = "", ""
        # What the connector asks for with the settings above, and a filler that makes a row as large as a whole event.
        for at, identity, name, account, user, more in world.rows():
            stamp = f"{at:%FT%T}.{at.microsecond:06d}Z"
            filler = json.dumps(more, separators=(",", ":"))
            row = [
                identity,
                name,
                stamp,
                stamp,
                user,
                account,
                more["team"],
                more["report"],
                str(more["size"]),
                filler,
            ]
            rows.append(row)
            last = identity
            if len(rows) == PAGE:
                self._keep(after, rows, folder)
                after, rows = last, []
        if rows:
            self._keep(after, rows, folder)
            after = last
        self._keep(after, [], folder)

    def _keep(self, after: str, rows: list[list[Any]], folder: Path) -> None:
        self.pages[after] = folder / f"page-{len(self.pages)}.json"
        columns = [
            "uuid",
            "event",
            "timestamp",
            "created_at",
            "distinct_id",
            "account",
            "p0",
            "p1",
            "p2",
            "filler",
        ]
        answer = {"columns": columns, "results": rows, "hogql": "", "error": None}
        self.bytes += self.pages[after].write_text(
            json.dumps(answer, separators=(",", ":")), encoding="utf-8"
        )

    def answer(self, query: dict[str, str], body: str) -> Answer:  # noqa: ARG002
        """What /api/projects/1/query/ answers."""
        asked = json.loads(body)["query"]
        if "FROM groups" in asked["query"]:
            return 200, {"Content-Type": "application/json"}, [b'{"results":[]}']
        return 200, {"Content-Type": "application/json"}, [self.pages[asked["values"].get("uuid", "")]]


if __name__ == "__main__":
    main()
