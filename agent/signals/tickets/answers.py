"""What a model says of the tickets, asked once a text and kept beside the facts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from agent.facts.door import transaction
from agent.facts.version import raise_version, version_of
from agent.foundation.llm.port import Model
from agent.foundation.memo import Memo
from agent.foundation.prompts import prompt
from agent.foundation.warehouse import Warehouse
from agent.signals.source import ASK_SCHEMA
from agent.signals.tickets.asking import PROMPT, Told, Unit, ask_all, calls_for
from agent.signals.tickets.claims import as_text
from agent.signals.tickets.kept import Reader, code_key
from agent.signals.tickets.model import is_for_a_model
from agent.signals.tickets.port import TicketText

CLASSIFY_DAYS = 45
"Tickets older than this are left to the phrase rules."
TEXTS_A_SYNC = 400
"Texts that one sync asks about, the newest first."
TRIES = 3
"Times that a text is asked about when what comes back cannot be used."
_ANSWER = ("account_id", "said", "told", "engine", "alone", "tries", "answer")
_TYPES = {"alone": "BOOLEAN", "tries": "INTEGER", "opened_on": "DATE", "deadline_on": "DATE"}


@dataclass
class Wanted:
    """The texts to be asked about, and what need not be: answered for another account, or meant for a machine."""

    units: dict[Unit, list[str]] = field(default_factory=dict)
    "For each unit, the accounts whose tickets say so."
    tries: Counter[tuple[str, str]] = field(default_factory=Counter)
    "How often an account's text was asked about in vain."
    copies: list[tuple[str, str, str]] = field(default_factory=list)
    "Account, hash and answer where the same words, read by themselves, are answered already."
    kept_away: int = 0
    left: int = 0
    "Texts for a later sync."


def hash_of(text: str) -> str:
    """What DuckDB's md5 makes of a text."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def engine_name(model: Model) -> str:
    """Which engine says so: the model, and the prompt it was given."""
    return f"{model.name} {prompt(PROMPT).content_hash}"


def keep_answers(
    warehouse: Warehouse,
    reader: Reader,
    model: Model,
    progress: Callable[[str], None] = lambda _: None,
    *,
    days: int = CLASSIFY_DAYS,
    at_most: int | None = None,
) -> int:
    """Ask the model about the texts of the last `days` that it did not read yet, and keep what comes of it.

    For a file that is open for writing and whose tickets are all kept as this reader reads them. Answers how many
    tickets were read. Each call's answers are committed by themselves: an interrupted reading goes on from there.
    """
    duck, engine = warehouse.duck, engine_name(model)
    version = version_of(warehouse)
    key = Memo.key(code_key(), reader.told, engine, days)
    if version is None or duck.execute("FROM answers_version").fetchall() == [(version[1], key)]:
        return 0
    wanted = _wanted(duck, reader, engine, days, TEXTS_A_SYNC if at_most is None else at_most)
    tickets, whys = 0, Counter[str]()
    asked = len(wanted.units)
    try:
        if asked or wanted.copies:
            _gather(duck, wanted)
        if wanted.copies:
            tickets += _keep(duck, reader, [(*one[:2], True, 0, one[2]) for one in wanted.copies], engine)
        if asked:
            progress(f"asking {model.name} what {asked:,} different texts of tickets ask for")
        for told in ask_all(model, reader.catalogue, calls_for(wanted.units)):
            for claims in told.claims:
                whys["read" if claims is not None else told.why.value if told.why else "not told of"] += 1
            if told.is_final:
                tickets += _keep(duck, reader, _rows(told, wanted), engine)
    finally:
        duck.execute("DROP TABLE IF EXISTS temp.worded")
    if whys["read"] == asked and not wanted.left:
        now = version_of(warehouse)
        with transaction(duck):
            duck.execute("DELETE FROM answers_version")
            duck.execute("INSERT INTO answers_version VALUES (?, ?)", [now[1] if now else "", key])
    if asked or wanted.kept_away:
        progress(_summary(asked, whys, wanted))
    return tickets


def _summary(asked: int, whys: Counter[str], wanted: Wanted) -> str:
    """What the founder is told: how many texts the model read, and why not the others."""
    read = whys.pop("read", 0)
    reasons = [f"{count:,} {why.replace('_', ' ')}" for why, count in sorted(whys.items()) if count]
    if unasked := asked - read - whys.total():
        reasons.append(f"{unasked:,} not asked about")
    if wanted.kept_away:
        reasons.append(f"{wanted.kept_away:,} kept from the model")
    if wanted.left:
        reasons.append(f"{wanted.left:,} left for a later sync")
    others = f"; left to the phrase rules: {', '.join(reasons)}" if reasons else ""
    return f"the model read {read:,} different texts{others}"


def _wanted(duck: Any, reader: Reader, engine: str, days: int, at_most: int) -> Wanted:
    """What is to be asked, the newest first; words that several accounts say are asked about by themselves."""
    since = _newest_day(duck) - timedelta(days=days)
    rows = duck.execute(
        "SELECT t.account_id, md5(t.text) AS said, any_value(t.text), coalesce(max(n.tries), 0) "
        "FROM tickets AS t LEFT JOIN ticket_answers AS n ON n.account_id = t.account_id AND n.said = md5(t.text) "
        "AND n.told = ? AND n.engine = ? WHERE t.opened_at::DATE > ? AND trim(t.text) <> '' "
        "GROUP BY t.account_id, md5(t.text) HAVING count(n.answer) = 0 AND coalesce(max(n.tries), 0) < ? "
        "ORDER BY max(t.opened_at) DESC, said, t.account_id",
        [reader.told, engine, since, TRIES],
    ).fetchall()
    answered = dict(
        duck.execute(
            "SELECT said, any_value(answer) FROM ticket_answers WHERE alone AND told = ? AND engine = ? "
            "AND answer IS NOT NULL GROUP BY said",
            [reader.told, engine],
        ).fetchall()
    )
    wanted, owners = Wanted(), Counter(row[1] for row in rows)
    for account_id, said, text, tries in rows:
        if (answer := answered.get(said)) is not None:
            wanted.copies.append((account_id, said, answer))
            continue
        shared = owners[said] > 1
        unit = Unit("" if shared else account_id, text, alone=shared or tries > 0)
        if unit not in wanted.units and len(wanted.units) == at_most:
            wanted.left += 1
        elif unit not in wanted.units and not is_for_a_model(text):
            wanted.kept_away += 1
        else:
            wanted.units.setdefault(unit, []).append(account_id)
            wanted.tries[account_id, said] = tries
    return wanted


def _newest_day(duck: Any) -> date:
    """The day the facts were last read; of files without a source, of the newest ticket."""
    [[read_at, opened_at]] = duck.execute(
        "SELECT (SELECT max(read_at)::DATE FROM source_reads), (SELECT max(opened_at)::DATE FROM tickets)"
    ).fetchall()
    newest: date = read_at or opened_at or date.min + timedelta(days=10_000)
    return newest


def _gather(duck: Any, wanted: Wanted) -> None:
    """Put every ticket that may be read anew into a temporary table, with the hash of its words."""
    texts = {unit.text for unit in wanted.units}
    duck.execute(
        "CREATE OR REPLACE TEMP TABLE worded AS SELECT ticket_id, account_id, opened_at::DATE AS opened_on, topic, feature, "
        "text, md5(text) AS said FROM tickets WHERE md5(text) IN "
        "(SELECT md5(unnest(?::VARCHAR[])) UNION SELECT unnest(?::VARCHAR[]))",
        [list(texts), [said for _, said, _ in wanted.copies]],
    )


def _rows(told: Told, wanted: Wanted) -> list[tuple[str, str, bool, int, str | None]]:
    """What is kept of a call: account, hash, whether the text stood alone, tries in vain, answer."""
    kept = []
    for unit, claims in zip(told.units, told.claims, strict=True):
        said = hash_of(unit.text)
        for account_id in wanted.units[unit]:
            tries = wanted.tries[account_id, said] + (claims is None)
            answer = None if claims is None else as_text(claims)
            kept.append((account_id, said, len(told.units) == 1, tries, answer))
    return kept


def _keep(
    duck: Any, reader: Reader, rows: Sequence[tuple[str, str, bool, int, str | None]], engine: str
) -> int:
    """Keep these answers, and the classes of the tickets as they are read with them; answers how many tickets."""
    found = duck.execute(
        "SELECT w.ticket_id, w.account_id, w.opened_on, w.topic, w.feature, w.text, g.answer FROM worded AS w JOIN "
        "(SELECT unnest(?::VARCHAR[]) AS account_id, unnest(?::VARCHAR[]) AS said, unnest(?::VARCHAR[]) AS answer) AS g "
        "USING (account_id, said) WHERE g.answer IS NOT NULL",
        [[row[0] for row in rows], [row[1] for row in rows], [row[4] for row in rows]],
    ).fetchall()
    names = ("ticket_id", "account_id", "opened_on", "topic", "feature", "text")
    texts = [TicketText(**dict(zip(names, row, strict=False))) for row in found]
    asks = reader.rows(texts, answers={row[0]: row[6] for row in found})
    kept = [dict(zip(("account_id", "said", "alone", "tries", "answer"), row, strict=True)) for row in rows]
    with transaction(duck):
        duck.execute(
            "DELETE FROM ticket_answers WHERE (account_id, said) IN "
            "(SELECT (unnest(?::VARCHAR[]), unnest(?::VARCHAR[])))",
            [[row[0] for row in rows], [row[1] for row in rows]],
        )
        _insert(
            duck, "ticket_answers", _ANSWER, [row | {"told": reader.told, "engine": engine} for row in kept]
        )
        if found:
            duck.execute(
                "DELETE FROM ticket_asks WHERE ticket_id IN (SELECT unnest(?::VARCHAR[]))",
                [[row[0] for row in found]],
            )
            _insert(duck, "ticket_asks", tuple(ASK_SCHEMA), asks)
            # What was made of the facts before knows of other asks.
            raise_version(duck)
            duck.execute("UPDATE asks_version SET mark = (SELECT mark FROM facts_version)")
    return len(found)


def _insert(duck: Any, table: str, names: Iterable[str], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        lists = ", ".join(f"unnest(?::{_TYPES.get(name, 'VARCHAR')}[])" for name in names)
        columns = ", ".join(names)
        duck.execute(
            f"INSERT INTO {table} ({columns}) SELECT {lists}", [[row[name] for row in rows] for name in names]
        )
