"""PostHog: the events of a project and the groups they belong to, asked for in HogQL. Read-only.

https://posthog.com/docs/api/queries, https://posthog.com/docs/sql
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator, Field, field_validator

from agent.foundation.errors import SourceFailed
from connectors._api import Api
from connectors._rows import Batch, Dated, Record, VendorRow
from connectors._shapes import Moment, Text, bearer
from connectors._usage import VIEWS, Events, Usage, at_text, metrics_of, properties_of, record_of
from connectors._vendor import Key, Since, Vendor

PAGE = 50_000
"Rows in one answer: the most that PostHog gives."
GROUP = re.compile(r"\$group_([0-4])")
PERSON = "person."
PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
ESCAPES = {
    "\\": "\\\\",
    "`": "\\`",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
    "\0": "\\0",
}


class PostHog(Usage):
    """What may be set under [connectors.posthog]; base_url is https://eu.posthog.com for the EU."""

    project_id: int = Field(ge=1)
    "In PostHog: Settings > Project > General."
    account: str = Field("$group_0", min_length=1)
    """$group_0 to $group_4 for a group type by its index, person.<property>, distinct_id, or a property of the event.
    An e-mail address there counts by its domain."""
    late_days: int = Field(30, ge=1, le=3660)
    "How many days after it happened an event may reach PostHog and still be read."

    @field_validator("account", "team")
    @classmethod
    def sayable(cls, value: str) -> str:
        """What HogQL can name."""
        if "%" in value:
            raise ValueError("has a percent sign, by which HogQL can call no property")
        return value


POSTHOG = Vendor(
    name="posthog",
    title="PostHog",
    url="https://us.posthog.com",
    keys=(
        Key(
            "POSTHOG_API_KEY", "a personal API key: Settings > Personal API keys", "query:read, project:read"
        ),
    ),
    section=PostHog,
    authorise=lambda keys, _: bearer(keys["POSTHOG_API_KEY"]),
    check=lambda api: f"may read {api.get(f'/api/projects/{api.settings.project_id}/')['name']}",  # type: ignore[attr-defined]
    # The documentation's pages disagree: 120, 1,200 or 2,400 queries an hour. What is too fast is told to wait.
    limit=(20, 60.0),
)


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value or {}


class Group(VendorRow):
    """One group: a company, as the founder's own code describes it."""

    key: Text
    properties: Annotated[dict[str, Any], BeforeValidator(_json)]
    updated_at: Moment

    @property
    def changed(self) -> datetime:
        """When it last changed."""
        return self.updated_at

    def facts(self, settings: PostHog) -> Iterator[Record]:  # noqa: ARG002
        """The record of its key, with its name; none for a key that is nobody's."""
        known = {name: value for name, value in self.properties.items() if isinstance(value, str)}
        record = record_of(
            self.key,
            name=known.get("name"),
            domain=known.get("domain") or known.get("website"),
            email=known.get("email"),
        )
        if record is not None:
            yield record


@POSTHOG.stream("events", "records", overlap_seconds=7200)
def events(api: Api, since: Since) -> Iterator[Dated | Batch]:
    """Events: the first time by when they happened, later by when PostHog took them in, so that late ones come too."""
    settings: PostHog = api.settings  # type: ignore[assignment]
    found, names = Events(settings), properties_of(settings)
    by = "timestamp" if since.is_first else "created_at"
    columns = ["toString(uuid) AS event_id", "event", "timestamp", "created_at", "distinct_id"]
    columns.append(f"{_account(settings.account)} AS account")
    columns += [f"properties.{_name(name)} AS p{number}" for number, name in enumerate(names)]
    wanted, values = _wanted(settings)
    # Both bounds in words of the sorting key, so that PostHog does not look through years for one page.
    query = (
        f"SELECT {', '.join(columns)} FROM events WHERE {by} >= toDateTime({{at}}) "
        f"AND ({by} > toDateTime({{at}}) OR toString(uuid) > {{uuid}}) "
        f"AND timestamp >= toDateTime({{oldest}}) AND ({wanted}) ORDER BY {by}, toString(uuid) LIMIT {PAGE}"
    )
    oldest = since.at if since.is_first else since.at - timedelta(days=settings.late_days)
    values |= {"at": _moment(since.at), "uuid": "", "oldest": _moment(oldest)}
    # Until nothing comes: a server may give fewer rows than it is asked for.
    while rows := _ask(api, "outgrown events", query, values):
        for row in rows:
            _add(api, row, found, names)
        yield from found.batches()
        position = _position(rows, 2 if since.is_first else 3)
        if position <= (values["at"], values["uuid"]):
            raise SourceFailed(
                "PostHog gave the same events again; sync again later, or report this to them."
            )
        values["at"], values["uuid"] = position
    yield from found.batches(last=True)
    found.tell(api)


@POSTHOG.stream("records")
def groups(api: Api, since: Since) -> Iterator[Dated]:
    """Groups changed since, for their names."""
    settings: PostHog = api.settings  # type: ignore[assignment]
    kind = GROUP.fullmatch(settings.account)
    if kind is None:
        return
    query = (
        "SELECT key, properties, updated_at FROM groups WHERE index = {index} AND key > {key} "
        f"AND updated_at >= toDateTime({{since}}) ORDER BY key LIMIT {PAGE // 5}"
    )
    from_on = datetime(1970, 1, 1) if since.is_first else since.at  # noqa: DTZ001 - UTC without a zone mark
    values: dict[str, Any] = {"index": int(kind[1]), "key": "", "since": _moment(from_on)}
    while rows := _ask(api, "outgrown groups", query, values):
        for row in rows:
            named = dict(zip(("key", "properties", "updated_at"), row, strict=False))
            yield from api.facts(named, Group, "group")
        if str(rows[-1][0]) <= values["key"]:
            raise SourceFailed(
                "PostHog gave the same groups again; sync again later, or report this to them."
            )
        values["key"] = str(rows[-1][0])


@POSTHOG.stream("metrics", whole=True)
def metrics(api: Api, since: Since) -> Iterator[Dated]:  # noqa: ARG001
    """The metrics that the founder counts from events."""
    yield from metrics_of(api.settings)  # type: ignore[arg-type]


def _ask(api: Api, name: str, query: str, values: dict[str, Any]) -> list[list[Any]]:
    """The rows of one question; values go beside it, so that nothing in them can be taken for HogQL.

    Raises SourceFailed for an answer without rows.
    """
    project = api.settings.project_id  # type: ignore[attr-defined]
    body = {
        "query": {"kind": "HogQLQuery", "query": query, "values": values},
        # An answer kept from before would end the reading too early.
        "refresh": "force_blocking",
        "name": name,
    }
    read: list[Any] = []

    def is_whole(path: Path) -> bool:
        # Kept, for a page is too large to be read twice.
        try:
            read[:] = [orjson.loads(path.read_bytes())]
        except ValueError:
            return False
        return True

    path = api.file(f"/api/projects/{project}/query/", body=body, is_whole=is_whole)
    if path is None:
        raise SourceFailed(
            f"PostHog has no project {project} that this key may see; mend project_id or base_url in [connectors.posthog]."
        )
    answer = read.pop() if read else orjson.loads(path.read_bytes())
    rows = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        path.unlink(missing_ok=True)
        said = str(answer.get("error") or "")[:120] if isinstance(answer, dict) else ""
        raise SourceFailed(f"PostHog gave no rows{': ' + said if said else ''}; sync again later.")
    return rows


def _add(api: Api, row: list[Any], found: Events, names: list[str]) -> None:
    try:
        event_id, name, at, _, user, account = row[:6]
        found.add(
            str(event_id),
            account,
            None if user is None else str(user),
            at_text(at),
            name,
            dict(zip(names, row[6:], strict=False)),
        )
        api.read += 1
    except (TypeError, ValueError, AttributeError):
        api.read += 1
        event = row[1] if isinstance(row, list) and len(row) > 1 else None
        api.reject(None, "event", event, "lacks its name or its time, or they make no sense")


def _position(rows: list[list[Any]], column: int) -> tuple[str, str]:
    """The moment and id of the last row, after which the next page begins.

    Raises SourceFailed where it makes no sense.
    """
    try:
        return _moment(at_text(rows[-1][column])), str(rows[-1][0])
    except (TypeError, ValueError, IndexError):
        raise SourceFailed("PostHog gave rows without their times; report this to them.") from None


def _wanted(settings: PostHog) -> tuple[str, dict[str, Any]]:
    """A condition for the events that mean something here, and its values: most of PostHog's own mean nothing."""
    names = [name for name, rule in settings.events.items() if rule.kind != "ignore"]
    names += [rule.event for rule in settings.metrics.values()]
    if settings.other_events == "used":
        names += VIEWS
    values = {f"e{number}": name for number, name in enumerate(dict.fromkeys(names))}
    listed = " OR ".join(f"event = {{{key}}}" for key in values) or "false"
    others = "NOT startsWith(event, '$') OR " if settings.other_events == "used" else ""
    return others + listed, dict(values)


def _account(name: str) -> str:
    """The column that holds the account."""
    if GROUP.fullmatch(name) or name == "distinct_id":
        return name
    if name.startswith(PERSON):
        return f"person.properties.{_name(name.removeprefix(PERSON))}"
    return f"properties.{_name(name)}"


def _name(name: str) -> str:
    """A property's name as HogQL has it."""
    if PLAIN.fullmatch(name):
        return name
    return "`" + "".join(ESCAPES.get(one, one) for one in name) + "`"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
