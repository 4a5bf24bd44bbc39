"""Intercom: companies, the people in them, and what they write: conversations and tickets. Read-only.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/

Leads are left out: they are visitors who left an address, nobody's members and nobody's guests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from pydantic import Field

from agent.facts.tables import Measure, Member, Priority, Role, Ticket
from agent.foundation.errors import VendorRefused
from connectors._api import Api
from connectors._gone import gone
from connectors._inbox import Hook, NotGenuine, NotUnderstood, is_signed, must_be_recent, rows, take
from connectors._plain import Html, Words, joined
from connectors._rows import Dated, Record, VendorRow
from connectors._shapes import Moment, Text, bearer, day_of
from connectors._vendor import Key, Since, Source, Vendor

VERSION = "2.16"
PAGE = 150
COMPANIES = 60
"Companies to a page: the most that Intercom gives."
LISTED = 10_000
"More companies than this are not listed by page; they are scrolled through."
READINGS = 3
"How often a listing that moved under us is read."
AT_ONCE = 15
"Contacts that are asked for by id in one search: Intercom takes so many alternatives."
WHOLE_DAYS = timedelta(days=2)
"Contacts are searched by whole days of the workspace's own time zone, and `>` means from the next day on."
PRIORITIES = {
    "urgent": Priority.URGENT, "high": Priority.HIGH, "low": Priority.LOW, "priority": Priority.HIGH,
}  # fmt: skip
SENTIMENTS = {1: -0.8, 2: -0.5, 3: 0.0, 4: 0.3, 5: 0.6}
"A rating as sentiment. The two bad ones hold the account (rule book §6: -0.5 or less); good ones weigh less."
THEIRS = ("user", "lead", "contact")
"Authors who are customers; all others are teammates and robots."


class Intercom(Source):
    """What may be set under [connectors.intercom]; base_url is https://api.eu.intercom.io or .au. for other regions."""

    members: bool = True
    "Whether the people of a company are its members, where nothing else says so better."
    replies: bool = True
    "Whether the customer's later messages are read too: one request per conversation that has any."
    replies_days: int = Field(60, ge=1, le=3660)
    "At the first reading, of conversations begun so many days ago or less; afterwards of every one that changes."
    topic_tags: list[str] = Field(default_factory=list)
    "Tags that are topics; the first one found counts."


def _check(api: Api) -> str:
    found = api.get("/me")
    app = found.get("app") or {}
    return f"signed in to {app.get('name') or app.get('id_code')} as {found.get('email')}"


def _read_hook(headers: Mapping[str, str], body: bytes, secret: str) -> list[dict[str, Any]]:
    """What a notification is about; Intercom signs no time, so the notification's own counts for its age."""
    kind, _, signature = headers.get("x-hub-signature", "").partition("=")
    if kind != "sha1" or not signature.isascii() or not is_signed(secret, body, signature, "sha1"):
        raise NotGenuine("the call is not signed with INTERCOM_CLIENT_SECRET")
    try:
        found = json.loads(body)
        topic, created, item = str(found["topic"]), found["created_at"], found["data"]["item"]
        must_be_recent(float(created))
        if topic == "ping":
            return []
        row = {"topic": topic, "kind": str(item["type"]), "id": str(item["id"]), "at": int(created)}
        if isinstance(item.get("external_id"), str):
            row["external_id"] = item["external_id"]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise NotUnderstood("the call's body is no notification of Intercom's") from None
    if not _is_id(row["id"]):
        raise NotUnderstood("the notification names nothing that could be asked for")
    return [row]


def _is_id(value: Any) -> bool:
    """Whether it may become part of a request's path."""
    return isinstance(value, str) and value.isascii() and value.isalnum() and len(value) <= 64


INTERCOM = Vendor(
    name="intercom",
    title="Intercom",
    url="https://api.intercom.io",
    keys=(
        Key(
            "INTERCOM_ACCESS_TOKEN",
            "an access token: Developer Hub > your app > Authentication",
            "Read companies, Read users, Read conversations, Read tickets, Read admins",
        ),
    ),
    section=Intercom,
    authorise=lambda keys, _: bearer(keys["INTERCOM_ACCESS_TOKEN"], Intercom_Version=VERSION),
    check=_check,
    wants=lambda section, stream: stream != "contacts" or section.members,
    limit=(160, 10.0),
    hook=Hook(
        secret="INTERCOM_CLIENT_SECRET",  # noqa: S106 - the name of the variable
        where="Developer Hub > your app > Webhooks: conversation.*, ticket.*, contact.deleted and contact.archived",
        read=_read_hook,
    ),
)


class Company(VendorRow):
    """A company; `company_id` is the id that the founder gave it: ours."""

    id: Text
    company_id: Text | None = None
    name: Words | None = None
    website: str | None = None
    size: int | None = None
    created_at: Moment | None = None
    remote_created_at: Moment | None = None
    updated_at: Moment | None = None

    def facts(self, settings: Intercom) -> Iterator[Record | Measure]:  # noqa: ARG002
        """One record, and how many people work there where somebody said so."""
        yield Record(
            record_id=self.id,
            name=self.name or "",
            own_id=self.company_id or None,
            domain=self.website or None,
            created_on=day_of(self.remote_created_at or self.created_at),
        )
        if self.size and self.size > 0 and self.updated_at:
            yield Measure(
                account_id=self.id, day=self.updated_at.date(), metric="headcount", value=float(self.size)
            )


class Reference(VendorRow):
    """Something by its id."""

    id: Text


class References(VendorRow):
    """A list of them, under whichever name; of a contact's companies no more than ten."""

    has_more: bool | None = None
    data: list[Reference] = Field(default_factory=list)
    contacts: list[Reference] = Field(default_factory=list)


class Contact(VendorRow):
    """A person."""

    id: Text
    external_id: Text | None = None
    role: str
    created_at: Moment
    signed_up_at: Moment | None = None
    updated_at: Moment
    companies: References | None = None

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at

    def facts(self, settings: Intercom) -> Iterator[Member]:  # noqa: ARG002
        """A member of each company; their id is ours where Intercom knows it."""
        for company in self.companies.data if self.companies and self.role == "user" else ():
            yield Member(
                account_id=company.id,
                user_id=self.external_id or self.id,
                role=Role.MEMBER,
                joined_on=(self.signed_up_at or self.created_at).date(),
            )


class Author(VendorRow):
    """Who wrote something."""

    type: str | None = None


class Message(VendorRow):
    """One piece of a conversation or a ticket."""

    part_type: str | None = None
    subject: Html | None = None
    body: Html | None = None
    author: Author | None = None
    redacted: bool | None = None
    created_at: Moment | None = None
    ticket_state: str | None = None

    @property
    def is_theirs(self) -> bool:
        """Whether a customer wrote it."""
        return self.author is not None and self.author.type in THEIRS and not self.redacted


class Messages(VendorRow):
    """The pieces of a conversation or a ticket."""

    conversation_parts: list[Message] = Field(default_factory=list)
    ticket_parts: list[Message] = Field(default_factory=list)

    def words(self) -> Iterator[str | None]:
        """What customers wrote."""
        return (part.body for part in (*self.conversation_parts, *self.ticket_parts) if part.is_theirs)


class Statistics(VendorRow):
    """What Intercom measured; `adjusted_handling_time` is work without the breaks, in seconds."""

    adjusted_handling_time: float | None = None
    last_close_at: Moment | None = None


class Rating(VendorRow):
    """What the customer thought of the answer, from 1 to 5."""

    rating: int | None = None
    remark: Html | None = None


class Tag(VendorRow):
    """A tag."""

    name: str


class Tags(VendorRow):
    """A list of them."""

    tags: list[Tag] = Field(default_factory=list)


class Talk(VendorRow):
    """What conversations and tickets share."""

    id: Text
    created_at: Moment
    updated_at: Moment
    account: str | None = None
    "The one company it is about, as `_with_accounts` puts it there."

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at


class Conversation(Talk):
    """A conversation as it stands."""

    state: Literal["open", "closed", "snoozed"]
    priority: str | None = None
    source: Message | None = None
    first_contact_reply: dict[str, Any] | None = None
    statistics: Statistics | None = None
    conversation_rating: Rating | None = None
    tags: Tags | None = None
    conversation_parts: Messages | None = None
    ticket: dict[str, Any] | None = None
    "The ticket it was made into, which comes by itself."

    def facts(self, settings: Intercom) -> Iterator[Ticket]:
        """One ticket; a message of ours that nobody answered asks for nothing."""
        source, rating = self.source or Message(), self.conversation_rating or Rating()
        statistics = self.statistics or Statistics()
        said = list(self.conversation_parts.words()) if self.conversation_parts else []
        if self.account is None or self.ticket or not (source.is_theirs or self.first_contact_reply or said):
            return
        closed = max(statistics.last_close_at or self.updated_at, self.created_at)
        worked = statistics.adjusted_handling_time
        tags = [tag.name for tag in self.tags.tags] if self.tags else []
        yield Ticket(
            ticket_id=self.id,
            account_id=self.account,
            opened_at=self.created_at,
            closed_at=closed if self.state == "closed" else None,
            priority=PRIORITIES.get(self.priority or "", Priority.NORMAL),
            minutes=None if worked is None else worked / 60,
            sentiment=SENTIMENTS.get(rating.rating or 0),
            topic=next((tag for tag in settings.topic_tags if tag in tags), None),
            text=joined([*((source.subject, source.body) if source.is_theirs else ()), *said, rating.remark]),
        )


class State(VendorRow):
    """How far a ticket is."""

    category: str


class Kind(VendorRow):
    """The kind of a ticket, in the founder's words."""

    name: Words | None = None


class Attributes(VendorRow):
    """What the customer filled in."""

    title: Html | None = Field(None, alias="_default_title_")
    description: Html | None = Field(None, alias="_default_description_")


class Issue(Talk):
    """A ticket of Intercom's; those of other categories than Customer are notes among the founder's own people."""

    category: str | None = None
    ticket_state: State
    ticket_type: Kind | None = None
    ticket_attributes: Attributes | None = None
    ticket_parts: Messages | None = None

    def facts(self, settings: Intercom) -> Iterator[Ticket]:  # noqa: ARG002
        """One ticket."""
        if self.account is None or self.category != "Customer":
            return
        asked, parts = self.ticket_attributes or Attributes(), self.ticket_parts or Messages()
        yield Ticket(
            ticket_id=self.id,
            account_id=self.account,
            opened_at=self.created_at,
            closed_at=self._closed_at() if self.ticket_state.category == "resolved" else None,
            priority=Priority.NORMAL,
            topic=(self.ticket_type.name or None) if self.ticket_type else None,
            text=joined([asked.title, asked.description, *parts.words()]),
        )

    def _closed_at(self) -> datetime:
        """Since when it has been resolved without a break."""
        since: datetime | None = None
        for part in self.ticket_parts.ticket_parts if self.ticket_parts else ():
            if part.ticket_state is not None:
                since = (since or part.created_at) if part.ticket_state == "resolved" else None
        return max(since or self.updated_at, self.created_at)


@INTERCOM.stream("records", "measures", whole=True)
def companies(api: Api, since: Since) -> Iterator[Dated]:  # noqa: ARG001 - it is always the whole list
    """All companies that have anybody in them: Intercom lists no others."""
    # Taken by the first stream, and looked at by those that follow.
    api.taken += take(api.inbox)
    for row in _listed(api):
        yield from api.facts(row, Company, "/companies/list")


def _listed(api: Api) -> Iterable[Any]:
    """Every company once. The list is ordered by activity and moves while it is read; then it is read again."""
    found: dict[str, Any] = {}
    for reading in range(READINGS):
        totals, page = set(), 1
        while True:
            # Another size of page is another question: the last reading's answers are kept, and would come again.
            answer = api.post(f"/companies/list?page={page}&per_page={COMPANIES - reading}")
            totals.add(int(answer.get("total_count") or 0))
            if max(totals) > LISTED:
                return _scrolled(api)
            data = answer.get("data") or []
            for row in data:
                found[str(row.get("id")) if isinstance(row, dict) else repr(row)] = row
            if not data or page >= int((answer.get("pages") or {}).get("total_pages") or 1):
                break
            page += 1
        if len(totals) == 1 and len(found) >= max(totals):
            break
    return list(found.values())


def _scrolled(api: Api) -> Iterator[Any]:
    """Every company of a large workspace; a scroll that was left for a minute is refused and begun again."""
    answer = api.get("/companies/scroll")
    while answer.get("data"):
        yield from answer["data"]
        answer = api.get("/companies/scroll", {"scroll_param": answer.get("scroll_param")})


@INTERCOM.stream("members")
def contacts(api: Api, since: Since) -> Iterator[Dated]:
    """Users changed since, in every company of theirs; a company that one is no longer in, they have left."""
    known = _Members(api)
    at = 0 if since.is_first else since.seconds - int(WHOLE_DAYS.total_seconds())
    query = [_newer(at), {"field": "role", "operator": "=", "value": "user"}]
    for page in _searched(
        api, "/contacts/search", "data", query, {"field": "updated_at", "order": "ascending"}
    ):
        for row in page:
            bad = len(api.rejected)
            made = list(api.facts(row, Contact, "/contacts/search"))
            yield from made
            if len(api.rejected) == bad:
                contact = Contact.model_validate(row)
                # Of somebody in more companies than are listed nobody knows which one they left.
                if not (contact.companies and contact.companies.has_more):
                    stays = [cast(Member, one.fact) for one in made]
                    yield from known.left({contact.id, contact.external_id}, contact.updated_at, stays)
    for noticed in rows(api.taken):
        if noticed.get("topic") in ("contact.deleted", "contact.archived"):
            yield from known.left({noticed.get("id"), noticed.get("external_id")}, _moment(noticed["at"]), ())


class _Members:
    """Who is a member where, as earlier readings landed it."""

    def __init__(self, api: Api) -> None:
        self._there: dict[str, list[Member]] = {}
        for account, user, day in api.landed(
            "SELECT account_id, user_id, joined_on FROM (SELECT * FROM vendor.members QUALIFY row_number() OVER "
            "(PARTITION BY account_id, user_id, joined_on ORDER BY changed_at DESC, pulled DESC) = 1) WHERE left_on IS NULL"
        ):
            member = Member(account_id=account, user_id=user, role=Role.MEMBER, joined_on=day)
            self._there.setdefault(user, []).append(member)

    def left(self, names: Iterable[Any], at: datetime, stays: Iterable[Member]) -> Iterator[Dated]:
        """The memberships of one person, by each name of theirs, that are not among those that stay."""
        for name in names:
            for member in self._there.pop(name, ()):
                if member not in stays:
                    left_on = max(at.date(), member.joined_on)
                    yield Dated(member.model_copy(update={"left_on": left_on}), at)


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None)


@INTERCOM.stream("tickets")
def conversations(api: Api, since: Since) -> Iterator[Dated]:
    """Conversations changed since."""
    oldest = api.started - timedelta(days=_settings(api).replies_days) if since.is_first else None
    path = "/conversations/search"
    pages = _searched(api, path, "conversations", [_newer(since.seconds)])
    yield from _talks(api, "conversation", path, Conversation, pages, oldest)


@INTERCOM.stream("tickets")
def tickets(api: Api, since: Since) -> Iterator[Dated]:
    """Tickets changed since."""
    pages = _searched(api, "/tickets/search", "tickets", [_newer(since.seconds)])
    yield from _talks(api, "ticket", "/tickets/search", Issue, pages, None)


def _talks(
    api: Api,
    kind: str,
    path: str,
    shape: type[Conversation] | type[Issue],
    pages: Iterator[list[Any]],
    oldest: datetime | None,
) -> Iterator[Dated]:
    """Tickets from searched pages, then from what webhooks named, then those that were deleted."""
    seen, belongs = set[str](), dict[str, list[str]]()
    noticed = [row for row in rows(api.taken) if row.get("kind") == kind and _is_id(row.get("id"))]
    deleted = {row["id"]: _moment(row["at"]) for row in noticed if str(row.get("topic")).endswith(".deleted")}

    def named() -> Iterator[list[Any]]:
        for number in sorted({row["id"] for row in noticed} - seen - set(deleted)):
            found = _there(api, f"/{kind}s/{number}")
            if found is not None:
                yield [found]

    for source in (pages, named()):
        for page in source:
            _with_accounts(api, page, belongs)
            for row in page:
                if isinstance(row, dict):
                    seen.add(str(row.get("id")))
                    if shape is Conversation:
                        _with_replies(api, row, oldest)
                        deleted.update(_made_into_a_ticket(row))
                yield from api.facts(row, shape, path)
    yield from gone(api, deleted)


def _made_into_a_ticket(row: dict[str, Any]) -> dict[str, datetime]:
    """A conversation that lives on as a ticket of another number, and since when: what landed of it is closed."""
    ticket, at = row.get("ticket"), row.get("updated_at")
    is_other = isinstance(ticket, dict) and str(ticket.get("id")) != str(row.get("id"))
    return {str(row.get("id")): _moment(at)} if is_other and isinstance(at, int) else {}


def _with_accounts(api: Api, page: list[Any], belongs: dict[str, list[str]]) -> None:
    """Put into each row the company it is about: the one it names, else the only one its contact is in."""
    contacts_of = {}
    for row in page:
        if isinstance(row, dict):
            row["account"] = None
            company = row.get("company")
            if isinstance(company, dict) and company.get("id"):
                row["account"] = str(company["id"])
                continue
            people = (row.get("contacts") or {}).get("contacts") or ()
            contacts_of[str(row.get("id"))] = [str(p.get("id")) for p in people if isinstance(p, dict)]
    unknown = sorted({one for people in contacts_of.values() for one in people if one not in belongs})
    for first in range(0, len(unknown), AT_ONCE):
        some = unknown[first : first + AT_ONCE]
        belongs.update((one, []) for one in some)
        for found in _searched(
            api, "/contacts/search", "data", [{"field": "id", "operator": "IN", "value": some}]
        ):
            for contact in found:
                belongs[str(contact.get("id"))] = [
                    str(company.get("id")) for company in (contact.get("companies") or {}).get("data") or ()
                ]
    for row in page:
        if isinstance(row, dict) and row["account"] is None:
            there = {company for one in contacts_of.get(str(row.get("id")), ()) for company in belongs[one]}
            # Of somebody in several companies nobody knows which one is meant, and we do not guess.
            row["account"] = there.pop() if len(there) == 1 else None


def _with_replies(api: Api, row: dict[str, Any], oldest: datetime | None) -> None:
    """Put the conversation's messages into it, where its customer wrote more than once; a search leaves them out."""
    created, statistics = row.get("created_at"), row.get("statistics")
    replied = statistics.get("last_contact_reply_at") if isinstance(statistics, dict) else created
    if (
        not _settings(api).replies
        or row["account"] is None
        or row.get("conversation_parts")
        or not _is_id(row.get("id"))
        or not isinstance(created, int)
        or not isinstance(replied, int)
        or (isinstance(statistics, dict) and replied <= created)
        or (oldest is not None and created < (oldest - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001
    ):
        return
    found = _there(api, f"/conversations/{row['id']}")
    row["conversation_parts"] = found.get("conversation_parts") if found else None


def _there(api: Api, path: str) -> dict[str, Any] | None:
    """One answer, or None for what was deleted in the meantime."""
    try:
        return api.get(path)
    except VendorRefused as refused:
        if refused.status == 404:
            return None
        raise


def _newer(at: int) -> dict[str, Any]:
    return {"field": "updated_at", "operator": ">", "value": max(at, 0)}


def _searched(
    api: Api, path: str, at: str, query: list[dict[str, Any]], sort: dict[str, str] | None = None
) -> Iterator[list[Any]]:
    """Pages of a search, by Intercom's cursor."""
    body: dict[str, Any] = {"query": {"operator": "AND", "value": query}} | ({"sort": sort} if sort else {})
    after = None
    while True:
        answer = api.post(
            path, body | {"pagination": {"per_page": PAGE} | ({"starting_after": after} if after else {})}
        )
        yield answer.get(at) or []
        before, following = after, (answer.get("pages") or {}).get("next")
        after = following.get("starting_after") if isinstance(following, dict) else None
        if not after or after == before:
            return


def _settings(api: Api) -> Intercom:
    return cast(Intercom, api.settings)
