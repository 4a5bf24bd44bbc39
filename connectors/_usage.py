"""Usage: what a vendor's events mean here, as the founder has said it, and the batches they go on in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from agent.facts.identities import company_domain
from agent.facts.tables import EventKind, Metric, MetricKind, Per
from agent.foundation.settings import Section
from connectors._columns import arrow_schema
from connectors._rows import LISTED, Batch, Dated, Record
from connectors._vendor import Source

if TYPE_CHECKING:
    from connectors._api import Api

VIEWS = ("$pageview", "$screen", "$mp_web_page_view", "[Amplitude] Page Viewed", "page", "screen")
"Vendors' own events that mean that somebody was there."
OURS = ("$", "[Amplitude]", "session_start", "session_end")
"How the names of a vendor's other own events begin; they mean nothing here."
AT_ONCE = 50_000
"Events that go on in one batch: fewer make the landing slower, more take memory."
LONGEST = 200
"Characters of a name or an id that are kept; a longer account key is no account's."
_COLUMNS = (
    "event_id",
    "account_id",
    "user_id",
    "at",
    "kind",
    "feature",
    "team",
    "product",
    "metric",
    "amount",
)


class EventRule(Section):
    """What one of the vendor's events means."""

    kind: EventKind | Literal["ignore"] = EventKind.USED
    feature: str = ""
    "The feature's name, as in plan_features; customers may read it."
    feature_from: str = ""
    "The event's property that names the feature."
    product: str = ""


class MetricRule(Section):
    """A metric that is counted from events: one a time, or the sum of a property."""

    event: str = Field(min_length=1)
    sum: str = ""
    "A number among the event's properties; empty counts the events."
    label: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    per: Per = Per.MONTH
    core: bool = True


class Usage(Source):
    """What may be set for every source of usage."""

    account: str = "account_id"
    "What tells whose event it is: a property or group of the vendor. An e-mail address there counts by its domain."
    team: str = ""
    "The property that names the team, if any."
    events: dict[str, EventRule] = Field({})
    "By the vendor's event name: a rule, or just the kind."
    other_events: Literal["used", "ignore"] = "used"
    "What events without a rule mean: that somebody used the product, or nothing."
    metrics: dict[str, MetricRule] = Field({})

    @field_validator("events", mode="before")
    @classmethod
    def just_the_kind(cls, value: Any) -> Any:
        """`"Paywall shown" = "blocked"` is short for a rule."""
        if not isinstance(value, dict):
            return value
        return {name: {"kind": rule} if isinstance(rule, str) else rule for name, rule in value.items()}

    @model_validator(mode="after")
    def summable(self) -> Usage:
        """Metrics are counted from events that are read."""
        for name, rule in self.metrics.items():
            known = self.events.get(rule.event)
            if known is not None and known.kind == "ignore":
                raise ValueError(
                    f"counts '{rule.event}' in metrics.{name}, which events ignores; let it be read"
                )
        return self


def metrics_of(settings: Usage) -> Iterator[Dated]:
    """The metrics that are counted from events, as the founder has named them."""
    for name, rule in settings.metrics.items():
        metric = Metric(
            metric=name, label=rule.label, unit=rule.unit, kind=MetricKind.FLOW, per=rule.per, core=rule.core
        )
        yield Dated(metric, LISTED)


def properties_of(settings: Usage) -> list[str]:
    """The properties of events that the settings look at, for vendors that give only what is asked for."""
    wanted = [rule.feature_from for rule in settings.events.values()]
    wanted += [rule.sum for rule in settings.metrics.values()]
    return list(dict.fromkeys(name for name in (settings.team, *wanted) if name))


def record_of(key: str, **known: str | None) -> Record | None:
    """The record that an account key stands for, with what else is known of it; None for a key of nobody."""
    found = _account_of(key)
    if found is None:
        return None
    record_id, domain = found
    own_id = None if "@" in key else record_id
    given = {name: value for name, value in known.items() if value}
    return Record.model_validate({"record_id": record_id, "own_id": own_id, "domain": domain, **given})


class Events:
    """Events on their way to the landing: `add` them one by one, and yield what `batches` has after each page."""

    def __init__(self, settings: Usage) -> None:
        self.settings = settings
        self.without_account = 0
        "Events of nobody we could tell; they are left out."
        self._team = settings.team
        self._counted: dict[str, list[tuple[str, MetricRule]]] = {}
        for name, rule in settings.metrics.items():
            self._counted.setdefault(rule.event, []).append((name, rule))
        self._meaning: dict[str, _Meaning] = {}
        self._accounts: dict[str, str | None] = {}
        "The record of every account key seen; None for one that stands for nobody."
        self._new: list[Record] = []
        self._told: set[str] = set()
        self._empty()

    def add(
        self,
        event_id: str,
        account: Any,
        user_id: str | None,
        at: datetime,
        name: str,
        properties: Mapping[str, Any],
    ) -> None:
        """One event; `at` is UTC without a zone mark, `account` what the vendor has under settings.account."""
        means = self._meaning.get(name)
        if means is None:
            means = self._meaning[name] = self._means(name)
        if means.kind is None and not means.counted:
            return
        key = account if type(account) is str else _key(account)
        try:
            record_id = self._accounts[key]
        except KeyError:
            record_id = self._seen(key)
        if record_id is None:
            self.without_account += 1
            return
        metric: str | None = None
        amount: float | None = None
        if means.counted:
            for number, (counted, rule) in enumerate(means.counted):
                value = _amount(properties, rule)
                if number == 0:
                    metric, amount = counted, value
                else:
                    # The second metric of one event: a row that only counts.
                    also = f"{event_id}#{counted}"
                    self._row(also, record_id, None, at, None, None, None, None, counted, value)
        feature = means.feature
        if feature is None and means.feature_from:
            feature = _text(properties.get(means.feature_from))
        team = _text(properties.get(self._team)) if self._team else None
        self._row(event_id, record_id, user_id, at, means.kind, feature, team, means.product, metric, amount)

    def batches(self, *, last: bool = False) -> Iterator[Batch | Dated]:
        """What has come together: large batches, and the records of accounts that are new; all of it at the end."""
        if len(self._columns[0]) < AT_ONCE and not last:
            return
        records, self._new = self._new, []
        for record in records:
            yield Dated(record, LISTED)
        if self._columns[0]:
            yield self._batch()

    def tell(self, api: Api) -> None:
        """Note how many events were left out, for the founder."""
        if self.without_account:
            count = self.without_account
            are = "event names no account and is" if count == 1 else "events name no account and are"
            api.notes.append(
                (
                    "events",
                    f"{count:,} {are} left out; "
                    f"account = {self.settings.account!r} in [connectors.{api.vendor.name}] says where one is named",
                )
            )

    def _seen(self, key: str) -> str | None:
        record = record_of(key) if len(key) <= LONGEST else None
        found = self._accounts[key] = None if record is None else record.record_id
        if record is not None and record.record_id not in self._told:
            self._told.add(record.record_id)
            self._new.append(record)
        return found

    def _batch(self) -> Batch:
        import pyarrow as pa

        columns = dict(zip(_COLUMNS, self._columns, strict=True))
        columns["changed_at"] = columns["at"]
        self._empty()
        schema = arrow_schema("events")
        try:
            return Batch("events", pa.table(columns, schema=schema))
        except UnicodeEncodeError:
            # Half a character, which JSON can spell and text cannot hold.
            whole = {
                name: [
                    one.encode(errors="replace").decode() if isinstance(one, str) else one for one in values
                ]
                for name, values in columns.items()
            }
            return Batch("events", pa.table(whole, schema=schema))

    def _empty(self) -> None:
        self._columns: list[list[Any]] = [[] for _ in _COLUMNS]
        self._ends = tuple(column.append for column in self._columns)

    def _row(
        self,
        event_id: str,
        record_id: str,
        user_id: str | None,
        at: datetime,
        kind: str | None,
        feature: str | None,
        team: str | None,
        product: str | None,
        metric: str | None,
        amount: float | None,
    ) -> None:
        # Unrolled: this is done for every one of a million events.
        a, b, c, d, e, f, g, h, i, j = self._ends
        a(event_id)
        b(record_id)
        c(user_id)
        d(at)
        e(kind)
        f(feature)
        g(team)
        h(product)
        i(metric)
        j(amount)

    def _means(self, name: str) -> _Meaning:
        counted = tuple(self._counted.get(name, ()))
        rule = self.settings.events.get(name)
        if rule is not None:
            kind = None if rule.kind == "ignore" else str(rule.kind)
            return _Meaning(kind, rule.feature or None, rule.feature_from, rule.product or None, counted)
        is_theirs = name not in VIEWS and name.startswith(OURS)
        nothing = is_theirs or self.settings.other_events == "ignore"
        return _Meaning(None if nothing else EventKind.USED.value, None, "", None, counted)


class _Meaning(NamedTuple):
    """What a vendor's event of one name comes to here."""

    kind: str | None
    "None for what is no event of ours; it may be counted all the same."
    feature: str | None
    feature_from: str
    product: str | None
    counted: tuple[tuple[str, MetricRule], ...]


def at_seconds(seconds: float) -> datetime:
    """A moment from seconds since 1970, UTC without a zone mark."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def at_text(text: str) -> datetime:
    """A moment from ISO 8601 text; without a zone it is UTC. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def _key(account: Any) -> str:
    """The account key of whatever a vendor has there; of several groups the first. Empty for nobody."""
    if isinstance(account, str):
        return account
    if isinstance(account, list | tuple):
        return next((key for one in account if (key := _key(one))), "")
    if account is None or isinstance(account, bool | dict):
        return ""
    return str(int(account)) if isinstance(account, float) and account.is_integer() else str(account)


def _account_of(key: str) -> tuple[str, str | None] | None:
    """The record an account key stands for, and its domain; None for a key that stands for nobody."""
    text = key.strip()
    if "@" in text:
        domain = company_domain(text)
        return (domain, domain) if domain else None
    return (text, company_domain(text)) if text else None


def _amount(properties: Mapping[str, Any], rule: MetricRule) -> float:
    if not rule.sum:
        return 1.0
    value = properties.get(rule.sum)
    try:
        found = float(value) if value is not None and not isinstance(value, bool) else 0.0
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def _text(value: Any) -> str | None:
    if type(value) is str:
        return value[:LONGEST] or None
    return None if value is None or isinstance(value, dict | list) else str(value)[:LONGEST] or None
