"""Where a vendor's rows land before they are facts: a DuckDB file of its own, filled by dlt.

Every landed row carries when the vendor last changed it (`changed_at`) and in which reading it came (`pulled`).
Rows are merged on their key, so a row that comes twice, or late, changes nothing.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from agent.facts.staged import Rejection
from agent.foundation.errors import OutgrownError, SourceFailed, StoreBusy, StoreError, VendorRefused
from connectors._rows import LISTED, Batch, Dated, columns_of, key_of
from connectors._vendor import Since

if TYPE_CHECKING:
    import pyarrow as pa

    from agent.foundation.settings import Workspace
    from connectors._api import Api
    from connectors._vendor import Reading, Source, Vendor

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None  # type: ignore[assignment]

DATASET = "vendor"
MANY = 20_000
"Rows that go into one Arrow table."
WAIT_SECONDS = 600.0
"How long a second sync waits for the first to end its reading of a vendor."
TOLD_EVERY = 2.0

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
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
    os.environ["NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID"] = "false"
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed
    from dlt.sources.helpers import requests
    from dlt.sources.helpers.rest_client import paginators
    from dlt.sources.helpers.rest_client.client import RESTClient

    return SimpleNamespace(
        dlt=dlt,
        requests=requests,
        RESTClient=RESTClient,
        paginators=paginators,
        StepFailed=PipelineStepFailed,
    )


class Landing:
    """One vendor's landing place in a workspace."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.name = name
        self.folder = workspace.private / "landing" / name
        self.file = self.folder / "landed.duckdb"
        self.inbox = self.folder / "inbox"

    def make(self) -> None:
        """Make the folder, readable by its owner alone."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

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
        dlt, started = parts().dlt, time.perf_counter()
        # The landing file alone says where we are: what a killed reading left half-way is read again, from the
        # answers it kept.
        shutil.rmtree(self.folder / "pipeline", ignore_errors=True)
        pipeline = dlt.pipeline(
            "landing",
            pipelines_dir=str(self.folder / "pipeline"),
            destination=dlt.destinations.duckdb(str(self.file)),
            dataset_name=DATASET,
        )
        with self.file_alone():
            state = _state_of(pipeline, self.file)
        kept = Kept(self.folder / "reading", {"since": since, "cursors": state, "url": section.base_url})
        api = api_of(kept)
        counter = _Counter(vendor, progress, time.perf_counter())
        landed = Landed(vendor.name, 0, (), 0.0, 0, kept.is_resumed)
        try:
            readings = _Readings(vendor, section, api, since, state, counter)
            source = dlt.source(lambda: readings.resources(dlt), name=vendor.name, max_table_nesting=0)()
            pipeline.extract(source, loader_file_format="parquet")
            pipeline.normalize()
            with self.file_alone():
                pipeline.load()
            kept.drop()
            readings.taken()
        except OutgrownError as error:
            landed = replace(landed, failed=str(error))
        except parts().StepFailed as wrapped:
            landed = replace(landed, failed=str(_cause(wrapped, vendor)))
        return replace(
            landed,
            rows=counter.rows,
            rejected=tuple(api.rejected),
            notes=tuple(api.notes),
            seconds=time.perf_counter() - started,
            requests=api.asked,
        )

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

    def drop(self) -> None:
        """Everything that was landed goes; the next sync reads it all again."""
        shutil.rmtree(self.folder, ignore_errors=True)


class _Readings:
    """The streams of one vendor as dlt resources."""

    def __init__(
        self,
        vendor: Vendor,
        section: Source,
        api: Api,
        since: datetime | None,
        state: dict[str, Any],
        counter: _Counter,
    ) -> None:
        self.vendor, self.section, self.api, self.since = vendor, section, api, since
        self.state, self.counter = state, counter
        self.number = time.time_ns()

    def resources(self, dlt: Any) -> list[Any]:
        """One resource per stream."""
        return [
            dlt.resource(self._generator(dlt, reading), name=reading.name) for reading in self.vendor.readings
        ]

    def taken(self) -> None:
        """Told once everything is landed for good: what lay in the inbox may go."""
        for path in getattr(self.api, "taken", ()):
            Path(path).unlink(missing_ok=True)

    def _generator(self, dlt: Any, reading: Reading) -> Callable[[], Iterator[Any]]:
        def generate() -> Iterator[Any]:
            self.api.table = reading.gives[0]
            state = dlt.current.resource_state()
            since = self._since(reading, state)
            emptied = set(reading.gives)
            for table, rows in self._with_restart(reading, since):
                emptied.discard(table)
                yield _marked(dlt, table, rows, self.number, reading.name)
            for table in sorted(emptied if "pulled" not in state else ()):
                # So that every table is there, whatever came.
                yield _marked(dlt, table, _arrow(table, []), self.number, reading.name)
            state["kept"] = since.kept
            state["until"] = self.api.started.isoformat()
            state["pulled"] = self.number

        return generate

    def _since(self, reading: Reading, state: dict[str, Any]) -> Since:
        until = state.get("until")
        if self.since is not None:
            return Since(self.since, is_first=until is None, kept={})
        if until is None:
            return Since(self.api.started - timedelta(days=self.section.history_days), is_first=True, kept={})
        at = datetime.fromisoformat(until) - timedelta(seconds=reading.overlap_seconds)
        return Since(at, is_first=False, kept=dict(state.get("kept", {})))

    def _with_restart(self, reading: Reading, since: Since) -> Iterator[tuple[str, pa.Table]]:
        """The stream in Arrow tables; begun again, once, when a cursor turns out to be too old."""
        try:
            yield from self._batched(reading, since)
        except VendorRefused as refused:
            resumed = self.api.kept is not None and self.api.kept.is_resumed
            if refused.status in (401, 403) or not (since.kept or resumed):
                raise
            self.counter.say(
                f"{self.vendor.title} no longer knows where we were; reading {reading.name} again"
            )
            since.kept.clear()
            if self.api.kept is not None:
                self.api.kept.restart()
            yield from self._batched(reading, since)

    def _batched(self, reading: Reading, since: Since) -> Iterator[tuple[str, pa.Table]]:
        waiting: dict[str, list[Dated]] = {}
        for item in reading.read(self.api, since):
            if isinstance(item, Batch):
                self.counter.count(reading.name, item.rows.num_rows)
                yield item.table, item.rows
                continue
            rows = waiting.setdefault(item.fact.TABLE, [])
            # A listing has no history: what stands in it replaces what stood there before.
            rows.append(replace(item, changed_at=LISTED) if reading.whole else item)
            self.counter.count(reading.name, 1)
            if len(rows) >= MANY:
                yield item.fact.TABLE, _arrow(item.fact.TABLE, waiting.pop(item.fact.TABLE))
        for table, rows in waiting.items():
            yield table, _arrow(table, rows)


class _Counter:
    """Tells how far a reading is, and how fast."""

    def __init__(self, vendor: Vendor, progress: Progress, started: float) -> None:
        self.vendor, self.say, self.started = vendor, progress, started
        self.rows = 0
        self._told = started

    def count(self, stream: str, rows: int) -> None:
        """So many rows came."""
        self.rows += rows
        now = time.perf_counter()
        if now - self._told >= TOLD_EVERY:
            self._told = now
            rate = self.rows / (now - self.started)
            self.say(f"{self.vendor.name}: {self.rows:,} rows, {rate:,.0f} a second, reading {stream}")


def _marked(dlt: Any, table: str, rows: pa.Table, number: int, stream: str) -> Any:
    import pyarrow as pa

    count = rows.num_rows
    rows = rows.append_column("pulled", pa.array([number] * count, pa.int64()))
    rows = rows.append_column("stream", pa.array([stream] * count, pa.string()))
    hints = dlt.mark.make_hints(
        table_name=table, primary_key=list(key_of(table)), write_disposition="merge",
        columns={name: {"name": name, "nullable": True} for name in key_of(table)},
    )  # fmt: skip
    return dlt.mark.with_hints(rows, hints, create_table_variant=True)


def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of a landed table."""
    import pyarrow as pa

    types = {
        "VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(),
        "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
    }  # fmt: skip
    return pa.schema([(name, types[kind]) for name, kind in columns_of(table).items()])


def _arrow(table: str, rows: list[Dated]) -> pa.Table:
    import pyarrow as pa

    schema = arrow_schema(table)
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for row in rows:
        for name in columns:
            value = row.changed_at if name == "changed_at" else getattr(row.fact, name, None)
            columns[name].append(_plain(value))
    return pa.table(columns, schema=schema)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _state_of(pipeline: Any, file: Path) -> dict[str, Any]:
    """The cursors of the last reading, by stream."""
    try:
        if file.exists():
            pipeline.sync_destination()
        sources = pipeline.state.get("sources", {})
    except Exception as bad:
        raise StoreError(
            f"What was read before in {file.parent} cannot be used ({bad}); remove that folder and sync again."
        ) from bad
    return {
        name: found
        for source in sources.values()
        for name, found in source.get("resources", {}).items()
        if isinstance(found, dict)
    }


def _cause(wrapped: BaseException, vendor: Vendor) -> BaseException:
    """Our own error inside dlt's, or one sentence about it."""
    error: BaseException | None = wrapped
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, OutgrownError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    first = str(wrapped).strip().splitlines()
    said = next((line for line in reversed(first) if line.strip()), type(wrapped).__name__)[:200]
    return SourceFailed(f"{vendor.title} was read and could not be kept: {said}; sync again, or report this.")
