"""Rows written by hand, staged for the door."""

from datetime import datetime

from agent.facts.door import load
from agent.facts.staged import Staged

READ_AT = datetime(2026, 3, 2, 9)
COLUMNS = {
    "accounts": "account_id name created_on is_test",
    "plans": "plan_id name tier price_minor currency per_seat",
    "ceilings": "plan_id account_id metric ceiling from_on to_on",
    "subscriptions": "subscription_id account_id plan_id mrr_minor currency starts_on ends_on status term",
    "members": "account_id user_id role joined_on left_on",
    "measures": "account_id day metric value",
    "metrics": "metric label unit kind per core",
    "events": "event_id account_id at kind",
    "tickets": "ticket_id account_id opened_at closed_at priority sentiment",
    "invoices": "invoice_id account_id issued_on due_on amount_minor currency status",
}


def rows(table, *lines, file="f.csv"):
    """Text rows of a table, cells separated by blanks; `-` is an empty cell and `_` a blank."""
    names = COLUMNS[table].split()
    cells = [
        [
            "NULL" if cell == "-" else "'" + cell.replace("_", " ").replace("'", "''") + "'"
            for cell in line.split()
        ]
        for line in lines
    ]
    assert all(len(line) == len(names) for line in cells)
    values = ", ".join(f"({', '.join(line)})" for line in cells)
    columns = ", ".join(f'"{name}"' for name in names)
    casts = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in names)
    return Staged(table, file, f"SELECT {casts} FROM (VALUES {values}) t({columns})")


def enter(warehouse, *staged, max_rejected=0.01):
    """Load the staged rows from the source `files`."""
    return load(warehouse, "files", staged, read_at=READ_AT, max_rejected=max_rejected)


def stored(warehouse, table):
    """All rows of a table, in order."""
    return warehouse.duck.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()


GOOD = {
    "accounts": "a A 2026-01-01 false",
    "plans": "p P 1 4900 EUR true",
    "ceilings": "p - m 10 - -",
    "subscriptions": "s a p 4900 EUR 2026-01-01 - active month",
    "members": "a u member 2026-01-01 -",
    "measures": "a 2026-01-01 m 5",
    "metrics": "m M units flow month true",
    "events": "e a 2026-01-01T10:00:00Z used",
    "tickets": "t a 2026-01-01T10:00:00Z - low 0.5",
    "invoices": "i a 2026-01-01 2026-02-01 -4900 EUR open",
}
