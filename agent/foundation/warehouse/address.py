"""Where a warehouse stands: the kinds we know, their URLs, and how to show one without its secrets."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_plus

from agent.foundation.errors import ConfigError

SECRETS = re.compile(r"(?i)([?&](?:[^=&]*(?:password|passcode|token|secret|key)[^=&]*)=)[^&]*")
PASSWORD = re.compile(r"^(\w+://[^:@/]*):(.*)@", re.DOTALL)


class Kind(StrEnum):
    """A kind of warehouse, by the name Ibis gives it."""

    DUCKDB = "duckdb"
    POSTGRES = "postgres"
    SPARK = "pyspark"
    CLICKHOUSE = "clickhouse"
    BIGQUERY = "bigquery"
    SNOWFLAKE = "snowflake"

    @property
    def spelt(self) -> str:
        """As its makers write it."""
        return TITLES[self]

    @property
    def extra(self) -> str:
        """What brings its client along."""
        return "spark" if self is Kind.SPARK else self.value


TITLES = {
    Kind.DUCKDB: "DuckDB", Kind.POSTGRES: "PostgreSQL", Kind.SPARK: "Spark", Kind.CLICKHOUSE: "ClickHouse",
    Kind.BIGQUERY: "BigQuery", Kind.SNOWFLAKE: "Snowflake",
}  # fmt: skip


def title_of(con: Any) -> str:
    """What kind of warehouse an Ibis connection leads to, in a word."""
    return str(TITLES.get(con.name, con.name))


SCHEMES = {kind.value: kind for kind in Kind} | {"postgresql": Kind.POSTGRES, "spark": Kind.SPARK}


def kind_of(url: str) -> Kind:
    """The kind of warehouse a URL leads to.

    Raises ConfigError for a kind that is not known.
    """
    scheme, colon, _ = url.partition("://")
    kind = SCHEMES.get(scheme.lower()) if colon else None
    if kind is None:
        known = ", ".join(f"{name}://" for name in ("duckdb", "postgres", "spark", *list(Kind)[3:]))
        raise ConfigError(
            f"The warehouse's url {shown_url(url)!r} does not begin with one of {known}; mend it."
        )
    return kind


def shown_url(url: str) -> str:
    """The URL as it may be shown: without its password and other secrets."""
    return SECRETS.sub(r"\1***", PASSWORD.sub(r"\1:***@", url))


def without_secrets(text: str, url: str) -> str:
    """What a driver said, without the secrets of the URL it was given."""
    found = [match[2] for match in [PASSWORD.match(url)] if match]
    found += [part.partition("=")[2] for part in re.split("[?&]", url) if SECRETS.match("?" + part)]
    for secret in {*found, *map(unquote_plus, found)} - {""}:
        text = text.replace(secret, "***")
    return text
