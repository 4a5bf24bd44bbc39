"""Firmographics: how many people work at a customer, day by day, out of a file or from a service that is paid by call.

A service is asked about the domains our accounts had at the last sync, so the first sync of a workspace asks nothing.
Only domains go out. https://docs.peopledatalabs.com/docs/company-enrichment-api ; Clearbit's /v2/companies/find and
ZoomInfo's /gtm/data/v1/companies/enrich are read as their clients in public code do.
"""

from __future__ import annotations

import csv
import json
import math
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, model_validator

from agent.facts.identities import company_domain
from agent.facts.tables import Measure
from agent.foundation.errors import ConfigError, InputError, SourceFailed, VendorRefused
from connectors._api import Api
from connectors._rows import Dated, Record, VendorRow
from connectors._shapes import Text
from connectors._vendor import Key, Since, Source, Vendor
from connectors._words import nearest

KEY = "FIRMOGRAPHICS_API_KEY"
HEADCOUNT = "headcount"
UNKNOWN = (400, 404, 422)
"A company the service does not know, or a domain it takes for none."

Column = Literal["domain", "account_id", "day", "headcount"]


@dataclass(frozen=True)
class Service:
    """How one service is asked, and where in its answer the numbers stand."""

    url: str
    header: str
    prefix: str
    values: tuple[str, ...]
    "Where the count stands, as names with dots; of a list the first element counts. The first that is there."
    history: str = ""
    'Where counts by month stand: {"2026-03": 41}.'
    body: Callable[[str], dict[str, Any]] | None = None
    "What is posted about a domain, for a service that is not asked by GET."


def _zoominfo(domain: str) -> dict[str, Any]:
    wanted = {
        "matchCompanyInput": [{"companyWebsite": domain}],
        "outputFields": ["id", "name", "website", "employeeCount"],
    }
    return {"data": {"type": "CompanyEnrich", "attributes": wanted}}


SERVICES = {
    "clearbit": Service(
        "https://company.clearbit.com/v2/companies/find?domain={domain}",
        "Authorization",
        "Bearer ",
        ("metrics.employees",),
    ),
    "zoominfo": Service(
        "https://api.zoominfo.com/gtm/data/v1/companies/enrich",
        "Authorization",
        "Bearer ",
        ("data.attributes.employeeCount", "data.result.data.employeeCount"),
        body=_zoominfo,
    ),
    "peopledatalabs": Service(
        "https://api.peopledatalabs.com/v5/company/enrich?website={domain}",
        "X-Api-Key",
        "",
        ("employee_count",),
        "employee_count_by_month",
    ),
}


class Firmographics(Source):
    """What may be set under [connectors.firmographics]: a file, or a service, or both."""

    file: str = ""
    "A .csv or .jsonl file with a row per company and day; its folder is the workspace's."
    columns: dict[Column, str] = Field({})
    "What the file calls its columns, where that is not domain or account_id, day and headcount."
    service: Literal["", "clearbit", "zoominfo", "peopledatalabs", "other"] = ""
    url: str = ""
    'For service = "other": where it is asked, with {domain} in it.'
    header: str = "Authorization"
    'For service = "other": the header of the key.'
    prefix: str = "Bearer "
    'For service = "other": what stands before the key.'
    value: str = ""
    'For service = "other": where the count stands in the answer, as names with dots.'
    history: str = ""
    'For service = "other": where counts by month stand, if it gives any.'
    max_lookups: int = Field(100, ge=1, le=100_000)
    "Paid calls a sync at most."
    good_for_days: int = Field(30, ge=1, le=365)
    "How long an answer counts before the service is asked again; also that it knows nothing."

    @model_validator(mode="before")
    @classmethod
    def found_by_its_url(cls, given: Any) -> Any:
        """The server is the one of the service's URL, unless base_url names another."""
        if not isinstance(given, dict) or given.get("base_url"):
            return given
        service = SERVICES.get(str(given.get("service", "")))
        url = service.url if service else str(given.get("url") or "")
        parts = urlsplit(url)
        return {**given, "base_url": f"{parts.scheme}://{parts.netloc}"} if parts.netloc else given

    @model_validator(mode="after")
    def asked_somewhere(self) -> Firmographics:
        """There is something to read, and a customer's domain is never where the key goes."""
        if not self.file and not self.service:
            raise ValueError("needs file, or service (clearbit, zoominfo, peopledatalabs or other)")
        if self.service == "other":
            parts = urlsplit(self.url)
            if "{domain}" not in parts.path + parts.query or "{" in parts.netloc:
                raise ValueError("url must be https://host/path with {domain} in its path or query")
            if not self.value:
                raise ValueError("value must say where the count stands, such as metrics.employees")
        return self

    @property
    def asked(self) -> Service:
        """The service that is asked."""
        own = Service(self.url, self.header, self.prefix, (self.value,), self.history)
        return SERVICES.get(self.service, own)


def _headers(keys: dict[str, str], settings: Any) -> dict[str, str]:
    if not settings.service or not keys.get(KEY):
        return {}
    return {settings.asked.header: f"{settings.asked.prefix}{keys[KEY]}"}


def _check(api: Api) -> str:
    """Nothing is asked: a lookup is paid for."""
    settings: Firmographics = api.settings  # type: ignore[assignment]
    said = []
    if settings.file:
        said.append(f"{sum(1 for _ in _rows(api)):,} rows in {settings.file}")
    if settings.service:
        _must_have_key(api)
        said.append(
            f"{settings.service} will be asked about {len(api.domains):,} domains, {settings.max_lookups:,} a sync"
        )
    return "; ".join(said)


FIRMOGRAPHICS = Vendor(
    name="firmographics",
    title="Firmographics",
    url="",
    has_api=False,
    keys=(Key(KEY, "the key of the service that is asked", "company lookups", optional=True),),
    section=Firmographics,
    authorise=_headers,
    check=_check,
    asks_about_domains=True,
    wants=lambda section, stream: bool(section.file if stream == "file" else section.service),
    # People Data Labs allows 100 a minute, the others more.
    limit=(90, 60.0),
)


# A file.


class Count(VendorRow):
    """One row of a file: a company, by its domain or our own id, and how many people work there on a day."""

    domain: str | None = None
    account_id: Text | None = None
    day: date
    headcount: float = Field(ge=0, allow_inf_nan=False)

    def facts(self, settings: Firmographics) -> Iterator[Record | Measure]:  # noqa: ARG002
        """A record to be matched, and its reading."""
        domain = company_domain(self.domain)
        record = (self.account_id or "").strip() or domain
        if not record:
            raise ValueError(f"names no company: {(self.domain or '')[:60]!r} is no domain of one")
        yield Record(record_id=record, own_id=(self.account_id or "").strip() or None, domain=domain)
        yield Measure(account_id=record, day=self.day, metric=HEADCOUNT, value=self.headcount)


@FIRMOGRAPHICS.stream("records", "measures", whole=True)
def file(api: Api, since: Since) -> Iterator[Dated]:  # noqa: ARG001
    """Every row of the file."""
    settings: Firmographics = api.settings  # type: ignore[assignment]
    for row in _rows(api):
        yield from api.facts(row, Count, settings.file)


def _rows(api: Api) -> Iterator[dict[str, Any]]:
    """The file's rows under our own names; empty cells are left out."""
    settings: Firmographics = api.settings  # type: ignore[assignment]
    path = api.folder / Path(settings.file).expanduser()
    named = {name: settings.columns.get(name, name) for name in ("domain", "account_id", "day", "headcount")}
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            is_csv = path.suffix.lower() == ".csv"
            for number, row in enumerate(csv.DictReader(text) if is_csv else _objects(text, settings.file)):
                if number == 0:
                    _must_have(named, list(row), settings.file)
                yield {
                    name: row[theirs] for name, theirs in named.items() if row.get(theirs) not in (None, "")
                }
    except UnicodeDecodeError:
        raise InputError(f"{settings.file} is not UTF-8 text; save it again as UTF-8.") from None
    except (OSError, csv.Error) as bad:
        said = getattr(bad, "strerror", None) or str(bad)
        raise InputError(
            f"{settings.file} cannot be read ({said}); mend file in [connectors.firmographics]."
        ) from None


def _objects(lines: Any, name: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InputError(f"{name} line {number} is no JSON object; mend it there.")
        yield found


def _must_have(named: Mapping[str, str], columns: list[str], where: str) -> None:
    wanted = [name for name in ("day", "headcount") if named[name] not in columns]
    if named["domain"] not in columns and named["account_id"] not in columns:
        wanted.insert(0, "domain")
    if wanted:
        near = nearest(named[wanted[0]], columns, 0.4)
        hint = f"if it is '{near}', write" if near else "write"
        raise InputError(
            f"{where} has no column '{named[wanted[0]]}'; {hint} {wanted[0]} = \"{near or 'its name there'}\" under "
            "[connectors.firmographics.columns]."
        )


# A service.


@FIRMOGRAPHICS.stream("records", "measures")
def lookups(api: Api, since: Since) -> Iterator[Dated]:
    """What the service knows of the domains whose answers are too old, those never asked about first."""
    settings: Firmographics = api.settings  # type: ignore[assignment]
    _must_have_key(api)
    today = api.moment.date()
    asked = _asked(api, since)
    due = [
        one for one in api.domains if one not in asked or (today - asked[one]).days >= settings.good_for_days
    ]
    due.sort(key=lambda one: (asked.get(one, date.min), one))
    left, empty, came = len(due), 0, 0
    for domain in due[: settings.max_lookups]:
        try:
            answer = _answer(api, domain)
        except SourceFailed as failed:
            # What was paid for is kept; what is wrong is an error once it is the first thing that happens.
            if not came:
                raise
            api.notes.append(
                ("measures", f"{left:,} domains wait for the next sync: {str(failed).rstrip('.')}")
            )
            break
        came, left = came + 1, left - 1
        if _is_pending(answer):
            continue
        asked[domain] = today
        found = list(_readings(api, domain, answer, today))
        empty += answer is not None and not found
        yield from found
    else:
        if left:
            api.notes.append(
                (
                    "measures",
                    f"{left:,} domains wait for the next sync: max_lookups is {settings.max_lookups:,}",
                )
            )
    if empty and empty == came:
        where = " or ".join(settings.asked.values)
        api.notes.append(("measures", f"none of {came:,} answers held a number at {where}"))
    since.kept["asked"] = {one: day.isoformat() for one, day in asked.items()}


def _must_have_key(api: Api) -> None:
    if not api.keys.get(KEY):
        raise ConfigError(f"Firmographics needs {KEY} to ask {api.settings.service}; put it into .env.")  # type: ignore[attr-defined]


def _asked(api: Api, since: Since) -> dict[str, date]:
    """When each domain was last asked about; a reading from an earlier day on pays for nothing twice."""
    landed = api.landed(
        "SELECT account_id, CAST(max(day) AS VARCHAR) FROM vendor.measures WHERE stream = 'lookups' GROUP BY account_id"
    )
    found = {**dict(landed), **since.kept.get("asked", {})}
    return {one: date.fromisoformat(found[one]) for one in api.domains if one in found}


def _answer(api: Api, domain: str) -> Any:
    """What the service says of a domain; None for one that it does not know."""
    service = api.settings.asked  # type: ignore[attr-defined]
    parts = urlsplit(service.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        if service.body is not None:
            return api.post(path, service.body(domain))
        return api.get(path.replace("{domain}", quote(domain, safe="")))
    except VendorRefused as refused:
        if refused.status in UNKNOWN:
            return None
        raise


def _is_pending(answer: Any) -> bool:
    """Whether the service is still looking, and says so (Clearbit's 202)."""
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and error.get("type") == "queued"


def _readings(api: Api, domain: str, answer: Any, today: date) -> Iterator[Dated]:
    service = api.settings.asked  # type: ignore[attr-defined]
    counts: dict[date, Any] = {}
    months = _at(answer, service.history) if service.history else None
    for month, count in months.items() if isinstance(months, dict) else ():
        day = _end_of(month)
        # A month that is not over has no count of its own yet.
        if day is not None and day < today and count is not None:
            counts[day] = count
    value = next((one for path in service.values if (one := _at(answer, path)) is not None), None)
    if value is not None:
        counts[today] = value
    told = False
    for day, count in sorted(counts.items()):
        api.read += 1
        if (
            isinstance(count, bool)
            or not isinstance(count, int | float)
            or not math.isfinite(count)
            or count < 0
        ):
            api.reject({"id": domain}, HEADCOUNT, count, "is no number of people")
            continue
        if not told:
            told = True
            yield Dated(Record(record_id=domain, domain=domain), api.moment)
        yield Dated(Measure(account_id=domain, day=day, metric=HEADCOUNT, value=float(count)), api.moment)


def _at(answer: Any, path: str) -> Any:
    """What stands at a path of names with dots; of a list its first element is meant."""
    for name in path.split("."):
        if isinstance(answer, list):
            answer = answer[0] if answer else None
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def _end_of(month: Any) -> date | None:
    """The last day of a month such as 2026-03."""
    try:
        year, number = (int(part) for part in str(month).split("-")[:2])
        return date(year, number, monthrange(year, number)[1])
    except ValueError:
        return None
