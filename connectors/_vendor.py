"""A vendor: how it is reached, what it gives, and what the founder may set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from agent.foundation.sections import STALE_AFTER_HOURS
from agent.foundation.settings import Section

if TYPE_CHECKING:
    from connectors._api import Api
    from connectors._inbox import Hook
    from connectors._rows import Batch, Dated

HISTORY_DAYS = 365


class Source(Section):
    """What may be set for every vendor, under [connectors.<name>]."""

    base_url: str = ""
    "Of another server that speaks the vendor's protocol; empty means the vendor's own."
    stale_after_hours: float = Field(STALE_AFTER_HOURS, gt=0)
    max_rejected: float = Field(0.01, ge=0, le=1)
    "Share of bad rows per table above which a sync changes nothing (never fewer than 10 rows)."
    history_days: int = Field(HISTORY_DAYS, ge=1, le=3660)
    "How far back the first reading goes."
    requests_per_minute: int | None = Field(None, ge=1)
    "What your plan with the vendor allows, where that is not its usual limit."

    @field_validator("base_url")
    @classmethod
    def safe(cls, value: str) -> str:
        """Keys are sent there."""
        parts = urlsplit(value)
        is_near = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if value and not (parts.hostname and (parts.scheme == "https" or is_near)):
            raise ValueError("must begin with https:// (http:// only on this machine)")
        return value.rstrip("/")


@dataclass(frozen=True)
class Key:
    """A secret of the founder's, from the environment alone."""

    name: str
    "The environment variable."
    what: str
    "What it is and where it is made, for a person: `a restricted key, from Developers > API keys`."
    rights: str
    "The exact read-only scopes it needs."
    optional: bool = False


@dataclass(frozen=True)
class Since:
    """From where on a stream is read; what is `keep`ed is there at the next reading, once this one has ended well."""

    at: datetime
    "Rows changed at or after this moment (UTC) are wanted; the overlap is taken off already."
    is_first: bool
    "Whether nothing was read before: then all that still counts is wanted, however old, and `at` bounds history."
    kept: dict[str, Any] = field(default_factory=dict)
    "The vendor's own cursors, as JSON values: change them in place."

    @property
    def seconds(self) -> int:
        """`at` in seconds since 1970."""
        return int(self.at.replace(tzinfo=UTC).timestamp())

    @property
    def text(self) -> str:
        """`at` in ISO 8601, as 2026-03-31T09:00:00Z."""
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")


Stream = Callable[["Api", Since], Iterator["Dated | Batch"]]


@dataclass(frozen=True)
class Reading:
    """One stream of a vendor: a function that reads an endpoint or two."""

    name: str
    read: Stream
    gives: tuple[str, ...]
    "The landed tables it fills."
    overlap_seconds: int = 3600
    "How far before the end of the last reading the next one begins."
    whole: bool = False
    "Whether it lists all there is each time, so that what is missing is gone."


@dataclass(frozen=True)
class Vendor:
    """One vendor. `readings` is filled by `@vendor.stream(…)`, in the order of the file."""

    name: str
    title: str
    url: str
    "Where its API is; empty where the founder must say it (base_url)."
    keys: tuple[Key, ...]
    section: type[Source]
    authorise: Callable[[dict[str, str], Any], Any]
    "From the keys by name and the section: a requests auth object, or a dict of headers."
    check: Callable[[Api], str]
    "One cheap request: whom the key belongs to, in a few words. Raises what the Api raises."
    gives_accounts: bool = False
    "Whether its records are paying customers, so that one nobody knows yet becomes an account."
    own_ids: bool = False
    "Whether its rows carry our own ids, so that nothing needs to be matched; then it may give accounts as well."
    limit: tuple[int, float] = (10, 1.0)
    "So many requests in so many seconds: what its documentation allows, and we make."
    readings: list[Reading] = field(default_factory=list)
    needs: str = ""
    "The extra of our own package that it needs, if any."
    has_api: bool = True
    "Whether it is asked by HTTP, and so has an address; not one that is read from a database, a file or its inbox."
    asks_about_domains: bool = False
    "Whether it is asked about the companies our accounts are; then the last sync has left their domains in the Api."
    wants: Callable[[Any, str], bool] = lambda section, stream: True  # noqa: ARG005
    "Whether a stream is read with these settings."
    hook: Hook | None = None
    "Its webhook, where it has one: what comes by it waits in the inbox until the next reading."

    def stream(
        self, *gives: str, overlap_seconds: int = 3600, whole: bool = False
    ) -> Callable[[Stream], Stream]:
        """Mark a function as a stream that fills these landed tables."""

        def mark(read: Stream) -> Stream:
            self.readings.append(
                Reading(getattr(read, "__name__", "rows"), read, gives, overlap_seconds, whole)
            )
            return read

        return mark

    @property
    def tables(self) -> tuple[str, ...]:
        """Every landed table it fills."""
        return tuple(dict.fromkeys(table for reading in self.readings for table in reading.gives))
