"""What the tickets ask for, classified once by the phrase rules and kept beside the facts for everybody."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from agent.signals.source import ASK_SCHEMA
from agent.signals.tickets.phrases import PhraseClassifier
from agent.signals.tickets.port import Ask, Catalogue, TicketText
from evals.speed.catalogue import FEATURES, OTHER_PRODUCT, settings

TABLE = "asks"
TYPES = {"string": "VARCHAR", "date": "DATE"}


def catalogue() -> Catalogue:
    """The names a ticket may mean."""
    features = sorted({name for names in FEATURES.values() for name in names} | {"fax"})
    return Catalogue(
        features=tuple(features), use_cases={OTHER_PRODUCT: settings().products[OTHER_PRODUCT].use_cases}
    )


def keep_asks(path: Path) -> None:
    """Add the table of asks to the file of a world: every ticket's classes.

    Generated tickets repeat their texts, so that each text of a day is classified once and joined back.
    """
    import duckdb

    with duckdb.connect(str(path)) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        columns = ", ".join(f"{name} {TYPES[kind]}" for name, kind in ASK_SCHEMA.items())
        duck.execute(f"CREATE OR REPLACE TABLE {TABLE} ({columns})")
        different = duck.execute(
            "SELECT DISTINCT opened_at::DATE, topic, feature, text FROM tickets ORDER BY ALL"
        ).fetchall()
        texts = [
            TicketText(
                ticket_id=str(n), account_id="", opened_on=day, topic=topic, feature=feature, text=text
            )
            for n, (day, topic, feature, text) in enumerate(different)
        ]
        found = [
            ask for ask in PhraseClassifier().classify(texts, catalogue()) if ask.ticket_class != "other"
        ]
        duck.execute(
            "CREATE TEMP TABLE classed (opened_on DATE, text VARCHAR, c VARCHAR, f VARCHAR, p VARCHAR, d DATE)"
        )
        duck.executemany("INSERT INTO classed VALUES (?, ?, ?, ?, ?, ?)", [_row(ask, texts) for ask in found])
        duck.execute(
            f"INSERT INTO {TABLE} SELECT ticket_id, account_id, opened_on, c, f, p, d "
            "FROM tickets t JOIN classed ON opened_on = opened_at::DATE AND classed.text = t.text "
            "ORDER BY account_id, opened_on, ticket_id, c, f, p, d"
        )


def _row(ask: Ask, texts: list[TicketText]) -> tuple[Any, ...]:
    ticket = texts[int(ask.ticket_id)]
    return (ticket.opened_on, ticket.text, ask.ticket_class.value, ask.feature, ask.product, ask.deadline_on)


def tickets_per_second(path: Path, sample: int = 20_000) -> float:
    """How many tickets the phrase rules classify in a second, one by one."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as duck:
        rows = duck.execute(
            "SELECT ticket_id, account_id, opened_at::DATE, topic, feature, text FROM tickets LIMIT ?",
            [sample],
        ).fetchall()
    texts = [
        TicketText(
            ticket_id=r[0],
            account_id=r[1],
            opened_on=r[2],
            topic=r[3],
            feature=r[4],
            text=r[5],
        )
        for r in rows
    ]
    started = time.perf_counter()
    PhraseClassifier().classify(texts, catalogue())
    return len(texts) / (time.perf_counter() - started)
