"""A warehouse's URL: what it leads to, and how it is shown."""

from __future__ import annotations

import pytest

from agent.foundation.errors import ConfigError
from agent.foundation.settings import Settings, Workspace
from agent.foundation.warehouse.address import Kind, kind_of, shown_url, without_secrets
from tests.worlds import SETTINGS


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://dana:s3cret@h:5432/db", "postgres://dana:***@h:5432/db"),
        ("postgres://dana:s3@cr/et@h/db", "postgres://dana:***@h/db"),
        ("postgres://:s3cret@h/db", "postgres://:***@h/db"),
        ("postgres://dana@h/db", "postgres://dana@h/db"),
        ("postgres://h/db?user=dana&password=s3cret&sslmode=require", "postgres://h/db?user=dana&password=***&sslmode=require"),
        ("snowflake://d:s3cret@acct/DB/S?private_key=s3cret&warehouse=W", "snowflake://d:***@acct/DB/S?private_key=***&warehouse=W"),
        ("bigquery://project/dataset", "bigquery://project/dataset"),
        ("spark://local[2]", "spark://local[2]"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_secrets(url, shown):
    """In messages, in the doctor's answer, in JSON."""
    assert shown_url(url) == shown


def test_what_a_driver_says_loses_the_secrets_too():
    """As they were written in the URL, and as the driver read them."""
    url = "postgres://dana:s3%40cret@h/db?sslpassword=oth3r"
    assert without_secrets("no: s3@cret s3%40cret oth3r", url) == "no: *** *** ***"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("duckdb:///a.duckdb", Kind.DUCKDB),
        ("postgresql://h/db", Kind.POSTGRES),
        ("POSTGRES://h/db", Kind.POSTGRES),
        ("spark://m:7077", Kind.SPARK),
        ("snowflake://a/D", Kind.SNOWFLAKE),
    ],
)
def test_a_url_leads_to_a_kind(url, kind):
    """By its beginning."""
    assert kind_of(url) is kind


@pytest.mark.parametrize("url", ["facts.duckdb", "mysql://u:s3cret@h/db", "", "s3cret"])
def test_a_url_that_leads_nowhere_is_refused(url):
    """With the kinds there are, and without its secrets."""
    with pytest.raises(
        ConfigError, match="duckdb://, postgres://, spark://, clickhouse://, bigquery://, snowflake://"
    ):
        kind_of(url)


@pytest.mark.parametrize(
    ("given", "value", "url"),
    [
        ("postgres://d:${SECRET}@h/db", "p@ss w/rd", "postgres://d:p%40ss%20w%2Frd@h/db"),
        ("${SECRET}", "postgres://d:x@h/db", "postgres://d:x@h/db"),
        ("", "unused", ""),
    ],
)
def test_secrets_come_from_the_environment(tmp_path, monkeypatch, given, value, url):
    """A part of a URL is written so that no character of it means anything; a whole one is taken as it is."""
    monkeypatch.setenv("SECRET", value)
    monkeypatch.delenv("OUTGROWN_WAREHOUSE_URL", raising=False)
    settings = Settings.model_validate(
        SETTINGS | {"warehouse": {"url": given, "options": {"token": "${SECRET}"}}}
    )
    workspace = Workspace(tmp_path, settings)
    assert workspace.warehouse_url == url
    assert workspace.warehouse_options == {"token": value}


def test_the_environment_may_name_the_whole_warehouse(tmp_path, monkeypatch):
    """Before the file does."""
    monkeypatch.setenv("OUTGROWN_WAREHOUSE_URL", "spark://m:7077")
    assert Workspace(tmp_path, Settings.model_validate(SETTINGS)).warehouse_url == "spark://m:7077"
