"""What is made in a warehouse for the length of one evaluation: temporary tables and views, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

Record = Mapping[str, Any]
DUCKDB_TYPES = {
    "string": "VARCHAR", "date": "DATE", "boolean": "BOOLEAN", "int64": "BIGINT", "float64": "DOUBLE", "timestamp": "TIMESTAMP",
}  # fmt: skip
LONGEST = 200_000
"Characters of one statement that carries rows: every warehouse takes that many."


class Engine:
    """How a warehouse answers, and how it keeps what is needed for a moment: in standard SQL, as far as there is one."""

    temporary_views = False
    "Whether somebody who may only read can make a view for the session."
    gives_plain_values = False
    "Whether numbers and times come as Python's own, without Decimal and without a zone."

    def portable(self, expr: Any) -> Any:
        """The expression as it has to be said here to mean the same as everywhere."""
        return expr

    def answer(self, con: Any, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns' names and the rows of a query."""
        cursor = con.raw_sql(sql)
        try:
            return [column[0] for column in cursor.description], cursor.fetchall()
        finally:
            cursor.close()

    def run(self, con: Any, sql: str) -> None:
        """Run a statement that answers nothing."""
        cursor = con.raw_sql(sql)
        if hasattr(cursor, "close"):
            cursor.close()

    def create(self, con: Any, kind: str, name: str, sql: str) -> None:
        """Make a temporary TABLE or VIEW of a query."""
        self.run(con, f"CREATE TEMPORARY {kind} {name} AS {sql}")

    def drop(self, con: Any, kind: str, name: str) -> None:
        """Take it away again."""
        self.run(con, f"DROP {kind} {name}")

    def give(self, con: Any, name: str, records: Sequence[Record], schema: Mapping[str, str]) -> None:
        """Make a temporary table of rows in memory."""
        for statement in given_as_sql(con, name, records, schema):
            self.run(con, statement)


def given_as_sql(con: Any, name: str, records: Sequence[Record], schema: Mapping[str, str]) -> list[str]:
    """The statements that make a temporary table of rows in memory, whatever the rows hold."""
    import ibis
    from sqlglot import exp

    types = con.compiler.type_mapper
    columns = ", ".join(f"{column} {types.to_string(ibis.dtype(kind))}" for column, kind in schema.items())
    statements = [f"CREATE TEMPORARY TABLE {name} ({columns})"]
    rows: list[str] = []
    size = 0
    for record in records:
        row = "(" + ", ".join(exp.convert(record[column]).sql(con.dialect) for column in schema) + ")"
        if rows and size + len(row) > LONGEST:
            statements.append(f"INSERT INTO {name} VALUES {', '.join(rows)}")
            rows, size = [], 0
        rows.append(row)
        size += len(row)
    return [*statements, f"INSERT INTO {name} VALUES {', '.join(rows)}"] if rows else statements


class DuckDB(Engine):
    """Our own file, or the user's."""

    temporary_views = True
    gives_plain_values = True

    def answer(self, con: Any, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """DuckDB's cursor is the connection itself, so it stays open."""
        found = con.raw_sql(sql)
        return [column[0] for column in found.description], found.fetchall()

    def run(self, con: Any, sql: str) -> None:
        """As above: nothing to close."""
        con.raw_sql(sql)

    def give(self, con: Any, name: str, records: Sequence[Record], schema: Mapping[str, str]) -> None:
        """Make a temporary table of rows in memory."""
        # A memtable of Ibis's own, and Arrow from Python rows, would load pandas.
        columns = ", ".join(f"{column} {DUCKDB_TYPES[kind]}" for column, kind in schema.items())
        con.raw_sql(f"CREATE TEMPORARY TABLE {name} ({columns})")
        if records:
            lists = ", ".join(f"unnest(?::{DUCKDB_TYPES[kind]}[])" for kind in schema.values())
            con.con.execute(
                f"INSERT INTO {name} SELECT {lists}", [[r[column] for r in records] for column in schema]
            )


class Postgres(Engine):
    """PostgreSQL: the user needs the TEMPORARY privilege on the database, and no other beside SELECT."""

    temporary_views = True

    def portable(self, expr: Any) -> Any:
        """Text sorts by its bytes, not by the database's language: others and Python do so too."""
        import ibis
        import ibis.expr.operations as ops

        @ibis.udf.scalar.builtin(signature=(("string", "string"), "binary"))
        def convert_to(text, encoding):  # type: ignore[no-untyped-def]
            """The bytes of a text."""

        def by_bytes(node: Any, changed: Any) -> Any:
            node = node.__recreate__(changed) if changed else node
            if isinstance(node, ops.SortKey) and node.arg.dtype.is_string():
                return node.copy(arg=convert_to(node.arg.to_expr(), "UTF8").op())
            return node

        return expr.op().replace(by_bytes).to_expr()

    def create(self, con: Any, kind: str, name: str, sql: str) -> None:
        """Make a temporary table or view, and count the table's rows for the planner."""
        super().create(con, kind, name, sql)
        if kind == "TABLE":
            self.run(con, f"ANALYZE {name}")

    def give(self, con: Any, name: str, records: Sequence[Record], schema: Mapping[str, str]) -> None:
        """Make a temporary table of rows in memory, by COPY."""
        [create] = given_as_sql(con, name, [], schema)
        self.run(con, create)
        if records:
            with con.con.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for record in records:
                    copy.write_row([record[column] for column in schema])
        self.run(con, f"ANALYZE {name}")


class Spark(Engine):
    """Spark has no temporary tables: a view of rows that were computed once and stay with the executors stands for one."""

    temporary_views = True

    def answer(self, con: Any, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """What the driver collects."""
        frame = con.raw_sql(sql)
        return frame.columns, [tuple(row) for row in frame.collect()]

    def run(self, con: Any, sql: str) -> None:
        """Statements run when they are given."""
        con.raw_sql(sql)

    def create(self, con: Any, kind: str, name: str, sql: str) -> None:
        """Make a temporary view; a table's rows are computed now and kept."""
        # Not CACHE TABLE: a cached table drags the plans of all that it was made from through every later query, and
        # they multiply from step to step.
        frame = con.raw_sql(sql)
        (frame.localCheckpoint() if kind == "TABLE" else frame).createTempView(name)

    def drop(self, con: Any, kind: str, name: str) -> None:  # noqa: ARG002 - all are views here
        """Take the view away; its rows go when nobody holds them any more."""
        self.run(con, f"DROP VIEW {name}")

    def give(self, con: Any, name: str, records: Sequence[Record], schema: Mapping[str, str]) -> None:
        """Make a temporary view of rows in memory."""
        import ibis
        from ibis.backends.pyspark.datatypes import PySparkSchema

        fields = PySparkSchema.from_ibis(ibis.schema(schema))
        rows = [tuple(record[column] for column in schema) for record in records]
        con._session.createDataFrame(rows, fields).createTempView(name)


class ClickHouse(Engine):
    """ClickHouse: temporary tables of the session; no temporary views."""

    def portable(self, expr: Any) -> Any:
        """A count is a signed number, as it is everywhere else: it does not go together with one otherwise."""
        import ibis.expr.operations as ops

        counts = (ops.Count, ops.CountStar, ops.CountDistinct, ops.CountDistinctStar)

        def signed(node: Any, changed: Any) -> Any:
            node = node.__recreate__(changed) if changed else node
            if isinstance(node, ops.WindowFunction) and isinstance(node.func, ops.Cast):
                return node.copy(func=node.func.arg)
            return ops.Cast(node, "int64") if isinstance(node, counts) else node

        return expr.op().replace(signed).to_expr()

    def answer(self, con: Any, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """What the client read."""
        result = con.raw_sql(sql)
        return list(result.column_names), [tuple(row) for row in result.result_rows]

    def drop(self, con: Any, kind: str, name: str) -> None:
        """Take it away again, and never a table of the same name."""
        self.run(con, f"DROP TEMPORARY {kind} {name}")


class BigQuery(Engine):
    """BigQuery: temporary tables of the session; no temporary views."""

    def answer(self, con: Any, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """What the job's pages hold."""
        rows = con.raw_sql(sql)
        return [field.name for field in rows.schema], [row.values() for row in rows]

    def run(self, con: Any, sql: str) -> None:
        """Statements run when they are given."""
        con.raw_sql(sql)


class Snowflake(Engine):
    """Snowflake: temporary tables need no more than USAGE on the schema."""


ENGINES: dict[str, type[Engine]] = {
    "duckdb": DuckDB, "postgres": Postgres, "pyspark": Spark, "clickhouse": ClickHouse, "bigquery": BigQuery,
    "snowflake": Snowflake,
}  # fmt: skip


@cache
def _engine(name: str) -> Engine:
    return ENGINES.get(name, Engine)()


def engine_of(con: Any) -> Engine:
    """What is particular about this warehouse."""
    return _engine(con.name)


def has_temporary_views(con: Any) -> bool:
    """Whether `create_temporary` can make a view here; where not, the query itself stands in its place."""
    return engine_of(con).temporary_views


def create_temporary(con: Any, kind: str, name: str, sql: str) -> None:
    """Make a temporary TABLE or VIEW of a query."""
    engine_of(con).create(con, kind, name, sql)


def drop_temporary(con: Any, kind: str, name: str) -> None:
    """Take away what `create_temporary` or `memory_table` (a TABLE) made."""
    engine_of(con).drop(con, kind, name)


def memory_table(con: Any, name: str, records: Sequence[Record], schema: Mapping[str, str]) -> None:
    """Make a temporary table of rows in memory."""
    engine_of(con).give(con, name, records, schema)
