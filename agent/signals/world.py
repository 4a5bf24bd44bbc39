"""What a scan reads: the fact tables, the plan book, and what the tickets ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from agent.facts.schema import create_tables
from agent.facts.tables import TABLES, Ceiling, Fact, Metric, Plan, PlanFeature
from agent.foundation.errors import StoreError
from agent.foundation.llm.port import Model
from agent.foundation.settings import Settings
from agent.foundation.wanted import wanted
from agent.foundation.warehouse import Warehouse, fetch
from agent.signals.catalogue import PlanBook
from agent.signals.evidence import Evidence
from agent.signals.formula import ASKS, Aggregate
from agent.signals.library import Library, library_of
from agent.signals.own.metrics import check_metrics
from agent.signals.source import ASK_SCHEMA, Source
from agent.signals.tickets.answers import CLASSIFY_DAYS, keep_answers
from agent.signals.tickets.kept import Reader, keep_asks, kept_asks, unread_tickets
from agent.signals.tickets.port import Catalogue, Classifier, TicketText

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
    catalogue = catalogue_of(book, settings)
    library = library_of(settings)
    check_metrics(library, book)
    after = (since or as_of) - timedelta(days=_ask_days(library))
    reader = Reader(catalogue, library.phrases)
    kept = kept_asks(warehouse, reader, after, as_of, account_id) if classifier is None else None
    if kept is None:
        rows = _recent_tickets(tables["tickets"], as_of, after, account_id)
    else:
        rows = unread_tickets(warehouse, reader, kept, after, as_of, account_id)
    answers = {row["ticket_id"]: row.get("answer") for row in rows}
    asks = tuple(reader.rows(_texts(rows), classifier, answers))
    return Source(warehouse.con, tables, asks, book, warehouse.memo, kept.asks if kept else None)


def keep_what_tickets_ask(
    warehouse: Warehouse,
    settings: Settings,
    progress: Callable[[str], None] = lambda _: None,
    model: Model | None = None,
    *,
    classify_days: int = CLASSIFY_DAYS,
) -> int:
    """Read the tickets that nobody read yet with these settings, and keep what they ask for; answers how many.

    The phrase rules read them all; with a `model`, it then reads those of the last `classify_days` that it did not read
    yet, as far as it answers, and those count too. Without one, what a model said before still stands.

    Raises ConfigError for triggers that cannot stand.
    """
    create_tables(warehouse.duck)
    tables = {name: warehouse.table(name) for name in TABLES}
    book = read_book(tables, extra_products=tuple(settings.products))
    reader = Reader(catalogue_of(book, settings), library_of(settings).phrases)
    read = keep_asks(warehouse, reader, progress)
    if model is None:
        return read
    return read + keep_answers(warehouse, reader, model, progress, days=classify_days)


def catalogue_of(book: PlanBook, settings: Settings) -> Catalogue:
    """The names that a ticket may mean."""
    return Catalogue(
        features=book.all_features(),
        use_cases={product: entry.use_cases for product, entry in settings.products.items()},
    )


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
    for row in _asks_of(source, account_ids):
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


def _recent_tickets(table: Any, as_of: date, after: date, account_id: str | None) -> list[dict[str, Any]]:
    day = table.opened_at.date()
    t = table.filter((day <= as_of) & (day > after))
    if account_id is not None:
        t = t.filter(t.account_id == account_id)
    t = t.order_by("ticket_id").select("ticket_id", "account_id", "opened_at", "topic", "feature", "text")
    return fetch(t)


def _texts(rows: list[dict[str, Any]]) -> list[TicketText]:
    return [
        TicketText(
            ticket_id=row["ticket_id"],
            account_id=row["account_id"],
            opened_on=row["opened_at"].date(),
            topic=row["topic"],
            feature=row["feature"],
            text=row["text"],
        )
        for row in rows
    ]


def _asks_of(source: Source, account_ids: list[str]) -> list[dict[str, Any]]:
    """What the tickets of these accounts ask for, by ticket, then class."""
    wanted = set(account_ids)
    asks = [row for row in source.asks if row["account_id"] in wanted]
    if source.kept_asks is not None:
        asks += fetch(source.kept_asks.filter(source.kept_asks.account_id.isin(account_ids)))
    # Wherever they come from, they are shown in one order.
    return sorted(
        asks,
        key=lambda row: (
            row["ticket_id"],
            *(str(row[name] or "") for name in ASK_SCHEMA if name != "ticket_id"),
        ),
    )
