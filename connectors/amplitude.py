"""Amplitude: the events of a project, as it exports them by the hour in which they were received. Read-only.

https://amplitude.com/docs/apis/analytics/export
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from agent.foundation.errors import SourceFailed, VendorRefused
from connectors._api import Api
from connectors._lines import pages_of
from connectors._rows import Batch, Dated
from connectors._shapes import basic
from connectors._usage import Events, Usage, at_text, metrics_of
from connectors._vendor import Key, Since, Vendor

PATH = "/api/2/export"
HOUR = timedelta(hours=1)
LAG = timedelta(hours=2)
"An hour can be exported this long after it has ended."
AGAIN = timedelta(hours=2)
"Hours that are read again each time, for what was written late."
FIRST_HOURS, MOST_HOURS = 24, 24 * 30
"Hours in the first request, and in the largest: Amplitude allows a year."
SMALL, LARGE = 16 << 20, 256 << 20
"Bytes of an answer below which the next one asks for twice the hours, and above which for half."
UNPACKED, SWELLING = 256 << 20, 200
"An archive may hold this many bytes, or so many times its own size: events shrink to a twentieth, never to less."
DAMAGED = (BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, NotImplementedError, RuntimeError)


class Amplitude(Usage):
    """What may be set under [connectors.amplitude]; base_url is https://analytics.eu.amplitude.com for the EU.

    `account` is a group type, a property of the event or of the user, or user_id.
    """


AMPLITUDE = Vendor(
    name="amplitude",
    title="Amplitude",
    url="https://amplitude.com",
    keys=(
        Key("AMPLITUDE_API_KEY", "the project's API key: Settings > Projects", ""),
        Key(
            "AMPLITUDE_SECRET_KEY",
            "the project's secret key, beside it",
            "the project's own; it has no scopes",
        ),
    ),
    section=Amplitude,
    authorise=lambda keys, _: basic(keys["AMPLITUDE_API_KEY"], keys["AMPLITUDE_SECRET_KEY"]),
    check=lambda api: f"may read {len(api.get('/api/2/events/list')['data']):,} kinds of events",
    limit=(1, 1.0),
)


@AMPLITUDE.stream("events", "records")
def events(api: Api, since: Since) -> Iterator[Dated | Batch]:
    """Events by the hour in which Amplitude received them, so that one that happened long ago is not missed."""
    found = Events(api.settings)  # type: ignore[arg-type]
    until = _hour(api.started - LAG)
    # An earlier reading that began then had not read the hours that could not be exported yet.
    at = _hour(since.at - LAG)
    if "until" in since.kept:
        at = min(datetime.fromisoformat(since.kept["until"]) - AGAIN, until)
    hours = FIRST_HOURS
    while at < until:
        end = min(at + hours * HOUR, until)
        try:
            path = _export(api, at, end)
        except VendorRefused as refused:
            if refused.status != 400 or end - at <= HOUR:
                raise
            # More than 4 GB.
            hours = max(1, (end - at) // HOUR // 2)
            continue
        size = 0 if path is None else path.stat().st_size
        if path is not None:
            yield from _events(api, path, found)
        hours = min(MOST_HOURS, hours * 2) if size < SMALL else max(1, hours // 2) if size > LARGE else hours
        at = end
    yield from found.batches(last=True)
    found.tell(api)
    since.kept["until"] = max(at, until).isoformat()


@AMPLITUDE.stream("metrics", whole=True)
def metrics(api: Api, since: Since) -> Iterator[Dated]:  # noqa: ARG001
    """The metrics that the founder counts from events."""
    yield from metrics_of(api.settings)  # type: ignore[arg-type]


def _export(api: Api, start: datetime, end: datetime) -> Path | None:
    """The archive of the hours from `start` up to, and not including, `end`."""
    params = {"start": f"{start:%Y%m%dT%H}", "end": f"{end - HOUR:%Y%m%dT%H}"}
    return api.file(PATH, params, is_whole=_is_whole)


def _events(api: Api, path: Path, found: Events) -> Iterator[Dated | Batch]:
    """The events of one archive, straight from the disk.

    Raises SourceFailed for one that is damaged inside, or swells beyond what events can be; it is asked for again.
    """
    try:
        with ZipFile(path) as archive:
            most = _most(path)
            if sum(member.file_size for member in archive.infolist()) > most:
                raise _Swollen
            for member in archive.infolist():
                if member.is_dir():
                    continue
                with archive.open(member) as packed:
                    plain = gzip.GzipFile(fileobj=packed) if member.filename.endswith(".gz") else packed
                    counted = _Counted(plain, most)
                    for page in pages_of(api, counted):
                        for row in page:
                            _add(api, row, found)
                        yield from found.batches()
                    most = counted.left
    except DAMAGED:
        path.unlink(missing_ok=True)
        raise SourceFailed("Amplitude sent an archive that is damaged inside; sync again later.") from None
    except _Swollen:
        path.unlink(missing_ok=True)
        raise SourceFailed(
            "Amplitude sent an archive that unpacks to far more than events can be; nothing was changed: report this to them."
        ) from None


def _add(api: Api, row: dict[str, Any], found: Events) -> None:
    try:
        properties = row.get("event_properties") or {}
        user = row.get("user_id") or row.get("amplitude_id")
        found.add(
            str(row.get("uuid") or _id_of(row)),
            _account(row, properties, found.settings.account),
            None if user is None else str(user),
            at_text(row["event_time"]),
            row["event_type"],
            properties,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        api.reject(row, "event", row.get("event_type"), "lacks its type or its time, or they make no sense")


def _account(row: dict[str, Any], properties: dict[str, Any], name: str) -> Any:
    """What an event says of its account: a group first, then its own property, then its user's."""
    groups = row.get("groups")
    if groups and name in groups:
        return groups[name]
    if name in properties:
        return properties[name]
    return row.get("user_id") if name == "user_id" else (row.get("user_properties") or {}).get(name)


def _id_of(row: dict[str, Any]) -> str:
    """An id for an event that Amplitude gave none: what it takes for one event, or the event itself."""
    insert = row.get("$insert_id")
    told = f"{row.get('device_id')}\n{insert}" if insert else str(sorted(row.items()))
    return blake2b(told.encode(errors="replace"), digest_size=15).hexdigest()


def _is_whole(path: Path) -> bool:
    """Whether every part of an archive is there and adds up."""
    try:
        with ZipFile(path) as archive:
            # One that says it holds too much is not unpacked to find out whether it does.
            return sum(one.file_size for one in archive.infolist()) > _most(path) or archive.testzip() is None
    except (*DAMAGED, ValueError, OSError, LookupError, struct.error):
        return False


def _most(path: Path) -> int:
    """How many bytes an archive may hold."""
    return max(UNPACKED, SWELLING * path.stat().st_size)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


class _Swollen(Exception):
    """An archive holds too much."""


class _Counted:
    """A file that may be read only so far."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, left: int) -> None:
        self.file, self.left = file, left

    def read(self, size: int) -> bytes:
        """The next bytes."""
        found = self.file.read(size)
        self.left -= len(found)
        if self.left < 0:
            raise _Swollen
        return found
