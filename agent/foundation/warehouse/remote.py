"""The user's own warehouse, opened where it stands; nothing is made there but temporary tables and views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.foundation.errors import ConfigError, OutgrownError, StoreError
from agent.foundation.memo import Memo
from agent.foundation.warehouse.address import Kind, kind_of, shown_url, without_secrets
from agent.foundation.warehouse.file import open_warehouse
from agent.foundation.warehouse.reading import Warehouse

DRIVERS = (
    "psycopg", "pyspark", "py4j", "clickhouse_connect", "google", "snowflake", "duckdb", "requests", "urllib3", "grpc",
    "pydata_google_auth",
)  # fmt: skip
"Packages whose errors speak of the warehouse, not of us."

SPARK_OPTIONS = {
    "spark.ui.enabled": "false",
    # Spark would ask what follows for every column from every other, which takes minutes for hundreds of columns.
    "spark.sql.constraintPropagation.enabled": "false",
}


@contextmanager
def open_remote(
    url: str, options: Mapping[str, Any] | None = None, memo: Memo | None = None
) -> Iterator[Warehouse]:  # fmt: skip
    """The warehouse at a URL, for as long as the block lasts; `options` go to its client.

    Raises ConfigError for a URL or an option that cannot be, StoreError when it cannot be reached or fails.
    """
    kind = kind_of(url)
    if kind is Kind.DUCKDB:
        with open_warehouse(_file_of(url), memo=memo) as warehouse:
            yield warehouse
        return
    try:
        con = _connect(kind, url, dict(options or {}))
    except ImportError as missing:
        raise ConfigError(
            f"The client of {kind.spelt} is not installed ({_said(missing, url)}); `pip install 'outgrown[{kind.extra}]'`."
        ) from missing
    except OutgrownError:
        raise
    except Exception as error:
        raise StoreError(
            f"The warehouse {shown_url(url)} cannot be reached ({_said(error, url)}); mend [warehouse] in outgrown.toml."
        ) from None
    try:
        yield Warehouse(con, memo)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in DRIVERS:
            raise
        raise _failed(url, error) from error
    finally:
        # A Spark session takes seconds to start: it stays for the process's next question and ends with it.
        if kind is not Kind.SPARK:
            con.disconnect()


def _file_of(url: str) -> Path:
    path = Path(url.partition("://")[2].partition("?")[0])
    if not path.is_file():
        raise StoreError(f"There is no DuckDB file at {path}; mend [warehouse] url in outgrown.toml.")
    return path


def _connect(kind: Kind, url: str, options: dict[str, Any]) -> Any:
    import ibis

    ibis.options.sql.fuse_selects = False
    match kind:
        case Kind.SPARK:
            return ibis.pyspark.connect(spark_session(url, options))
        case Kind.CLICKHOUSE:
            # A row without a partner has nulls, not zeros; and a day is a day of UTC.
            settings = {"join_use_nulls": 1, "session_timezone": "UTC", **options.pop("settings", {})}
            return ibis.connect(url, settings=settings, **options)
        case Kind.SNOWFLAKE:
            # Ibis would otherwise make a database of its own functions, which a reader may not and we do not need.
            return ibis.connect(url, create_object_udfs=False, **options)
        case Kind.BIGQUERY:
            return _in_a_session(ibis.connect(url, **options))
    return ibis.connect(url, **options)


def spark_session(url: str, options: Mapping[str, Any]) -> Any:
    """The running Spark session, or one for `spark://host:port`, `spark://local[2]` and so on."""
    from pyspark.sql import SparkSession

    place = url.partition("://")[2].partition("?")[0].strip("/")
    builder = SparkSession.builder.appName("outgrown")
    if place:
        builder = builder.master(place if place.startswith(("local", "yarn", "k8s")) else f"spark://{place}")
    for name, value in (SPARK_OPTIONS | dict(options)).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _in_a_session(con: Any) -> Any:
    """A BigQuery connection whose queries share a session: temporary tables live in one."""
    from google.cloud import bigquery

    job = con.client.query("SELECT 1", job_config=bigquery.QueryJobConfig(create_session=True))
    job.result()
    session = bigquery.ConnectionProperty("session_id", job.session_info.session_id)
    con.client.default_query_job_config.connection_properties = [session]
    return con


def _failed(url: str, error: Exception) -> StoreError:
    said = _said(error, url)
    if "permission denied to create temporary" in said:
        mend = "let its user make them: GRANT TEMPORARY ON DATABASE … TO …"
    elif "read-only transaction" in said:
        mend = "temporary tables cannot be made on a standby; name the primary, or a logical replica"
    elif "permission denied" in said.lower():
        mend = "let its user SELECT from that"
    else:
        mend = "see to it there, then run the command again; nothing was changed"
    return StoreError(f"The warehouse {shown_url(url)} failed ({said}); {mend}.")


def _said(error: Exception, url: str) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return without_secrets(text, url).rstrip(".!")[:300]
