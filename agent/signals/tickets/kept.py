"""What the tickets ask for, read once a text and kept beside the facts."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from agent.facts.door import transaction
from agent.facts.schema import create_tables
from agent.facts.version import version_of
from agent.foundation.memo import Memo
from agent.foundation.warehouse import Warehouse, fetch, fetch_sql
from agent.signals.source import ASK_SCHEMA
from agent.signals.tickets.claims import from_text
from agent.signals.tickets.model import classify_with
from agent.signals.tickets.own import OwnPhrases, own_ask_rows
from agent.signals.tickets.phrases import PhraseClassifier
from agent.signals.tickets.port import Catalogue, Classifier, TicketText

BATCH = 20_000
"Texts of one transaction: an interrupted reading goes on from there."
WORDS = ("opened_at::DATE", "topic", "feature", "text")
CLASS = tuple(name for name in ASK_SCHEMA if name not in ("ticket_id", "account_id", "opened_on"))
Row = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """How tickets are read: with these names in mind, and for these phrases of the founder's."""

    catalogue: Catalogue
    phrases: tuple[OwnPhrases, ...] = ()

    @property
    def key(self) -> str:
        """Equal where the same ticket is sure to have the same classes, given what a model said of it."""
        return Memo.key(code_key(), self.told, self.phrases)

    @property
    def told(self) -> str:
        """Equal where a model is told of the same catalogue: what it said with another is no longer asked after."""
        return Memo.key(sorted(self.catalogue.features), sorted(self.catalogue.use_cases.items()))

    def rows(
        self,
        texts: Iterable[TicketText],
        classifier: Classifier | None = None,
        answers: Mapping[str, str | None] | None = None,
    ) -> list[Row]:
        """Rows of the asks relation; tickets of one day that say the same are read once.

        `answers` is what a model said, by ticket, as it is kept; without an answer the phrase rules read the ticket.
        """
        told = answers or {}
        alike: dict[tuple[Any, ...], list[TicketText]] = {}
        for text in texts:
            said = (text.opened_on, text.topic, text.feature, text.text, told.get(text.ticket_id))
            alike.setdefault(said, []).append(text)
        firsts = {group[0].ticket_id: group for group in alike.values()}
        read = [group[0] for group in alike.values()]
        claims = [(one, from_text(told.get(one.ticket_id))) for one in read]
        classes = (classifier or PhraseClassifier()).classify(
            [one for one, said in claims if said is None], self.catalogue
        )
        if answered := [(one, said) for one, said in claims if said is not None]:
            classes += classify_with(answered, self.catalogue)
        found: list[Row] = [
            {name: getattr(ask, name) for name in ASK_SCHEMA} | {"ticket_class": ask.ticket_class.value}
            for ask in classes
        ]
        found += own_ask_rows(read, self.phrases, self.catalogue)
        return [
            row | {"ticket_id": one.ticket_id, "account_id": one.account_id}
            for row in found
            for one in firsts[row["ticket_id"]]
        ]


@cache
def code_key() -> str:
    """What else the classes of a ticket depend on: our own code and phrases, and what letters there are."""
    paths = (path for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in (".py", ".toml"))
    return Memo.key(unicodedata.unidata_version, [(path.name, path.read_bytes()) for path in paths])


@dataclass(frozen=True)
class KeptAsks:
    """Which of a window's asks are kept, and which of its tickets have to be read."""

    asks: Any | None
    "An Ibis table; None where nothing is kept."
    unread: str
    "The condition on tickets, as `t`, that are not; empty where there are none."


def kept_asks(
    warehouse: Warehouse, reader: Reader, after: date, upto: date, account_id: str | None
) -> KeptAsks | None:
    """What is kept of the tickets opened from the day after `after` to `upto`; None where nobody keeps anything."""
    import ibis

    if not warehouse.has("asks_version", "ticket_readings", "ticket_asks"):
        return None
    read = fetch(warehouse.table("asks_version"))
    a = warehouse.table("ticket_asks")
    a = a.filter((a.opened_on > after) & (a.opened_on <= upto))
    if account_id is not None:
        a = a.filter(a.account_id == account_id)
    a = a.select(*ASK_SCHEMA)
    version = version_of(warehouse)
    if version and read == [{"mark": version[1], "reader": reader.key}]:
        return KeptAsks(a, "")
    as_read = f"SELECT r.ticket_id FROM ticket_readings r WHERE r.ticket_id = t.ticket_id AND r.reading = {_reading(reader)}"
    good = warehouse.con.sql(
        f"SELECT t.ticket_id FROM tickets AS t WHERE EXISTS ({as_read})",
        schema=ibis.schema({"ticket_id": "string"}),
    )
    return KeptAsks(a.semi_join(good, "ticket_id"), f"NOT EXISTS ({as_read})")


def unread_tickets(
    warehouse: Warehouse, reader: Reader, kept: KeptAsks, after: date, upto: date, account_id: str | None
) -> list[Row]:
    """The tickets of the same window that are not kept, as rows, by id; with what a model once said of their texts."""
    if not kept.unread:
        return []
    answered = warehouse.has("ticket_answers")
    answer, join = ("n.answer", _answers(reader)) if answered else ("NULL", "")
    # An id may hold anything: where one account is looked at, all its tickets of the window are sorted out here.
    rows = fetch_sql(
        warehouse.con,
        f"SELECT t.ticket_id, t.account_id, t.opened_at, t.topic, t.feature, t.text, {answer} AS answer "
        f"FROM tickets AS t {join} WHERE t.opened_at::DATE > DATE '{after}' AND t.opened_at::DATE <= DATE '{upto}' "
        f"AND {kept.unread} ORDER BY t.ticket_id",
    )
    return [row for row in rows if account_id in (None, row["account_id"])]


def keep_asks(warehouse: Warehouse, reader: Reader, progress: Callable[[str], None] = lambda _: None) -> int:
    """Read every ticket that is not kept as this reader reads it, and keep its asks; answers how many tickets.

    For a file that is open for writing. The newest tickets come first.
    """
    duck = warehouse.duck
    create_tables(duck)
    version = version_of(warehouse)
    if version is None or duck.execute("FROM asks_version").fetchall() == [(version[1], reader.key)]:
        return 0
    # What was said of words that no ticket says any more goes: it quotes them.
    duck.execute(
        "DELETE FROM ticket_answers AS n WHERE NOT EXISTS "
        "(SELECT 1 FROM tickets AS t WHERE t.account_id = n.account_id AND md5(t.text) = n.said)"
    )
    try:
        tickets = _gather(duck, reader)
        if tickets:
            progress(f"reading what {tickets:,} tickets ask for")
        texts = duck.execute("SELECT count(*) FROM said").fetchall()[0][0]
        for first in range(0, texts, BATCH):
            if first:
                progress(f"{first:,} of {texts:,} different texts read")
            _keep_batch(duck, reader, first)
        with transaction(duck):
            duck.execute("DELETE FROM asks_version")
            duck.execute("INSERT INTO asks_version VALUES (?, ?)", [version[1], reader.key])
    finally:
        for name in ("unread", "said", "classed"):
            duck.execute(f"DROP TABLE IF EXISTS temp.{name}")
    return int(tickets)


def _gather(duck: Any, reader: Reader) -> int:
    """Put the tickets that are not kept, and what they say, each once, into temporary tables."""
    duck.execute(
        f"CREATE OR REPLACE TEMP TABLE unread AS SELECT t.ticket_id, t.account_id, {_reading(reader)} AS reading, "
        f"{_hashed(*WORDS)} || coalesce(md5(n.answer), '') AS said, n.answer "
        f"FROM tickets AS t {_answers(reader)} WHERE NOT EXISTS "
        f"(SELECT 1 FROM ticket_readings r WHERE r.ticket_id = t.ticket_id AND r.reading = {_reading(reader)})"
    )
    duck.execute(
        "CREATE OR REPLACE TEMP TABLE said AS SELECT row_number() OVER (ORDER BY opened_on DESC, said) - 1 AS place, * "
        "FROM (SELECT u.said, min(t.ticket_id) AS ticket_id, any_value(t.opened_at::DATE) AS opened_on, "
        "any_value(t.topic) AS topic, any_value(t.feature) AS feature, any_value(t.text) AS text, any_value(u.answer) AS answer "
        "FROM unread AS u JOIN tickets AS t ON t.ticket_id = u.ticket_id GROUP BY u.said)"
    )
    return int(duck.execute("SELECT count(*) FROM unread").fetchall()[0][0])


def _keep_batch(duck: Any, reader: Reader, first: int) -> None:
    rows = duck.execute(
        "SELECT said, opened_on, topic, feature, text, answer FROM said WHERE place >= ? AND place < ?",
        [first, first + BATCH],
    ).fetchall()
    texts = [
        TicketText(
            ticket_id=row[0], account_id="", opened_on=row[1], topic=row[2], feature=row[3], text=row[4]
        )
        for row in rows
    ]
    _give_classes(duck, reader.rows(texts, answers={row[0]: row[5] for row in rows}))
    batch = f"SELECT said FROM said WHERE place >= {first} AND place < {first + BATCH}"
    theirs = f"SELECT ticket_id FROM unread WHERE said IN ({batch})"
    with transaction(duck):
        for name in ("ticket_asks", "ticket_readings"):
            duck.execute(f"DELETE FROM {name} WHERE ticket_id IN ({theirs})")
        duck.execute(
            f"INSERT INTO ticket_asks SELECT u.ticket_id, u.account_id, s.opened_on, {', '.join(f'c.{c}' for c in CLASS)} "
            "FROM unread AS u JOIN said AS s USING (said) JOIN classed AS c USING (said)"
        )
        duck.execute(
            f"INSERT INTO ticket_readings SELECT ticket_id, account_id, reading FROM unread WHERE said IN ({batch})"
        )


def _give_classes(duck: Any, rows: Sequence[Row]) -> None:
    types = {name: "DATE" if ASK_SCHEMA[name] == "date" else "VARCHAR" for name in CLASS}
    columns = {"said": "VARCHAR"} | types
    duck.execute(
        f"CREATE OR REPLACE TEMP TABLE classed ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
    )
    if rows:
        lists = ", ".join(f"unnest(?::{kind}[])" for kind in columns.values())
        keys = ("ticket_id", *CLASS)
        duck.execute(f"INSERT INTO classed SELECT {lists}", [[row[key] for row in rows] for key in keys])


def _answers(reader: Reader) -> str:
    """SQL: joins to tickets `t`, as `n`, what a model said of their text, told of the same catalogue."""
    return (
        "LEFT JOIN ticket_answers AS n ON n.account_id = t.account_id AND n.said = md5(t.text) "
        f"AND n.told = '{reader.told}'"
    )


def _reading(reader: Reader) -> str:
    """SQL: a hash of everything the kept asks of ticket `t` were made from."""
    return _hashed("account_id", *WORDS, salt=reader.key)


def _hashed(*columns: str, salt: str = "") -> str:
    """SQL: a hash of columns of `t`, different for different values, none and empty told apart."""
    parts = [f"coalesce(length(t.{c}::VARCHAR)::VARCHAR || ':' || t.{c}::VARCHAR, '-')" for c in columns]
    return f"md5('{salt}' || {' || '.join(parts)})"
