"""Segment: who belongs to which company, and what they do, as its webhook tells it. Nothing is asked of Segment.

https://www.twilio.com/docs/segment/connections/destinations/catalog/actions-webhook
https://www.twilio.com/docs/segment/connections/spec

Segment signs no moment, so a call that somebody copied can be sent again for ever. That is harmless: an event's
messageId is its id, and of a group or a person the newest timestamp counts.

Nobody can mend a call that has come, so calls that make no sense are left out and told of, however many they are: they
must not keep the good ones in the inbox.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.facts.door import ALWAYS_ALLOWED
from agent.facts.tables import Member, Role
from agent.foundation.errors import ConfigError
from agent.foundation.wanted import wanted
from connectors._api import Api
from connectors._inbox import Hook, NotGenuine, NotUnderstood, is_signed, rows, take
from connectors._rows import LISTED, Batch, Dated
from connectors._usage import Events, Usage, at_seconds, at_text, metrics_of, record_of
from connectors._vendor import Key, Since, Vendor

SECRET = "SEGMENT_SHARED_SECRET"  # noqa: S105
EVENTS = ("track", "page", "screen")
PEOPLE = ("group", "identify", "delete")
MOST_LOOSE = 5_000
"People without a company whose traits are remembered until they join one."
TRACK_LINES = tuple(f'{{"type":"{one}"'.encode() for one in EVENTS)
"How the lines of events begin, as `read` writes them."


class Segment(Usage):
    """What may be set under [connectors.segment]."""

    account: str = ""
    "A property that names the account; otherwise context.groupId does, and failing that the user's last group."
    guest_roles: tuple[str, ...] = ("guest",)
    "Values of the trait `role` that mean a guest; everybody else is a member."


def read(headers: Mapping[str, str], body: bytes, secret: str) -> list[dict[str, Any]]:
    """The calls of one delivery, one or a batch of them, less what is of no use here (addresses, browsers)."""
    signature = headers.get("x-segment-signature") or headers.get("x-signature", "")
    if not signature:
        raise NotGenuine("the call is not signed; set a shared secret in Segment's destination")
    if not is_signed(secret, body, signature, "sha1"):
        raise NotGenuine(
            "the signature is not one of the whole body; copy the shared secret again and, for batches, switch on "
            "'Use X-Segment-Signature Header' in Segment's destination (X-Signature covers a batch's first call only)"
        )
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NotUnderstood("a signed call is not JSON") from None
    calls = found if isinstance(found, list) else [found]
    if not all(isinstance(call, dict) for call in calls):
        raise NotUnderstood("a signed call is neither an object nor a list of objects")
    return [_kept(call) for call in calls if call.get("type") in EVENTS or call.get("type") in PEOPLE]


def _kept(call: dict[str, Any]) -> dict[str, Any]:
    context = call.get("context")
    group = context.get("groupId") if isinstance(context, dict) else None
    # The type comes first: see TRACK_LINES.
    row = {
        "type": call["type"],
        "id": call.get("messageId") or hashlib.sha256(json.dumps(call, sort_keys=True).encode()).hexdigest(),
        "at": call.get("timestamp") or call.get("receivedAt"),
        "user": call.get("userId"),
        "group": call.get("groupId") or group,
    }
    if call["type"] in EVENTS:
        row["name"] = call.get("event") if call["type"] == "track" else call["type"]
        row["properties"] = call.get("properties")
        if call["type"] != "track" and call.get("name"):
            row["properties"] = {"name": call["name"], **_mapping(call.get("properties"))}
    elif call["type"] != "delete":
        row["traits"] = call.get("traits")
    return row


def _check(api: Api) -> str:
    if not api.keys[SECRET]:
        raise ConfigError(f"Segment's calls cannot be believed without {SECRET}; put it into .env.")
    return "calls are believed when they are signed with the shared secret"


SEGMENT = Vendor(
    name="segment",
    title="Segment",
    url="",
    has_api=False,
    keys=(
        Key(
            SECRET,
            "the shared secret of a Webhooks (Actions) destination: Connections > Destinations > Settings",
            "",
            optional=True,
        ),
    ),
    section=Segment,
    authorise=lambda keys, settings: {},  # noqa: ARG005
    check=_check,
    hook=Hook(
        SECRET,
        "Connections > Catalog > Webhooks (Actions): a mapping for Track, Page, Screen, Identify and Group calls, "
        "all of the payload as Data; in Settings a shared secret and 'Use X-Segment-Signature Header'",
        read,
    ),
)


@SEGMENT.stream("records", "members", "metrics", "events")
def calls(api: Api, since: Since) -> Iterator[Dated | Batch]:
    """What came since the last reading: companies and people first, for events are told by them."""
    settings: Segment = api.settings  # type: ignore[assignment]
    yield from metrics_of(settings)
    files = take(api.inbox)
    api.taken += files
    if not files:
        return
    refused = _Refused(api)
    known = _Known(api, settings, since.kept, refused)
    for call in sorted(_people(api, files, refused), key=lambda one: one.at):
        yield from known.hear(call)
    known.keep(since.kept)
    events = Events(settings)
    for row in rows(files):
        if row.get("type") in EVENTS:
            _event(api, events, known, row, refused)
            yield from events.batches()
    yield from events.batches(last=True)
    events.tell(api)
    refused.tell()


class _Refused:
    """Calls that make no sense: the first are shown, the others counted."""

    def __init__(self, api: Api) -> None:
        self.api, self.more = api, 0

    def add(self, column: str, value: Any, reason: str) -> None:
        """One more."""
        if len(self.api.rejected) < ALWAYS_ALLOWED:
            self.api.reject({}, column, value, reason)
        else:
            self.more += 1

    def tell(self) -> None:
        """Say how many were not shown."""
        if self.more:
            self.api.notes.append(("events", f"{self.more:,} more calls make no sense and are left out"))


def _event(api: Api, events: Events, known: _Known, row: dict[str, Any], refused: _Refused) -> None:
    api.read += 1
    at, name = _moment(row), row.get("name")
    if at is None:
        refused.add("timestamp", row.get("at"), "is no moment of ISO 8601")
        return
    if not isinstance(name, str):
        refused.add("event", name, "is no name")
        return
    user = _text(row.get("user"))
    properties = _mapping(row.get("properties"))
    account = properties.get(known.settings.account) if known.settings.account else None
    account = account or row.get("group") or known.group_of(user)
    events.add(str(row["id"]), account, user, at, name, properties)


@dataclass(frozen=True)
class _Call:
    """A group, identify or delete call."""

    at: datetime
    type: str
    user: str | None
    group: str | None
    traits: dict[str, Any]
    "By plain name: createdAt and created_at are the same to Segment."


def _people(api: Api, files: Sequence[Path], refused: _Refused) -> Iterator[_Call]:
    for row in rows(files, but=TRACK_LINES):
        if row.get("type") not in PEOPLE:
            continue
        api.read += 1
        at = _moment(row)
        if at is None:
            refused.add("timestamp", row.get("at"), "is no moment of ISO 8601")
            continue
        traits = {name.lower().replace("_", ""): value for name, value in _mapping(row.get("traits")).items()}
        yield _Call(at, row["type"], _text(row.get("user")), _text(row.get("group")), traits)


@dataclass
class _Company:
    """A group as its calls have told it so far."""

    changed: datetime
    traits: dict[str, str] = field(default_factory=dict)


@dataclass
class _Person:
    """Somebody in a company, as far as is known."""

    changed: datetime
    joined_on: date
    role: str
    team: str | None = None
    left_on: date | None = None


class _Known:
    """Companies, people and who was last where: landed by earlier readings, and added to by the calls heard now."""

    def __init__(self, api: Api, settings: Segment, kept: dict[str, Any], refused: _Refused) -> None:
        self.settings, self.refused = settings, refused
        self.team = (settings.team or "team").lower().replace("_", "")
        self.loose: dict[str, dict[str, Any]] = dict(kept.get("people", {}))
        "Traits of people who are in no company yet."
        self._companies: dict[str, _Company] = {}
        self._people: dict[tuple[str, str], _Person] = {}
        self._last: dict[str, tuple[datetime, str]] = {}
        for record, name, domain, email, created, changed in api.landed(
            "SELECT record_id, name, domain, email, CAST(created_on AS VARCHAR), CAST(changed_at AS TIMESTAMP) "
            "FROM vendor.records QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY changed_at DESC) = 1"
        ):
            traits = {"name": name, "domain": domain, "email": email, "created_on": created}
            found = {key: value for key, value in traits.items() if value}
            self._companies[record] = _Company(changed, found)
        for account, user, joined, role, team, left, changed in api.landed(
            "SELECT account_id, user_id, joined_on, role, team, left_on, CAST(changed_at AS TIMESTAMP) "
            "FROM vendor.members QUALIFY row_number() OVER (PARTITION BY account_id, user_id "
            "ORDER BY changed_at DESC, pulled DESC) = 1 ORDER BY changed_at"
        ):
            self._people[account, user] = _Person(changed, joined, role, team, left)
            if left is None:
                self._last[user] = (changed, account)

    def group_of(self, user: str | None) -> str | None:
        """The user's last group."""
        return self._last[user][1] if user in self._last else None

    def keep(self, kept: dict[str, Any]) -> None:
        """Remember the traits of people who are in no company yet."""
        kept["people"] = dict(list(self.loose.items())[-MOST_LOOSE:])

    def hear(self, call: _Call) -> Iterator[Dated]:
        """What one call makes known, where it is new."""
        try:
            if call.type == "delete":
                yield from self._gone(call)
                return
            if call.type == "group":
                if call.group is None:
                    self.refused.add("groupId", None, "is missing in a group call")
                    return
                yield from self._company(call.group, call)
            yield from self._person(call)
        except ValidationError as bad:
            error = bad.errors()[0]
            self.refused.add(".".join(map(str, error["loc"])), error.get("input"), wanted(error))

    def _company(self, group: str, call: _Call) -> Iterator[Dated]:
        said = {
            "name": _text(call.traits.get("name")),
            "domain": _text(call.traits.get("domain") or call.traits.get("website")),
            "email": _text(call.traits.get("email")),
            "created_on": _iso(_day(call.traits.get("createdat") or call.traits.get("created"))),
        }
        traits = {name: value for name, value in said.items() if value}
        record = record_of(group)
        if record is None:
            return
        company = self._companies.get(record.record_id)
        if company is None or company.changed == LISTED:
            # LISTED: known by its events alone.
            before, is_newer = {} if company is None else company.traits, True
        else:
            before, is_newer = company.traits, call.at >= company.changed
        merged = before | traits if is_newer else traits | before
        if company is not None and merged == before and company.changed != LISTED:
            return
        changed = call.at if company is None or is_newer else company.changed
        made = record_of(group, **merged)
        if made is not None:
            self._companies[record.record_id] = _Company(changed, merged)
            yield Dated(made, changed)

    def _person(self, call: _Call) -> Iterator[Dated]:
        user = call.user
        if user is None:
            return
        traits = {} if call.type == "group" else self._traits(call)
        group = call.group or self.group_of(user)
        account = record_of(group) if group else None
        if account is None:
            if traits:
                self.loose[user] = self.loose.pop(user, {}) | traits
            return
        traits = self.loose.pop(user, {}) | traits
        if call.group and (user not in self._last or call.at >= self._last[user][0]):
            self._last[user] = (call.at, account.record_id)
        before = self._people.get((account.record_id, user))
        if before is None:
            since = traits.get("since")
            joined = min(call.at.date(), date.fromisoformat(since)) if since else call.at.date()
            before = _Person(datetime.min, joined, Role.MEMBER.value)  # noqa: DTZ901
        is_newer = call.at >= before.changed
        back = is_newer and before.left_on is not None
        person = _Person(
            max(call.at, before.changed),
            before.joined_on,
            traits.get("role", before.role) if is_newer else before.role,
            traits.get("team", before.team) if is_newer else before.team,
            None if back else before.left_on,
        )
        yield from self._told(account.record_id, user, before, person)

    def _gone(self, call: _Call) -> Iterator[Dated]:
        """Segment tells that a user was erased: they have left every company they were in."""
        self.loose.pop(call.user or "", None)
        self._last.pop(call.user or "", None)
        for (account, user), before in list(self._people.items()):
            if user == call.user and before.left_on is None and call.at >= before.changed:
                left = max(call.at.date(), before.joined_on)
                person = _Person(call.at, before.joined_on, before.role, before.team, left)
                yield from self._told(account, user, before, person)

    def _told(self, account: str, user: str, before: _Person, person: _Person) -> Iterator[Dated]:
        is_same = (before.role, before.team, before.left_on) == (person.role, person.team, person.left_on)
        self._people[account, user] = person
        if is_same and before.changed != datetime.min:  # noqa: DTZ901
            return
        member = Member.model_validate(
            {
                "account_id": account,
                "user_id": user,
                "role": person.role,
                "team": person.team,
                "joined_on": person.joined_on,
                "left_on": person.left_on,
            }
        )
        yield Dated(member, person.changed)

    def _traits(self, call: _Call) -> dict[str, Any]:
        """Of a person's traits what is looked at, as JSON values."""
        found: dict[str, Any] = {}
        role = _text(call.traits.get("role"))
        if role:
            is_guest = role.lower() in {one.lower() for one in self.settings.guest_roles}
            found["role"] = (Role.GUEST if is_guest else Role.MEMBER).value
        team = _text(call.traits.get(self.team))
        if team:
            found["team"] = team
        since = _iso(_day(call.traits.get("createdat") or call.traits.get("created")))
        if since:
            found["since"] = since
        return found


def _moment(row: dict[str, Any]) -> datetime | None:
    text = row.get("at")
    try:
        return at_text(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _day(value: Any) -> date | None:
    """A trait that is a moment, in ISO 8601 or in seconds since 1970; None for anything else."""
    try:
        if isinstance(value, str):
            return at_text(value).date()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return at_seconds(value).date()
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _text(value: Any) -> str | None:
    """An id or a name: text, or a number as text; None for anything else and for what is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip()[:200] or None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
