"""A process that loads one version of the facts after another until it is killed."""

import sys
from datetime import datetime
from itertools import count
from pathlib import Path

from agent.facts.door import load
from agent.facts.staged import Staged
from agent.foundation.warehouse import open_warehouse

ROWS = 40_000


def version(number: int) -> list[Staged]:
    """Two tables whose rows all carry the version's number; every other version has more rows."""
    more = ROWS + 5_000 * (number % 2)
    accounts = (
        f"SELECT 'a' || i AS account_id, 'v{number}' AS name, DATE '2026-01-01' AS created_on "
        "FROM range(500) t(i)"
    )
    measures = (
        f"SELECT 'a' || (i % 500) AS account_id, DATE '2026-01-01' + (i // 500)::INTEGER AS day, "
        f"'m' AS metric, {number}::DOUBLE AS value FROM range({more}) t(i)"
    )
    bad = "SELECT 'a' AS account_id, 'never' AS day, 'm' AS metric, 'x' AS value"
    return [
        Staged("accounts", "accounts.csv", accounts),
        Staged("measures", "measures.csv", measures),
        Staged("measures", f"bad-{number}.csv", bad),
    ]


def main() -> None:
    """Load for ever, from the version after the one that is there."""
    path, first = Path(sys.argv[1]), int(sys.argv[2])
    with open_warehouse(path, write=True) as warehouse:
        for number in count(first):
            load(warehouse, "files", version(number), read_at=datetime(2026, 1, 1), max_rejected=0.01)
            print(number, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
