"""A stand-in of Mixpanel's raw event export: a line an event, by the day on which it happened."""

import base64
import gzip
import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.vendors.server import Refusal, Vendor

USERNAME, SECRET = "outgrown.3f2a.mp-service-account", "mp_secret_91b0"
ENV = {"MIXPANEL_USERNAME": USERNAME, "MIXPANEL_SECRET": SECRET}
PROJECT = 2195


def now():
    """The vendor's clock, to the second, without a zone mark."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


class Mixpanel(Vendor):
    """One project; with `pages` its history is as long as makes a first reading that many requests."""

    ENV = ENV

    def __init__(self, pages=0, zone="UTC"):
        super().__init__()
        self.zone = ZoneInfo(zone)
        "An older project's: it counts days and seconds by it."
        self.key, self.rows, self.broken = (USERNAME, SECRET), [], 0
        self.days = 62 + 64 * (pages - 5) if pages else 30
        for number in range(pages * 40):
            at = now() - timedelta(days=self.days - 2) * (1 - number / (pages * 40))
            self.event("Saved", "ab"[number % 2], at=at, user=f"u{number % 7}", file=f"file {number}")

    def workspace(self, more=""):
        """The lines of outgrown.toml."""
        return (
            f'[connectors.mixpanel]\nbase_url = "{self.url}"\nproject_id = {PROJECT}\nrequests_per_minute = 60000\n'
            f"history_days = {self.days - 1}\n{more}"
        )

    def event(self, name, account=None, *, at=None, came=None, user="u1", insert=None, **properties):
        """Add an event that happened `at` (UTC) and `came` to Mixpanel then; answers its $insert_id."""
        at = at or now() - timedelta(hours=3)
        came = came or at
        local = at.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=UTC)
        insert = insert or f"insert-{len(self.rows):08d}"
        told = {"time": int(local.timestamp()), "distinct_id": user, "$insert_id": insert, "$import": False}
        told["mp_processing_time_ms"] = int(came.replace(tzinfo=UTC).timestamp() * 1000)
        if account is not None:
            told["account_id"] = account
        self.rows.append((local.date(), came, {"event": name, "properties": told | properties}))
        return insert

    def raw(self, line, at=None):
        """Add a line that need not be an event."""
        at = at or now() - timedelta(hours=3)
        self.rows.append((at.date(), at, line))

    def answer(self, asked):
        """Route one request."""
        expected = base64.b64encode(":".join(self.key).encode()).decode()
        if asked.headers.get("authorization") != f"Basic {expected}":
            raise Refusal(401, {"error": "Invalid service account credentials", "request": asked.path})
        if asked.path != "/api/2.0/export":
            raise Refusal(404, {"error": "Not found"})
        if asked.query.get("project_id") != str(PROJECT):
            raise Refusal(400, {"error": "Invalid project ID"})
        first, last = (date.fromisoformat(asked.query[name]) for name in ("from_date", "to_date"))
        if last > now().replace(tzinfo=UTC).astimezone(self.zone).date():
            raise Refusal(400, {"error": "to_date cannot be later than today", "request": asked.target})
        found = [row for day, came, row in self.rows if first <= day <= last and came <= now()]
        found = found[: int(asked.query.get("limit", 100_000))]
        lines = [row if isinstance(row, str) else json.dumps(row, separators=(",", ":")) for row in found]
        if self.broken > 0:
            self.broken -= 1
            lines = [*lines[: len(lines) // 2], "terminated early"]
        body = "".join(f"{line}\n" for line in lines).encode()
        if "gzip" in asked.headers.get("accept-encoding", ""):
            return 200, gzip.compress(body), {"Content-Encoding": "gzip"}
        return body
