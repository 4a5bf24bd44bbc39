"""What a scan reads: the fact tables, the plan book, and what the tickets ask for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from agent.facts.tables import TABLES, Ceiling, Fact, Metric, Plan, PlanFeature
from agent.foundation.errors import StoreError
from agent.foundation.settings import Settings
from agent.foundation.wanted import wanted
from agent.foundation.warehouse import Warehouse, fetch
from agent.signals.catalogue import PlanBook
from agent.signals.evidence import Evidence
from agent.signals.formula import ASKS, Aggregate
from agent.signals.library import Library, library_of
from agent.signals.own.metrics import check_metrics
from agent.signals.source import ASK_SCHEMA, Source
from agent.signals.tickets.own import own_ask_rows
from agent.signals.tickets.phrases import PhraseClassifier
from agent.signals.tickets.port import Ask, Catalogue, Classifier, TicketText

ASK_DAYS = 60
"Tickets older than this are not classified, unless a trigger of outgrown.toml looks further back."
F = TypeVar("F", bound=Fact)
ENDS = ("ends_on", "left_on", "closed_at", "paid_on", "to_on")
BY_ACCOUNT = ("subscriptions", "members", "measures", "events", "tickets", "invoices")


def read_source(
    warehouse: Warehouse,
    settings: Settings,
    as_of: date,
    account_id: str | None = None,
    classifier: Classifier | None = None,
    *,
    since: date | None = None,
) -> Source:
    """The facts with their plan book, and the classes of the tickets that a rule can still look at.

    With `since`, on any day from then to `as_of`.
    """
    tables = {name: warehouse.table(name) for name in (*TABLES, "source_reads")}
    book = read_book(tables, extra_products=tuple(settings.products))
    catalogue = Catalogue(
        features=book.all_features(),
        use_cases={product: entry.use_cases for product, entry in settings.products.items()},
    )
    library = library_of(settings)
    check_metrics(library, book)
    days = _ask_days(library) + (as_of - (since or as_of)).days
    texts = _recent_tickets(tables["tickets"], as_of, days, account_id)
    asks = _ask_rows((classifier or PhraseClassifier()).classify(texts, catalogue))
    asks += own_ask_rows(texts, library.phrases, catalogue)
    return Source(warehouse.con, tables, asks, book, warehouse.memo)


def plain_source(warehouse: Warehouse) -> Source:
    """The facts with their plan book and no asks: enough for a metric's history."""
    tables = {name: warehouse.table(name) for name in TABLES}
    return Source(warehouse.con, tables, (), read_book(tables))


def read_book(tables: Mapping[str, Any], extra_products: tuple[str, ...] = ()) -> PlanBook:
    """The plans and what belongs to them."""

    ceilings = tables["ceilings"]
    return PlanBook(
        plans=_rows(tables["plans"], Plan),
        features=_rows(tables["plan_features"], PlanFeature),
        ceilings=_rows(ceilings.filter(ceilings.plan_id.notnull()), Ceiling),
        metrics=_rows(tables["metrics"], Metric),
        extra_products=extra_products,
    )


def _rows(table: Any, model: type[F]) -> tuple[F, ...]:
    """The rows of a reference table, checked: nobody did so before where they are read in place."""
    rows = fetch(table.order_by(list(model.KEY)))
    try:
        return tuple(model(**row) for row in rows)
    except ValidationError as bad:
        error = bad.errors()[0]
        raise StoreError(
            f"{model.TABLE} has a row whose {error['loc'][0]} {wanted(error)}; mend it there."
        ) from None


def read_evidence(source: Source, as_of: date, account_ids: list[str]) -> dict[str, Evidence]:
    """Every row dated up to `as_of` of these accounts, ready to recompute figures from."""
    if not account_ids:
        return {}
    fetched: dict[str, dict[str, list[dict[str, Any]]]] = {
        account_id: {name: [] for name in (*BY_ACCOUNT, "ceilings", "asks")} for account_id in account_ids
    }
    for name in BY_ACCOUNT:
        table = source.tables[name]
        known = TABLES[name].KNOWN_FROM or ""
        dated = table[known].date() if known in ("at", "opened_at") else table[known]
        chosen = table.filter(table.account_id.isin(account_ids) & (dated <= as_of)).order_by(
            list(TABLES[name].KEY)
        )
        for row in fetch(chosen):
            fetched[row["account_id"]][name].append(_as_known(row, as_of))
    for row in source.asks:
        if row["account_id"] in fetched:
            fetched[row["account_id"]]["asks"].append(row)
    ceilings = source.tables["ceilings"]
    theirs = ceilings.account_id.isnull() | ceilings.account_id.isin(account_ids)
    for row in fetch(ceilings.filter(theirs).order_by("plan_id", "metric", "from_on")):
        owners = account_ids if row["account_id"] is None else [row["account_id"]]
        for owner in owners:
            if owner in fetched:
                fetched[owner]["ceilings"].append(_as_known(row, as_of))
    accounts = source.tables["accounts"]
    return {
        row["account_id"]: Evidence(
            as_of, row, fetched[row["account_id"]], fetched[row["account_id"]]["asks"], source.book
        )
        for row in fetch(accounts.filter(accounts.account_id.isin(account_ids)))
    }


def _as_known(row: dict[str, Any], as_of: date) -> dict[str, Any]:
    """The row as it stood at the end of `as_of`: an end that lies after it had not happened yet."""
    ends = {name: row[name] for name in ENDS if row.get(name) is not None}
    late = [name for name, end in ends.items() if (end.date() if isinstance(end, datetime) else end) > as_of]
    if not late:
        return row
    reopened = {"status": "open"} if "paid_on" in late else {}
    return row | dict.fromkeys(late) | reopened


def _ask_days(library: Library) -> int:
    rules = [entry.rule for entry in library.entries]
    leaves = [leaf for rule in rules for leaf in rule.fires.leaves() if isinstance(leaf, Aggregate)]
    return max([ASK_DAYS, *[(leaf.oldest or 0) + 1 for leaf in leaves if leaf.relation == ASKS.relation]])


def _recent_tickets(table: Any, as_of: date, days: int, account_id: str | None) -> list[TicketText]:
    day = table.opened_at.date()
    t = table.filter((day <= as_of) & (day > as_of - timedelta(days=days)))
    if account_id is not None:
        t = t.filter(t.account_id == account_id)
    t = t.order_by("ticket_id").select("ticket_id", "account_id", "opened_at", "topic", "feature", "text")
    return [
        TicketText(
            ticket_id=row["ticket_id"],
            account_id=row["account_id"],
            opened_on=row["opened_at"].date(),
            topic=row["topic"],
            feature=row["feature"],
            text=row["text"],
        )
        for row in fetch(t)
    ]


def _ask_rows(asks: list[Ask]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {name: getattr(ask, name) for name in ASK_SCHEMA} | {"ticket_class": ask.ticket_class.value}
        for ask in asks
    )
