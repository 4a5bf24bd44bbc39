"""A process that puts the facts in order over and over until it is killed."""

import sys
from pathlib import Path

from agent.facts import order
from agent.foundation.warehouse import open_warehouse


def main() -> None:
    """Put in order for ever, saying when each round begins and ends."""
    order.LARGE = 100
    with open_warehouse(Path(sys.argv[1]), write=True) as warehouse:
        while True:
            warehouse.duck.execute("DELETE FROM table_order")
            print("begins", flush=True)  # noqa: T201
            order.put_in_order(warehouse)
            print("ends", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
