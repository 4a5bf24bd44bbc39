"""A stand-in of Zendesk: incremental exports by cursor and by time, comments, tickets by id, signed webhooks."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from tests.vendors.server import Refusal, Vendor

EMAIL, TOKEN, SECRET = "agent@acme.example", "zd_token_5d1c9a", "zd_hook_secret_77"
ENV = {"ZENDESK_EMAIL": EMAIL, "ZENDESK_API_TOKEN": TOKEN, "ZENDESK_WEBHOOK_SECRET": SECRET}
ALPHA, BETA = 9001, 9002
AGENT, CUSTOMER = 501, 601
MINUTE = timedelta(seconds=60)


def now():
    """The vendor's clock."""
    return datetime.now(UTC).replace(microsecond=0)


def text(moment):
    """As Zendesk writes a moment."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(value):
    """Of a moment as Zendesk writes it."""
    return int(datetime.fromisoformat(value).timestamp())


class Zendesk(Vendor):
    """Two organisations, one known by our id and one by its domain; `pages` pages of tickets between them."""

    def __init__(self, pages=0, page=20):
        super().__init__()
        self.page = page
        "Rows to a page, whatever is asked for."
        self.key = (EMAIL, TOKEN)
        self.slow = 0
        "How many further requests are told to wait a second."
        self.stale_cursors = False
        self.organisations, self.tickets, self.comments = {}, {}, {}
        self.organisation(ALPHA, name="Alpha", external_id="a")
        self.organisation(BETA, name="Beta", domain_names=["gmail.com", "beta.example"])
        for number in range(pages * page):
            self.ticket(
                1000 + number,
                organization_id=(ALPHA, BETA)[number % 2],
                subject=f"Question {number}",
                at=now() - timedelta(days=20) + timedelta(seconds=number),
                comment_count=1,
            )

    def workspace(self):
        """The lines of outgrown.toml."""
        return f'[connectors.zendesk]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n'

    def organisation(self, number, *, at=None, **given):
        """Add or change an organisation, as changed `at`."""
        at = at or now() - timedelta(days=400)
        row = self.organisations.setdefault(
            number,
            {
                "id": number,
                "external_id": None,
                "domain_names": [],
                "created_at": text(at),
                "tags": [],
                "details": None,
            },
        )
        row.update(given, updated_at=text(at))
        return row

    def ticket(self, number, *, at=None, **given):
        """Add or change a ticket, as changed `at`; `updated_at` and the time it was written move together."""
        at = at or now() - timedelta(hours=2)
        row = self.tickets.setdefault(
            number,
            {
                "id": number, "organization_id": ALPHA, "created_at": text(at), "status": "open", "priority": None,
                "type": None, "tags": [], "subject": "Help", "description": "It does not work.", "requester_id": CUSTOMER,
                "satisfaction_rating": {"score": "unoffered"}, "custom_fields": [], "comment_count": 1, "via": {"channel": "web"},
            },
        )  # fmt: skip
        row.update(updated_at=text(at), generated_timestamp=int(at.timestamp()))
        row.update(given)
        return row

    def comment(self, ticket, body, *, author=CUSTOMER, public=True):
        """Add a comment to a ticket; the first one is the ticket's description."""
        there = self.comments.setdefault(ticket, [])
        if not there:
            first = self.tickets[ticket]["description"]
            there.append(
                {
                    "id": ticket * 100,
                    "author_id": CUSTOMER,
                    "public": True,
                    "body": first,
                    "plain_body": first,
                }
            )
        there.append(
            {
                "id": ticket * 100 + len(there), "author_id": author, "public": public, "body": body,
                "plain_body": body, "html_body": f"<div>{body}</div>", "type": "Comment",
            }
        )  # fmt: skip
        self.tickets[ticket]["comment_count"] = len(there)

    def hook(self, body, *, secret=SECRET, at=None):
        """A webhook's headers (lower case) and body."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        stamp = text(at or now())
        signature = base64.b64encode(
            hmac.new(secret.encode(), stamp.encode() + raw, hashlib.sha256).digest()
        ).decode()
        return {"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": stamp}, raw

    def answer(self, asked):
        """Route one request."""
        expected = base64.b64encode(f"{self.key[0]}/token:{self.key[1]}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {expected}":
            raise Refusal(401, {"error": "Couldn't authenticate you"})
        if self.slow > 0:
            self.slow -= 1
            raise Refusal(429, {"error": "APIRateLimitExceeded"}, Retry_After=1)
        parts = asked.path.removesuffix(".json").strip("/").split("/")[2:]
        match parts:
            case ["users", "me"]:
                return {"user": {"id": 1, "email": EMAIL, "role": "admin"}}
            case ["incremental", "organizations"]:
                return self._by_time(asked)
            case ["incremental", "tickets", "cursor"]:
                return self._by_cursor(asked)
            case ["tickets", "show_many"]:
                numbers = [int(number) for number in asked.query["ids"].split(",")]
                assert len(numbers) <= 100
                found = [
                    self.tickets[n]
                    for n in numbers
                    if n in self.tickets and self.tickets[n]["status"] != "deleted"
                ]
                return {"tickets": self._shown(found, asked), "count": len(found)}
            case ["tickets", number, "comments"]:
                ticket = self.tickets.get(int(number))
                if ticket is None or ticket["status"] == "deleted":
                    raise Refusal(404, {"error": "RecordNotFound", "description": "Not found"})
                users = [{"id": AGENT, "role": "agent"}, {"id": CUSTOMER, "role": "end-user"}]
                found = {"comments": self.comments.get(int(number), []), "next_page": None}
                return found | ({"users": users} if asked.query.get("include") == "users" else {})
        raise Refusal(404, {"error": "InvalidEndpoint", "description": "Not found"})

    def _start(self, asked):
        start = int(asked.query["start_time"])
        if start > (now() - MINUTE).timestamp():
            raise Refusal(400, {"error": "StartTimeTooRecent", "description": "Too recent start_time."})
        return start

    def _by_time(self, asked):
        start, newest = self._start(asked), (now() - MINUTE).timestamp()
        found = sorted(
            (row for row in self.organisations.values() if start <= seconds(row["updated_at"]) <= newest),
            key=lambda row: (row["updated_at"], row["id"]),
        )
        rows = found[: min(self.page, int(asked.query.get("per_page", 1000)))]
        end = seconds(rows[-1]["updated_at"]) if rows else start
        return {
            "organizations": rows, "count": len(rows), "end_time": end, "end_of_stream": len(rows) == len(found),
            "next_page": f"{self.url}/api/v2/incremental/organizations.json?start_time={end}",
        }  # fmt: skip

    def _by_cursor(self, asked):
        newest = (now() - MINUTE).timestamp()
        if "cursor" in asked.query:
            if self.stale_cursors:
                raise Refusal(
                    400, {"error": "InvalidPaginationParameter", "description": "cursor is not valid"}
                )
            moment, _, number = base64.b64decode(asked.query["cursor"]).decode().partition("||")
            after = (int(moment), int(number))
        else:
            after = (self._start(asked), -1)
        place = {row["id"]: (row["generated_timestamp"], row["id"]) for row in self.tickets.values()}
        found = sorted(
            (
                row
                for row in self.tickets.values()
                if place[row["id"]] > after and place[row["id"]][0] <= newest
            ),
            key=lambda row: place[row["id"]],
        )
        rows = found[: min(self.page, int(asked.query.get("per_page", 1000)))]
        last = place[rows[-1]["id"]] if rows else after
        cursor = base64.b64encode(f"{last[0]}||{last[1]}".encode()).decode()
        return {
            "tickets": self._shown(rows, asked), "after_cursor": cursor, "before_cursor": None,
            "after_url": f"{self.url}/api/v2/incremental/tickets/cursor.json?cursor={cursor}",
            "end_of_stream": len(rows) == len(found),
        }  # fmt: skip

    def _shown(self, rows, asked):
        sides = {"metric_sets": "metric_set", "comment_count": "comment_count"}
        hidden = {
            field for side, field in sides.items() if side not in asked.query.get("include", "").split(",")
        }
        return [{name: value for name, value in row.items() if name not in hidden} for row in rows]
