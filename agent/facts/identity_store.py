"""What is known of vendors' records, beside the facts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from agent.facts.identities import Doubt, How, Identity, Matching, Record, State, company_domain

if TYPE_CHECKING:
    from agent.foundation.warehouse import Warehouse

_COLUMNS = "source, record_id, name, own_id, domain, state, account_id, how, candidates, says"


def keep_makers(duck: Any, source: str, arriving: str) -> None:
    """Remember that a source gave the accounts of the table `arriving`, inside the transaction that merges them."""
    duck.execute(
        f"INSERT INTO account_makers SELECT DISTINCT account_id, ? FROM {arriving} a WHERE _why IS NULL AND NOT EXISTS "
        f"(SELECT 1 FROM account_makers m WHERE m.account_id = a.account_id AND m.source = ?)",
        [source, source],
    )


def known_accounts(duck: Any, payers: Sequence[str]) -> dict[str, str | None]:
    """Accounts that others than the vendors `payers` gave, with the domains they go by.

    What a vendor's own records made is told by those records; it must not look like somebody else's word for them.
    """
    rows = duck.execute(
        "SELECT account_id, domain, contact_email FROM accounts a WHERE EXISTS (SELECT 1 FROM account_makers m "
        "WHERE m.account_id = a.account_id AND NOT list_contains(?, m.source)) "
        # Facts of an earlier version do not say who gave an account: then it was none of these.
        "OR NOT EXISTS (SELECT 1 FROM account_makers m WHERE m.account_id = a.account_id)",
        [list(payers)],
    ).fetchall()
    return {account: company_domain(domain, email) for account, domain, email in rows}


def taken_before(duck: Any) -> dict[tuple[str, str], Identity]:
    """Every record's identity as it was last kept."""
    rows = duck.execute(f"SELECT {_COLUMNS} FROM identities").fetchall()
    return {(row[0], row[1]): _identity(row) for row in rows}


def keep_identities(duck: Any, source: str, matching: Matching) -> None:
    """Write a source's identities in the place of the earlier ones, and the doubts of all sources."""
    duck.execute("DELETE FROM identities WHERE source = ?", [source])
    rows = [_row(one) for one in matching.identities if one.record.source == source]
    _insert(duck, "identities", rows, 10)


def keep_doubts(duck: Any, doubts: Iterable[Doubt]) -> int:
    """Write what is not settled; answers how many accounts that changes."""
    now = sorted({(one.account_id, one.source, one.record_id, one.says) for one in doubts})
    before = sorted(
        duck.execute("SELECT account_id, source, record_id, says FROM identity_doubts").fetchall()
    )
    if now == before:
        return 0
    duck.execute("DELETE FROM identity_doubts")
    _insert(duck, "identity_doubts", now, 4)
    return len({row[0] for row in set(now) ^ set(before)})


def _insert(duck: Any, table: str, rows: Sequence[tuple[Any, ...]], width: int) -> None:
    import pyarrow as pa

    if rows:
        columns = {
            f"c{number}": pa.array(column, pa.string())
            for number, column in enumerate(zip(*rows, strict=True))
        }
        duck.register("arriving_rows", pa.table(columns))
        duck.execute(
            f"INSERT INTO {table} SELECT {', '.join(f'c{number}' for number in range(width))} FROM arriving_rows"
        )
        duck.unregister("arriving_rows")


def doubts_of(warehouse: Warehouse) -> dict[str, str]:
    """Why an account's identity is not settled, by account; nothing in a warehouse that is read in place."""
    from agent.foundation.warehouse import fetch

    if not warehouse.has("identity_doubts"):
        return {}
    table = warehouse.table("identity_doubts")
    rows = fetch(table.order_by(table.account_id, table.source, table.record_id, table.says))
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row["account_id"], row["says"])
    return found


def identities_of(warehouse: Warehouse) -> list[Identity]:
    """Every record of every vendor with what it was taken for, unsettled ones first."""
    from agent.foundation.warehouse import fetch

    if not warehouse.has("identities"):
        return []
    rows = [tuple(row[name] for name in _COLUMNS.split(", ")) for row in fetch(warehouse.table("identities"))]
    order = {State.AMBIGUOUS: 0, State.UNMATCHED: 1, State.MATCHED: 2, State.IGNORED: 3}
    found = [_identity(row) for row in rows]
    return sorted(found, key=lambda one: (order[one.state], one.record))


def unsettled_in(duck: Any) -> dict[str, int]:
    """How many records are ambiguous and how many are unmatched."""
    counted = dict(duck.execute("SELECT state, count(*) FROM identities GROUP BY state").fetchall())
    return {state.value: counted.get(state.value, 0) for state in (State.AMBIGUOUS, State.UNMATCHED)}


def _row(one: Identity) -> tuple[Any, ...]:
    record = one.record
    return (
        record.source, record.record_id, record.name, record.own_id, record.domain, one.state.value, one.account_id,
        one.how.value if one.how else None, json.dumps(one.candidates), one.says,
    )  # fmt: skip


def _identity(row: Sequence[Any]) -> Identity:
    source, record_id, name, own_id, domain, state, account, how, candidates, says = row
    return Identity(
        Record(source, record_id, name or "", own_id, domain), State(state), account, How(how) if how else None,
        tuple(json.loads(candidates or "[]")), says or "",
    )  # fmt: skip
