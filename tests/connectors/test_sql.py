"""SQL: a database's rows become facts by one SELECT a table, in real SQLite files and on a real PostgreSQL."""

import os
import re
import sqlite3
import time
from datetime import date, datetime, timedelta

import pytest

from agent.foundation.errors import ConfigError
from agent.foundation.settings import open_workspace
from connectors import sync
from connectors._api import Api
from connectors.sql import SQL, Sql
from tests.connectors.conftest import COMPANY, Desk
from tests.postgres import empty_postgres_url, postgres_server

__all__ = ["empty_postgres_url", "postgres_server"]
SCHEMA = """
CREATE TABLE companies (id INTEGER, name TEXT, created TEXT, domain TEXT, test INTEGER);
INSERT INTO companies VALUES (1, 'Alpha', '2026-01-01', 'alpha.example', 0), (2, 'Beta', '2026-01-02 08:00:00', NULL, 1);
CREATE TABLE clicks (id INTEGER PRIMARY KEY, company INTEGER, who TEXT, at TEXT);
INSERT INTO clicks VALUES (1, 1, 'u1', '2026-02-01 09:00:00'), (2, 2, NULL, '2026-02-02T10:00:00+02:00');
CREATE TABLE numbers (company INTEGER, day TEXT, value TEXT);
INSERT INTO numbers VALUES (1, '2026-02-01', '12.5'), (1, '2026-02-02', '7');
"""
ACCOUNTS = "SELECT id AS account_id, name, created AS created_on, domain, test AS is_test FROM companies"
EVENTS = "SELECT id AS event_id, company AS account_id, who AS user_id, at, 'used' AS kind FROM clicks"
MEASURES = "SELECT company AS account_id, day, 'health_score' AS metric, value FROM numbers"
SECRET = "s3cr3t/pass"


class Database(Desk):
    """A workspace whose facts come from a database alone."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "product database.db"
        self.do(SCHEMA)

    def do(self, text, *given):
        """Change the SQLite file."""
        with sqlite3.connect(self.file) as database:
            database.execute(text, given) if given else database.executescript(text)
        database.close()

    def select(self, url="${PRODUCT_DB_URL}", more="", **tables):
        """Write outgrown.toml."""
        lines = "\n".join(f"{name} = '''{text}'''" for name, text in tables.items())
        text = f'{COMPANY}[connectors.sql]\nurl = "{url}"\n{more}\n[connectors.sql.tables]\n{lines}\n'
        (self.folder / "outgrown.toml").write_text(text, encoding="utf-8")

    def failed(self):
        """Why the reading failed."""
        [landed] = sync.fetch(open_workspace(self.folder))
        return landed.failed


@pytest.fixture
def database(tmp_path, monkeypatch):
    """A SQLite file with two companies."""
    one = Database(tmp_path)
    monkeypatch.setenv("PRODUCT_DB_URL", f"sqlite:///{one.file}")
    return one


def test_every_table_is_read_with_its_types(database):
    """Numbers as ids, text as days and moments, and 0 and 1 as truth."""
    database.select(accounts=ACCOUNTS, events=EVENTS, measures=MEASURES)
    database.sync()
    assert database.ask("SELECT account_id, name, domain, created_on, is_test FROM accounts ORDER BY 1") == [
        ("1", "Alpha", "alpha.example", date(2026, 1, 1), False),
        ("2", "Beta", None, date(2026, 1, 2), True),
    ]
    assert database.ask('SELECT event_id, account_id, user_id, "at", kind FROM events ORDER BY 1') == [
        ("1", "1", "u1", datetime(2026, 2, 1, 9), "used"),
        ("2", "2", None, datetime(2026, 2, 2, 8), "used"),
    ]
    assert database.ask("SELECT account_id, day, metric, value FROM measures ORDER BY 2") == [
        ("1", date(2026, 2, 1), "health_score", 12.5),
        ("1", date(2026, 2, 2), "health_score", 7.0),
    ]


def test_a_second_sync_without_a_change_changes_nothing(database):
    """And tables that nobody asked for are not there at all."""
    database.select(accounts=ACCOUNTS, events=EVENTS)
    database.sync()
    reports = database.reports()
    assert {one.table for one in reports} == {"accounts", "events"}
    assert all(not (one.new or one.changed or one.rejected) for one in reports)


def test_since_is_bound_where_it_is_named(database):
    """The first reading of accounts takes all there are; later ones what changed, an hour over."""
    recent = datetime.now() - timedelta(days=30)
    database.do("UPDATE clicks SET at = ? WHERE id = 1", recent.strftime("%Y-%m-%d %H:%M:%S.%f"))
    database.do("UPDATE clicks SET at = '2019-01-01 00:00:00' WHERE id = 2")
    database.select(
        accounts=f"{ACCOUNTS} WHERE created > :since", events=f"{EVENTS} WHERE at > :since -- :never"
    )
    database.sync()
    assert database.ask("SELECT count(*) FROM accounts") == [(2,)]
    # History goes back a year.
    assert database.ask("SELECT event_id FROM events") == [("1",)]
    database.do("INSERT INTO clicks VALUES (3, 1, ':since', ?)", "2001-01-01 00:00:00")
    database.do(
        "INSERT INTO clicks VALUES (4, 1, 'u', ?)", datetime.utcnow().strftime("%Y-%m-%d %H:%M:%S.%f")
    )
    reports = database.sync()
    assert reports["events"].new == 1
    assert database.ask("SELECT event_id FROM events ORDER BY 1") == [("1",), ("4",)]


def test_a_changed_select_is_read_from_the_beginning(database):
    """What it left out before would never come otherwise."""
    database.select(accounts=f"{ACCOUNTS} WHERE created > :since AND id = 1")
    database.sync()
    database.select(accounts=f"{ACCOUNTS} WHERE created > :since")
    database.sync()
    assert database.ask("SELECT count(*) FROM accounts") == [(2,)]


def test_a_table_that_is_added_later_is_read_from_the_beginning(database):
    """Each table has its own place."""
    database.select(accounts=ACCOUNTS)
    database.sync()
    database.select(accounts=ACCOUNTS, plans="SELECT 'p' AS plan_id, 'Pro' AS name, 1 AS tier, 4900 AS price_minor, "
                    "'EUR' AS currency, 0 AS per_seat WHERE '2020-01-01' > :since")  # fmt: skip
    database.sync()
    assert database.ask("SELECT plan_id, per_seat, product, sold FROM plans") == [("p", False, "main", True)]


def test_a_row_that_changed_is_changed(database):
    """And changed back again."""
    database.select(accounts=ACCOUNTS)
    for name in ("Alpha", "Alpha 2", "Alpha"):
        database.do("UPDATE companies SET name = ? WHERE id = 1", name)
        database.sync()
        assert database.ask("SELECT name FROM accounts WHERE account_id = '1'") == [(name,)]


def test_a_value_of_the_wrong_type_rejects_its_row(database):
    """The column and the value are named, the rest goes on."""
    database.do("INSERT INTO numbers VALUES (1, '2026-02-03', 'many'), (1, 'soon', '3')")
    database.select(accounts=ACCOUNTS, measures=MEASURES)
    report = database.sync()["measures"]
    assert (report.new, report.rejected) == (2, 2)
    shown = {(one.column.split()[-1], one.value, one.reason) for one in report.first_rejections}
    assert shown == {("value", "many", "is not a number"), ("day", "soon", "is not a day")}


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        pytest.param({"events": EVENTS.replace("who AS user_id", "who AS user")}, r"events: there is no column 'user'; did you mean 'user_id'\?", id="unknown"),
        pytest.param({"events": EVENTS.replace("at,", "at AS happened_at,")}, "there is no column 'happened_at'", id="not ours"),
        pytest.param({"events": "SELECT id AS event_id, company AS account_id, 'used' AS kind FROM clicks"}, "the column 'at' is missing", id="missing"),
        pytest.param({"accounts": "SELECT id AS account_id, name, name, created AS created_on FROM companies"}, "'name' comes twice", id="twice"),
        pytest.param({"events": EVENTS.replace(" at,", " who AS at,").replace("who AS user_id", "'x' AS team") + " UNION ALL SELECT 3, 1, 'x', 'later', 'used'"}, "the column 'at' holds str such as '.*', and a moment is wanted", id="a whole column"),
        pytest.param({"events": "DELETE FROM clicks"}, "only a SELECT is read, and this holds DELETE", id="delete"),
        pytest.param({"events": "SELECT 1; DROP TABLE clicks"}, "one SELECT is wanted and 2 statements", id="two"),
        pytest.param({"events": "WITH gone AS (DELETE FROM clicks RETURNING *) SELECT * FROM gone"}, "this holds DELETE", id="hidden"),
        pytest.param({"events": "PRAGMA user_version"}, "only a SELECT", id="pragma"),
        pytest.param({"events": "SELECT * INTO other FROM clicks"}, "this holds INTO", id="into"),
        pytest.param({"events": "SELECT (("}, "no SQL we can read", id="broken"),
        pytest.param({"events": ""}, "one SELECT is wanted and 0", id="empty"),
        pytest.param({"events": f"{EVENTS} WHERE id > :last"}, "the only parameter is :since, and this names last", id="another parameter"),
        pytest.param({"events": EVENTS.replace("clicks", "klicks")}, "the database says: no such table: klicks", id="no table"),
    ],
)  # fmt: skip
def test_what_is_no_select_of_ours_is_told(database, tables, says):
    """Which table, what is wrong, and nothing has happened to the database."""
    database.select(**tables)
    failed = database.failed()
    assert re.search(says, failed), failed
    with sqlite3.connect(database.file) as open_:
        assert open_.execute("SELECT count(*) FROM clicks").fetchone() == (2,)
    open_.close()


def test_a_table_of_nobody_is_told(database):
    """With the nearest one."""
    database.select(event=EVENTS)
    with pytest.raises(ConfigError, match=r"names 'event'.*did you mean 'events'\?"):
        database.failed()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("sqlite:///{folder}/none.db", "cannot be reached|unable to open", id="no file"),
        pytest.param(f"postgresql://dana:{SECRET.replace('/', '%2F')}@127.0.0.1:1/x", "cannot be reached", id="no server"),
        pytest.param(f"oracle://dana:{SECRET.replace('/', '%2F')}@h/x", "driver is not installed", id="no driver"),
        pytest.param(f"nosuch://dana:{SECRET.replace('/', '%2F')}@h/x", "driver is not installed", id="no such thing"),
        pytest.param(f"dana:{SECRET}@host", "is no URL", id="no URL"),
        pytest.param(f"postgresql://dana:{SECRET}@host:port/x", "is no URL", id="no port"),
    ],
)  # fmt: skip
def test_a_database_that_is_not_there_is_told_without_the_password(database, monkeypatch, url, says):
    """And no file is made."""
    monkeypatch.setenv("PRODUCT_DB_URL", url.format(folder=database.folder))
    database.select(events=EVENTS)
    failed = database.failed()
    assert re.search(says, failed), failed
    assert "s3cr3t" not in failed
    assert not (database.folder / "none.db").exists()


def test_a_name_that_is_not_set_is_told(database, monkeypatch):
    """Which one."""
    monkeypatch.delenv("PRODUCT_DB_URL")
    database.select(events=EVENTS)
    assert "connectors.sql.url names ${PRODUCT_DB_URL}, which is not set" in database.failed()


def test_a_part_of_the_url_may_come_from_the_environment(database, monkeypatch):
    """Its special characters are written as a URL wants them."""
    monkeypatch.setenv("DB_NAME", str(database.file))
    database.select(url="sqlite:///${DB_NAME}", accounts=ACCOUNTS)
    database.sync()
    assert database.ask("SELECT count(*) FROM accounts") == [(2,)]


def test_a_select_that_takes_too_long_is_stopped(database):
    """By a setting."""
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS plan_id FROM n"
    )
    database.select(more="timeout_seconds = 0.3", plan_features=endless)
    began = time.monotonic()
    assert "interrupted" in database.failed()
    assert time.monotonic() - began < 20


def test_the_check_connects_and_reads_every_text(database):
    """Without asking for a row."""
    api = Api(SQL, Sql(url="${PRODUCT_DB_URL}", tables={"events": EVENTS}), {})
    assert SQL.check(api) == f"sqlite answers at {database.file}"
    with pytest.raises(ConfigError, match="only a SELECT"):
        SQL.check(Api(SQL, Sql(url="${PRODUCT_DB_URL}", tables={"events": "DROP TABLE clicks"}), {}))


def test_an_account_that_is_forgotten_is_gone_from_the_landing(database):
    """The rows carry our own ids."""
    database.select(accounts=ACCOUNTS, events=EVENTS)
    database.sync()
    from agent.foundation.warehouse import open_warehouse

    workspace = open_workspace(database.folder)
    with open_warehouse(workspace.facts_file, write=True) as warehouse:
        assert sync.forget(workspace, warehouse, "1") == 2


# PostgreSQL.

POSTGRES = """
CREATE TABLE clicks (id uuid DEFAULT gen_random_uuid(), company bigint, who text, at timestamptz, local timestamp);
CREATE TABLE numbers (company bigint, day date, value numeric(12, 3));
INSERT INTO clicks (company, who, at, local) VALUES (1, '100% sure', '2026-02-01 09:00:00+02', '2026-02-01 09:00');
INSERT INTO numbers VALUES (1, '2026-02-01', 12.5), (1, '2026-02-02', NULL);
"""


@pytest.fixture
def postgres(tmp_path, monkeypatch, empty_postgres_url):
    """A workspace on PostgreSQL."""
    import psycopg

    one = Database(tmp_path)
    monkeypatch.setenv("PRODUCT_DB_URL", empty_postgres_url)
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute(POSTGRES)
        one.query = lambda text: connection.execute(text).fetchall()
        one.run = connection.execute
        yield one


ONE = "SELECT '1' AS account_id, 'Alpha' AS name, DATE '2026-01-01' AS created_on"
PG_EVENTS = (
    "SELECT id AS event_id, company AS account_id, who AS user_id, at, 'used'::text AS kind FROM clicks"
)


def test_postgresql_is_read_with_its_own_types(postgres):
    """Ids that are uuids, moments with a zone, exact numbers, percent signs, casts, and no value."""
    postgres.select(
        accounts=ONE,
        events=f"{PG_EVENTS} WHERE who LIKE '100%' AND at > :since AND '12:30' <> ':since'",
        measures="SELECT company AS account_id, day, 'nps' AS metric, value FROM numbers WHERE value IS NOT NULL",
    )
    postgres.sync()
    [(event, account, who, at)] = postgres.ask('SELECT event_id, account_id, user_id, "at" FROM events')
    assert (account, who, at) == ("1", "100% sure", datetime(2026, 2, 1, 7))
    assert len(event) == 36
    assert postgres.ask("SELECT value FROM measures") == [(12.5,)]


def test_postgresql_cannot_be_written_to(postgres):
    """Not even by a function that a SELECT calls."""
    postgres.run(
        "CREATE FUNCTION wipe() RETURNS text LANGUAGE sql AS $$ DELETE FROM clicks; SELECT 'x'::text $$"
    )
    postgres.select(plan_features="SELECT wipe() AS plan_id, 'x' AS feature")
    assert "read-only transaction" in postgres.failed()
    assert postgres.query("SELECT count(*) FROM clicks") == [(1,)]


def test_postgresql_stops_what_takes_too_long(postgres):
    """The server itself does."""
    postgres.select(
        more="timeout_seconds = 0.3", plan_features="SELECT pg_sleep(30)::text AS plan_id, 'x' AS feature"
    )
    assert "statement timeout" in postgres.failed()


def test_a_wrong_password_is_not_shown(postgres, monkeypatch, empty_postgres_url):
    """Whatever the server says."""
    monkeypatch.setenv(
        "PRODUCT_DB_URL", empty_postgres_url + "&password=hunter2hunter2&dbname=nosuchdatabase"
    )
    postgres.select(accounts=ONE)
    failed = postgres.failed()
    assert "cannot be reached" in failed
    assert "hunter2" not in failed


@pytest.mark.timing
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_million_events_are_read_in_time(kind, request, monkeypatch):
    """Into the facts, within two minutes; what it took is printed."""
    if kind == "sqlite":
        one = request.getfixturevalue("database")
        with sqlite3.connect(one.file) as open_:
            open_.executemany(
                "INSERT INTO clicks VALUES (?, 1, ?, ?)",
                ((n, f"u{n % 500}", f"2026-02-{n % 28 + 1:02d} 09:00:00") for n in range(10, 1_000_010)),
            )
        open_.close()
        one.select(accounts=ACCOUNTS, events=EVENTS)
    else:
        one = request.getfixturevalue("postgres")
        one.run(
            "INSERT INTO clicks (company, who, at) SELECT 1, 'u' || n % 500, timestamptz '2026-02-01' + n * "
            "interval '2 seconds' FROM generate_series(1, 1000000) n"
        )
        one.select(accounts=ONE, events=PG_EVENTS)
    began, worked = time.perf_counter(), time.process_time()
    reports = {report.table: report for report in one.reports()}
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    load = os.getloadavg()[0]
    print(f"{kind}: 1,000,000 events in {seconds:.1f} s, {worked:.1f} s of processor; load {load:.1f}")  # noqa: T201
    assert reports["events"].new >= 1_000_000
    assert seconds < 120
