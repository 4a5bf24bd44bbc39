"""Expressions of a map can compute a value of a row, and can do nothing else."""

import duckdb
import pytest

from agent.foundation.errors import ConfigError
from connectors._expressions import safe_sql

COLUMNS = {"plan": "c0", "my col": "c1", "n": "c2"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plan", "pro_mthly"),
        ("split_part(plan, '_', 1)", "pro"),
        ("'Account ' || n", "Account 7"),
        ("CASE WHEN plan LIKE 'pro%' THEN 'a' ELSE 'b' END", "a"),
        ("if(try_cast(n AS bigint) > 5, 'big', 'small')", "big"),
        ("coalesce(nullif(trim(\"my col\"), ''), 'none')", "none"),
        ("round(try_cast(n AS double) / 2, 1)", 3.5),
        ("upper(left(plan, 1)) || substring(plan, 2, 2)", "Pro"),
        ("n IN ('6', '7') AND NOT n = '6'", True),
        ("n BETWEEN '1' AND '9' OR n IS NULL", True),
        ("replace(plan, 'pro', 'it''s')", "it's_mthly"),
        ("regexp_matches(plan, '^pro')", True),
        ("date_diff('day', DATE '2026-01-01', DATE '2026-01-31')", 30),
        ("strftime(DATE '2026-01-01' + interval 1 month, '%Y-%m')", "2026-02"),
        ("greatest(n, '8') -- a comment", "8"),
        ("N || PLAN", None),
    ],
)
def test_a_row_gives_a_value(text, value):
    """Columns, operators and plain functions work; column names are as the file writes them."""
    if value is None:
        with pytest.raises(ConfigError, match="no column 'N' in the file; did you mean 'n'"):
            safe_sql(text, COLUMNS, "here")
        return
    sql = safe_sql(text, COLUMNS, "here")
    found = duckdb.execute(f"SELECT {sql} FROM (SELECT 'pro_mthly' AS c0, ' ' AS c1, '7' AS c2)").fetchone()
    assert found == (value,)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("(SELECT 1)", "SELECT"),
        ("n IN (SELECT account_id FROM accounts)", "SELECT"),
        ("EXISTS (FROM accounts)", "EXISTS"),
        ("read_csv('/etc/passwd')", "READ_CSV"),
        ("read_text('/etc/passwd')", "read_text"),
        ("getenv('HOME')", "getenv"),
        ("query('SELECT 1')", "query"),
        ("pragma_version()", "pragma_version"),
        ("current_setting('home_directory')", "current_setting"),
        ("now()", "now"),
        ("current_date", "CURRENT_DATE"),
        ("random()", "RAND"),
        ("count(*)", "COUNT"),
        ("sum(n) OVER ()", "SUM"),
        ("list_transform([1], x -> x)", "LIST_TRANSFORM"),
        ("unnest([1, 2])", "UNNEST"),
        ("[1, 2]", "[1, 2]"),
        ("{'a': 1}", "{'a': 1}"),
        ("n; DROP TABLE accounts", "2 statements"),
        ("DROP TABLE accounts", "DROP"),
        ("COPY accounts TO 'x'", "COPY"),
        ("ATTACH 'x'", "ATTACH"),
        ("accounts.n", "name the column alone"),
        ("main.accounts.n", "name the column alone"),
        ("*", "'*'"),
        ("?", "is not allowed"),
        ("n::VARCHAR[]", "is not allowed"),
        ("n::JSON", "JSON"),
        ("nextval('s')", "nextval"),
        ("", "must be one expression"),
    ],
)
def test_anything_else_is_refused_by_name(text, names):
    """Queries, tables, files, the environment, clocks, aggregates and statements are refused."""
    with pytest.raises(ConfigError) as refused:
        safe_sql(text, COLUMNS, "outgrown.toml derive.x")
    assert str(refused.value).startswith("outgrown.toml derive.x: ")
    assert names.lower() in str(refused.value).lower()
