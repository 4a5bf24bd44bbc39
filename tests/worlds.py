"""Small worlds of facts for tests: one company, many accounts, each with its own story."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from agent.facts.door import add_facts
from agent.facts.schema import create_tables
from agent.facts.tables import (
    Account,
    Ceiling,
    Event,
    Fact,
    Invoice,
    Measure,
    Member,
    Metric,
    Plan,
    PlanFeature,
    Subscription,
    Ticket,
)
from agent.foundation.memo import Memo
from agent.foundation.settings import Settings
from agent.foundation.warehouse import open_warehouse
from agent.scoring.scan import Scan, scan

MEMO = Memo()
"Shared by all worlds, so that equal rules are written as SQL once."
D = date(2026, 1, 31)
READ_AT = datetime(2026, 2, 1, 6)
MOMENT = datetime(2026, 2, 1, 8)
SETTINGS: dict[str, Any] = {
    "company": {
        "name": "Acme Docs",
        "product": "Acme Docs",
        "sender_name": "Dana",
        "sender_email": "dana@acme.example",
        "allowed_links": ["https://acme.example"],
    },
    "connectors": {"files": {}},
    "offers": [
        {
            "kind": "seat_expansion",
            "name": "5 more seats",
            "price_minor": 4500,
            "currency": "EUR",
            "per": "month",
        },
        {
            "kind": "service_addon",
            "name": "Priority support",
            "price_minor": 15000,
            "currency": "EUR",
            "per": "month",
        },
        {
            "kind": "sprint_package",
            "name": "Launch sprint",
            "price_minor": 90000,
            "currency": "EUR",
            "per": "once",
        },
        {
            "kind": "scope_agreement",
            "name": "Custom work",
            "price_minor": 200000,
            "currency": "EUR",
            "per": "once",
        },
    ],
    "benefits": {"growth": "exports keep running until the end of the month"},
    "products": {"analytics": {"name": "Acme Analytics", "use_cases": ["dashboard for our board"]}},
}


def settings(**changes: Any) -> Settings:
    """The test company's settings, with whole sections replaced."""
    return Settings.model_validate({**SETTINGS, **changes})


def ago(days: int) -> date:
    """The day so many days before D."""
    return D - timedelta(days=days)


class World:
    """Facts of one company, gathered and then scanned."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._numbers = 0
        self._catalogue()

    def _catalogue(self) -> None:
        plans = (("starter", "Starter", 1, 4900), ("growth", "Growth", 2, 9900), ("scale", "Scale", 3, 29900))
        for plan_id, name, tier, price in plans:
            self.add(
                Plan(plan_id=plan_id, name=name, tier=tier, price_minor=price, currency="EUR", per_seat=False)
            )
        self.add(
            Plan(
                plan_id="old", name="Old", tier=2, price_minor=100, currency="EUR", per_seat=False, sold=False
            ),
            Plan(plan_id="tiny", name="Tiny", tier=1, price_minor=900, currency="EUR", per_seat=False),
            Plan(
                plan_id="insight",
                name="Insight",
                tier=1,
                price_minor=3900,
                currency="EUR",
                per_seat=False,
                product="analytics",
            ),
        )
        features = {
            "tiny": ("reports",),
            "starter": ("reports", "sharing", "comments", "export_csv"),
            "growth": ("reports", "sharing", "comments", "export_csv", "sso", "audit_log"),
            "scale": ("reports", "sharing", "comments", "export_csv", "sso", "audit_log", "api_access"),
            "old": ("reports", "fax"),
        }
        for plan_id, names in features.items():
            self.add(*[PlanFeature(plan_id=plan_id, feature=name) for name in names])
        self.add(
            Metric(metric="exports", label="exports", unit="exports", kind="flow", per="month", core=True),
            Metric(metric="storage", label="storage", unit="GB", kind="gauge", core=True),
            Metric(metric="calls", label="API calls", unit="calls", kind="flow", per="day", core=False),
        )
        for plan_id, exports, storage, calls in (
            ("starter", 1000, 100, 50),
            ("growth", 3000, 300, 200),
            ("scale", None, None, None),
        ):
            for metric, ceiling in (("exports", exports), ("storage", storage), ("calls", calls)):
                self.add(Ceiling(plan_id=plan_id, metric=metric, ceiling=ceiling))

    def add(self, *facts: Fact) -> None:
        """Add facts as they are."""
        self.facts += facts

    def number(self) -> str:
        """A new id."""
        self._numbers += 1
        return f"n{self._numbers:05d}"

    def account(
        self,
        account_id: str,
        *,
        days: int = 200,
        subscribed: bool = True,
        seats: int | None = None,
        **more: Any,
    ) -> str:
        """A healthy paying account, `days` old, on Starter unless `plan` says otherwise."""
        plan = more.pop("plan", "starter")
        subscription = {
            name: more.pop(name)
            for name in (
                "status",
                "term",
                "renews_on",
                "cancel_on",
                "discount_pct",
                "mrr_minor",
                "ends_on",
                "currency",
            )
            if name in more
        }
        fields = {"contact_email": f"{account_id}@customer.example", "contact_name": "Maya", **more}
        self.add(Account(account_id=account_id, name=f"Company {account_id}", created_on=ago(days), **fields))
        if subscribed:
            self.subscribe(account_id, plan, days, seats=seats, **subscription)
        return account_id

    def subscribe(self, account_id: str, plan: str, days_ago: int, **more: Any) -> None:
        """A subscription period that began so many days ago."""
        fields = {"mrr_minor": 4900, "currency": "EUR", "status": "active", "term": "month", **more}
        self.add(
            Subscription(
                subscription_id=self.number(),
                account_id=account_id,
                plan_id=plan,
                starts_on=ago(days_ago),
                **fields,
            )
        )

    def measure(self, account_id: str, metric: str, values: dict[int, float]) -> None:
        """Values by days ago."""
        for days, value in values.items():
            self.add(Measure(account_id=account_id, day=ago(days), metric=metric, value=value))

    def event(self, account_id: str, kind: str, days_ago: int, times: int = 1, **more: Any) -> None:
        """`times` events on the day so many days ago."""
        for second in range(times):
            at = datetime.combine(ago(days_ago), datetime.min.time()) + timedelta(hours=9, seconds=second)
            self.add(Event(event_id=self.number(), account_id=account_id, at=at, kind=kind, **more))

    def member(
        self, account_id: str, user_id: str, joined: int, left: int | None = None, **more: Any
    ) -> None:
        """A member who joined, and perhaps left, so many days ago."""
        fields = {"role": "member", **more}
        left_on = None if left is None else ago(left)
        self.add(
            Member(account_id=account_id, user_id=user_id, joined_on=ago(joined), left_on=left_on, **fields)
        )

    def ticket(self, account_id: str, days_ago: int, text: str | None = None, **more: Any) -> None:
        """A ticket, closed the same day unless `closed_at` says otherwise."""
        opened = datetime.combine(ago(days_ago), datetime.min.time()) + timedelta(hours=10)
        fields = {"priority": "normal", "closed_at": opened + timedelta(hours=2), **more}
        self.add(
            Ticket(ticket_id=self.number(), account_id=account_id, opened_at=opened, text=text, **fields)
        )

    def invoice(self, account_id: str, due_ago: int, **more: Any) -> None:
        """An open invoice that fell due so many days ago."""
        fields = {"status": "open", "amount_minor": 4900, "currency": "EUR", **more}
        self.add(
            Invoice(
                invoice_id=self.number(),
                account_id=account_id,
                issued_on=ago(due_ago + 14),
                due_on=ago(due_ago),
                **fields,
            )
        )

    def scan(
        self, as_of: date = D, *, given: Settings | None = None, moment: datetime = MOMENT, **more: Any
    ) -> Scan:
        """Load the facts into a fresh warehouse in memory and scan it."""
        with open_warehouse(None, write=True, memo=MEMO) as warehouse:
            create_tables(warehouse.duck)
            add_facts(warehouse, self.facts, source="files", read_at=READ_AT)
            return scan(warehouse, given or settings(), as_of, moment, more.pop("contacts", {}), **more)
