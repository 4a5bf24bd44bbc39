"""A stand-in of Intercom: companies by page and by scroll, searches by cursor, conversations by id, notifications."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from tests.vendors.server import Refusal, Vendor

TOKEN, SECRET = "ic_token_8c41f0", "ic_client_secret_33"
ENV = {"INTERCOM_ACCESS_TOKEN": TOKEN, "INTERCOM_CLIENT_SECRET": SECRET}
ALPHA, BETA = "5f8efd11391867b82cd45b18", "5edf1e37b04cc86461109dc9"
DAY = 86400


def now():
    """The vendor's clock, in seconds."""
    return int(datetime.now(UTC).timestamp())


def ago(**given):
    """A moment of the past, in seconds."""
    return now() - int(timedelta(**given).total_seconds())


class Intercom(Vendor):
    """Two companies, one known by our id and one by its website; `pages` pages of conversations between them."""

    def __init__(self, pages=0, page=20):
        super().__init__()
        self.page = page
        "Rows of a search to a page, whatever is asked for."
        self.token = TOKEN
        self.slow = 0
        "How many further requests are told to wait a second."
        self.moves = 0
        "How many further pages of companies somebody is active behind: the last company moves to the front."
        self.large = False
        "Whether the workspace has too many companies to list."
        self.scroll_lost = False
        "Whether the scroll that was begun has been forgotten."
        self.companies, self.contacts, self.conversations, self.tickets = {}, {}, {}, {}
        self.company(ALPHA, company_id="a", name="Alpha")
        self.company(BETA, company_id="unknown-1", name="Beta", website="https://www.beta.example/about")
        self.contact("c1", companies=[ALPHA])
        self.contact("c2", companies=[BETA])
        for number in range(pages * page):
            self.conversation(
                str(1000 + number),
                contact=("c1", "c2")[number % 2],
                body=f"<p>Question {number}</p>",
                at=ago(days=20) + number,
            )

    def workspace(self):
        """The lines of outgrown.toml."""
        return f'[connectors.intercom]\nbase_url = "{self.url}"\nrequests_per_minute = 60000\n'

    def company(self, number, *, at=None, **given):
        """Add or change a company."""
        at = at or ago(days=100)
        row = self.companies.setdefault(
            number,
            {
                "type": "company", "id": number, "company_id": number, "name": "", "created_at": at, "updated_at": at,
                "remote_created_at": at, "monthly_spend": 0, "session_count": 0, "user_count": 1, "plan": {},
                "tags": {"type": "tag.list", "tags": []}, "custom_attributes": {},
            },
        )  # fmt: skip
        row.update(given, updated_at=at)
        return row

    def contact(self, number, *, companies=(), at=None, **given):
        """Add or change a person."""
        at = at or ago(days=50)
        row = self.contacts.setdefault(
            number,
            {
                "type": "contact", "id": number, "external_id": None, "role": "user", "email": f"{number}@x.example",
                "created_at": at, "signed_up_at": None, "unsubscribed_from_emails": False,
            },
        )  # fmt: skip
        listed = [{"type": "company", "id": one, "url": f"/companies/{one}"} for one in companies]
        row.update(
            {"companies": {"type": "list", "data": listed, "total_count": len(listed), "has_more": False}},
            updated_at=at,
        )
        row.update(given)
        return row

    def conversation(self, number, *, contact="c1", body="<p>It does not work.</p>", at=None, **given):
        """Add or change a conversation."""
        at = at or ago(hours=2)
        row = self.conversations.setdefault(
            number,
            {
                "type": "conversation", "id": number, "title": None, "created_at": at, "waiting_since": None, "open": True,
                "state": "open", "priority": "none", "company": None, "ticket": None, "conversation_rating": None,
                "statistics": {"type": "conversation_statistics", "last_contact_reply_at": None}, "first_contact_reply": None,
                "tags": {"type": "tag.list", "tags": []},
                "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact, "external_id": None}]},
                "source": {
                    "type": "conversation", "id": "1", "delivered_as": "customer_initiated", "subject": "", "body": body,
                    "author": {"type": "user", "id": contact}, "redacted": False,
                },
                "parts": [],
            },
        )  # fmt: skip
        row.update(updated_at=at)
        row.update(given)
        return row

    def reply(self, number, body, *, author="user", kind="comment", at=None):
        """Add a message to a conversation."""
        row = self.conversations[number]
        at = at or row["updated_at"] + 60
        row["parts"].append(
            {
                "type": "conversation_part", "id": f"{number}-{len(row['parts'])}", "part_type": kind, "body": body,
                "created_at": at, "updated_at": at, "author": {"type": author, "id": "1"}, "redacted": False,
            }
        )  # fmt: skip
        row["updated_at"] = at
        if author == "user":
            row["statistics"]["last_contact_reply_at"] = at

    def ticket(self, number, *, contact="c1", at=None, title="Broken", description=None, parts=(), **given):
        """Add or change a ticket."""
        at = at or ago(hours=2)
        row = self.tickets.setdefault(
            number,
            {
                "type": "ticket", "id": number, "ticket_id": "40", "category": "Customer", "created_at": at, "open": True,
                "ticket_state": {"type": "ticket_state", "id": "1", "category": "submitted"},
                "ticket_type": {"type": "ticket_type", "id": "1", "name": "Bug report"},
                "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact}]},
            },
        )  # fmt: skip
        row.update(
            {
                "updated_at": at,
                "ticket_attributes": {"_default_title_": title, "_default_description_": description},
                "ticket_parts": {
                    "type": "ticket_part.list",
                    "ticket_parts": list(parts),
                    "total_count": len(parts),
                },
            }
        )
        row.update(given)
        return row

    def hook(self, topic, kind, number, *, secret=SECRET, at=None):
        """A notification's headers (lower case) and body."""
        item = {"type": kind, "id": number}
        found = {
            "type": "notification_event", "app_id": "x", "id": "notif_1", "topic": topic, "created_at": at or now(),
            "data": {"type": "notification_event_data", "item": item},
        }  # fmt: skip
        raw = json.dumps(found).encode()
        return {"x-hub-signature": "sha1=" + hmac.new(secret.encode(), raw, hashlib.sha1).hexdigest()}, raw

    def answer(self, asked):
        """Route one request."""
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, _errors("unauthorized", "Access Token Invalid"))
        if asked.headers.get("intercom-version") != "2.16":
            raise Refusal(
                400, _errors("intercom_version_invalid", "The requested version could not be found")
            )
        if self.slow > 0:
            self.slow -= 1
            raise Refusal(
                429, _errors("rate_limit_exceeded", "Exceeded rate limit of 167 in 10_seconds"),
                X_RateLimit_Limit=167, X_RateLimit_Remaining=0, X_RateLimit_Reset=now() + 1,
            )  # fmt: skip
        match (asked.method, *asked.path.strip("/").split("/")):
            case ("GET", "me"):
                return {
                    "type": "admin",
                    "id": "1",
                    "email": "dana@acme.example",
                    "app": {"id_code": "x1", "name": "Acme"},
                }
            case ("POST", "companies", "list"):
                return self._listed(asked)
            case ("GET", "companies", "scroll"):
                return self._scrolled(asked)
            case ("POST", "contacts", "search"):
                return self._searched(asked, self.contacts, "data", whole_days=True)
            case ("POST", "conversations", "search"):
                return self._searched(asked, self.conversations, "conversations")
            case ("POST", "tickets", "search"):
                return self._searched(asked, self.tickets, "tickets")
            case ("GET", "conversations", number) if number in self.conversations:
                row = self.conversations[number]
                parts = {
                    "type": "conversation_part.list",
                    "conversation_parts": row["parts"],
                    "total_count": len(row["parts"]),
                }
                return {**_without_parts(row), "conversation_parts": parts}
            case ("GET", "tickets", number) if number in self.tickets:
                return self.tickets[number]
        raise Refusal(404, _errors("not_found", "Resource Not Found"))

    def _listed(self, asked):
        page, size = int(asked.query.get("page", 1)), int(asked.query.get("per_page", 15))
        assert size <= 60
        size = min(size, self.page)
        rows = list(self.companies.values())
        total = 10_001 if self.large else len(rows)
        found = rows[(page - 1) * size : page * size]
        if self.moves > 0:
            self.moves -= 1
            last = rows[-1]["id"]
            self.companies = {last: self.companies.pop(last)} | self.companies
        pages = {
            "type": "pages",
            "page": page,
            "per_page": size,
            "total_pages": max(1, -(-total // size)),
            "next": None,
        }
        return {"type": "list", "data": found, "pages": pages, "total_count": total}

    def _scrolled(self, asked):
        given = asked.query.get("scroll_param")
        if given and self.scroll_lost:
            self.scroll_lost = False
            raise Refusal(404, _errors("not_found", "scroll parameter not found"))
        first = int(given or 0)
        rows = list(self.companies.values())[first : first + self.page]
        return {
            "type": "list",
            "data": rows,
            "pages": None,
            "total_count": None,
            "scroll_param": str(first + self.page),
        }

    def _searched(self, asked, table, at, whole_days=False):
        assert set(asked.json) <= {"query", "pagination", "sort"}
        rows = sorted(table.values(), key=lambda row: (row["updated_at"], row["id"]))
        for one in asked.json["query"]["value"]:
            rows = [row for row in rows if _fits(row, one, whole_days)]
        size = min(asked.json["pagination"].get("per_page", 20), self.page)
        first = int(asked.json["pagination"].get("starting_after") or 0)
        pages = {
            "type": "pages",
            "page": first // size + 1,
            "per_page": size,
            "total_pages": max(1, -(-len(rows) // size)),
        }
        if first + size < len(rows):
            pages["next"] = {"per_page": size, "starting_after": str(first + size)}
        shown = [_without_parts(row) for row in rows[first : first + size]]
        return {"type": "list", at: shown, "total_count": len(rows), "pages": pages}


def _fits(row, one, whole_days):
    value, operator = one["value"], one["operator"]
    there = row.get(one["field"])
    match operator:
        case "=":
            return there == value
        case "IN":
            assert isinstance(value, list)
            assert len(value) <= 15
            return there in value
        case ">" if whole_days:
            # Truncated to the day, and the day itself is not meant.
            return there >= int(value) // DAY * DAY + DAY
        case ">":
            return there >= int(value)
    raise Refusal(400, _errors("parameter_invalid", f"operator {operator}"))


def _without_parts(row):
    return {name: value for name, value in row.items() if name != "parts"}


def _errors(code, message):
    return {"type": "error.list", "request_id": "r1", "errors": [{"code": code, "message": message}]}
