"""Segment's side of a webhook: calls as its libraries make them, signed and delivered as its destination does.

Nobody may ask it anything: what is asked of it is refused and counted.
"""

import hashlib
import hmac
import http.client
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tests.vendors.server import Refusal, Vendor

SECRET = "segment-shared-secret-000"
ENV = {"SEGMENT_SHARED_SECRET": SECRET}
BATCH = 1000
"Segment's usual batch size; 4,000 is the most."
BEGAN = datetime(2026, 2, 1)
CONTEXT = {
    "active": True,
    "ip": "203.0.113.7",
    "library": {"name": "analytics.js", "version": "next-1.70.0"},
    "locale": "en-GB",
    "page": {
        "path": "/boards",
        "referrer": "",
        "search": "",
        "title": "Boards",
        "url": "https://app.acme.example/boards",
    },
    "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15",
}


class Segment(Vendor):
    """A source with companies and their people, and a destination that delivers their calls."""

    ENV = ENV

    def __init__(self, groups=50, people=4, rows=30_000, ids=None):
        super().__init__()
        self.groups, self.people, self.rows = groups, people, rows
        self.ids = ids or [f"acct-{group}" for group in range(groups)]
        "What the founder calls the groups."

    def answer(self, asked):
        """Nothing is there to be asked."""
        raise Refusal(404)

    def workspace(self, more=""):
        """The lines of outgrown.toml."""
        return f'[connectors.segment]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n{more}'

    # Calls, as Segment's specification has them.

    def common(self, number, kind, user, at, **more):
        """The fields every call has."""
        stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
        return {
            "anonymousId": f"anon-{user}",
            "context": CONTEXT,
            "integrations": {},
            "messageId": f"ajs-next-{kind}-{number:09d}",
            "originalTimestamp": stamp,
            "receivedAt": stamp,
            "sentAt": stamp,
            "timestamp": stamp,
            "type": kind,
            "userId": user,
            "version": 2,
            **more,
        }

    def introduced(self):
        """Every person identified, and in their company."""
        number = 0
        for group in range(self.groups):
            for person in range(self.people):
                user, at = f"user-{group}-{person}", BEGAN + timedelta(seconds=number)
                number += 1
                traits = {
                    "email": f"p{person}@company{group}.example",
                    "role": "guest" if person == 3 else "editor",
                    "team": f"team-{person % 2}",
                    "createdAt": "2026-01-15T09:00:00.000Z",
                }
                yield self.common(number, "identify", user, at, traits=traits)
                company = {
                    "name": f"Company {group}",
                    "website": f"https://www.company{group}.example",
                    "createdAt": "2026-01-10T00:00:00.000Z",
                    "employees": 40,
                }
                yield self.common(number, "group", user, at, groupId=self.ids[group], traits=company)

    def tracks(self, rows=None):
        """So many things done, spread over twenty days; every other one says which company itself."""
        for number in range(self.rows if rows is None else rows):
            group = number % self.groups
            user = f"user-{group}-{number // self.groups % self.people}"
            at = BEGAN + timedelta(days=1, milliseconds=number * 1_728_000_000 // max(1, self.rows))
            call = self.common(
                number,
                "track",
                user,
                at,
                event="Board Exported" if number % 3 else "Limit Reached",
                properties={"feature": "export", "rows": number % 100, "plan": "team"},
            )
            if number % 2:
                call["context"] = {**CONTEXT, "groupId": self.ids[group]}
            yield call

    def calls(self):
        """All of it."""
        yield from self.introduced()
        yield from self.tracks()

    # Delivery.

    def body(self, calls):
        """One call, or a batch, as JavaScript writes it."""
        return json.dumps(calls, separators=(",", ":"), ensure_ascii=False).encode()

    def signed(self, body, secret=SECRET, header="X-Segment-Signature"):
        """The headers of a delivery."""
        return {
            "Content-Type": "application/json",
            "User-Agent": "Segment",
            header: hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
        }

    def deliver(self, url, calls, batch=BATCH):
        """Post the calls in batches (0: one by one) over one connection; answers the statuses."""
        host = urlsplit(url)
        line = http.client.HTTPConnection(host.hostname, host.port, timeout=60)
        statuses = []
        for body in self.bodies(calls, batch):
            line.request("POST", "/webhooks/segment", body, self.signed(body))
            with line.getresponse() as answer:
                answer.read()
                statuses.append(answer.status)
        line.close()
        return statuses

    def bodies(self, calls, batch=BATCH):
        """The bodies of the deliveries."""
        waiting = []
        for call in calls:
            if not batch:
                yield self.body(call)
                continue
            waiting.append(call)
            if len(waiting) == batch:
                yield self.body(waiting)
                waiting = []
        if waiting:
            yield self.body(waiting)
