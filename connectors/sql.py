"""SQL: canonical tables out of any database that SQLAlchemy reads, one SELECT each. Read-only.

    [connectors.sql]
    url = "${PRODUCT_DB_URL}"

    [connectors.sql.tables]
    accounts = "SELECT id AS account_id, name, created_at AS created_on FROM companies"
    events = "SELECT id AS event_id, company_id AS account_id, at, 'used' AS kind FROM clicks WHERE at > :since"

Where a SELECT names `:since`, it gets from when on rows are wanted (UTC; SQLite compares it as text such as
'2026-03-01 09:00:00.000000'), an hour before the last reading; the first time, and after the text has changed, that is
`history_days` ago for events, measures and tickets, and 1970 for all else. A SELECT without it is read whole each time.
A row that is no longer selected stays a fact, as with files.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from uuid import UUID

from pydantic import Field, field_validator

from agent.facts.schema import ColumnRule, column_rules
from agent.facts.tables import TABLES
from agent.foundation.errors import ConfigError, SourceFailed
from agent.foundation.settings import url_from_environment
from connectors._api import Api
from connectors._rows import LISTED, Batch
from connectors._vendor import Since, Source, Vendor
from connectors._words import advice, nearest

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

AT_ONCE = 20_000
"Rows that are fetched and go on together."
WHERE = "outgrown.toml [connectors.sql.tables]"
HISTORY = ("events", "measures", "tickets")
"Tables whose older rows say little: their first reading goes back `history_days`."
NAMED = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"What SQLAlchemy takes for a bound parameter."
DIALECTS = {"postgresql": "postgres", "cockroachdb": "postgres", "mariadb": "mysql", "mssql": "tsql"}
"What sqlglot calls a dialect where SQLAlchemy calls it something else."
PRELUDES = {
    "postgresql": ("SET LOCAL statement_timeout = {ms}", "SET LOCAL TIME ZONE 'UTC'"),
    "mysql": (
        "SET SESSION max_execution_time = {ms}",
        "SET SESSION time_zone = '+00:00'",
        "START TRANSACTION READ ONLY",
    ),
    "mariadb": (
        "SET SESSION max_statement_time = {s}",
        "SET SESSION time_zone = '+00:00'",
        "START TRANSACTION READ ONLY",
    ),
    "sqlite": ("PRAGMA query_only = ON",),
    "oracle": ("SET TRANSACTION READ ONLY",),
}
"What is said first, so that nothing can be written and nothing takes for ever."


class Sql(Source):
    """What may be set under [connectors.sql]."""

    url: str = Field(min_length=1)
    "SQLAlchemy's URL of the database; `${NAME}` is filled in from the environment."
    tables: dict[str, str] = Field(min_length=1)
    "One SELECT for each canonical table that the database knows."
    timeout_seconds: float = Field(300, gt=0, le=86_400)
    "How long one SELECT may take."

    @field_validator("tables")
    @classmethod
    def canonical(cls, value: dict[str, str]) -> dict[str, str]:
        """Names of our own tables."""
        for name in value:
            if name not in TABLES:
                raise ValueError(
                    f"names '{name}', which is no table of ours; {advice(name, TABLES, 'there are')}"
                )
        return value


def _check(api: Api) -> str:
    """Connects, and sees that every SELECT is one."""
    url = _url(api.settings)
    for table, text in api.settings.tables.items():  # type: ignore[attr-defined]
        _Select.of(table, text, url)
    with _reading(url, api.settings, "the connection") as connection:
        connection.exec_driver_sql("SELECT 1" + (" FROM dual" if url.get_backend_name() == "oracle" else ""))
    return f"{url.get_backend_name()} answers at {_shown(url)}"


SQL = Vendor(
    name="sql",
    title="The database",
    url="",
    has_api=False,
    keys=(),
    section=Sql,
    authorise=lambda keys, settings: {},  # noqa: ARG005
    check=_check,
    own_ids=True,
    gives_accounts=True,
    wants=lambda section, stream: stream in section.tables,
)


def _stream(table: str) -> None:
    """One stream for one canonical table."""

    def rows(api: Api, since: Since) -> Iterator[Batch]:
        settings: Sql = api.settings  # type: ignore[assignment]
        url = _url(settings)
        select = _Select.of(table, settings.tables[table], url)
        mark = sha256(select.text.encode()).hexdigest()
        is_first = since.is_first or since.kept.get("select", mark) != mark
        at = since.at if not is_first or table in HISTORY else LISTED
        with _reading(url, settings, f"{WHERE} {table}") as connection:
            yield from _batches(api, connection, select, at, settings)
        since.kept["select"] = mark

    rows.__name__ = table
    SQL.stream(table)(rows)


for _table in TABLES:
    _stream(_table)


# The text.


@dataclass(frozen=True)
class _Select:
    """One SELECT of the founder's, known to be no more than that."""

    table: str
    text: str
    "As SQLAlchemy takes it: nothing but :since is a parameter."
    is_since: bool

    @classmethod
    def of(cls, table: str, text: str, url: URL) -> _Select:
        """Checked.

        Raises ConfigError for anything else than one SELECT.
        """
        import sqlglot
        from sqlglot import exp

        name = url.get_backend_name()
        dialect = DIALECTS.get(name, name)
        if dialect not in sqlglot.Dialect.classes:
            dialect = ""
        try:
            found = [one for one in sqlglot.parse(text, read=dialect) if one is not None]
            tokens = sqlglot.tokenize(text, read=dialect)
        except sqlglot.errors.SqlglotError as bad:
            said = re.sub(r"\x1b\[\d*m", "", str(bad)).splitlines()[0]
            raise ConfigError(f"{WHERE} {table}: this is no SQL we can read ({said}); mend it.") from None
        if len(found) != 1:
            raise ConfigError(
                f"{WHERE} {table}: one SELECT is wanted and {len(found)} statements stand there."
            )
        [tree] = found
        writes = next(tree.find_all(exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock), None)
        # Subqueries are SELECTs too; what DDL and DML have in common with them is not meant.
        writes = None if isinstance(writes, exp.Query) else writes
        if not isinstance(tree, exp.Query) or writes is not None:
            what = type(writes or tree).__name__.upper()
            raise ConfigError(
                f"{WHERE} {table}: only a SELECT is read, and this holds {what}; take that out."
            )
        others = {str(one.this) for one in tree.find_all(exp.Placeholder, exp.Parameter)} - {"since"}
        if others:
            raise ConfigError(
                f"{WHERE} {table}: the only parameter is :since, and this names {', '.join(sorted(others))}."
            )
        meant = {
            token.start
            for token, following in pairwise(tokens)
            if token.token_type.name == "COLON" and following.text == "since"
        }
        plain = NAMED.sub(lambda one: one[0] if one.start() in meant else f"\\{one[0]}", text)
        return cls(table, plain.rstrip().rstrip(";"), bool(meant))


# The database.


def _url(settings: Any) -> URL:
    """Where it is, with our own choice of driver where the founder made none."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    text = url_from_environment(settings.url, "connectors.sql.url")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Their words would hold the password.
        raise ConfigError(
            "outgrown.toml: connectors.sql.url is no URL such as postgresql://user:password@host/database; mend it, "
            "and write a password's special characters as %XX."
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    if is_file and not str(url.database).startswith("file:"):
        # A file that is not there would be made otherwise.
        url = url.set(database=f"file:{quote(str(url.database))}").update_query_dict(
            {"uri": "true", "mode": "ro"}
        )
    return url


def _engine(url: URL) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    except (NoSuchModuleError, ModuleNotFoundError) as bad:
        raise ConfigError(
            f"outgrown.toml: connectors.sql.url asks for {url.drivername}, and its driver is not installed "
            f"({_said(bad, url)}); install it beside Outgrown."
        ) from None


@contextmanager
def _reading(url: URL, settings: Any, what: str) -> Iterator[Connection]:
    """A connection on which nothing can be written, in one transaction; whatever goes wrong as one sentence."""
    from sqlalchemy.exc import SQLAlchemyError

    engine, name = _engine(url), url.get_backend_name()
    try:
        try:
            connection = engine.connect()
        except SQLAlchemyError as bad:
            raise SourceFailed(
                f"The database at {_shown(url)} cannot be reached ({_said(bad, url)}); check url in [connectors.sql]."
            ) from None
        with connection:
            try:
                if name == "postgresql":
                    connection = connection.execution_options(
                        postgresql_readonly=True, isolation_level="REPEATABLE READ"
                    )
                seconds = settings.timeout_seconds
                for text in PRELUDES.get(name, ()):
                    connection.exec_driver_sql(text.format(ms=int(seconds * 1000), s=seconds))
                if name == "sqlite":
                    _stop_in_time(connection, seconds)
                yield connection
            except SQLAlchemyError as bad:
                raise SourceFailed(f"{what}: the database says: {_said(bad, url)}; mend that.") from None
    finally:
        engine.dispose()


def _stop_in_time(connection: Connection, seconds: float) -> None:
    """SQLite has no clock of its own."""
    deadline = time.monotonic() + seconds
    raw: Any = connection.connection.dbapi_connection
    raw.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)


def _shown(url: URL) -> str:
    """Where it is, for a person: no user, no password, no options."""
    where = "/".join(
        part for part in (url.host or "", unquote(url.database or "").removeprefix("file:")) if part
    )
    return where or url.get_backend_name()


def _said(error: BaseException, url: URL) -> str:
    """The first line of what a driver says, without anything secret out of the URL."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    said = " ".join(lines[0].split())[:200] if lines else type(error).__name__
    options = [
        str(one) for name, one in url.query.items() if re.search("pass|key|secret|token", name, re.IGNORECASE)
    ]
    for secret in filter(None, [url.password, *options]):
        for written in {str(secret), quote(str(secret)), quote(str(secret), safe="")}:
            said = said.replace(written, "…")
    return said


# The rows.


def _batches(
    api: Api, connection: Connection, select: _Select, at: datetime, settings: Sql
) -> Iterator[Batch]:
    from sqlalchemy import DateTime, bindparam, text

    deadline = time.monotonic() + settings.timeout_seconds
    statement = text(select.text)
    if select.is_since:
        statement = statement.bindparams(bindparam("since", at, type_=DateTime()))
    streaming = connection.execution_options(stream_results=True, yield_per=AT_ONCE)
    result = streaming.execute(statement)
    rules = _columns(select.table, list(result.keys()))
    for chunk in result.partitions(AT_ONCE):
        yield _batch(api, select.table, rules, [tuple(row) for row in chunk])
        if time.monotonic() > deadline:
            raise SourceFailed(
                f"{WHERE} {select.table}: this took longer than the {settings.timeout_seconds:g} seconds of "
                "timeout_seconds; raise that, or name :since in it."
            )


def _columns(table: str, names: Sequence[str]) -> list[ColumnRule]:
    """Which column of ours each one is.

    Raises ConfigError for one that is none of ours, that comes twice, or that is missing.
    """
    rules = {rule.name: rule for rule in column_rules(TABLES[table])}
    found: list[ColumnRule] = []
    for name in names:
        rule = rules.get(name) or rules.get(name.lower())
        if rule is None:
            raise ConfigError(
                f"{WHERE} {table}: there is no column '{name}'; {advice(name, rules, 'there are')}"
            )
        if rule in found:
            raise ConfigError(f"{WHERE} {table}: the column '{rule.name}' comes twice; name it once.")
        found.append(rule)
    missing = [rule.name for rule in rules.values() if rule.required and rule not in found]
    if missing:
        near = nearest(missing[0], names)
        hint = f"'{near} AS {missing[0]}', if that is it" if near else f"'... AS {missing[0]}'"
        raise ConfigError(f"{WHERE} {table}: the column '{missing[0]}' is missing; write {hint}.")
    return found


def _batch(api: Api, table: str, rules: Sequence[ColumnRule], rows: Sequence[tuple[Any, ...]]) -> Batch:
    """Rows as an Arrow table; one with a value of the wrong type is rejected."""
    import pyarrow as pa

    from connectors._columns import arrow_schema

    api.read += len(rows)
    columns = dict(zip((rule.name for rule in rules), map(list, zip(*rows, strict=True)), strict=True))
    bad: dict[int, tuple[ColumnRule, Any]] = {}
    for rule in rules:
        values = columns[rule.name]
        columns[rule.name], wrong = _converted(values, rule)
        given = len(values) - values.count(None)
        if wrong and len(wrong) == given and given > 1:
            raise SourceFailed(
                f"{WHERE} {table}: the column '{rule.name}' holds {_example(values[wrong[0]])}, and "
                f"{WANTED[rule.sql_type]} is wanted; convert it in the SELECT."
            )
        bad |= {number: (rule, values[number]) for number in wrong}
    key = TABLES[table].KEY[0]
    for number, (rule, value) in bad.items():
        name = columns[key][number] if key in columns else ""
        api.reject({"id": name}, rule.name, value, f"is not {WANTED[rule.sql_type]}")
    schema = arrow_schema(table)
    count = len(rows)
    arrays = [
        pa.array(
            [LISTED] * count if one.name == "changed_at" else columns.get(one.name, [None] * count), one.type
        )
        for one in schema
    ]
    made = pa.table(arrays, schema=schema)
    if bad:
        made = made.filter(pa.array([number not in bad for number in range(count)]))
    return Batch(table, made)


def _example(value: Any) -> str:
    return f"{type(value).__name__} such as {str(value)[:40]!r}"


def _converted(values: list[Any], rule: ColumnRule) -> tuple[list[Any], list[int]]:
    """The values as the column holds them, and the places of those that are none."""
    if set(map(type, values)) <= AS_THEY_ARE[rule.sql_type] | {type(None)}:
        return values, []
    convert, made, wrong = CONVERT[rule.sql_type], [], []
    for number, value in enumerate(values):
        try:
            made.append(None if value is None else convert(value))
        except (ValueError, TypeError, ArithmeticError):
            made.append(None)
            wrong.append(number)
    return made, wrong


def _as_text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | int | UUID) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal | float) and value == int(value):
        return str(int(value))
    raise ValueError


def _as_whole(value: Any) -> int:
    found = int(value)
    if isinstance(value, bool) or (not isinstance(value, str) and found != value) or abs(found) >= 2**63:
        raise ValueError
    return found


def _as_number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _as_truth(value: Any) -> bool:
    found = TRUTHS.get(value.strip().lower() if isinstance(value, str) else value)
    if found is None:
        raise ValueError
    return found


def _as_moment(value: Any) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - facts are UTC without a zone mark
    if not isinstance(value, datetime):
        raise TypeError
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


TRUTHS: dict[Any, bool] = {
    True: True, False: False, "true": True, "false": False, "t": True, "f": False, "yes": True, "no": False,
    "y": True, "n": False, "1": True, "0": False,
}  # fmt: skip
AS_THEY_ARE: dict[str, set[type]] = {
    "VARCHAR": {str}, "BIGINT": set(), "DOUBLE": {float}, "BOOLEAN": {bool}, "DATE": {date}, "TIMESTAMP": set(),
}  # fmt: skip
"Types that need no looking at, by the column's; whole numbers may be too large, and moments may have a zone."
CONVERT: dict[str, Callable[[Any], Any]] = {
    "VARCHAR": _as_text,
    "BIGINT": _as_whole,
    "DOUBLE": _as_number,
    "BOOLEAN": _as_truth,
    "DATE": lambda value: _as_moment(value).date(),
    "TIMESTAMP": _as_moment,
}
WANTED = {
    "VARCHAR": "text",
    "BIGINT": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "DATE": "a day",
    "TIMESTAMP": "a moment",
}
