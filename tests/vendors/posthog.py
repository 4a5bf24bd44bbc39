"""A stand-in of PostHog: HogQL questions really answered, from a database in memory."""

import json
import re
import threading
from datetime import UTC, datetime, timedelta, timezone
from uuid import NAMESPACE_URL, uuid5

import duckdb

from tests.vendors.server import Refusal, Vendor

KEY = "phx_stand_in_4d1c0b7e"
ENV = {"POSTHOG_API_KEY": KEY}
PROJECT = 4711
ZONE = timezone(timedelta(hours=-7))
"The project's: PostHog gives times in it."
MOST = 50_000
NAME = r"`(?:[^`\\]|\\.)*`|[A-Za-z_$][A-Za-z0-9_$]*"
SPELLED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0"}
SCHEMA = """
CREATE TABLE events (uuid VARCHAR, event VARCHAR, timestamp TIMESTAMP, created_at TIMESTAMP, distinct_id VARCHAR,
    "$group_0" VARCHAR, "$group_1" VARCHAR, properties MAP(VARCHAR, VARCHAR), person MAP(VARCHAR, VARCHAR));
CREATE TABLE groups (index INTEGER, key VARCHAR, properties VARCHAR, updated_at TIMESTAMP);
CREATE MACRO toString(given) AS CAST(given AS VARCHAR);
CREATE MACRO toDateTime(given) AS CAST(replace(given, 'Z', '') AS TIMESTAMP);
CREATE MACRO startsWith(given, beginning) AS starts_with(given, beginning);
"""


def now():
    """The vendor's clock, to the second, without a zone mark."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


class PostHog(Vendor):
    """One project; with `pages` there are that many pages of events, each of `page` rows."""

    ENV = ENV

    def __init__(self, pages=0, page=100):
        super().__init__()
        self.page = min(page, MOST) if pages else MOST
        "Rows to an answer, whatever is asked for."
        self.key, self.count, self.lock = KEY, 0, threading.Lock()
        self.duck = duckdb.connect()
        self.duck.execute(SCHEMA)
        self.group("a", {"name": "Alpha", "domain": "alpha.example"})
        self.group("b", {"name": "Beta"})
        for number in range(pages * page):
            # Ten at a time in the same moment: a page may end among them.
            at = now() - timedelta(days=9) + timedelta(seconds=number // 10)
            self.event("Saved", "ab"[number % 2], at=at, user=f"u{number % 7}", file=f"file {number}")

    def workspace(self, more=""):
        """The lines of outgrown.toml."""
        return (
            f'[connectors.posthog]\nbase_url = "{self.url}"\nproject_id = {PROJECT}\n'
            f"requests_per_minute = 60000\n{more}"
        )

    def event(
        self, name, account=None, *, at=None, came=None, user="u1", uuid=None, person=None, **properties
    ):
        """Add an event that happened `at`, and `came` to PostHog then; answers its id."""
        self.count += 1
        uuid = uuid or str(uuid5(NAMESPACE_URL, f"event {self.count}"))
        at = at or now() - timedelta(hours=3)
        row = [uuid, name, at, came or at, user, account or "", "", _said(properties), _said(person or {})]
        with self.lock:
            self.duck.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return uuid

    def group(self, key, properties, *, at=None, index=0):
        """Add or change a group."""
        with self.lock:
            self.duck.execute("DELETE FROM groups WHERE index = ? AND key = ?", [index, key])
            at = at or now() - timedelta(days=30)
            self.duck.execute(
                "INSERT INTO groups VALUES (?, ?, ?, ?)", [index, key, json.dumps(properties), at]
            )

    def __exit__(self, *error):
        super().__exit__(*error)
        self.duck.close()
        del self.duck

    def answer(self, asked):
        """Route one request."""
        if asked.headers.get("authorization") != f"Bearer {self.key}":
            detail = "Personal API key found in request Authorization header is invalid."
            raise Refusal(
                401, {"type": "authentication_error", "code": "invalid_personal_api_key", "detail": detail}
            )
        if asked.path == f"/api/projects/{PROJECT}/":
            return {"id": PROJECT, "name": "Acme production", "timezone": "America/Phoenix"}
        if asked.path != f"/api/projects/{PROJECT}/query/" or asked.method != "POST":
            raise Refusal(404, {"type": "invalid_request", "code": "not_found", "detail": "Not found."})
        return self._query(asked.json)

    def _query(self, body):
        asked = body["query"]
        assert asked["kind"] == "HogQLQuery"
        assert body["refresh"] == "force_blocking"
        assert "OFFSET" not in asked["query"]
        values, names = dict(asked.get("values", {})), {}

        def property_of(found):
            name = found[2]
            if name[0] == "`":
                name = re.sub(r"\\(.)", lambda one: SPELLED.get(one[1], one[1]), name[1:-1])
            names[f"n{len(names)}"] = name
            return f"{'person' if found[1] else 'properties'}[$n{len(names) - 1}]"

        sql = re.sub(rf"(person\.)?properties\.({NAME})", property_of, asked["query"])
        named = set(re.findall(r"\{(\w+)\}", sql))
        if missing := named - set(values):
            raise self._bad(f"Unresolved placeholder: {{{min(missing)}}}")
        sql = re.sub(r"(?<!['\w])\$group_(\d)", r'"$group_\1"', sql)
        sql = re.sub(r"\{(\w+)\}", r"$\1", sql)
        sql = re.sub(r"LIMIT (\d+)", lambda found: f"LIMIT {min(int(found[1]), self.page)}", sql)
        try:
            with self.lock:
                result = self.duck.execute(sql, {name: values[name] for name in named} | names)
                columns = [column[0] for column in result.description]
                rows = result.fetchall()
        except duckdb.Error as bad:
            raise self._bad(str(bad)) from None
        return {
            "columns": columns, "results": [[self._shown(value) for value in row] for row in rows],
            "hogql": asked["query"], "error": None, "is_cached": False,
        }  # fmt: skip

    @staticmethod
    def _bad(said):
        return Refusal(400, {"type": "validation_error", "code": "invalid_input", "detail": said})

    @staticmethod
    def _shown(value):
        return (
            value.replace(tzinfo=UTC).astimezone(ZONE).isoformat() if isinstance(value, datetime) else value
        )


def _said(properties):
    """Properties as PostHog gives them one by one: as text, whatever they were; null is nothing."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in properties.items()
        if value is not None
    }
