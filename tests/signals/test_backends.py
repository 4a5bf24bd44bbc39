"""The triggers where the data already is, on a real PostgreSQL: the same findings as at home, and nothing left behind."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from agent.foundation.errors import ConfigError, StoreError
from agent.foundation.warehouse import compiled, fetch, memory_table, open_remote, open_warehouse
from agent.foundation.warehouse.scratch import given_as_sql
from agent.scoring.sources import sources_of
from agent.signals.views import canonical_views
from agent.signals.world import read_source
from tests.postgres import empty_postgres_url, postgres_server
from tests.signals.random_worlds import random_world
from tests.warehouses import (
    differences,
    fill_postgres,
    in_place,
    replay_at_home,
    replay_differences,
    replay_on,
    scan_in_place,
)
from tests.worlds import READ_AT, D, World, ago, settings

__all__ = ["empty_postgres_url", "postgres_server"]

WEEKS = [D - timedelta(days=7 * week) for week in range(5, -1, -1)]


def run(url: str, *statements: str) -> list[Any]:
    """The last statement's rows."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            answer = connection.execute(statement)
        return answer.fetchall() if answer.description else []


@pytest.fixture
def elsewhere(empty_postgres_url: str) -> tuple[str, World]:
    """A PostgreSQL with a random world in it."""
    world = random_world(41, 25)
    fill_postgres(empty_postgres_url, world.facts)
    return empty_postgres_url, world


def test_a_scan_in_place_finds_what_a_scan_at_home_finds(elsewhere):
    """Account by account, finding by finding, figure by figure with its source rows."""
    url, world = elsewhere
    at_home = world.scan(show_rows=True)
    assert sum(len(one.findings) for one in at_home.accounts) > 40
    assert differences(at_home, scan_in_place(url)) == []


@pytest.mark.slow
def test_many_days_in_place_are_the_days_at_home(elsewhere):
    """What a backtest counts comes out equal, column by column."""
    url, world = elsewhere
    at_home = replay_at_home(world, WEEKS)
    with in_place(url) as warehouse:
        there = replay_on(warehouse, WEEKS)
    assert len(at_home.points) > 60
    assert replay_differences(at_home, there) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(42, 48))
def test_scans_in_place_agree_at_length(empty_postgres_url, seed):
    """More worlds than the default run has time for."""
    world = random_world(seed, 60)
    fill_postgres(empty_postgres_url, world.facts)
    assert differences(world.scan(show_rows=True), scan_in_place(empty_postgres_url)) == []
    with in_place(empty_postgres_url) as warehouse:
        assert replay_differences(replay_at_home(world, WEEKS), replay_on(warehouse, WEEKS)) == []


FOREIGN = """
CREATE SCHEMA views;
CREATE TYPE happening AS ENUM ('used', 'blocked', 'limit_hit', 'previewed', 'viewed', 'workaround', 'invited');
CREATE VIEW views.customers AS SELECT account_id::varchar(50), name AS "Name", domain::varchar(9), segment,
  created_on::timestamp AT TIME ZONE 'UTC' AS created_on, contact_name, contact_email, owner, language,
  is_test::int::numeric(1) AS is_test FROM accounts;
CREATE VIEW views.plans AS SELECT plan_id, name, tier::numeric(3), price_minor::int, currency::char(3),
  CASE WHEN per_seat THEN 'yes' ELSE 'no' END AS per_seat, NULLIF(product, 'main') AS product, sold FROM plans;
CREATE VIEW views.ceilings AS SELECT plan_id, account_id, metric, ceiling::numeric(20, 6), from_on, to_on FROM ceilings;
CREATE VIEW views.plan_features AS SELECT * FROM plan_features;
CREATE VIEW views.subscriptions AS SELECT subscription_id, account_id, plan_id, seats::smallint, mrr_minor::numeric,
  currency, starts_on::text, ends_on, status, term, renews_on, cancel_on, discount_pct::numeric(5, 2) FROM subscriptions;
CREATE VIEW views.members AS SELECT * FROM members;
CREATE VIEW views.measures AS SELECT account_id, day::timestamp AS day, metric, value::text::numeric AS value, 'not ours' AS more
  FROM measures;
CREATE VIEW views.metrics AS SELECT metric, label, unit, kind, per, core::text AS core FROM metrics;
CREATE VIEW views.events AS SELECT event_id, account_id, user_id, at AT TIME ZONE 'UTC' AS at, kind::happening AS kind,
  feature, team, product FROM events;
CREATE VIEW views.tickets AS SELECT ticket_id, account_id, opened_at AT TIME ZONE 'UTC' AS opened_at,
  closed_at AT TIME ZONE 'UTC' AS closed_at, priority, minutes::text::numeric AS minutes,
  sentiment::text::numeric AS sentiment, topic, feature, text FROM tickets;
CREATE MATERIALIZED VIEW views.invoices AS SELECT * FROM invoices;
"""
"The same facts as another house might keep them: other types, other names, zones, columns of its own."


def test_names_and_types_of_another_house_are_read(elsewhere):
    """Decimals, times with a zone, words for truths, an enum: all become what the rule book means."""
    url, world = elsewhere
    run(url, FOREIGN)
    there = scan_in_place(url, place="views", names={"accounts": "views.customers"})
    assert differences(world.scan(show_rows=True), there) == []


def test_a_user_who_may_only_read_is_enough(elsewhere):
    """Nothing is made but what goes when the connection does."""
    url, world = elsewhere
    run(url, "CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    count = "SELECT count(*) FROM pg_class"
    before = run(url, count)
    try:
        there = scan_in_place(url.replace("postgres:@", "reader:@"))
        assert [one.account_id for one in there.accounts] == [one.account_id for one in world.scan().accounts]
        assert run(url, count) == before
    finally:
        run(url, "DROP OWNED BY reader", "DROP ROLE reader")


def test_a_user_without_temporary_tables_is_told_what_to_grant(elsewhere):
    """One sentence, with the grant."""
    url, _ = elsewhere
    database = url.partition("?")[0].rpartition("/")[2]
    run(url, "CREATE ROLE lesser LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO lesser")
    run(url, f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    try:
        with pytest.raises(StoreError, match=r"GRANT TEMPORARY ON DATABASE"):
            scan_in_place(url.replace("postgres:@", "lesser:@"))
    finally:
        run(url, "DROP OWNED BY lesser", "DROP ROLE lesser")


def quiet_world(events: int) -> World:
    """One account near its limits, and thirty quiet ones with so many events each."""
    world = World()
    world.account("near", seats=5)
    world.measure("near", "storage", dict.fromkeys(range(30), 95))
    for number in range(6):
        world.event("near", "limit_hit", number)
        world.event("near", "blocked", number, feature="sso")
        world.event("near", "invited", number, user_id="u1")
    for number in range(30):
        world.account(f"quiet{number}")
        world.event(f"quiet{number}", "used", 5, times=events, user_id="u1")
        world.measure(f"quiet{number}", "storage", dict.fromkeys(range(events), 1))
    return world


def rows_read(url: str, caplog: pytest.LogCaptureFixture) -> int:
    """How many rows a scan takes out of the warehouse."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "agent.foundation.warehouse"):
        there = scan_in_place(url, show_rows=False)
    assert there.accounts[0].account_id == "near"
    assert there.accounts[0].findings[0].figures[0].rows
    return sum(record.args[0] for record in caplog.records if record.msg.startswith("read "))


def test_nothing_is_copied_but_the_accounts_that_matter(empty_postgres_url, caplog):
    """A few rows an account come out, however many facts it has; source rows only of those at the bar."""
    fill_postgres(empty_postgres_url, quiet_world(5).facts)
    few = rows_read(empty_postgres_url, caplog)
    run(
        empty_postgres_url,
        "INSERT INTO events SELECT event_id || '-' || n, account_id, user_id, at, kind, feature, team, product "
        "FROM events, generate_series(1, 40) n WHERE account_id <> 'near'",
        "INSERT INTO measures SELECT account_id, day - n * 5, metric, value "
        "FROM measures, generate_series(1, 40) n WHERE account_id <> 'near'",
    )
    [[there]] = run(
        empty_postgres_url, "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM measures)"
    )
    assert there > 12_000
    assert rows_read(empty_postgres_url, caplog) == few < 200


def test_tables_that_are_not_there_are_empty(empty_postgres_url):
    """What rests on them says nothing, and the rest goes on."""
    world = quiet_world(1)
    fill_postgres(
        empty_postgres_url,
        world.facts,
        tables=("accounts", "events", "plans", "subscriptions", "plan_features"),
    )
    run(
        empty_postgres_url, "ALTER TABLE accounts DROP is_test, DROP language", "ALTER TABLE events DROP team"
    )
    there = scan_in_place(empty_postgres_url)
    [near] = [one for one in there.accounts if one.account_id == "near"]
    assert {finding.trigger for finding in near.findings} == {"limit_hits", "paywall_attempts", "invites"}
    assert not {hold.hold for hold in near.holds} & {"test_account"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DROP TABLE accounts", "no table or view 'accounts' in the place where the connection begins"),
        ("ALTER TABLE events DROP kind, DROP at", "events has no column at and no kind"),
        ("UPDATE plans SET currency = 'euro' WHERE plan_id = 'old'", "plans has a row whose currency"),
    ],
)
def test_what_the_views_lack_is_said_in_one_sentence(empty_postgres_url, change, says):
    """Before anything has been evaluated."""
    fill_postgres(empty_postgres_url, World().facts)
    run(empty_postgres_url, change)
    with pytest.raises((ConfigError, StoreError), match=says):
        scan_in_place(empty_postgres_url)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"acounts": "x"}, r"warehouse\.tables\.acounts: there is no such table"),
        ({"events": "raw.happenings"}, r"no table or view 'raw\.happenings'"),
    ],
)
def test_a_wrong_name_in_the_map_is_refused(elsewhere, names, says):
    """A named table that is not there is a slip, not an empty table."""
    url, _ = elsewhere
    with pytest.raises(ConfigError, match=says):
        scan_in_place(url, names=names)


def ages(url: str) -> dict[str, Any]:
    """When each table was last loaded, as the holds see it."""
    with in_place(url) as warehouse:
        source = read_source(warehouse, settings(), D)
        return {one.table: one.read_at for one in sources_of(source.tables["source_reads"], settings())}


def test_the_newest_rows_say_how_fresh_a_warehouse_is(empty_postgres_url):
    """Events and measures for themselves, the newest of all for the others; what lies ahead counts for nothing."""
    world = World()
    world.account("a")
    world.event("a", "used", 1)
    world.event("a", "used", -400)
    world.measure("a", "storage", {3: 5.0})
    fill_postgres(empty_postgres_url, world.facts, tables=("accounts", "events", "measures"))
    found = ages(empty_postgres_url)
    assert (found["events"].date(), found["measures"].date()) == (ago(1), ago(2))
    assert found["accounts"] == found["events"]
    assert set(found) == {"accounts", "events", "measures"}


def test_a_view_of_reads_says_it_better(empty_postgres_url):
    """Where the pipeline keeps account of itself, that is believed."""
    fill_postgres(empty_postgres_url, World().facts)
    run(
        empty_postgres_url,
        "CREATE VIEW source_reads AS SELECT 'events' AS table_name, timestamptz '2026-01-30 10:00+02' AS read_at",
    )
    assert {table: str(at) for table, at in ages(empty_postgres_url).items()} == {
        "events": "2026-01-30 08:00:00"
    }


@pytest.mark.parametrize(
    ("last_event", "held"), [(0, False), (4, True), (None, True)], ids=["fresh", "stale", "nobody knows"]
)
def test_a_stale_warehouse_holds_messages(empty_postgres_url, last_event, held):
    """Silence is the safe answer where nobody knows how old the facts are."""
    world = World()
    world.account("a")
    if last_event is not None:
        world.event("a", "used", last_event)
    fill_postgres(empty_postgres_url, world.facts)
    [account] = scan_in_place(empty_postgres_url).accounts
    assert ("stale_source" in {hold.hold for hold in account.holds}) is held


HOSTILE = (
    "it's",
    'a "b"',
    "back\\slash",
    "new\nline",
    "tab\t",
    "100%s %(x)s",
    "ümläut 🦊",
    "'); DROP TABLE x; --",
    "$1",
    "",
)


@pytest.mark.parametrize("by_sql", [False, True], ids=["as the engine does", "as text"])
@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_rows_brought_along_arrive_as_they_are(request, kind, by_sql):
    """Whatever a customer wrote."""
    schema = {"text": "string", "day": "date", "yes": "boolean", "number": "int64", "share": "float64"}
    records = [
        {"text": t, "day": D, "yes": bool(n % 2), "number": n, "share": n / 7} for n, t in enumerate(HOSTILE)
    ]
    records.append(dict.fromkeys(schema))

    def ask(con: Any) -> None:
        if by_sql:
            for statement in given_as_sql(con, "given", records, schema):
                con.raw_sql(statement)
        else:
            memory_table(con, "given", records, schema)
        assert sorted(fetch(con.table("given")), key=str) == sorted(records, key=str)

    if kind == "duckdb":
        with open_warehouse(None, write=True) as warehouse:
            ask(warehouse.con)
    else:
        with open_remote(request.getfixturevalue("empty_postgres_url")) as warehouse:
            ask(warehouse.con)


def test_a_password_is_never_shown(postgres_server):
    """Neither as it was written nor as it was meant."""
    with pytest.raises(StoreError) as refused, open_remote("postgres://dana:s%40cret-word@127.0.0.1:1/db"):
        pass
    assert "cannot be reached" in str(refused.value)
    assert "cret" not in str(refused.value)


def test_an_unknown_kind_of_warehouse_is_refused():
    """With the kinds there are."""
    says = r"does not begin with one of duckdb://, postgres://, spark://"
    with pytest.raises(ConfigError, match=says), open_remote("mysql://root:secret@localhost/db"):
        pass


def test_text_sorts_by_code_point_where_the_database_would_not(empty_postgres_url):
    """A tie that a text decides is decided as Python decides it, whatever language the database sorts in."""
    fill_postgres(empty_postgres_url, World().facts)
    with open_remote(empty_postgres_url) as warehouse:
        views = canonical_views(warehouse.con, {}, "", READ_AT)
        sql = compiled(warehouse.con, views["plans"].order_by("tier", "plan_id"))
        assert "CONVERT_TO(" in sql.partition("ORDER BY")[2].upper()
        assert [row["plan_id"] for row in fetch(views["plans"].order_by("plan_id"))] == sorted(
            row["plan_id"] for row in fetch(views["plans"])
        )
