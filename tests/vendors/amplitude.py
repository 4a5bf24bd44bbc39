"""A stand-in of Amplitude's export: zip files of compressed lines, by the hour in which events were received."""

import base64
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from tests.vendors.server import Refusal, Vendor

KEY, SECRET = "amp_key_11d2", "amp_secret_77aa"
ENV = {"AMPLITUDE_API_KEY": KEY, "AMPLITUDE_SECRET_KEY": SECRET}
HOUR = timedelta(hours=1)


def now():
    """The vendor's clock, to the second, without a zone mark."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def stamp(moment):
    """A moment as Amplitude writes it."""
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}"


class Amplitude(Vendor):
    """One project; with `pages` its history is as long as makes a first reading that many requests."""

    ENV = ENV

    def __init__(self, pages=0):
        super().__init__()
        self.key, self.rows = (KEY, SECRET), []
        self.most = 100_000
        "Events in one answer, beyond which it is told to be too large."
        self.spoilt = lambda body: body
        "What the way does to an answer."
        self.days = 31 + 30 * (pages - 5) if pages else 30
        for number in range(pages * 40):
            at = now() - timedelta(hours=4) - timedelta(days=self.days - 1) * (1 - number / (pages * 40))
            self.event("Saved", "ab"[number % 2], at=at, user=f"u{number % 7}", file=f"file {number}")

    def workspace(self, more=""):
        """The lines of outgrown.toml."""
        return (
            f'[connectors.amplitude]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n'
            f"history_days = {self.days}\n{more}"
        )

    def event(self, name, account=None, *, at=None, came=None, user="u1", more=None, **properties):
        """Add an event that happened `at`, and `came` to Amplitude then; answers its uuid."""
        at = at or now() - timedelta(hours=5)
        came = came or at
        uuid = str(uuid5(NAMESPACE_URL, f"event {len(self.rows)}"))
        row = {
            "$insert_id": uuid[:8], "$schema": None, "amplitude_id": 75805000264, "app": 218028, "data": {}, "device_id": "d1",
            "event_time": stamp(at), "event_type": name, "event_properties": properties, "group_properties": {},
            "groups": {} if account is None else {"account_id": [account]}, "server_upload_time": stamp(came),
            "user_id": user, "user_properties": {}, "uuid": uuid,
        }  # fmt: skip
        self.rows.append((came, json.dumps(row | (more or {}))))
        return uuid

    def raw(self, line, came=None):
        """Add a line that need not be an event."""
        self.rows.append((came or now() - timedelta(hours=5), line))

    def answer(self, asked):
        """Route one request."""
        expected = base64.b64encode(":".join(self.key).encode()).decode()
        if asked.headers.get("authorization") != f"Basic {expected}":
            raise Refusal(401, {"error": {"http_code": 401, "message": "Invalid API key"}})
        if asked.path == "/api/2/events/list":
            return {"data": [{"name": "Saved", "totals": 3}]}
        if asked.path != "/api/2/export":
            raise Refusal(404)
        first, last = (datetime.strptime(asked.query[name], "%Y%m%dT%H") for name in ("start", "end"))
        assert last + 3 * HOUR <= now(), "an hour can be exported two hours after it has ended"
        if last < first or last - first > timedelta(days=365):
            raise Refusal(400, {"error": {"message": "Bad time range"}})
        found = [(came, row) for came, row in self.rows if first <= came < last + HOUR]
        if len(found) > self.most:
            raise Refusal(400, {"error": {"message": "The file size exceeds 4 GB"}})
        if not found:
            raise Refusal(404, {"error": {"message": "Raw data files were not found."}})
        return self.spoilt(self._archive(found))

    @staticmethod
    def _archive(found):
        hours = {}
        for came, row in found:
            hours.setdefault(f"218028_{came:%Y-%m-%d_%-H}#0.json.gz", []).append(row)
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            for name, rows in hours.items():
                archive.writestr(
                    f"218028/{name}", gzip.compress("".join(f"{row}\n" for row in rows).encode())
                )
        return body.getvalue()
