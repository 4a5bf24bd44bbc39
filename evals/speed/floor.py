"""The floor: DuckDB reading once what the rule book needs, with one trivial aggregate a column.

What is read, per table, and why so far back:

- measures (account_id, day, metric, value): all days up to D; usage_doubled_since_start looks at an account's first
  weeks, and the score at whether it was ever used.
- events (account_id, user_id, at, kind, feature, team, product): all days up to D; new_team and wau_doubled look for a
  first use, beyond_first_use at the first 30 days.
- members (account_id, user_id, role, team, joined_on, left_on): all who had joined; guests and seats have no window.
- tickets (account_id, opened_at, closed_at, priority, minutes, sentiment): all opened by D; an urgent ticket may be open
  for ever. Not the text: it is classified once, when it comes in.
- asks, the tickets' classes (account_id, ticket_id, opened_on, ticket_class, feature, product, deadline_on): the 30 days
  that the longest window of a trigger on asks needs.
- subscriptions (account_id, plan_id, seats, mrr_minor, currency, starts_on, ends_on, status, term, renews_on,
  cancel_on, discount_pct, subscription_id): all that had begun; a change of plan may be old.
- invoices (account_id, issued_on, due_on, paid_on, status): all issued by D; an open one may be old.
- accounts (account_id, name, created_on, contact_email, is_test): all created by D.

The catalogue's few rows (plans, features, metrics, ceilings) are left out.

The aggregate is the length of a text, the greatest date, the sum of a number: the cheapest that makes DuckDB decode the
column. (It answers a count of a column without nulls from the number of rows, and reads nothing.)
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from agent.facts.schema import column_rules
from agent.facts.tables import TABLES
from agent.signals.source import ASK_SCHEMA
from evals.speed.queries import dated

READS: dict[str, tuple[str, tuple[str, ...]]] = {
    "measures": ("day <= $D", ("account_id", "day", "metric", "value")),
    "events": ("at::DATE <= $D", ("account_id", "user_id", "at", "kind", "feature", "team", "product")),
    "members": ("joined_on <= $D", ("account_id", "user_id", "role", "team", "joined_on", "left_on")),
    "tickets": (
        "opened_at::DATE <= $D",
        ("account_id", "opened_at", "closed_at", "priority", "minutes", "sentiment"),
    ),
    "asks": (
        "opened_on <= $D AND opened_on > $D - 30",
        ("account_id", "ticket_id", "opened_on", "ticket_class", "feature", "product", "deadline_on"),
    ),
    "subscriptions": (
        "starts_on <= $D",
        (
            "account_id", "plan_id", "seats", "mrr_minor", "currency", "starts_on", "ends_on", "status", "term",
            "renews_on", "cancel_on", "discount_pct", "subscription_id",
        ),
    ),
    "invoices": ("issued_on <= $D", ("account_id", "issued_on", "due_on", "paid_on", "status")),
    "accounts": ("created_on <= $D", ("account_id", "name", "created_on", "contact_email", "is_test")),
}  # fmt: skip
"By table: which rows, and which columns."

_TRIVIAL = {
    "VARCHAR": "sum(strlen({0}))",
    "DATE": "max({0})",
    "TIMESTAMP": "max({0})",
    "BOOLEAN": "bool_or({0})",
}


def statements(as_of: date, *, by_account: bool = False) -> list[str]:
    """One statement per table; by account, each aggregate is computed for every account."""
    made = []
    for table, (where, columns) in READS.items():
        read = [name for name in columns if not (by_account and name == "account_id")]
        values = ", ".join(_TRIVIAL.get(_type(table, name), "sum({0})").format(f'"{name}"') for name in read)
        where = where.replace("at::DATE", '"at"::DATE') if table == "events" else where
        rows = f"FROM {table} WHERE {dated(where, as_of)}"
        if by_account:
            made.append(
                f"SELECT max(COLUMNS(*)) FROM (SELECT account_id, {values} {rows} GROUP BY account_id)"
            )
        else:
            made.append(f"SELECT {values} {rows}")
    return made


def _type(table: str, column: str) -> str:
    if table == "asks":
        return {"string": "VARCHAR", "date": "DATE"}[ASK_SCHEMA[column]]
    return next(rule.sql_type for rule in column_rules(TABLES[table]) if rule.name == column)


def one_date(path: Path, as_of: date, *, by_account: bool = False) -> int:
    """Read everything once; answers how many tables."""
    import duckdb

    run = statements(as_of, by_account=by_account)
    with duckdb.connect(str(path), read_only=True) as duck:
        for statement in run:
            duck.execute(statement).fetchall()
    return len(run)
