"""HubSpot: companies, who looks after them, and their tickets. Read-only, through HubSpot's own client library.

https://developers.hubspot.com/docs/guides/api/crm/search

Deals are not read: they tell of the founder's own selling, and no canonical fact has a place for that. An open deal's
owner is its company's, renewals come from whoever bills, and a right that is not asked for cannot be misused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from agent.facts.tables import Measure, Priority, Ticket
from agent.foundation.errors import ConfigError, SourceFailed
from connectors import _sql
from connectors._api import Api
from connectors._gone import gone
from connectors._plain import Words, joined
from connectors._rows import Dated, Record, VendorRow
from connectors._shapes import Moment, Text, bearer, day_of
from connectors._vendor import Key, Since, Source, Vendor

PAGE = 200
ARCHIVED = 100
"Deleted objects to a page: the most that HubSpot gives."
CHANGED, NUMBER, MERGED = "hs_lastmodifieddate", "hs_object_id", "hs_merged_object_ids"
PRIMARY = 26
"HubSpot's own kind of association: the company a ticket is mainly about."
PRIORITIES = {"URGENT": Priority.URGENT, "HIGH": Priority.HIGH, "LOW": Priority.LOW}


class HubSpot(Source):
    """What may be set under [connectors.hubspot]."""

    id_property: str = "account_id"
    "The company property in which the founder keeps our id."
    topic_property: str = "hs_ticket_category"
    "The ticket property that says what it is about."
    minutes_property: str = ""
    "The ticket property with the minutes worked, where there is one: HubSpot itself measures only waiting."


def _check(api: Api) -> str:
    searched = _client(api).crm.companies.search_api
    return f"sees {_asked(searched.do_search({'limit': 1})).get('total', 0):,} companies"


HUBSPOT = Vendor(
    name="hubspot",
    title="HubSpot",
    url="https://api.hubapi.com",
    keys=(
        Key(
            "HUBSPOT_ACCESS_TOKEN",
            "the access token of a private app: Settings > Integrations > Private Apps",
            "crm.objects.companies.read, crm.objects.owners.read, tickets",
        ),
    ),
    section=HubSpot,
    authorise=lambda keys, _: bearer(keys["HUBSPOT_ACCESS_TOKEN"]),
    check=_check,
    # Of searches; of everything else more are allowed.
    limit=(4, 1.0),
    needs="hubspot",
)


class CompanyFields(VendorRow):
    """The properties of a company that we read."""

    name: Words | None = None
    domain: str | None = None
    createdate: Moment | None = None
    hs_lastmodifieddate: Moment
    numberofemployees: Text | None = None


class Company(VendorRow):
    """A company."""

    id: Text
    properties: CompanyFields
    own_id: Text | None = None
    owner: str | None = None
    "Both put there by `companies`: one of a property of the founder's choice, one of the owner's number."

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.properties.hs_lastmodifieddate

    def facts(self, settings: HubSpot) -> Iterator[Record | Measure]:  # noqa: ARG002
        """One record, and how many people work there where somebody said so."""
        known = self.properties
        yield Record(
            record_id=self.id,
            name=known.name or "",
            own_id=self.own_id or None,
            domain=known.domain or None,
            created_on=day_of(known.createdate),
            owner=self.owner,
        )
        people = float(known.numberofemployees or 0)
        if people > 0:
            yield Measure(account_id=self.id, day=self.changed.date(), metric="headcount", value=people)


class RequestFields(VendorRow):
    """The properties of a ticket that we read."""

    subject: Words | None = None
    content: Words | None = None
    createdate: Moment
    closed_date: Moment | None = None
    hs_lastmodifieddate: Moment
    hs_pipeline_stage: Text | None = None
    hs_ticket_priority: str | None = None


class Request(VendorRow):
    """A ticket; one of no company tells nothing about an account."""

    id: Text
    properties: RequestFields
    company: str | None = None
    is_closed: bool | None = None
    "Both put there by `tickets`: the company by its association; None for a stage that no pipeline has any more."
    topic: Text | None = None
    minutes: Text | None = None

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.properties.hs_lastmodifieddate

    def facts(self, settings: HubSpot) -> Iterator[Ticket]:  # noqa: ARG002
        """One ticket."""
        if self.company is None:
            return
        asked = self.properties
        is_closed = self.is_closed if self.is_closed is not None else asked.closed_date is not None
        yield Ticket(
            ticket_id=self.id,
            account_id=self.company,
            opened_at=asked.createdate,
            closed_at=max(asked.closed_date or self.changed, asked.createdate) if is_closed else None,
            priority=PRIORITIES.get(asked.hs_ticket_priority or "", Priority.NORMAL),
            minutes=float(self.minutes) if self.minutes else None,
            topic=(self.topic or "").split(";")[0] or None,
            text=joined([asked.subject, asked.content]),
        )


class Deleted(VendorRow):
    """An object that was deleted."""

    id: Text
    archivedAt: Moment  # noqa: N815 - HubSpot's name


@HUBSPOT.stream("records", "measures", "tickets")
def companies(api: Api, since: Since) -> Iterator[Dated]:
    """Companies changed since, at first all; of merged ones the tickets go with the one that is left."""
    crm, settings = _client(api).crm, cast(HubSpot, api.settings)
    owners = _owners(crm)
    properties = [
        "name", "domain", "createdate", CHANGED, "numberofemployees", "hubspot_owner_id", MERGED, settings.id_property,
    ]  # fmt: skip
    known = {one for (one,) in api.landed("SELECT DISTINCT record_id FROM vendor.records")}
    for row in _changed(crm.companies.search_api, properties, 0 if since.is_first else since.seconds):
        given = _properties(row)
        owner, own_id = owners.get(str(given.get("hubspot_owner_id"))), given.get(settings.id_property)
        found = list(
            api.facts(
                {**_dict(row), "properties": given, "owner": owner, "own_id": own_id}, Company, "companies"
            )
        )
        yield from found
        if found:
            merged = known & set(str(given.get(MERGED) or "").split(";"))
            yield from _merged(api, merged, cast(Record, found[0].fact), found[0].changed_at)
    for number, at in _deleted(api, crm.companies.basic_api, since):
        # Nothing is left that it could be matched by.
        if number in known:
            yield Dated(Record(record_id=number), at)


@HUBSPOT.stream("tickets")
def tickets(api: Api, since: Since) -> Iterator[Dated]:
    """Tickets changed since; deleted and merged ones are closed and say nothing any more."""
    crm, settings = _client(api).crm, cast(HubSpot, api.settings)
    stages = _stages(crm)
    more = [one for one in (settings.topic_property, settings.minutes_property) if one]
    properties = [*RequestFields.model_fields, MERGED, *more]
    merged: dict[str, datetime] = {}
    for page in _pages(crm.tickets.search_api, properties, since.seconds):
        company_of = _companies_of(crm, [str(row["id"]) for row in page if _dict(row).get("id")])
        for row in page:
            given = _properties(row)
            mine = {
                "properties": given,
                "company": company_of.get(str(_dict(row).get("id"))),
                "is_closed": stages.get(str(given.get("hs_pipeline_stage"))),
                "topic": given.get(settings.topic_property),
                "minutes": given.get(settings.minutes_property),
            }
            found = list(api.facts({**_dict(row), **mine}, Request, "tickets"))
            yield from found
            if found:
                others = str(given.get(MERGED) or "").split(";")
                merged.update((one, found[0].changed_at) for one in others if one)
    yield from gone(api, {**merged, **dict(_deleted(api, crm.tickets.basic_api, since))})


def _merged(api: Api, numbers: Iterable[str], into: Record, at: datetime) -> Iterator[Dated]:
    """Companies that became another one: their records say nothing any more, their tickets are the other one's."""
    for number in sorted(numbers):
        yield Dated(Record(record_id=number), at)
        columns = list(Ticket.model_fields)
        times = ("opened_at", "closed_at")
        asked = ", ".join(f"CAST({name} AS TIMESTAMP)" if name in times else name for name in columns)
        for row in api.landed(
            f"SELECT {asked} FROM (SELECT * FROM vendor.tickets QUALIFY row_number() OVER "
            "(PARTITION BY ticket_id ORDER BY changed_at DESC, pulled DESC) = 1) "
            f"WHERE account_id = {_sql.literal(number)}"
        ):
            ticket = Ticket.model_validate(
                {**dict(zip(columns, row, strict=True)), "account_id": into.record_id}
            )
            yield Dated(ticket, at)


def _owners(crm: Any) -> dict[str, str]:
    """The names of the founder's own people, by their numbers."""
    found, after, owners = {}, None, crm.owners.owners_api
    while True:
        answer = _asked(owners.get_page(limit=ARCHIVED, **({"after": after} if after else {})))
        for one in answer.get("results") or ():
            name = " ".join(part for part in (one.get("firstName"), one.get("lastName")) if part)
            found[str(one.get("id"))] = name or str(one.get("email") or "")
        after = _next(answer)
        if after is None:
            return {number: name for number, name in found.items() if name}


def _stages(crm: Any) -> dict[str, bool]:
    """Whether a ticket is closed at a stage, by the stage's number."""
    found = {}
    for pipeline in _asked(crm.pipelines.pipelines_api.get_all("tickets")).get("results") or ():
        for stage in pipeline.get("stages") or ():
            what = stage.get("metadata") or {}
            found[str(stage.get("id"))] = (
                what.get("ticketState") == "CLOSED" or str(what.get("isClosed")).lower() == "true"
            )
    return found


def _companies_of(crm: Any, numbers: list[str]) -> dict[str, str]:
    """The company each ticket is about: the primary one, or the only one; between several we do not guess."""
    if not numbers:
        return {}
    batch = crm.associations.v4.batch_api
    answer = _asked(
        batch.get_page("tickets", "companies", {"inputs": [{"id": number} for number in numbers]})
    )
    found = {}
    for one in answer.get("results") or ():
        there: list[dict[str, Any]] = one.get("to") or []
        primary = [
            to for to in there if PRIMARY in {kind.get("typeId") for kind in to.get("associationTypes") or ()}
        ]
        numbers_there = {str(to.get("toObjectId")) for to in primary or there}
        if len(numbers_there) == 1:
            found[str(one["from"]["id"])] = numbers_there.pop()
    return found


def _deleted(api: Api, basic: Any, since: Since) -> Iterator[tuple[str, datetime]]:
    """Objects that were deleted, and when; HubSpot lists them for 90 days, and nobody has read any before the first."""
    after = None
    while not since.is_first:
        answer = _asked(basic.get_page(limit=ARCHIVED, archived=True, **({"after": after} if after else {})))
        for row in answer.get("results") or ():
            try:
                found = Deleted.model_validate(row)
            except ValueError:
                api.reject(row, "archivedAt", None, "is no moment")
            else:
                yield found.id, found.archivedAt
        after = _next(answer)
        if after is None:
            return


# Searching.


def _changed(searched: Any, properties: list[str], seconds: int) -> Iterator[Any]:
    return (row for page in _pages(searched, properties, seconds) for row in page)


def _pages(searched: Any, properties: list[str], seconds: int) -> Iterator[list[Any]]:
    """Pages of what changed since, each asked for by where the last one ended.

    Not by HubSpot's own page numbers: rows that change meanwhile move, others slip past, and 10,000 is the end of
    them. So rows of the last moment come twice, which changes nothing.
    """

    def ask(filters: list[dict[str, str]], by: str) -> tuple[list[Any], bool]:
        answer = _asked(
            searched.do_search(
                {
                    "filterGroups": [{"filters": filters}],
                    "sorts": [{"propertyName": by, "direction": "ASCENDING"}],
                    "properties": properties,
                    "limit": PAGE,
                }
            )
        )
        return answer.get("results") or [], _next(answer) is not None

    at = max(seconds, 0) * 1000
    while True:
        page, has_more = ask([_is(CHANGED, "GTE", at)], CHANGED)
        yield page
        if not has_more or not page:
            return
        last = max((_milliseconds(row) for row in page), default=0)
        if last > at:
            at = last
            continue
        if last == 0:
            raise SourceFailed(f"HubSpot no longer says when things changed ({CHANGED}); please report this.")
        # A whole page of one moment, as an import leaves it: by number, to the end of that moment.
        number = 0
        while has_more and page:
            page, has_more = ask([_is(CHANGED, "EQ", at), _is(NUMBER, "GT", number)], NUMBER)
            yield page
            before, number = number, max((_number(row) for row in page), default=0)
            has_more = has_more and number > before
        at += 1


def _is(name: str, operator: str, value: int) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _number(row: Any) -> int:
    text = str(_dict(row).get("id"))
    return int(text) if text.isascii() and text.isdigit() else 0


def _milliseconds(row: Any) -> int:
    try:
        moment = datetime.fromisoformat(str(_properties(row).get(CHANGED)))
    except ValueError:
        return 0
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _next(answer: Mapping[str, Any]) -> str | None:
    """Where the next page begins; None on the last one."""
    following = (answer.get("paging") or {}).get("next") or {}
    return str(following["after"]) if following.get("after") else None


def _dict(row: Any) -> dict[str, Any]:
    return row if isinstance(row, dict) else {}


def _properties(row: Any) -> dict[str, Any]:
    """An object's properties; what was emptied is empty text at HubSpot."""
    return {name: value for name, value in _dict(_dict(row).get("properties")).items() if value != ""}


# HubSpot's client.


class _Answer:
    """An answer as HubSpot's client expects it from urllib3."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found, self.status, self.reason = found, 200, "OK"
        self.data = json.dumps(found).encode()

    def getheaders(self) -> dict[str, str]:
        return {}


class _Through:
    """What HubSpot's client sends its requests through, in place of urllib3's pool: our own session.

    So its questions keep our pace, are asked again as ours are, go on where they stopped, and fail in one sentence.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def request(
        self, method: str, url: str, *, body: str | None = None, fields: Any = (), **_: Any
    ) -> _Answer:
        """Ask; the client has put the address together, and the body."""
        path = url.removeprefix(self._api.base_url)
        if method == "POST":
            return _Answer(self._api.post(path, json.loads(body or "{}")))
        params: dict[str, list[str]] = {}
        for name, value in fields or ():
            params.setdefault(name, []).append(str(value).lower() if isinstance(value, bool) else str(value))
        return _Answer(self._api.get(path, {name: ",".join(values) for name, values in params.items()}))


def _client(api: Api) -> Any:
    """HubSpot's client; raises ConfigError where it is not installed."""
    try:
        from hubspot import HubSpot as Client
    except ModuleNotFoundError:
        raise ConfigError(
            'HubSpot is read through its own client library; install it: pip install "outgrown[hubspot]"'
        ) from None
    return Client(api_factory=partial(_made, api))


def _made(api: Api, package: Any, name: str, _: Mapping[str, Any]) -> Any:
    """One of the client's parts, speaking through us; answers are not parsed by it: a bad row would cost the page."""
    client = package.ApiClient(configuration=package.Configuration(host=api.base_url))
    client.rest_client.pool_manager = _Through(api)
    part = getattr(package, name)(api_client=client)
    return _Unparsed(part)


class _Unparsed:
    """A part of the client whose every question answers the JSON as it came."""

    def __init__(self, part: Any) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        return partial(getattr(self._part, name), _preload_content=False)


def _asked(answer: _Answer) -> dict[str, Any]:
    return answer.found
