"""Erasing one customer's facts."""

from __future__ import annotations

from agent.facts.door import transaction
from agent.facts.schema import KEPT_OF_TICKETS, column_rules, create_tables
from agent.facts.tables import MODELS
from agent.facts.version import raise_version
from agent.foundation.warehouse import Warehouse, fetch


def addresses_of(warehouse: Warehouse, account_id: str) -> list[str]:
    """The e-mail addresses the facts know of an account."""
    table = warehouse.table("accounts")
    rows = fetch(table.filter(table.account_id == account_id).select("contact_email"))
    return [row["contact_email"] for row in rows if row["contact_email"] is not None]


def erase(warehouse: Warehouse, account_id: str) -> int:
    """Delete every row of an account, and the rejected rows that may quote it; answers how many rows went.

    What was kept of its tickets goes too. One transaction, then a checkpoint, so that nothing stays behind in the
    write-ahead log. A later sync brings back what the source still holds: erase there too.
    """
    duck = warehouse.duck
    gone = 0
    with transaction(duck):
        create_tables(duck)
        for model in MODELS:
            if any(rule.name == "account_id" for rule in column_rules(model)):
                [count] = duck.execute(
                    f"DELETE FROM {model.TABLE} WHERE account_id = ?", [account_id]
                ).fetchone()
                gone += count
        for kept in KEPT_OF_TICKETS:
            duck.execute(f"DELETE FROM {kept} WHERE account_id = ?", [account_id])
        duck.execute("DELETE FROM account_makers WHERE account_id = ?", [account_id])
        duck.execute("DELETE FROM rejected_rows")
        if gone:
            raise_version(duck)
    duck.execute("CHECKPOINT")
    return gone
