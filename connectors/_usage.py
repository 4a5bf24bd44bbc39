"""Usage: what a vendor's events mean here, as the founder has said it, and the batches they go on in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from agent.facts.identities import company_domain
from agent.facts.tables import EventKind, Metric, MetricKind, Per
from agent.foundation.settings import Section
from connectors._landing import MANY, arrow_schema
from connectors._rows import LISTED, Batch, Dated, Record
from connectors._vendor import Source

VIEWS = ("$pageview", "$screen", "$mp_web_page_view", "[Amplitude] Page Viewed", "page", "screen")
"Vendors' own events that mean that somebody was there."
OURS = ("$", "[Amplitude]", "session_start", "session_end")
"How the names of a vendor's other own events begin; they mean nothing here."
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


class Events:
    """Events on their way to the landing: `add` them one by one, and yield what `batches` has after each page."""

    def __init__(self, settings: Usage) -> None:
        self.settings = settings
        self.without_account = 0
        "Events of nobody we could tell; they are left out."
        self._columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self._counted: dict[str, list[tuple[str, MetricRule]]] = {}
        for name, rule in settings.metrics.items():
            self._counted.setdefault(rule.event, []).append((name, rule))
        self._meaning: dict[str, tuple[str | None, EventRule]] = {}
        self._accounts: dict[str, tuple[str, str | None] | None] = {}
        self._told: set[str] = set()

    def add(
        self,
        event_id: str,
        account: Any,
        user_id: str | None,
        at: datetime,
        name: str,
        properties: dict[str, Any],
    ) -> None:
        """One event; `at` is UTC without a zone mark, `account` what the vendor has under settings.account."""
        key = account if isinstance(account, str) else "" if account is None else str(account)
        if key not in self._accounts:
            self._accounts[key] = _account_of(key)
        found = self._accounts[key]
        if found is None:
            self.without_account += 1
            return
        meaning = self._meaning.get(name)
        if meaning is None:
            meaning = self._meaning[name] = self._means(name)
        kind, rule = meaning
        counted = self._counted.get(name, ())
        if kind is None and not counted:
            return
        feature = rule.feature or (_text(properties.get(rule.feature_from)) if rule.feature_from else None)
        team = _text(properties.get(self.settings.team)) if self.settings.team else None
        metric, amount = None, None
        for number, (counted_name, counted_rule) in enumerate(counted):
            value = _amount(properties, counted_rule)
            if number == 0:
                metric, amount = counted_name, value
            else:
                self._row(
                    f"{event_id}#{counted_name}",
                    found[0],
                    None,
                    at,
                    None,
                    None,
                    None,
                    None,
                    counted_name,
                    value,
                )
        self._row(event_id, found[0], user_id, at, kind, feature, team, rule.product or None, metric, amount)

    def batches(self, *, last: bool = False) -> Iterator[Batch | Dated]:
        """What has come together: large batches, and the records of accounts that are new; all of it at the end."""
        if len(self._columns["event_id"]) < MANY and not last:
            return
        for key, found in self._accounts.items():
            if found is not None and found[0] not in self._told:
                self._told.add(found[0])
                record = Record(record_id=found[0], own_id=None if "@" in key else found[0], domain=found[1])
                yield Dated(record, LISTED)
        if self._columns["event_id"]:
            yield self._batch()

    def _batch(self) -> Batch:
        import pyarrow as pa

        columns, self._columns = self._columns, {name: [] for name in _COLUMNS}
        columns["changed_at"] = columns["at"]
        return Batch("events", pa.table(columns, schema=arrow_schema("events")))

    def _row(self, *values: Any) -> None:
        for column, value in zip(self._columns.values(), values, strict=True):
            column.append(value)

    def _means(self, name: str) -> tuple[str | None, EventRule]:
        rule = self.settings.events.get(name)
        if rule is not None:
            return (None if rule.kind == "ignore" else str(rule.kind)), rule
        is_theirs = name not in VIEWS and name.startswith(OURS)
        nothing = is_theirs or self.settings.other_events == "ignore"
        return (None if nothing else EventKind.USED.value), EventRule()


def at_seconds(seconds: float) -> datetime:
    """A moment from seconds since 1970, UTC without a zone mark."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def at_text(text: str) -> datetime:
    """A moment from ISO 8601 text; without a zone it is UTC. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def _account_of(key: str) -> tuple[str, str | None] | None:
    """The record an account key stands for, and its domain; None for a key that stands for nobody."""
    text = key.strip()
    if "@" in text:
        domain = company_domain(text)
        return (domain, domain) if domain else None
    return (text, company_domain(text)) if text else None


def _amount(properties: dict[str, Any], rule: MetricRule) -> float:
    if not rule.sum:
        return 1.0
    value = properties.get(rule.sum)
    try:
        return float(value) if value is not None and not isinstance(value, bool) else 0.0
    except (TypeError, ValueError):
        return 0.0


def _text(value: Any) -> str | None:
    return None if value is None or isinstance(value, dict | list) else str(value)[:200] or None
