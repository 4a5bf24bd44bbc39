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
from connectors._landing import DATASET, Landing
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

    @contextmanager
    def open(self) -> Iterator[Stage]:
        """Attach the landing file, for reading."""
        self.duck.execute(f"ATTACH {_sql.literal(str(self.landing.file))} AS {self.alias} (READ_ONLY)")
        try:
            found = self.duck.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ?",
                [self.alias, DATASET],
            ).fetchall()
            self.there = frozenset(name for (name,) in found) & frozenset(LANDED)
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
        return newest or 0

    def prepare(self, identities: Iterable[Identity], changed: Mapping[str, str | None], taken: int) -> None:
        """Say which record is which account; `changed` are records that were another account (or none) before."""
        self.taken = taken
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
            f"r.segment, coalesce(r.created_on, CAST(r.changed_at AS DATE)) AS created_on, r.contact_name, "
            f"r.email AS contact_email, r.owner, r.language, r.time_zone, r.is_test "
            f"FROM ({self._newest('records')}) r JOIN {self._temp('matched')} m ON m.record_id = r.record_id "
            f"QUALIFY row_number() OVER (PARTITION BY m.account_id ORDER BY r.created_on, r.record_id) = 1"
        )

    def _periods(self) -> str:
        """Versions as half-open periods: of one day the last version counts, and what does not differ is one period."""
        name = _sql.literal(self.vendor.name + ":")
        valid = ", ".join(VALID)
        return (
            f"WITH versions AS (SELECT v.* REPLACE (m.account_id AS account_id), CAST(v.at AS DATE) AS day "
            f"FROM {self._table('versions')} v JOIN {self._temp('matched')} m ON m.record_id = v.account_id "
            f"QUALIFY row_number() OVER (PARTITION BY v.subscription_id, CAST(v.at AS DATE) "
            f"ORDER BY v.at DESC, v.pulled DESC) = 1), "
            f"starts AS (SELECT *, row({valid}) IS NOT DISTINCT FROM lag(row({valid})) OVER w AS is_same, "
            f"lag(day) OVER w IS NULL AS is_first FROM versions WINDOW w AS (PARTITION BY subscription_id ORDER BY day)), "
            f"periods AS (SELECT *, lead(day) OVER (PARTITION BY subscription_id ORDER BY day) AS ends_on "
            f"FROM starts WHERE is_first OR NOT is_same) "
            f"SELECT {name} || subscription_id AS subscription_id, account_id, plan_id, seats, mrr_minor, currency, "
            f"day AS starts_on, ends_on, status, term, renews_on, cancel_on, discount_pct "
            # A cancelled subscription is one whose last period has ended.
            f"FROM periods WHERE status <> 'canceled'"
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
            f"OR t.account_id IN (SELECT record_id FROM {self._temp('fresh')}))"
        )

    def _sums(self) -> str:
        """Events that count for a metric, summed by account and day: every day that something came for."""
        events = (
            f"SELECT m.account_id, CAST(t.at AS DATE) AS day, t.metric, t.amount, "
            f"t.pulled > {self.taken} OR t.account_id IN (SELECT record_id FROM {self._temp('fresh')}) "
            f"OR m.account_id IN (SELECT was FROM {self._temp('fresh')} WHERE was IS NOT NULL) AS is_new "
            f"FROM {self._table('events')} t JOIN {self._temp('matched')} m ON m.record_id = t.account_id "
            f"WHERE t.metric IS NOT NULL"
        )
        return (
            f"SELECT account_id, day, metric, sum(amount) AS value FROM ({events}) "
            f"GROUP BY account_id, day, metric HAVING bool_or(is_new)"
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
                newest = f"(SELECT max(pulled) FROM {self._table(table)} WHERE stream = {stream})"
                where.append(f"(stream <> {stream} OR pulled = {newest})")
        sql = f"SELECT * FROM {self._table(table)}" + (f" WHERE {' AND '.join(where)}" if where else "")
        if table in ("events", "versions"):
            return sql
        key = ", ".join(f'"{column}"' for column in LANDED[table].KEY)
        return (
            f"{sql} QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY changed_at DESC, pulled DESC) = 1"
        )

    # What the facts hold and the vendor no longer says.

    def withdraw(self) -> int:
        """Delete what this vendor gave and no longer gives, inside the door's transaction; answers how many rows."""
        if self.vendor.own_ids:
            return 0
        gone = self._delete(
            # An account that a record made, and that it is no longer.
            f"DELETE FROM accounts AS f USING {self._temp('fresh')} c WHERE f.account_id = c.was "
            f"AND f.account_id NOT IN (SELECT account_id FROM {self._temp('matched')}) AND EXISTS (SELECT 1 FROM "
            f"identities i WHERE i.source = {_sql.literal(self.vendor.name)} AND i.record_id = c.record_id "
            f"AND i.account_id = c.was AND i.how = 'own')"
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
            elif (
                any(reading.whole and table in reading.gives for reading in self.vendor.readings)
                and table != "plans"
            ):
                gone += self._delete(self._unlisted(table))
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
        same = []
        for column in LANDED[table].KEY:
            theirs = f'l."{column}"'
            if column == PREFIXED.get(table):
                theirs = f"{_sql.literal(self.vendor.name + ':')} || {theirs}"
            same.append(
                "f.account_id = c.was"
                if column == "account_id"
                else f'f."{column}" IS NOT DISTINCT FROM {theirs}'
            )
        if "account_id" not in LANDED[table].KEY:
            same.append("f.account_id = c.was")
        return (
            f"DELETE FROM {table} AS f USING {self._table(table)} l JOIN {self._temp('fresh')} c "
            f"ON c.record_id = l.account_id WHERE {' AND '.join(same)}"
        )

    def _unlisted(self, table: str) -> str:
        """DELETE of the facts that were listed once and are no longer."""
        same = " AND ".join(f'f."{column}" IS NOT DISTINCT FROM l."{column}"' for column in LANDED[table].KEY)
        still = same.replace("l.", "n.")
        return (
            f"DELETE FROM {table} AS f WHERE EXISTS (SELECT 1 FROM {self._table(table)} l WHERE {same}) "
            f"AND NOT EXISTS (SELECT 1 FROM ({self._newest(table)}) n WHERE {still})"
        )

    def _table(self, name: str) -> str:
        return f"{self.alias}.{DATASET}.{name}"

    def _temp(self, name: str) -> str:
        return f"temp.{name}_{self.vendor.name}"
