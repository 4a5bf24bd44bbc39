"""What is odd about rows that are kept all the same: counted set-wise, and said in the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.facts.tables import TABLES

if TYPE_CHECKING:
    from agent.facts.incoming import Incoming

PARENTS = {"account_id": "accounts", "plan_id": "plans", "metric": "metrics"}
UNLISTED = {("measures", "metric"): ("health_score", "nps", "headcount")}
"What may be named without a row of its own in the parent table."
Notes = dict[int, tuple[str, ...]]


def oddities(duck: Any, incoming: Incoming) -> Notes:
    """Sentences by part: rows without a parent, rows older than their account, several subscriptions."""
    notes: Notes = {}
    for found in (_orphans, _older_than_account):
        for part, said in found(duck, incoming):
            notes[part] = (*notes.get(part, ()), said)
    if incoming.table == "subscriptions":
        for said in _several_open(duck):
            last = len(incoming.parts) - 1
            notes[last] = (*notes.get(last, ()), said)
    return notes


def _orphans(duck: Any, incoming: Incoming) -> list[tuple[int, str]]:
    """Rows that name an account, plan or metric which is not in its own table."""
    said = []
    for column, parent in PARENTS.items():
        if column not in incoming.columns or parent == incoming.table:
            continue
        known = ", ".join(f"('{name}')" for name in UNLISTED.get((incoming.table, column), ()))
        names = f"SELECT {column} FROM {parent}" + (f" UNION ALL VALUES {known}" if known else "")
        counted = duck.execute(
            f"SELECT _part, sum(n), min({column}) FROM (SELECT _part, {column}, count(*) AS n "
            f"FROM {incoming.name} WHERE _why IS NULL AND {column} IS NOT NULL GROUP BY ALL) "
            f"WHERE {column} NOT IN ({names}) GROUP BY _part"
        ).fetchall()
        for part, count, example in counted:
            rows = "row names" if count == 1 else "rows name"
            article = "an" if column[0] == "a" else "a"
            like = f"(such as {str(example)[:40]!r})"
            said.append(
                (part, f"{int(count):,} {rows} {article} {column} that is not in {parent} {like}; kept")
            )
    return said


def _older_than_account(duck: Any, incoming: Incoming) -> list[tuple[int, str]]:
    """Rows dated before their account was created."""
    dated = TABLES[incoming.table].KNOWN_FROM
    if dated is None or "account_id" not in incoming.columns:
        return []
    counted = duck.execute(
        f"SELECT _part, count(*) FROM {incoming.name} AS new JOIN accounts USING (account_id) "
        f'WHERE _why IS NULL AND new."{dated}" < accounts.created_on GROUP BY _part'
    ).fetchall()
    rows = {1: "row is"}
    return [
        (part, f"{n:,} {rows.get(n, 'rows are')} dated before the account's created_on; kept")
        for part, n in counted
    ]


def _several_open(duck: Any) -> list[str]:
    """Accounts that hold several subscriptions to one product with no end."""
    count = duck.execute(
        "SELECT count(DISTINCT account_id) FROM (SELECT s.account_id FROM subscriptions AS s "
        "LEFT JOIN plans USING (plan_id) WHERE s.ends_on IS NULL AND s.status <> 'canceled' "
        "GROUP BY s.account_id, plans.product HAVING count(DISTINCT s.subscription_id) > 1)"
    ).fetchone()[0]
    if not count:
        return []
    accounts = "account holds" if count == 1 else "accounts hold"
    return [
        f"{count:,} {accounts} several open subscriptions to one product; the plan is taken from "
        "the active one of the highest tier, then the newest"
    ]
