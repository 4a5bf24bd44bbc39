"""Zendesk: organisations, and the tickets they open. Read-only.

https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/

Links that an answer names are not followed, only their cursors: the key would go wherever they lead.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from pydantic import Field

from agent.facts.identities import company_domain
from agent.facts.tables import Priority, Ticket
from agent.foundation.errors import KeyRefused, VendorRefused
from connectors._api import Api
from connectors._gone import gone
from connectors._inbox import Hook, NotGenuine, NotUnderstood, must_be_recent, rows, take
from connectors._plain import Words, joined
from connectors._rows import Dated, Record, VendorRow
from connectors._shapes import Moment, Text, basic, day_of
from connectors._vendor import Key, Since, Source, Vendor

PAGE = 1000
MANY = 100
"Tickets that are fetched by id, and comments of one ticket, at once."
EXPORTS = (10, 60.0)
"Incremental exports have a limit of their own: so many requests in so many seconds."
TOO_NEW = timedelta(seconds=61)
"Zendesk leaves out what changed in the last minute, and refuses to begin there."
PRIORITIES = {"urgent": Priority.URGENT, "high": Priority.HIGH, "low": Priority.LOW}
SENTIMENTS = {"good": 0.6, "bad": -0.8}
"""A rating as sentiment. A bad one holds the account (rule book §6: -0.5 or less); a good one is the polite default,
so it weighs less than a bad one and the mean of one of each stays below nought."""
MERGED = "closed_by_merge"
"The tag of a ticket that lives on as another one."
Metric = Literal[
    "full_resolution_time_in_minutes",
    "first_resolution_time_in_minutes",
    "reply_time_in_minutes",
    "agent_wait_time_in_minutes",
    "requester_wait_time_in_minutes",
    "on_hold_time_in_minutes",
]


class Zendesk(Source):
    """What may be set under [connectors.zendesk]; base_url is https://<yours>.zendesk.com."""

    comments: bool = True
    "Whether the customer's later comments are read too: one request per ticket that has any."
    comments_days: int = Field(60, ge=1, le=3660)
    "At the first reading, of tickets opened so many days ago or less; afterwards of every ticket that changes."
    minutes_field: int | None = None
    "The ticket field with the seconds worked, by id: `Total time spent (sec)` of the Time Tracking app."
    minutes_metric: Metric | None = None
    "Without such a field: the ticket metric taken for minutes, in business hours. It is waiting, not work."
    topic_tags: list[str] = Field(default_factory=list)
    "Tags that are topics, the first one found counts; without one the ticket's type is its topic."


def _check(api: Api) -> str:
    user = api.get("/api/v2/users/me.json")["user"]
    # Without a good key Zendesk answers too: as an anonymous end user.
    if user.get("role") not in ("agent", "admin"):
        raise KeyRefused(
            "Zendesk took ZENDESK_EMAIL and ZENDESK_API_TOKEN for no agent; use the e-mail address of the "
            "administrator the token belongs to.",
            401,
        )
    return f"signed in as {user.get('email')}"


def _read_hook(headers: Mapping[str, str], body: bytes, secret: str) -> list[dict[str, Any]]:
    """The ticket that a webhook is about: of an event subscription, or of a trigger with a body of the founder's."""
    stamp = headers.get("x-zendesk-webhook-signature-timestamp", "")
    expected = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
    try:
        signature = base64.b64decode(headers.get("x-zendesk-webhook-signature", ""), validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if not hmac.compare_digest(expected, signature):
        raise NotGenuine("the call is not signed with ZENDESK_WEBHOOK_SECRET")
    try:
        signed = datetime.fromisoformat(stamp)
    except ValueError:
        raise NotGenuine("the call does not say when it was signed") from None
    must_be_recent((signed if signed.tzinfo else signed.replace(tzinfo=UTC)).timestamp())
    try:
        found = json.loads(body)
    except ValueError:
        raise NotUnderstood("the call's body is not JSON") from None
    number = _ticket_of(found if isinstance(found, dict) else {})
    if number is None:
        raise NotUnderstood('the call names no ticket; its body should be {"ticket_id": "{{ticket.id}}"}')
    return [{"ticket": number}]


def _ticket_of(found: Mapping[str, Any]) -> str | None:
    detail, ticket = found.get("detail"), found.get("ticket")
    subject = str(found.get("subject", ""))
    for number in (
        found.get("ticket_id"),
        ticket.get("id") if isinstance(ticket, dict) else None,
        subject.removeprefix("zen:ticket:") if subject.startswith("zen:ticket:") else None,
        detail.get("id") if isinstance(detail, dict) and "ticket" in str(found.get("type", "")) else None,
    ):
        # It becomes part of a request: digits alone.
        text = str(number)
        if text.isascii() and text.isdigit() and len(text) <= 19:
            return text
    return None


ZENDESK = Vendor(
    name="zendesk",
    title="Zendesk",
    url="",
    keys=(
        Key("ZENDESK_EMAIL", "the e-mail address of the agent the token belongs to", ""),
        Key(
            "ZENDESK_API_TOKEN",
            "an API token: Admin Center > Apps and integrations > APIs > API tokens",
            "read, of an administrator: incremental exports are theirs alone",
        ),
    ),
    section=Zendesk,
    authorise=lambda keys, _: basic(f"{keys['ZENDESK_EMAIL']}/token", keys["ZENDESK_API_TOKEN"]),
    check=_check,
    # The smallest plan's; exports keep to their own below.
    limit=(200, 60.0),
    hook=Hook(
        secret="ZENDESK_WEBHOOK_SECRET",  # noqa: S106 - the name of the variable
        where="Admin Center > Apps and integrations > Webhooks, subscribed to the ticket events",
        read=_read_hook,
    ),
)


class Organisation(VendorRow):
    """A company, as Zendesk knows it; `external_id` is where the founder puts our id."""

    id: Text
    name: Words = ""
    external_id: Text | None = None
    domain_names: list[str] | None = None
    created_at: Moment | None = None
    updated_at: Moment
    deleted_at: Moment | None = None

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return max(self.updated_at, self.deleted_at or self.updated_at)

    def facts(self, settings: Zendesk) -> Iterator[Record]:  # noqa: ARG002
        """One record; a deleted one keeps nothing it could be matched by."""
        if self.deleted_at:
            yield Record(record_id=self.id)
            return
        yield Record(
            record_id=self.id,
            name=self.name,
            own_id=self.external_id or None,
            domain=next((one for one in self.domain_names or () if company_domain(one)), None),
            created_on=day_of(self.created_at),
        )


class Rating(VendorRow):
    """What the customer thought of the answer; `offered` and `unoffered` say that they said nothing."""

    score: str | None = None
    comment: Words | None = None


class Extra(VendorRow):
    """A ticket field of the founder's."""

    id: int
    value: Any = None


class Request(VendorRow):
    """One ticket as it stands; that of a person without a company tells nothing about an account."""

    id: Text
    organization_id: Text | None = None
    created_at: Moment
    updated_at: Moment
    generated_timestamp: Moment | None = None
    status: Literal["new", "open", "pending", "hold", "solved", "closed", "deleted"]
    priority: str | None = None
    type: str | None = None
    tags: list[str] | None = None
    subject: Words | None = None
    description: Words | None = None
    satisfaction_rating: Rating | None = None
    custom_fields: list[Extra] | None = None
    metric_set: dict[str, Any] | None = None
    said: list[Words] = Field(default_factory=list)
    "The customer's later public comments, as `_with_comments` puts them there."

    @property
    def changed(self) -> datetime:
        """When it last changed; deletions and ratings move only the time at which Zendesk wrote it."""
        return max(self.updated_at, self.generated_timestamp or self.updated_at)

    def facts(self, settings: Zendesk) -> Iterator[Ticket]:
        """One ticket; a deleted or merged one is closed and says nothing any more."""
        if self.organization_id is None:
            return
        is_merged = MERGED in (self.tags or ()) and self.status in ("solved", "closed")
        is_gone = self.status == "deleted" or is_merged
        rating = self.satisfaction_rating or Rating()
        yield Ticket(
            ticket_id=self.id,
            account_id=self.organization_id,
            opened_at=self.created_at,
            closed_at=self._closed_at(),
            priority=PRIORITIES.get(self.priority or "", Priority.NORMAL),
            minutes=None if is_gone else self._minutes(settings),
            sentiment=None if is_gone else SENTIMENTS.get(rating.score or ""),
            topic=self._topic(settings),
            text=None if is_gone else joined([self.subject, self.description, *self.said, rating.comment]),
        )

    def _closed_at(self) -> datetime | None:
        """When it was solved: by its metrics, which stay; `updated_at` moves on when Zendesk closes it days later."""
        if self.status not in ("solved", "closed", "deleted"):
            return None
        solved = (self.metric_set or {}).get("solved_at") if self.status != "deleted" else None
        moment = datetime.fromisoformat(str(solved)) if solved else self.updated_at
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return max(moment, self.created_at)

    def _minutes(self, settings: Zendesk) -> float | None:
        if settings.minutes_field is not None:
            worked = next((f.value for f in self.custom_fields or () if f.id == settings.minutes_field), None)
            return None if worked in (None, "") else float(str(worked)) / 60
        if settings.minutes_metric is None:
            return None
        measured = (self.metric_set or {}).get(settings.minutes_metric)
        business = measured.get("business") if isinstance(measured, dict) else None
        return None if business is None else float(business)

    def _topic(self, settings: Zendesk) -> str | None:
        return (
            next((tag for tag in settings.topic_tags if tag in (self.tags or ())), None) or self.type or None
        )


@ZENDESK.stream("records")
def organisations(api: Api, since: Since) -> Iterator[Dated]:
    """Organisations changed since; at first all of them, however old."""
    path, exports = "/api/v2/incremental/organizations.json", _Exports(api)
    start = 0 if since.is_first else _start(api, since)
    while True:
        found = exports.get(path, {"start_time": start, "per_page": PAGE})
        for row in found.get("organizations") or ():
            yield from api.facts(row, Organisation, path)
        end = found.get("end_time")
        # A page that ends where it began would come again for ever.
        if found.get("end_of_stream", True) or not isinstance(end, int) or end <= start:
            return
        start = end


@ZENDESK.stream("tickets")
def tickets(api: Api, since: Since) -> Iterator[Dated]:
    """Tickets changed since the cursor, and those that a webhook named and the export still leaves out."""
    api.taken += take(api.inbox)
    named = {str(row.get("ticket")) for row in rows(api.taken)}
    path, exports = "/api/v2/incremental/tickets/cursor.json", _Exports(api)
    cursor = since.kept.get("cursor")
    params: dict[str, Any] = {"cursor": cursor} if cursor else {"start_time": _start(api, since)}
    deleted: dict[str, datetime] = {}
    oldest = api.started - timedelta(days=_settings(api).comments_days) if since.is_first else None
    while True:
        found = exports.get(path, {**params, "per_page": PAGE, "include": "metric_sets,comment_count"})
        for row in _whole(found):
            named.discard(str(row.get("id")))
            if row.get("status") == "deleted" and row.get("organization_id") is None:
                deleted[str(row.get("id"))] = api.moment
            yield from api.facts(_with_comments(api, row, oldest), Request, path)
        # The cursor ends a minute ago: what changed since then comes the next time.
        cursor = found.get("after_cursor") or cursor
        if found.get("end_of_stream", True) or params.get("cursor") == cursor:
            break
        params = {"cursor": cursor}
    since.kept["cursor"] = cursor
    yield from gone(api, deleted)
    wanted = sorted(number for number in named if number.isascii() and number.isdigit())
    path = "/api/v2/tickets/show_many.json"
    for first in range(0, len(wanted), MANY):
        ids = ",".join(wanted[first : first + MANY])
        for row in _whole(api.get(path, {"ids": ids, "include": "metric_sets,comment_count"})):
            yield from api.facts(_with_comments(api, row, oldest), Request, path)


def _start(api: Api, since: Since) -> int:
    newest = api.started - TOO_NEW
    return min(since.seconds, int(newest.replace(tzinfo=UTC).timestamp()))


def _whole(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Tickets with their metrics, which Zendesk puts beside them or into them."""
    metrics = {one.get("ticket_id"): one for one in found.get("metric_sets") or () if isinstance(one, dict)}
    for given in found.get("tickets") or ():
        row = given if isinstance(given, dict) else {}
        yield {**row, "metric_set": row.get("metric_set") or metrics.get(row.get("id"))}


def _with_comments(api: Api, row: Any, oldest: datetime | None) -> Any:
    """The ticket with what its customers wrote later; their first message is its description."""
    if not isinstance(row, dict):
        return row
    row["said"] = []
    number, count = row.get("id"), row.get("comment_count")
    if (
        not _settings(api).comments
        or not isinstance(number, int)
        or (isinstance(count, int) and count < 2)
        or row.get("status") == "deleted"
        or row.get("organization_id") is None
        or (oldest is not None and str(row.get("created_at")) < oldest.isoformat())
    ):
        return row
    try:
        found = api.get(f"/api/v2/tickets/{number}/comments.json", {"include": "users", "per_page": MANY})
    except VendorRefused as refused:
        if refused.status == 404:  # deleted a moment ago
            return row
        raise
    customers = {user.get("id") for user in found.get("users") or () if user.get("role") == "end-user"}
    row["said"] = [
        comment.get("plain_body") or comment.get("body") or ""
        for comment in (found.get("comments") or ())[1:]
        if comment.get("public") is True and comment.get("author_id") in customers
    ]
    return row


def _settings(api: Api) -> Zendesk:
    return cast(Zendesk, api.settings)


class _Exports:
    """Incremental exports, at the pace that Zendesk asks for them."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._sent: deque[float] = deque(maxlen=EXPORTS[0])

    def get(self, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One page of an export."""
        before, is_paced = self._api.asked, self._api.settings.requests_per_minute is None
        if is_paced and len(self._sent) == self._sent.maxlen:
            time.sleep(max(0.0, self._sent[0] + EXPORTS[1] - time.monotonic()))
        found = self._api.get(path, params)
        if self._api.asked > before:  # not answered from what was kept
            self._sent.append(time.monotonic())
        return found
