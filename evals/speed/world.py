"""A generated company of any size, its facts made by DuckDB itself: the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from agent.facts.schema import create_tables
from agent.foundation.warehouse import Warehouse
from evals.speed.catalogue import AS_OF, FEATURES, OTHER_PRODUCT, READ_AT, reference_facts
from evals.speed.phrases import PLAIN, SPECIAL, UNHAPPY

HISTORY = 26 * 7 + 90
"Days of a world that can be looked at as of 26 weekly dates."
DAYS = 90
PHASES = 840
"Accounts of equal number modulo this have measures on the same days."
USAGE, HEALTH, NPS, HEADCOUNT = range(4)
THEMES = ("limit_hit", "blocked", "previewed", "viewed", "workaround", "invited", "deep", "surge")
"What a growing account does more than others: one kind of event; few features deeply; more people lately."


def generate(path: Path, accounts: int, *, days: int = DAYS, clustered: bool = True, seed: int = 1) -> None:
    """Write a DuckDB file with all fact tables of `accounts` accounts over the `days` days that end at AS_OF.

    Clustered: measures and events lie by month, account and day, other tables by account. Otherwise the dated
    tables lie as a daily export appends them: by day, accounts in no order.
    """
    import duckdb

    making = path.with_suffix(".making")
    making.unlink(missing_ok=True)
    duck = duckdb.connect(str(making))
    try:
        duck.execute("SET TimeZone = 'UTC'")
        # Accounts stay on the streaming side of every join, so that rows come out in their order, unsorted.
        duck.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        create_tables(duck)
        _reference(duck)
        _draw(duck, accounts, days, seed)
        for make in (_accounts, _ceilings, _subscriptions, _members):
            make(duck)
        for first, last in _months(days):
            _measures(duck, first, last, days)
            _events(duck, first, last)
        _tickets(duck, days)
        _invoices(duck)
        if not clustered:
            _scatter(duck)
        duck.execute("CHECKPOINT")
    finally:
        duck.close()
    making.replace(path)


def _reference(duck: Any) -> None:
    import ibis

    from agent.facts.door import add_facts

    add_facts(
        Warehouse(ibis.duckdb.from_connection(duck)), reference_facts(), source="files", read_at=READ_AT
    )
    duck.execute("DELETE FROM source_reads")
    for table in ("accounts", "subscriptions", "members", "measures", "events", "tickets", "invoices"):
        duck.execute("INSERT INTO source_reads VALUES ('files', ?, ?, 1, 1, 0, 0)", [table, READ_AT])


def _months(days: int) -> Iterator[tuple[date, date]]:
    """The calendar months of the last `days` days, cut to them."""
    first = AS_OF - timedelta(days=days - 1)
    while first <= AS_OF:
        after = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield first, min(after - timedelta(days=1), AS_OF)
        first = after


def _draw(duck: Any, accounts: int, days: int, seed: int) -> None:
    """One row an account with everything else that follows from it: size, plan, level and pace of use."""
    duck.execute(f"CREATE TEMP MACRO u(i, salt) AS (hash(i, salt, {seed}) >> 11)::DOUBLE / 9007199254740992")
    duck.execute(
        f"""
        CREATE TEMP TABLE drawn AS
        WITH sized AS (
            SELECT i::BIGINT AS i, 'acct_' || lpad(i::VARCHAR, 7, '0') AS account_id, u(i, 1) < 0.13 AS hot,
                -- Some began when the window of the facts does, so that their first weeks are known.
                (CASE WHEN u(i, 2) < 0.02 THEN 5 + u(i, 3) * 20 WHEN u(i, 2) < 0.10 THEN 90 + u(i, 3) * 7
                    WHEN u(i, 2) < 0.25 THEN 30 + u(i, 3) * {days} ELSE {days} + u(i, 3) * 900 END)::INTEGER AS age,
                CASE WHEN u(i, 4) < 0.6 THEN 1 WHEN u(i, 4) < 0.9 THEN 2 ELSE 3 END AS tier,
                ['{"', '".join(THEMES)}'][1 + (u(i, 5) * {len(THEMES)})::BIGINT % {len(THEMES)}] AS theme,
            FROM range({accounts}) t(i)
        )
        SELECT *, DATE '{AS_OF}' - age AS created_on, ['starter', 'growth', 'scale'][tier] AS plan_id,
            i % 2 = 0 AS gauge, [100.0, 300.0, 600.0][tier] * CASE WHEN i % 2 = 0 THEN 1 ELSE 10 END AS ceiling,
            CASE WHEN hot THEN 0.72 + 0.38 * u(i, 6) ELSE 0.1 + 0.72 * u(i, 6) END AS level,
            CASE WHEN hot THEN 0.2 + 0.7 * u(i, 7) ELSE 0.6 * u(i, 7) - 0.1 END AS slope,
            u(i, 8) < 0.01 AS gone_quiet,
            CASE WHEN hot THEN 6 + (u(i, 9) * 14)::BIGINT ELSE 1 + (u(i, 9) ** 1.6 * 18)::BIGINT END AS people,
        FROM sized
        """
    )


def _accounts(duck: Any) -> None:
    duck.execute(
        """
        INSERT INTO accounts SELECT account_id, 'Company ' || i, 'company' || i || '.example',
            ['software', 'agency', 'retail', NULL][1 + i % 4], created_on, 'Maya',
            CASE WHEN u(i, 20) < 0.98 THEN 'owner' || i || '@customer.example' END, NULL,
            CASE WHEN u(i, 21) < 0.2 THEN 'de' ELSE 'en' END, NULL, u(i, 22) < 0.002
        FROM drawn ORDER BY i
        """
    )


def _ceilings(duck: Any) -> None:
    duck.execute(
        """
        INSERT INTO ceilings SELECT NULL, account_id, CASE WHEN gauge THEN 'storage' ELSE 'exports' END,
            ceiling * 1.5, created_on, NULL
        FROM drawn WHERE u(i, 23) < 0.01 ORDER BY i
        """
    )


def _subscriptions(duck: Any) -> None:
    """A fifth changed plan once, some bought seats, a few have the second product."""
    end = f"DATE '{AS_OF}'"
    duck.execute(
        f"""
        INSERT INTO subscriptions
        WITH s AS (
            SELECT *, u(i, 30) < 0.20 AND tier > 1 OR u(i, 30) < 0.08 AS changed,
                u(i, 31) < 0.10 AS bought,
                least(age - 2, 10 + (u(i, 32) * 300)::INTEGER) AS since,
                ceil(people * CASE WHEN hot THEN 1.05 ELSE 1.3 + u(i, 33) END)::BIGINT AS seats,
                [4900, 9900, 29900][tier] AS price, u(i, 34) AS fate,
                CASE WHEN u(i, 35) < 0.4 THEN 'year' ELSE 'month' END AS term,
                CASE WHEN u(i, 36) < 0.1 THEN 30.0 WHEN u(i, 36) < 0.2 THEN 10.0 END AS discount,
            FROM drawn
        )
        SELECT 'sub_' || i, account_id, plan_id, seats, price, 'EUR',
            CASE WHEN changed OR bought THEN {end} - since ELSE created_on END AS starts_on, NULL,
            CASE WHEN fate < 0.012 THEN 'past_due' WHEN fate < 0.022 THEN 'trialing' WHEN fate < 0.03 THEN 'canceled'
                WHEN fate < 0.033 THEN 'paused' ELSE 'active' END,
            term, {end} + CASE term WHEN 'year' THEN 5 + (u(i, 37) * 360)::INTEGER ELSE 1 + (i % 30)::INTEGER END,
            CASE WHEN u(i, 38) < 0.012 THEN {end} + 20 END, discount
        FROM s
        UNION ALL
        SELECT 'sub_' || i, account_id, CASE WHEN changed THEN ['old', 'starter', 'growth'][tier] ELSE plan_id END,
            CASE WHEN bought THEN greatest(1, seats - 4) ELSE seats END, price // 2, 'EUR',
            created_on AS starts_on, {end} - since, 'active', 'month', NULL, NULL, NULL
        FROM s WHERE changed OR bought
        UNION ALL
        SELECT 'sub_' || i || '_b', account_id, 'insight', NULL, 3900, 'EUR', created_on + 1 AS starts_on, NULL, 'active',
            'month', NULL, NULL, NULL
        FROM s WHERE u(i, 39) < 0.04
        ORDER BY account_id, starts_on
        """
    )


def _members(duck: Any) -> None:
    """Members, guests, leavers, and a few who came back."""
    duck.execute(
        f"""
        CREATE TEMP TABLE people AS
        SELECT account_id, account_id || '_u' || j AS user_id, i, j, hot, created_on,
            CASE WHEN j > 0 AND u(i * 64 + j, 40) < CASE WHEN hot THEN 0.25 ELSE 0.12 END THEN 'guest' ELSE 'member' END AS role,
            ['design', 'sales', 'ops', NULL][1 + CASE WHEN hot THEN j % 3 WHEN j % 7 = 6 THEN 3 ELSE j // 9 END] AS team,
            DATE '{AS_OF}' - CASE WHEN j > 0 AND u(i * 64 + j, 41) < CASE WHEN hot THEN 0.3 ELSE 0.02 END
                THEN least(age, (u(i * 64 + j, 42) * 30)::INTEGER)
                ELSE (u(i * 64 + j, 42) * age)::INTEGER END AS joined_on
        FROM (SELECT *, unnest(range(people)) AS j FROM drawn)
        """
    )
    duck.execute(
        f"""
        INSERT INTO members
        WITH left_again AS (
            SELECT *, CASE WHEN u(i * 64 + j, 43) < 0.12 AND joined_on < DATE '{AS_OF}' - 40
                THEN joined_on + 5 + (u(i * 64 + j, 44) * (DATE '{AS_OF}' - joined_on - 5))::INTEGER END AS left_on
            FROM people
        )
        SELECT account_id, user_id, role, team, joined_on, left_on FROM left_again
        UNION ALL
        SELECT account_id, user_id, role, team, left_on + 3 + (u(i * 64 + j, 45) * 60)::INTEGER AS back_on, NULL
        FROM left_again WHERE left_on IS NOT NULL AND u(i * 64 + j, 46) < 0.5 AND back_on <= DATE '{AS_OF}'
        ORDER BY account_id, user_id, joined_on
        """
    )
    duck.execute("DROP TABLE people")


def _measures(duck: Any, first: date, last: date, days: int) -> None:
    """One core metric a day; health each week, headcount each month, NPS now and then."""
    # Which days an account has which metric on follows from its phase: the rows come out in order, unsorted.
    span, oldest = (AS_OF - last).days, (AS_OF - first).days
    duck.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE slots AS
        SELECT phase, list(ago * 4 + what ORDER BY ago DESC, what) AS slots
        FROM range({PHASES}) p(phase), range({span}, {oldest + 1}) d(ago), range(4) m(what)
        WHERE what = {USAGE} OR what = {HEALTH} AND phase % 10 <> 9 AND (ago + phase) % 7 = 0
            OR what = {NPS} AND phase % 3 = 0 AND (ago + phase) % {min(days, 80)} = 11
            OR what = {HEADCOUNT} AND phase % 2 = 0 AND (ago + phase) % 30 = 3
        GROUP BY phase
        """
    )
    duck.execute(
        f"""
        INSERT INTO measures
        WITH slot AS (
            SELECT account_id, i, hot, gauge, ceiling, level, slope, created_on, gone_quiet, unnest(slots) AS slot
            FROM drawn JOIN slots ON phase = i % {PHASES}
        ), rows AS (
            SELECT *, slot % 4 AS what, slot // 4 AS ago, DATE '{AS_OF}' - (slot // 4)::INTEGER AS day,
                u(i, 1000 + slot) AS r
            FROM slot
        )
        SELECT account_id, day,
            CASE what WHEN {USAGE} THEN CASE WHEN gauge THEN 'storage' ELSE 'exports' END
                WHEN {HEALTH} THEN 'health_score' WHEN {NPS} THEN 'nps' ELSE 'headcount' END,
            CASE what
                WHEN {USAGE} THEN round(ceiling * level * greatest(0.05, 1 - slope * ago / 90)
                    * CASE WHEN gauge THEN 0.98 + 0.04 * r ELSE (0.8 + 0.4 * r) / 30 END, 2)
                WHEN {HEALTH} THEN round(50 + 50 * sqrt(u(i, 50)) * (0.9 + 0.1 * r))
                WHEN {NPS} THEN floor(11 * sqrt(r))
                ELSE greatest(2, round((20 + i % 200) * (1 - CASE WHEN hot THEN 0.6 * u(i, 51) ELSE 0.05 END * ago / 90)))
            END
        FROM rows
        WHERE day >= created_on AND (what <> {USAGE} OR r > 0.02 AND NOT (gone_quiet AND ago < 20))
        """
    )


def _events(duck: Any, first: date, last: date) -> None:
    """About 20 events an account in 90 days; a growing account has more, much of it in its theme."""
    length, last_month = (last - first).days + 1, last == AS_OF
    power = "CASE WHEN theme = 'surge' AND hot THEN 0.33 ELSE 1 END" if last_month else "1"
    features = [f"'{name}'" for name in FEATURES["scale"]]
    duck.execute(
        f"""
        INSERT INTO events
        WITH counted AS (
            SELECT *, floor({length} * CASE WHEN hot AND theme = 'surge' THEN 1.5 WHEN hot THEN 0.5 ELSE 0.17 END
                + u(i, {first:%Y%m}))::BIGINT AS n
            FROM drawn WHERE n > 0
        ), numbered AS (
            SELECT *, unnest(range(n)) AS j FROM counted
        ), timed AS (
            SELECT *, i * 1000 + {first:%Y%m} * 50000000000 + j AS e,
                TIMESTAMP '{first}' + to_seconds(floor({length * 86400 - 1} * ((j + u(e, 60)) / n) ** {power})) AS moment,
            FROM numbered
        ), named AS (
            SELECT *, u(e, 61) AS r, u(e, 62) AS what, u(e, 63) AS who,
                CASE WHEN hot AND u(e, 64) < 0.4 AND theme NOT IN ('deep', 'surge') THEN theme
                    WHEN hot AND u(e, 64) < 0.9 AND theme IN ('deep', 'surge') THEN 'used'
                    WHEN r < 0.84 THEN 'used' WHEN r < 0.87 THEN 'blocked' WHEN r < 0.89 THEN 'limit_hit'
                    WHEN r < 0.92 THEN 'previewed' WHEN r < 0.96 THEN 'viewed' WHEN r < 0.98 THEN 'workaround'
                    ELSE 'invited' END AS kind,
                [5, 7, 9][tier] AS own
            FROM timed
        )
        SELECT 'evt_' || e, account_id,
            CASE WHEN what > 0.02 THEN account_id || '_u' || (who * people)::BIGINT % people END, moment, kind,
            CASE WHEN kind = 'used' THEN [{", ".join(features)}][
                    1 + CASE WHEN hot AND theme = 'deep' THEN j % 2 ELSE (what * own)::BIGINT % own END]
                WHEN kind IN ('blocked', 'previewed') THEN CASE WHEN tier = 3 THEN 'fax' ELSE [{", ".join(features)}][
                    own + 1 + CASE WHEN kind = 'blocked' AND what < 0.7 THEN i % 2 ELSE (what * 100)::BIGINT % 2 END] END
                WHEN kind = 'workaround' THEN CASE WHEN what < 0.8 THEN 'reports' ELSE 'sharing' END END,
            CASE WHEN hot THEN CASE WHEN i % 5 < 2 AND what < 0.3 AND moment >= TIMESTAMP '{AS_OF}' - INTERVAL 25 DAY
                    THEN 'finance' ELSE ['design', 'sales'][1 + j % 2] END
                WHEN what < 0.2 THEN NULL WHEN what < 0.98 THEN 'design' ELSE 'ops' END,
            CASE WHEN kind = 'viewed' AND who < 0.85 THEN '{OTHER_PRODUCT}' WHEN kind = 'viewed' THEN 'main' END
        FROM named WHERE moment >= created_on
        """
    )


def _tickets(duck: Any, days: int) -> None:
    """About 2 tickets an account in 90 days, most of them plain."""
    pools = {"plain": PLAIN, "special": SPECIAL, "unhappy": UNHAPPY}
    lists = {
        name: "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in pool) + "]"
        for name, pool in pools.items()
    }
    duck.execute(
        f"""
        INSERT INTO tickets
        WITH numbered AS (
            SELECT *, unnest(range(floor({days / 90} * CASE WHEN hot THEN 4 ELSE 1.6 END + u(i, 70))::BIGINT)) AS j FROM drawn
        ), timed AS (
            SELECT *, i * 100 + j AS t, (u(t, 71) * {days})::INTEGER % {days} AS ago,
                TIMESTAMP '{AS_OF}' - to_days(ago) + to_minutes(360 + (u(t, 72) * 900)::BIGINT) AS opened_at, u(t, 73) AS r
            FROM numbered
        )
        SELECT 'tkt_' || t, account_id, opened_at,
            CASE WHEN u(t, 74) < 0.97 THEN opened_at + to_minutes(30 + (u(t, 75) * 4000)::BIGINT) END,
            CASE WHEN r < 0.02 THEN 'urgent' WHEN r < 0.2 THEN 'high' WHEN r < 0.9 THEN 'normal' ELSE 'low' END,
            round((15 + 60 * u(t, 76)) * CASE WHEN hot AND ago < 30 THEN 2 ELSE 1 END),
            round(CASE WHEN u(t, 77) < 0.05 THEN -0.9 ELSE -0.2 END + u(t, 78), 2),
            NULL, NULL,
            replace(CASE WHEN u(t, 79) < CASE WHEN hot THEN 0.5 ELSE 0.06 END
                    THEN {lists["special"]}[1 + (i * 5 + (u(t, 80) * 3)::BIGINT) % {len(SPECIAL)}]
                WHEN u(t, 79) > 0.985 THEN {lists["unhappy"]}[1 + t % {len(UNHAPPY)}]
                ELSE {lists["plain"]}[1 + (u(t, 80) * {len(PLAIN)})::BIGINT % {len(PLAIN)}] END,
                '{{day}}', strftime(opened_at + to_days(CASE WHEN u(t, 81) < 0.2 THEN 4 ELSE 50 END), '%Y-%m-%d'))
        FROM timed WHERE opened_at >= created_on
        ORDER BY account_id, opened_at
        """
    )


def _invoices(duck: Any) -> None:
    duck.execute(
        f"""
        INSERT INTO invoices
        WITH numbered AS (
            SELECT *, unnest(range(3)) AS j, DATE '{AS_OF}' - (j * 30 + i % 30)::INTEGER AS issued_on, u(i * 4 + j, 90) AS r
            FROM drawn
        )
        SELECT 'inv_' || (i * 4 + j), account_id, issued_on, issued_on + 14,
            CASE WHEN r > 0.03 AND issued_on + 10 <= DATE '{AS_OF}' THEN issued_on + 10 END,
            [4900, 9900, 29900][tier], 'EUR',
            CASE WHEN r > 0.03 AND issued_on + 10 <= DATE '{AS_OF}' THEN 'paid' WHEN r > 0.01 THEN 'open' ELSE 'void' END
        FROM numbered WHERE issued_on >= created_on
        ORDER BY account_id, issued_on
        """
    )


def _scatter(duck: Any) -> None:
    for table, day in (
        ("measures", "day"),
        ("events", '"at"'),
        ("tickets", "opened_at"),
        ("invoices", "issued_on"),
    ):
        duck.execute(f"CREATE TEMP TABLE before AS SELECT * FROM {table}")
        duck.execute(f"TRUNCATE {table}")
        duck.execute(
            f"INSERT INTO {table} SELECT * FROM before ORDER BY CAST({day} AS DATE), hash(account_id)"
        )
        duck.execute("DROP TABLE before")
