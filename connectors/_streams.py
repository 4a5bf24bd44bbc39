"""The streams of one vendor, read one after the other: of their rows those that have not landed yet."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.facts.door import ALWAYS_ALLOWED
from agent.facts.staged import in_words
from agent.foundation.errors import TooManyRejected, VendorRefused
from connectors._columns import MANY, arrow_of, arrow_schema, marked
from connectors._rows import LISTED, Batch, Dated, columns_of
from connectors._vendor import Since

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors._api import Api
    from connectors._landing import Landing
    from connectors._vendor import Reading, Source, Vendor

TOLD_EVERY = 2.0
SHOWN = 3


@dataclass(frozen=True)
class Place:
    """Where a stream was when it was last read to its end."""

    until: datetime
    "Everything that changed before this moment is landed."
    kept: dict[str, Any] = field(default_factory=dict)
    listed: int = 0
    "The reading whose rows are what a stream that lists all there is lists now."
    columns: str = ""
    "What the tables looked like then."


class Streams:
    """One reading of a vendor."""

    def __init__(
        self,
        vendor: Vendor,
        section: Source,
        api: Api,
        landing: Landing,
        places: Mapping[str, Place],
        number: int,
        since: datetime | None,
        progress: Callable[[str], None],
    ) -> None:
        """`number` is this reading's, larger than that of any before; `since` stands in place of the cursors."""
        self.vendor, self.section, self.api, self.landing = vendor, section, api, landing
        self.before, self.number, self.since = places, number, since
        self.places: dict[str, Place] = {}
        "Where the streams end that were read."
        self.rows = 0
        self.say = progress
        self._seen: Counter[str] = Counter()
        self._place = 0
        self._started = self._told = time.perf_counter()

    def new(self) -> Iterator[tuple[str, pa.Table]]:
        """Landed tables' names and rows, stream by stream; of a table that is not there yet also no rows.

        Raises what the vendor's failing raises, and TooManyRejected at the end.
        """
        for reading in self.vendor.readings:
            if self.vendor.wants(self.section, reading.name):
                yield from self._new_of(reading)
        self._refuse_too_many()

    def taken(self) -> None:
        """Told once everything is landed for good: what lay in the inbox may go."""
        for path in self.api.taken:
            Path(path).unlink(missing_ok=True)

    def _new_of(self, reading: Reading) -> Iterator[tuple[str, pa.Table]]:
        self.api.table = reading.gives[0]
        place, columns = self.before.get(reading.name), _columns(reading)
        is_known = place is not None and place.columns == columns
        since = self._since(reading, place)
        read, bad = self.api.read, len(self.api.rejected)
        lacking = set() if is_known else set(reading.gives)
        listed = place.listed if place else 0
        if reading.whole:
            listing = self._listing(reading, since)
            if not is_known or self.landing.lists_other(reading, listing, listed):
                listed = self.number
                for table, rows in listing.items():
                    lacking.discard(table)
                    yield table, rows
        else:
            for table, rows in self._with_restart(reading, since):
                fresh = self.landing.unknown(table, rows, self.api.moment) if is_known else rows
                if fresh.num_rows:
                    lacking.discard(table)
                    yield table, fresh
        for table in sorted(lacking):
            yield table, marked(arrow_of(table, []), self.number, 0, reading.name)
        self._seen[reading.gives[0]] += max(self.api.read - read, len(self.api.rejected) - bad)
        until, kept = self.api.started, since.kept
        if self.since is not None and place is not None and self.since > place.until:
            # What changed between the last reading and this one's beginning is still to be read.
            until, kept = place.until, place.kept
        self.places[reading.name] = Place(until, kept, listed, columns)

    def _since(self, reading: Reading, place: Place | None) -> Since:
        if self.since is not None:
            return Since(self.since, is_first=place is None, kept={})
        if place is None:
            return Since(self.api.moment - timedelta(days=self.section.history_days), is_first=True, kept={})
        at = place.until - timedelta(seconds=reading.overlap_seconds)
        return Since(at, is_first=False, kept=json.loads(json.dumps(place.kept)))

    def _with_restart(self, reading: Reading, since: Since) -> Iterator[tuple[str, pa.Table]]:
        """The stream in Arrow tables; begun again, once, when a cursor turns out to be too old."""
        answers, bad = self.api.answers, len(self.api.rejected)
        try:
            yield from self._batched(reading, since)
        except VendorRefused as refused:
            self._must_be_worth_restarting(reading, since, refused, answers, bad)
            yield from self._batched(reading, since)

    def _listing(self, reading: Reading, since: Since) -> dict[str, pa.Table]:
        """All that the stream lists, by table."""
        import pyarrow as pa

        answers, bad = self.api.answers, len(self.api.rejected)
        try:
            found = list(self._batched(reading, since))
        except VendorRefused as refused:
            self._must_be_worth_restarting(reading, since, refused, answers, bad)
            found = list(self._batched(reading, since))
        return {
            name: pa.concat_tables([rows for table, rows in found if table == name])
            for name in dict.fromkeys(table for table, _ in found)
        }

    def _must_be_worth_restarting(
        self, reading: Reading, since: Since, refused: VendorRefused, answers: int, bad: int
    ) -> None:
        """Forget where we were; raises the refusal itself where it is not about that."""
        came = self.api.answers > answers
        if refused.status in (401, 403) or not (since.kept or came):
            raise refused
        self.say(f"{self.vendor.title} no longer knows where we were; reading {reading.name} again")
        since.kept.clear()
        del self.api.rejected[bad:]
        if self.api.kept is not None:
            self.api.kept.restart()

    def _batched(self, reading: Reading, since: Since) -> Iterator[tuple[str, pa.Table]]:
        waiting: dict[str, list[Dated]] = {}
        for item in reading.read(self.api, since):
            if isinstance(item, Batch):
                yield item.table, self._marked(reading, _fitting(item))
                continue
            rows = waiting.setdefault(item.fact.TABLE, [])
            # A listing has no history: what stands in it replaces what stood there before.
            rows.append(replace(item, changed_at=LISTED) if reading.whole else item)
            if len(rows) >= MANY:
                table = item.fact.TABLE
                yield table, self._marked(reading, arrow_of(table, waiting.pop(table)))
        for table, rows in waiting.items():
            yield table, self._marked(reading, arrow_of(table, rows))

    def _marked(self, reading: Reading, rows: pa.Table) -> pa.Table:
        found = marked(rows, self.number, self._place, reading.name)
        self._place += rows.num_rows
        self.rows += rows.num_rows
        now = time.perf_counter()
        if now - self._told >= TOLD_EVERY:
            self._told = now
            rate = self.rows / (now - self._started)
            self.say(f"{self.vendor.name}: {self.rows:,} rows, {rate:,.0f} a second, reading {reading.name}")
        return found

    def _refuse_too_many(self) -> None:
        """Before anything lands: a vendor whose rows we no longer understand shall not look as if it had few."""
        for table, count in Counter(table for table, _ in self.api.rejected).items():
            read = max(self._seen[table], count)
            allowed = max(ALWAYS_ALLOWED, int(self.section.max_rejected * read))
            if count > allowed:
                if self.api.kept is not None:
                    # They may be mended by the next time, so they are asked for again.
                    self.api.kept.restart()
                first = [one for about, one in self.api.rejected if about == table][:SHOWN]
                raise TooManyRejected(
                    f"{self.vendor.title}: {count:,} of {read:,} rows for {table} make no sense and {allowed:,} are "
                    f"allowed, so nothing was changed; {in_words(first)}; mend them there, or raise max_rejected in "
                    f"[connectors.{self.vendor.name}]."
                )


def _fitting(batch: Batch) -> pa.Table:
    schema = arrow_schema(batch.table)
    rows = batch.rows.select(schema.names)
    return rows if rows.schema.equals(schema) else rows.cast(schema)


def _columns(reading: Reading) -> str:
    """A word that changes when the reading's tables get other columns."""
    text = json.dumps({table: columns_of(table) for table in reading.gives})
    return sha256(text.encode()).hexdigest()[:16]
