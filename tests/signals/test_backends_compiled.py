"""Warehouses that cannot run here: the whole of an evaluation is written in their SQL, and their grammar accepts it."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis.expr.operations as ops
import pytest
import sqlglot
from ibis.backends.duckdb import Backend as DuckDBBackend
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from sqlglot import exp

from agent.facts.schema import column_rules
from agent.facts.tables import TABLES, Ceiling, Metric, Plan, PlanFeature
from agent.foundation.errors import ConfigError
from agent.foundation.warehouse import compiled, named_table
from agent.foundation.warehouse.scratch import engine_of, given_as_sql
from agent.scoring import columns
from agent.scoring.decisions import decisions
from agent.scoring.setwise import READ
from agent.signals.catalogue import PlanBook
from agent.signals.library import load_library
from agent.signals.plan import Plan as Written
from agent.signals.plan import Wanted, plan_for
from agent.signals.source import ASK_SCHEMA, Source
from agent.signals.views import IBIS_TYPES, canonical_views
from tests.worlds import READ_AT, World

pytestmark = pytest.mark.slow

KINDS = ("clickhouse", "bigquery", "snowflake", "postgres", "duckdb")
GRAMMARS = {"pyspark": "spark"}


class Catalogue:
    """What a warehouse would say of its tables, for a backend that is connected to none."""

    def __init__(self, kind: str) -> None:
        reason = f"the client of {kind} comes with an extra"
        self.backend = pytest.importorskip(
            f"ibis.backends.{kind}", reason=reason, exc_type=ImportError
        ).Backend()
        self.name = kind

    def table(self, name: str, database: Any = None) -> Any:
        """The canonical table of that name, where there is one."""
        import ibis
        from ibis.common.exceptions import TableNotFound

        if name not in TABLES:
            raise TableNotFound(name)
        rules = column_rules(TABLES[name])
        # As warehouses have them: in capitals, and with numbers of their own.
        spelt = str.upper if self.name == "snowflake" else str
        kinds = {
            rule.name: "decimal(18, 4)" if rule.type is float else IBIS_TYPES[rule.type] for rule in rules
        }
        return named_table(
            self.backend, name, ibis.schema({spelt(column): kind for column, kind in kinds.items()})
        )


def book() -> PlanBook:
    """The test company's plans."""

    def rows(model: Any) -> tuple[Any, ...]:
        return tuple(fact for fact in World().facts if isinstance(fact, model))

    return PlanBook(rows(Plan), rows(PlanFeature), rows(Ceiling), rows(Metric), ("analytics",))


def source_of(kind: str) -> Source:
    """The canonical tables of a warehouse nobody is connected to."""
    catalogue = Catalogue(kind)
    return Source(catalogue.backend, canonical_views(catalogue, {}, "", READ_AT), (), book())


def plan_of(kind: str, *, many_days: bool, single: bool = False) -> Written:
    """A whole evaluation as SQL."""
    library = load_library()
    wanted = (
        Wanted(tuple(columns.ALL), decisions(library), tuple(READ))
        if many_days
        else Wanted(tuple(columns.ALL))
    )
    return plan_for(source_of(kind), library, wanted, many_days=many_days, single=single)


def parsed(sql: str, kind: str) -> exp.Expression:
    """The one statement of a text, which raises where the grammar does not know it."""
    [statement] = sqlglot.parse(sql, dialect=GRAMMARS.get(kind, kind), error_level=sqlglot.ErrorLevel.RAISE)
    assert statement is not None
    assert not list(statement.find_all(exp.Command)), "text the grammar only passes through"
    return statement


@pytest.mark.parametrize("many_days", [False, True], ids=["a scan", "a backtest"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_evaluation_is_written_for_every_warehouse(kind, many_days):
    """Every step and every question parses, and reads only canonical tables and what the steps before it made."""
    plan = plan_of(kind, many_days=many_days)
    views = engine_of(Catalogue(kind).backend).temporary_views
    assert len(plan.steps) > 15
    assert views or all(step.kind == "TABLE" for step in plan.steps)
    made: set[str] = set()
    for step in plan.steps:
        assert _read(parsed(step.sql, kind)) <= {*TABLES, *made} | _given(step.sql)
        made.add(step.name)
    for sql in plan.answers.values():
        assert _read(parsed(sql, kind)) <= {*TABLES, *made} | _given(sql)


def _read(statement: exp.Expression) -> set[str]:
    named = {cte.alias for cte in statement.find_all(exp.CTE)}
    return {table.name for table in statement.find_all(exp.Table) if table.name} - named


def _given(sql: str) -> set[str]:
    return {word.strip('`"') for word in sql.replace(".", " ").split() if "given_" in word}


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_is_turned_to_another_day_and_account(kind):
    """The day and the account stand in the SQL as values that can be exchanged, hostile ones too."""
    plan = plan_of(kind, many_days=False, single=True)
    con = Catalogue(kind).backend
    there = plan.about(con, date(2026, 1, 31), "o'clock \\ 1")
    texts = [step.sql for step in there.steps] + list(there.answers.values())
    assert not any("1789" in text or "17890714" in text for text in texts)
    literals = {literal.this for text in texts for literal in parsed(text, kind).find_all(exp.Literal)}
    assert "o'clock \\ 1" in literals


@pytest.mark.parametrize("kind", KINDS)
def test_when_a_warehouse_was_loaded_can_be_asked_everywhere(kind):
    """The freshness of the tables is a question like any other."""
    source = source_of(kind)
    parsed(compiled(source.con, source.tables["source_reads"]), kind)


@pytest.mark.parametrize("kind", [*KINDS, "pyspark"])
def test_rows_that_travel_as_text_parse_back_to_themselves(kind):
    """A customer's words cannot end the text they stand in."""
    hostile = "it's \"x\" \\' ; DROP TABLE accounts; -- ${x} {{y}} \n"
    row = dict.fromkeys(ASK_SCHEMA) | {
        "ticket_id": hostile,
        "account_id": "a",
        "opened_on": date(2026, 1, 31),
    }
    if kind == "pyspark":
        pytest.importorskip("pyspark", reason="pyspark comes with an extra")
    create, insert = given_as_sql(Catalogue(kind).backend, "given", [row], ASK_SCHEMA)
    parsed(create, kind)
    literals = [literal.this for literal in parsed(insert, kind).find_all(exp.Literal)]
    assert hostile in literals


class Narrow(DuckDBBackend):
    """A warehouse without means."""

    class compiler_class(DuckDBCompiler):  # noqa: N801
        """DuckDB's SQL, an aggregate short."""

        UNSUPPORTED_OPS = (ops.Mean,)

    compiler = compiler_class()


def narrow_source() -> Source:
    """The canonical tables in a warehouse without means."""
    catalogue = Catalogue("duckdb")
    catalogue.backend = Narrow()
    return Source(catalogue.backend, canonical_views(catalogue, {}, "", READ_AT), (), book())


def test_what_a_warehouse_lacks_is_said_by_trigger_before_anything_starts():
    """With the reason, and with the line that switches it off."""
    with pytest.raises(ConfigError) as refused:
        plan_for(narrow_source(), load_library(), Wanted())
    assert str(refused.value) == (
        "DuckDB cannot evaluate one trigger: usage_doubled_since_start (Compilation rule for 'Mean' operation is not "
        "defined); switch it off in outgrown.toml ([triggers.usage_doubled_since_start] enabled = false), and the rest runs."
    )


def test_with_that_trigger_off_nothing_else_is_lost():
    """All the others are evaluated."""
    rest = load_library({"usage_doubled_since_start": {"enabled": False}})
    plan = plan_for(narrow_source(), rest, Wanted())
    assert all(f"fires_{entry.name}" in plan.answers["accounts"] + str(plan.steps) for entry in rest.entries)


def test_what_the_scores_rest_on_cannot_be_switched_off():
    """Then the warehouse will not do, and the sentence says so."""
    rest = load_library({"usage_doubled_since_start": {"enabled": False}})
    with pytest.raises(ConfigError, match=r"cannot evaluate what the scores rest on: .*'Mean'"):
        plan_for(narrow_source(), rest, Wanted(tuple(columns.ALL)))
