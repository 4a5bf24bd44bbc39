"""Where a vendor's rows land before they are facts: a DuckDB file of its own, filled by dlt.

Every landed row carries when the vendor last changed it (`changed_at`) and in which reading it came (`pulled`).
Rows are merged on their key, so a row that comes twice, or late, changes nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import chain
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from agent.facts.staged import Rejection
from agent.foundation.errors import OutgrownError, SourceFailed, StoreBusy, StoreError
from connectors._columns import arrow_schema
from connectors._rows import LANDED, key_of
from connectors._streams import Place, Streams

if TYPE_CHECKING:
    import pyarrow as pa

    from agent.foundation.settings import Workspace
    from connectors._api import Api
    from connectors._vendor import Reading, Source, Vendor

__all__ = ["DATASET", "Landed", "Landing", "arrow_schema", "parts"]

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None  # type: ignore[assignment]

DATASET = "vendor"
DOMAINS = "domains.json"
PLACES = "outgrown.places"
"The table of the landing file that says where each stream was."
WAIT_SECONDS = 600.0
"How long a second sync waits for the first to end its reading of a vendor."

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Landed:
    """What one reading of a vendor came to."""

    vendor: str
    rows: int
    rejected: tuple[tuple[str, Rejection], ...]
    "Rows that make no sense, by the landed table they were for."
    seconds: float
    requests: int
    resumed: bool = False
    failed: str = ""
    "One sentence; the facts stay as they were. Empty when it went well."
    notes: tuple[tuple[str, str], ...] = ()
    "What the founder should know of it, by landed table."


@cache
def parts() -> Any:
    """Of dlt what we use, without its telemetry, its log lines, and its look into other people's folders."""
    import dlt
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.providers import CustomLoaderDocProvider
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
    from dlt.common.runtime.run_context import RunContext
    from dlt.sources.helpers import requests
    from dlt.sources.helpers.rest_client import paginators
    from dlt.sources.helpers.rest_client.client import RESTClient

    class Ours(RunContext):
        def initial_providers(self) -> list[Any]:
            # Neither the environment nor a .dlt/config.toml in some folder says how we load: only this does.
            return [CustomLoaderDocProvider("outgrown", lambda: _DLT)]

    Container()[PluggableRunContext] = PluggableRunContext(Ours(None))
    return SimpleNamespace(
        dlt=dlt,
        requests=requests,
        RESTClient=RESTClient,
        paginators=paginators,
    )


_DLT: dict[str, Any] = {
    "runtime": {"dlthub_telemetry": False, "log_level": "CRITICAL"},
    "normalize": {"parquet_normalizer": {"add_dlt_load_id": False}},
    "load": {"raise_on_failed_jobs": True},
}


class Landing:
    """One vendor's landing place in a workspace."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.name = name
        self.folder = workspace.private / "landing" / name
        self.file = self.folder / "landed.duckdb"
        self.inbox = self.folder / "inbox"

    def make(self) -> None:
        """Make the folder, readable by its owner alone."""
        # Its parents too: what vendors somebody has is nobody else's business.
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def reading(self, progress: Progress = lambda _: None, wait: float | None = None) -> Any:
        """For as long as the block lasts nobody else reads this vendor; another one waits.

        Raises StoreBusy when it waits too long.
        """
        return self._alone("reading", progress, wait)

    def file_alone(self, wait: float | None = None) -> Any:
        """For as long as the block lasts nobody else writes to or reads from the landing file: never for long.

        Raises StoreBusy when it waits too long.
        """
        return self._alone("loading", lambda _: None, wait)

    @contextmanager
    def _alone(self, what: str, progress: Progress, wait: float | None) -> Iterator[None]:
        self.make()
        handle = os.open(self.folder / f"{what}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline, told = time.monotonic() + (WAIT_SECONDS if wait is None else wait), False
        try:
            while fcntl is not None:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise StoreBusy(
                            f"Another sync is still reading {self.name}; wait for it, then try again."
                        ) from None
                    if not told:
                        progress(f"{self.name}: another sync is reading it; waiting for that to end")
                        told = True
                    time.sleep(0.1)
            yield
        finally:
            os.close(handle)

    def pull(
        self,
        vendor: Vendor,
        section: Source,
        api_of: Callable[[Any], Api],
        since: datetime | None,
        progress: Progress,
    ) -> Landed:
        """Read every stream of a vendor into the landing file; `since` is from when on, in place of the cursors.

        A vendor that fails is told of in `failed`; what was read is kept for the next attempt, and the landing file
        stays as it was.
        """
        from connectors._kept import Kept

        self.make()
        started = time.perf_counter()
        self._clear()
        places, newest = self.places()
        state = {name: (place.until, place.kept) for name, place in sorted(places.items())}
        kept = Kept(self.folder / "reading", {"since": since, "cursors": state, "url": section.base_url})
        api = api_of(kept)
        number = max(time.time_ns(), newest + 1)
        streams = Streams(vendor, section, api, self, places, number, since, progress)
        landed = Landed(vendor.name, 0, (), 0.0, 0, kept.is_resumed)
        try:
            new = streams.new()
            first = next(new, None)
            if first is not None:
                self._load(vendor, chain([first], new))
            self._note({**places, **streams.places})
            kept.drop()
            streams.taken()
        except OutgrownError as error:
            landed = replace(landed, failed=without_keys(str(error), api))
        except Exception as error:
            # Whatever an answer made of our own code or of dlt's: it stops no other source.
            cause: BaseException | None = _ours(error)
            if cause is None:
                # Asked again, the vendor may answer something else.
                kept.restart()
                cause = _not_understood(error, vendor)
            landed = replace(landed, failed=without_keys(str(cause), api))
        finally:
            self._clear()
        return replace(
            landed,
            rows=streams.rows,
            rejected=tuple(api.rejected),
            notes=tuple(api.notes),
            seconds=time.perf_counter() - started,
            requests=api.asked,
        )

    def _load(self, vendor: Vendor, rows: Iterator[tuple[str, pa.Table]]) -> None:
        """Take rows into the landing file: first all of them into files, then the files into the tables."""
        dlt = parts().dlt
        pipeline = dlt.pipeline(
            "landing",
            pipelines_dir=str(self.folder / "pipeline"),
            destination=dlt.destinations.duckdb(str(self.file)),
            dataset_name=DATASET,
        )

        def hinted() -> Iterator[Any]:
            for table, some in rows:
                hints = dlt.mark.make_hints(
                    table_name=table, primary_key=list(key_of(table)), write_disposition="merge",
                    columns={name: {"name": name, "nullable": True} for name in key_of(table)}
                    # Of one key what came last counts.
                    | {"place": {"name": "place", "dedup_sort": "desc"}},
                )  # fmt: skip
                yield dlt.mark.with_hints(some, hints, create_table_variant=True)

        source = dlt.source(
            lambda: [dlt.resource(hinted, name="rows")], name=vendor.name, max_table_nesting=0
        )()
        pipeline.extract(source, loader_file_format="parquet")
        pipeline.normalize()
        with self.file_alone():
            pipeline.load()
            self.file.chmod(0o600)

    # Where we are. The landing file alone says it: what a killed reading left half-way is read again, from the
    # answers it kept.

    def places(self) -> tuple[dict[str, Place], int]:
        """Where each stream was, and the newest reading that is landed.

        Raises StoreError for a file that cannot be used.
        """
        import duckdb

        if not self.file.is_file():
            return {}, 0
        try:
            with self.file_alone(), duckdb.connect(str(self.file), read_only=True) as duck:
                there = {
                    name for (name,) in duck.execute("SELECT table_name FROM duckdb_tables()").fetchall()
                }
                rows = duck.execute(f"FROM {PLACES}").fetchall() if "places" in there else []
                newest = max(
                    (duck.execute(f"SELECT coalesce(max(pulled), 0) FROM {DATASET}.{table}").fetchall()[0][0]
                    for table in sorted(there & set(LANDED))), default=0,
                )  # fmt: skip
        except duckdb.Error as bad:
            said = str(bad).splitlines()[0]
            raise StoreError(
                f"What was read before in {self.folder} cannot be used ({said}); remove that folder and sync again."
            ) from bad
        places = {
            stream: Place(until, json.loads(kept), listed, columns)
            for stream, until, kept, listed, columns in rows
        }
        return places, max([newest, *(place.listed for place in places.values())])

    def _note(self, places: Mapping[str, Place]) -> None:
        """Keep where the streams are now, in one transaction."""
        import duckdb

        with self.file_alone(), duckdb.connect(str(self.file)) as duck:
            duck.execute("BEGIN TRANSACTION")
            duck.execute("CREATE SCHEMA IF NOT EXISTS outgrown")
            duck.execute(
                f"CREATE TABLE IF NOT EXISTS {PLACES} "
                "(stream VARCHAR, until TIMESTAMP, kept VARCHAR, listed BIGINT, columns VARCHAR)"
            )
            duck.execute(f"DELETE FROM {PLACES}")
            for stream, place in places.items():
                duck.execute(
                    f"INSERT INTO {PLACES} VALUES (?, ?, ?, ?, ?)",
                    [stream, place.until, json.dumps(place.kept), place.listed, place.columns],
                )
            duck.execute("COMMIT")
        self.file.chmod(0o600)

    def unknown(self, table: str, rows: pa.Table, moment: datetime) -> pa.Table:
        """Of these rows those that have not landed as they are.

        Rows that the vendor does not date are dated `moment`: they are known where the newest that landed says the same.
        """
        names = arrow_schema(table).names
        same = " AND ".join(f'o."{name}" IS NOT DISTINCT FROM n."{name}"' for name in [*names, "stream"])
        undated = " AND ".join(
            f'o."{name}" IS NOT DISTINCT FROM n."{name}"'
            for name in [*names, "stream"]
            if name != "changed_at"
        )
        key = [*LANDED[table].KEY, "stream"]
        columns = ", ".join(f'"{name}"' for name in key)
        ours = " AND ".join(f'k."{name}" IS NOT DISTINCT FROM l."{name}"' for name in key)
        return self._compared(
            rows,
            f"WITH newest AS (SELECT * FROM {DATASET}.{table} l WHERE EXISTS (SELECT 1 FROM arriving k WHERE {ours} "
            f"AND k.changed_at = TIMESTAMP '{moment}') "
            f"QUALIFY row_number() OVER (PARTITION BY {columns} ORDER BY changed_at DESC, pulled DESC) = 1) "
            f"SELECT n.* FROM arriving n WHERE NOT EXISTS (SELECT 1 FROM {DATASET}.{table} o WHERE {same}) "
            f"AND NOT (n.changed_at = TIMESTAMP '{moment}' AND EXISTS (SELECT 1 FROM newest o WHERE {undated})) "
            f"ORDER BY n.place",
        )

    def lists_other(self, reading: Reading, listing: Mapping[str, pa.Table], listed: int) -> bool:
        """Whether a stream that lists all there is lists anything else than in the reading `listed`."""
        for table in reading.gives:
            rows = listing.get(table)
            names = ", ".join(f'"{name}"' for name in arrow_schema(table).names)
            key = ", ".join(f'"{name}"' for name in LANDED[table].KEY)
            newest = newest_listing(f"{DATASET}.{table}", reading.name, str(listed))
            before = (
                f"SELECT {names} FROM {DATASET}.{table} WHERE stream = '{reading.name}' AND pulled = {newest}"
            )
            if rows is None:
                if self.ask(f"{before} LIMIT 1"):
                    return True
                continue
            now = f"SELECT {names} FROM arriving QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY place DESC) = 1"
            other = self._compared(
                rows,
                f"WITH n AS ({now}), o AS ({before}) SELECT (SELECT count(*) FROM n) <> (SELECT count(*) FROM o) "
                f"OR EXISTS (FROM n EXCEPT FROM o) AS is_other",
            )
            if other["is_other"][0].as_py():
                return True
        return False

    def _compared(self, rows: pa.Table, sql: str) -> pa.Table:
        import duckdb

        with self.file_alone(), duckdb.connect(str(self.file), read_only=True) as duck:
            duck.execute("SET TimeZone = 'UTC'")
            duck.register("arriving", rows)
            return duck.sql(sql).to_arrow_table()

    def _clear(self) -> None:
        """Remove what a load left in files."""
        shutil.rmtree(self.folder / "pipeline", ignore_errors=True)

    def forget(self, records: Sequence[str]) -> int:
        """Delete every landed row of these records, and whatever is half read; answers how many rows."""
        import duckdb

        with self.reading(), self.file_alone():
            shutil.rmtree(self.folder / "reading", ignore_errors=True)
            shutil.rmtree(self.folder / "pipeline", ignore_errors=True)
            gone = 0
            with duckdb.connect(str(self.file)) as duck:
                tables = duck.execute(
                    "SELECT schema_name, table_name, list(column_name) FROM duckdb_columns() GROUP BY ALL"
                ).fetchall()
                for schema, table, columns in tables:
                    column = next((name for name in ("account_id", "record_id") if name in columns), None)
                    if column is not None and schema.startswith(DATASET):
                        marks = ", ".join("?" * len(records))
                        [count] = duck.execute(
                            f'DELETE FROM "{schema}"."{table}" WHERE {column} IN ({marks})', list(records)
                        ).fetchone() or [0]
                        gone += count if schema == DATASET else 0
                duck.execute("CHECKPOINT")
            return gone

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What has landed so far, as a SELECT on the schema `vendor` answers it; nothing before the first reading."""
        import duckdb

        if not self.file.is_file():
            return []
        with self.file_alone(), duckdb.connect(str(self.file), read_only=True) as duck:
            # Times land with a zone, and would be cast to the machine's own.
            duck.execute("SET TimeZone = 'UTC'")
            try:
                found: list[tuple[Any, ...]] = duck.execute(sql).fetchall()
                return found
            except duckdb.CatalogException:
                return []

    @property
    def domains(self) -> list[str]:
        """The domains our accounts had at the last sync; a vendor that is asked about companies asks about these."""
        try:
            found = json.loads((self.folder / DOMAINS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

    def keep_domains(self, domains: Sequence[str]) -> None:
        """Write them down for the next reading."""
        self.make()
        fresh = self.folder / f"{DOMAINS}.new"
        fresh.write_text(json.dumps(sorted(set(domains))), encoding="utf-8")
        fresh.replace(self.folder / DOMAINS)

    def drop(self) -> None:
        """Everything that was landed goes; the next sync reads it all again. What waits in the inbox stays."""
        with self.reading(), self.file_alone():
            self._clear()
            shutil.rmtree(self.folder / "reading", ignore_errors=True)
            for path in self.folder.glob("landed.duckdb*"):
                path.unlink(missing_ok=True)


def newest_listing(table: str, stream: str, listed: str) -> str:
    """SQL: the reading that brought what a stream that lists all there is lists now, in a landed table.

    `listed` is what its place says: an empty listing leaves no rows that could.
    """
    return f"(SELECT greatest(coalesce(max(pulled), 0), {listed}) FROM {table} WHERE stream = '{stream}')"


def without_keys(text: str, api: Api) -> str:
    """What was said, with none of the vendor's keys in it."""
    for key in api.keys.values():
        if len(key) > 3:
            text = text.replace(key, "***")
    return text


def _ours(error: BaseException) -> OutgrownError | None:
    """Our own error inside dlt's, if there is one."""
    for one in _chain(error):
        if isinstance(one, OutgrownError):
            return one
    return None


def _not_understood(error: BaseException, vendor: Vendor) -> SourceFailed:
    """One sentence about an error that is nobody's."""
    *_, first = _chain(error)
    text = " ".join(str(first).split())[:120]
    return SourceFailed(
        f"{vendor.title} gave something that cannot be read or kept ({type(first).__name__}: {text}); sync again, or report this."
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it came of."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
