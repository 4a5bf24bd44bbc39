"""From what a vendor has landed to rows for the door: accounts in place of records, periods in place of versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agent.facts.identities import Identity, Record, State, company_domain
from agent.facts.schema import column_rules
from agent.facts.staged import Rejection, Staged
from agent.facts.tables import TABLES
from connectors import _sql
from connectors._landing import DATASET, PLACES, Landing, newest_listing
from connectors._rows import LANDED, PREFIXED

if TYPE_CHECKING:
    from connectors._vendor import Vendor

FACTS = {"records": "accounts", "versions": "subscriptions"}
"Landed tables that become facts of another name."
VALID = (
    "plan_id",
    "seats",
    "mrr_minor",
    "currency",
    "status",
    "term",
    "renews_on",
    "cancel_on",
    "discount_pct",
)
"What of a version makes a new period when it changes."


class Stage:
    """One vendor's landing file beside the facts, for as long as the block lasts."""

    def __init__(self, duck: Any, vendor: Vendor, landing: Landing) -> None:
        self.duck, self.vendor, self.landing = duck, vendor, landing
        self.alias = f"landing_{vendor.name}"
        self.there: frozenset[str] = frozenset()
        self.taken = 0
        "The last reading that the facts have."
        self.listed: dict[str, int] = {}
        "Streams that were read to their end, with the reading that brought what they list now."

    @contextmanager
    def open(self) -> Iterator[Stage]:
        """Attach the landing file, for reading."""
        self.duck.execute(f"ATTACH {_sql.literal(str(self.landing.file))} AS {self.alias} (READ_ONLY)")
        try:
            found = self.duck.execute(
                "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = ?",
                [self.alias],
            ).fetchall()
            names = {name for (name,) in found}
            self.there = frozenset(name for name in LANDED if f"{DATASET}.{name}" in names)
            if PLACES in names:
                self.listed = dict(
                    self.duck.execute(f"SELECT stream, listed FROM {self.alias}.{PLACES}").fetchall()
                )
            yield self
        finally:
            for name in (self._temp("matched"), self._temp("periods"), self._temp("fresh")):
                self.duck.execute(f"DROP TABLE IF EXISTS {name}")
            self.duck.execute(f"DETACH {self.alias}")

    def records(self) -> Iterator[Record]:
        """The vendor's records as they stand."""
        if "records" not in self.there:
            return
        rows = self.duck.execute(
            f"SELECT record_id, name, own_id, domain, email FROM ({self._newest('records')})"
        ).fetchall()
        for record_id, name, own_id, domain, email in rows:
            yield Record(
                self.vendor.name, record_id, name or "", own_id, company_domain(domain, email),
                gives_accounts=self.vendor.gives_accounts,
            )  # fmt: skip

    def pulled(self) -> int:
        """The newest reading that is landed."""
        parts = " UNION ALL ".join(
            f"SELECT max(pulled) AS n FROM {self._table(name)}" for name in sorted(self.there)
        )
        [[newest]] = self.duck.execute(f"SELECT max(n) FROM ({parts})").fetchall() if parts else [[0]]
        return max([newest or 0, *self.listed.values()])

    @property
    def tables(self) -> list[str]:
        """The canonical tables that it fills."""
        return list(dict.fromkeys(table for table, _ in self._relations()))

    def prepare(self, identities: Iterable[Identity], changed: Mapping[str, str | None], taken: int) -> None:
        """Say which record is which account; `changed` are records that were another account (or none) before."""
        # A landing file that was begun again counts from the beginning.
        self.taken = taken if self.pulled() >= taken else 0
        self._rows(
            "matched",
            "record_id VARCHAR, account_id VARCHAR",
            [(one.record.record_id, one.account_id) for one in identities if one.state is State.MATCHED],
        )
        self._rows("fresh", "record_id VARCHAR, was VARCHAR", list(changed.items()))
        if "versions" in self.there:
            self.duck.execute(f"CREATE OR REPLACE TEMP TABLE {self._temp('periods')} AS {self._periods()}")

    def _rows(self, name: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        import pyarrow as pa

        self.duck.execute(f"CREATE OR REPLACE TEMP TABLE {self._temp(name)} ({columns})")
        if rows:
            first, second = zip(*rows, strict=True)
            table = pa.table({"a": pa.array(first, pa.string()), "b": pa.array(second, pa.string())})
            self.duck.register("arriving_pairs", table)
            self.duck.execute(f"INSERT INTO {self._temp(name)} SELECT a, b FROM arriving_pairs")
            self.duck.unregister("arriving_pairs")

    def staged(
        self, rejected: Mapping[str, Sequence[Rejection]], notes: Sequence[tuple[str, str]] = ()
    ) -> list[Staged]:
        """Everything that is new since it was last taken in, ready for the door."""
        relations = list(self._relations())
        names = [table for table, _ in relations]
        unread: dict[str, list[Rejection]] = {}
        for landed, bad in rejected.items():
            # A record that makes no sense is told with the first table that there is, where it would be no account.
            table = FACTS.get(landed, landed)
            unread.setdefault(table if table in names else names[0], []).extend(bad)
        return [
            Staged(
                table,
                self.vendor.name,
                relation,
                unread=tuple(unread.pop(table, ())),
                notes=tuple(said for about, said in notes if FACTS.get(about, about) == table),
            )
            for table, relation in relations
        ]

    def _relations(self) -> Iterator[tuple[str, str]]:
        if self.vendor.own_ids:
            for table in sorted(self.there & set(TABLES)):
                yield table, self._own(table)
            return
        if self.vendor.gives_accounts and "records" in self.there:
            yield "accounts", self._accounts()
        if "versions" in self.there:
            yield "subscriptions", f"SELECT * FROM {self._temp('periods')}"
        for table in sorted(self.there - {"records", "versions", "accounts", "subscriptions"}):
            yield (
                table,
                self._of_accounts(table) if "account_id" in LANDED[table].model_fields else self._own(table),
            )
            if table == "events":
                yield "measures", self._sums()

    # SQL.

    def _accounts(self) -> str:
        """Paying customers as accounts; of several records that are one account the first by id speaks for it."""
        return (
            f"SELECT m.account_id, coalesce(nullif(trim(r.name), ''), r.domain, r.email, r.record_id) AS name, r.domain, "
            # One that does not say when it began, began at the latest when it was first heard of.
            f"r.segment, coalesce(r.created_on, CAST(b.began AS DATE)) AS created_on, r.contact_name, "
            f"r.email AS contact_email, r.owner, r.language, r.time_zone, r.is_test "
            f"FROM ({self._newest('records')}) r JOIN {self._temp('matched')} m ON m.record_id = r.record_id "
            f"JOIN (SELECT record_id, min(changed_at) AS began FROM {self._table('records')} GROUP BY record_id) b "
            f"ON b.record_id = r.record_id "
            f"QUALIFY row_number() OVER (PARTITION BY m.account_id ORDER BY r.created_on, r.record_id) = 1"
        )

    def _periods(self) -> str:
        """Versions as half-open periods: of one day the last version counts, and what does not differ is one period."""
        name = _sql.literal(self.vendor.name + ":")
        valid = ", ".join(("account_id", *VALID))
        return (
            f"WITH versions AS (SELECT v.* REPLACE (m.account_id AS account_id), CAST(v.at AS DATE) AS day "
            f"FROM ({self._newest('versions')}) v LEFT JOIN {self._temp('matched')} m ON m.record_id = v.account_id "
            f"QUALIFY row_number() OVER (PARTITION BY v.subscription_id, CAST(v.at AS DATE) ORDER BY v.at DESC) = 1), "
            f"starts AS (SELECT *, row({valid}) IS NOT DISTINCT FROM lag(row({valid})) OVER w AS is_same, "
            f"lag(day) OVER w IS NULL AS is_first FROM versions WINDOW w AS (PARTITION BY subscription_id ORDER BY day)), "
            f"periods AS (SELECT *, lead(day) OVER (PARTITION BY subscription_id ORDER BY day) AS ends_on "
            f"FROM starts WHERE is_first OR NOT is_same) "
            f"SELECT {name} || subscription_id AS subscription_id, account_id, plan_id, seats, mrr_minor, currency, "
            f"day AS starts_on, ends_on, status, term, renews_on, cancel_on, discount_pct "
            # A cancelled subscription is one whose last period has ended, and so is one that went to nobody we know.
            f"FROM periods WHERE status <> 'canceled' AND account_id IS NOT NULL"
        )

    def _of_accounts(self, table: str) -> str:
        """Rows of records that are accounts: new ones, and those of records that became another account."""
        alone = table == "ceilings"
        columns = []
        for rule in column_rules(TABLES[table]):
            value = f't."{rule.name}"'
            if rule.name == "account_id":
                value = "m.account_id"
            elif rule.name == PREFIXED.get(table):
                value = f"{_sql.literal(self.vendor.name + ':')} || {value}"
            elif rule.sql_type == "TIMESTAMP":
                value = f"CAST({value} AS TIMESTAMP)"
            columns.append(f'{value} AS "{rule.name}"')
        join = "LEFT JOIN" if alone else "JOIN"
        where = "t.account_id IS NULL OR m.account_id IS NOT NULL" if alone else "true"
        kinds = " AND t.kind IS NOT NULL" if table == "events" else ""
        return (
            f"SELECT {', '.join(columns)} FROM ({self._newest(table)}) t "
            f"{join} {self._temp('matched')} m ON m.record_id = t.account_id "
            f"WHERE ({where}){kinds} AND (t.pulled > {self.taken} "
            f"OR t.account_id IN (SELECT record_id FROM {self._temp('fresh')}) "
            # What one record withdraws, another one of the same account may give as well.
            f"OR m.account_id IN (SELECT was FROM {self._temp('fresh')} WHERE was IS NOT NULL))"
        )

    def _sums(self) -> str:
        """Events that count for a metric, summed by account and day: every day that something came for."""
        events = (
            f"SELECT m.account_id, CAST(t.at AS DATE) AS day, t.metric, t.amount, t.event_id, "
            f"t.pulled > {self.taken} OR t.account_id IN (SELECT record_id FROM {self._temp('fresh')}) "
            f"OR m.account_id IN (SELECT was FROM {self._temp('fresh')} WHERE was IS NOT NULL) AS is_new "
            f"FROM {self._table('events')} t JOIN {self._temp('matched')} m ON m.record_id = t.account_id "
            f"WHERE t.metric IS NOT NULL"
        )
        return (
            f"WITH counted AS ({events}), news AS (SELECT DISTINCT account_id, day, metric FROM counted WHERE is_new) "
            # In one order, so that a sum of fractions is the same each time.
            f"SELECT account_id, day, metric, sum(amount ORDER BY event_id) AS value "
            f"FROM counted SEMI JOIN news USING (account_id, day, metric) GROUP BY account_id, day, metric"
        )

    def _own(self, table: str) -> str:
        """Rows that need no account, or name one of ours."""
        columns = ", ".join(
            f'CAST("{rule.name}" AS TIMESTAMP) AS "{rule.name}"'
            if rule.sql_type == "TIMESTAMP"
            else f'"{rule.name}"'
            for rule in column_rules(TABLES[table])
        )
        return f"SELECT {columns} FROM ({self._newest(table)}) WHERE pulled > {self.taken}"

    def _newest(self, table: str) -> str:
        """Of every landed row its newest version; of a stream that lists all there is, the last listing."""
        where = []
        for reading in self.vendor.readings:
            if reading.whole and table in reading.gives:
                stream = _sql.literal(reading.name)
                listed = str(self.listed.get(reading.name, 0))
                newest = newest_listing(self._table(table), reading.name, listed)
                where.append(f"(stream <> {stream} OR pulled = {newest})")
        sql = f"SELECT * FROM {self._table(table)}" + (f" WHERE {' AND '.join(where)}" if where else "")
        if table == "events":
            return sql
        key = ", ".join(f'"{column}"' for column in LANDED[table].KEY)
        return (
            f"{sql} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY changed_at DESC, pulled DESC) = 1"
        )

    # What the facts hold and the vendor no longer says.

    def withdraw(self) -> int:
        """Delete what this vendor gave and no longer gives, inside the door's transaction; answers how many rows."""
        listed = {table for reading in self.vendor.readings if reading.whole for table in reading.gives}
        # A plan that is no longer listed is still somebody's.
        unlisted = sum(
            self._delete(self._unlisted(table))
            for table in sorted((listed & self.there & set(TABLES)) - {"plans"})
        )
        if self.vendor.own_ids:
            return unlisted
        gone = unlisted + self._delete(
            # An account that this vendor alone has made, and that none of its records is any longer.
            f"DELETE FROM accounts AS f USING {self._temp('fresh')} c WHERE f.account_id = c.was "
            f"AND f.account_id NOT IN (SELECT account_id FROM {self._temp('matched')}) "
            f"AND (SELECT list(source) FROM account_makers m WHERE m.account_id = f.account_id) = "
            f"[{_sql.literal(self.vendor.name)}]"
        )
        self.duck.execute(
            "DELETE FROM account_makers AS m WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.account_id = m.account_id)"
        )
        if "versions" in self.there:
            prefix = _sql.literal(self.vendor.name + ":")
            gone += self._delete(
                f"DELETE FROM subscriptions AS f WHERE starts_with(f.subscription_id, {prefix}) AND NOT EXISTS "
                f"(SELECT 1 FROM {self._temp('periods')} p WHERE p.subscription_id = f.subscription_id "
                f"AND p.starts_on = f.starts_on)"
            )
        for table in sorted(self.there - {"records", "versions"}):
            if "account_id" in LANDED[table].model_fields:
                gone += self._delete(self._of_former_accounts(table))
        if "events" in self.there:
            gone += self._delete(
                f"DELETE FROM measures AS f USING {self._table('events')} l JOIN {self._temp('fresh')} c "
                f"ON c.record_id = l.account_id WHERE l.metric IS NOT NULL AND f.account_id = c.was "
                f"AND f.day = CAST(l.at AS DATE) AND f.metric = l.metric"
            )
        return gone

    def _delete(self, sql: str) -> int:
        [[count]] = self.duck.execute(sql).fetchall()
        return int(count)

    def _of_former_accounts(self, table: str) -> str:
        """DELETE of the facts that records gave under the account they were taken for before."""
        same = self._same_key(table, "l", "c.was")
        if "account_id" not in LANDED[table].KEY:
            same += " AND f.account_id = c.was"
        return (
            f"DELETE FROM {table} AS f USING {self._table(table)} l JOIN {self._temp('fresh')} c "
            f"ON c.record_id = l.account_id WHERE {same}"
        )

    def _unlisted(self, table: str) -> str:
        """DELETE of the facts that were listed once and are no longer."""
        once, now = self._table(table), f"({self._newest(table)})"
        if self.vendor.own_ids or "account_id" not in LANDED[table].model_fields:
            account = {"l": 'l."account_id"', "n": 'n."account_id"'}
            once, now = f"{once} l", f"{now} n"
        else:
            account = {"l": "o.account_id", "n": "m.account_id"}
            matched = self._temp("matched")
            once = f"{once} l LEFT JOIN {matched} o ON o.record_id = l.account_id"
            now = f"{now} n LEFT JOIN {matched} m ON m.record_id = n.account_id"
        streams = ", ".join(
            _sql.literal(reading.name)
            for reading in self.vendor.readings
            if reading.whole and table in reading.gives
        )
        return (
            f"DELETE FROM {table} AS f WHERE EXISTS (SELECT 1 FROM {once} WHERE l.stream IN ({streams}) "
            f"AND {self._same_key(table, 'l', account['l'])}) "
            f"AND NOT EXISTS (SELECT 1 FROM {now} WHERE {self._same_key(table, 'n', account['n'])})"
        )

    def _same_key(self, table: str, alias: str, account: str) -> str:
        """SQL: that a fact `f` is what the landed row `alias` gives, whose account is `account`."""
        same = []
        for column in LANDED[table].KEY:
            theirs = account if column == "account_id" else f'{alias}."{column}"'
            if column == PREFIXED.get(table) and not self.vendor.own_ids:
                theirs = f"{_sql.literal(self.vendor.name + ':')} || {theirs}"
            same.append(f'f."{column}" IS NOT DISTINCT FROM {theirs}')
        return " AND ".join(same)

    def _table(self, name: str) -> str:
        return f"{self.alias}.{DATASET}.{name}"

    def _temp(self, name: str) -> str:
        return f"temp.{name}_{self.vendor.name}"
