"""What a connector asks a vendor through: paging by dlt, retries, limits, answers kept, errors in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from agent.facts.staged import Rejection
from agent.foundation.access import given
from agent.foundation.errors import ConfigError, KeyRefused, SourceFailed, VendorRefused
from agent.foundation.settings import Workspace
from agent.foundation.wanted import wanted
from connectors._rows import Dated, VendorRow

if TYPE_CHECKING:
    from requests import Response

    from connectors._vendor import Source, Vendor

TRIES = 6
BACKOFF = 0.5
"Seconds before the second try; each further wait is twice as long."
PATIENCE = 300
"Seconds a vendor may ask us to wait within one reading."
TIMEOUT = (10.0, 60.0)
"Seconds to connect, and between two pieces of an answer."
SHOWN = 120

R = TypeVar("R", bound=VendorRow)


class Api:
    """One vendor, as one reading sees it."""

    def __init__(
        self,
        vendor: Vendor,
        section: Source,
        keys: Mapping[str, str],
        *,
        kept: Any = None,
        inbox: Path | None = None,
    ) -> None:
        """`kept` is where answers are kept (connectors._kept.Kept); None for a single question.

        `inbox` is the folder in which webhooks wait (connectors._inbox).
        """
        from connectors._kept import KeepingAdapter
        from connectors._landing import parts

        self.vendor, self.settings, self.keys = vendor, section, dict(keys)
        self.base_url = base_url(vendor, section)
        self.rejected: list[tuple[str, Rejection]] = []
        self.table = ""
        "The landed table that the stream just read fills first; rejections are told with it."
        self.inbox = inbox
        self.taken: list[Path] = []
        "What was read from the inbox, and goes once it is landed."
        self.read = 0
        "Rows seen so far, bad ones included."
        self.kept = kept
        self._adapter = KeepingAdapter(
            kept, (section.requests_per_minute, 60.0) if section.requests_per_minute else vendor.limit
        )
        client = parts().requests.Client(
            request_timeout=TIMEOUT,
            raise_for_status=False,
            status_codes=(),
            exceptions=(),
            retry_condition=is_worth_another_try,
            request_max_attempts=TRIES,
            request_backoff_factor=BACKOFF,
            request_max_retry_delay=PATIENCE,
        )
        session = client.session
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
        session.headers["User-Agent"] = "outgrown"
        auth = vendor.authorise(self.keys, section)
        headers = auth if isinstance(auth, dict) else {}
        session.headers.update(headers)
        # Without one, requests would look for a password of the machine's user (.netrc).
        session.trust_env = False
        session.proxies = {name: value for name in ("http", "https") if (value := given(f"{name}_proxy"))}
        self._rest = parts().RESTClient(self.base_url, auth=None if headers else auth, session=session)
        self._single = parts().paginators.SinglePagePaginator

    @property
    def started(self) -> datetime:
        """When this reading began (UTC), by the slower of the vendor's clock and ours."""
        from agent.foundation.holder import machine_now

        began: datetime = self.kept.started if self.kept else machine_now()
        return began + min(timedelta(0), self._adapter.skew)

    @property
    def asked(self) -> int:
        """How many requests went out."""
        return self._adapter.asked

    def rows(
        self,
        path: str,
        shape: type[R],
        params: Mapping[str, Any] | None = None,
        *,
        at: str = "data",
        by: Any = None,
        body: Mapping[str, Any] | None = None,
    ) -> Iterator[Dated]:
        """The facts of every row at `path`, page by page; a row that does not fit is rejected, with the reason."""
        for page in self.pages(path, params, at=at, by=by, body=body):
            for row in page:
                yield from self.facts(row, shape, path)

    def facts(self, row: Any, shape: type[R], where: str) -> Iterator[Dated]:
        """The facts of one row; nothing for one that does not fit, which is rejected."""
        self.read += 1
        try:
            made = shape.model_validate(row)
            found = [Dated(fact, made.changed or self.started) for fact in made.facts(self.settings)]
        except ValidationError as bad:
            error = bad.errors()[0]
            column = ".".join(str(part) for part in error["loc"]) or "row"
            self._reject(row, column, error.get("input"), wanted(error))
        except (ValueError, KeyError, TypeError) as bad:
            said = f"lacks {bad}" if isinstance(bad, KeyError) else str(bad)
            self._reject(row, where, None, said)
        else:
            yield from found

    def _reject(self, row: Any, column: str, value: Any, reason: str) -> None:
        name = str(row.get("id", "")) if isinstance(row, dict) else ""
        shown = "" if isinstance(value, dict | list) or value is None else str(value)[:SHOWN]
        found = Rejection(line=None, column=f"{name} {column}".strip(), value=shown, reason=reason)
        self.rejected.append((self.table, found))

    def pages(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        at: str = "data",
        by: Any = None,
        body: Mapping[str, Any] | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """Pages of rows: `at` is where they are in the answer, `by` one of dlt's paginators (none: one page).

        With a `body` it is a POST.
        """
        with self._told():
            yield from self._rest.paginate(
                path,
                method="POST" if body is not None else "GET",
                params=dict(params or {}),
                json=dict(body) if body is not None else None,
                paginator=by or self._single(),
                data_selector=at,
                hooks={"response": [_raise_for_status]},
            )

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One answer, whole."""
        with self._told():
            hooks = {"response": [_raise_for_status]}
            found: dict[str, Any] = self._rest.get(path, params=dict(params or {}), hooks=hooks).json()
            return found

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one question that is asked by POST; for reading only, for it is repeated at will."""
        with self._told():
            hooks = {"response": [_raise_for_status]}
            found: dict[str, Any] = self._rest.post(path, json=dict(body), hooks=hooks).json()
            return found

    def file(
        self, path: str, params: Mapping[str, Any] | None = None, *, is_whole: Callable[[Path], bool]
    ) -> Path | None:
        """A large answer as a file, complete as `is_whole` tells; None for a 404.

        The file stays for as long as the reading lasts.
        """
        before, self._adapter.is_whole = self._adapter.is_whole, is_whole
        try:
            with self._told():
                hooks = {"response": [_raise_for_status]}
                response = self._rest.get(path, params=dict(params or {}), hooks=hooks, stream=True)
                response.close()
                return Path(response.kept_at)
        except VendorRefused as refused:
            if refused.status == 404:
                return None
            raise
        finally:
            self._adapter.is_whole = before

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever goes wrong while asking, as one sentence."""
        from requests import exceptions as bad

        title, host = self.vendor.title, urlsplit(self.base_url).netloc
        try:
            yield
        except bad.HTTPError as error:
            raise self._refusal(error.response) from None
        except bad.SSLError:
            raise SourceFailed(
                f"{title}: the certificate of {host} could not be verified, so nothing was sent; mend that first."
            ) from None
        except bad.Timeout:
            raise SourceFailed(
                f"{title} did not answer in time ({host}, {TRIES} tries); sync again later."
            ) from None
        except (bad.ChunkedEncodingError, bad.ContentDecodingError):
            raise SourceFailed(
                f"{title} broke its answers off ({host}, {TRIES} tries); sync again later."
            ) from None
        except bad.RequestException as error:
            raise SourceFailed(
                f"{title} cannot be reached at {host} ({type(error).__name__}); mend the connection, then sync again."
            ) from None

    def _refusal(self, response: Response | None) -> SourceFailed:
        vendor = self.vendor
        if response is None:
            return SourceFailed(f"{vendor.title} gave no answer; sync again later.")
        status = response.status_code
        if status in (401, 403):
            needed = [key for key in vendor.keys if not key.optional]
            names = " and ".join(key.name for key in needed)
            rights = "; ".join(key.rights for key in needed if key.rights)
            return KeyRefused(
                f"{vendor.title} refused {names} ({status}); make a new one with these rights: {rights}, "
                "and put it into .env.",
                status,
            )
        if status == 429:
            wait = response.headers.get("Retry-After", "")
            after = f"in {int(wait) / 60:.0f} minutes" if wait.isdigit() and int(wait) > 90 else "later"
            return SourceFailed(f"{vendor.title} has had enough requests for now (429); sync again {after}.")
        if status >= 500 or status == 408:
            return SourceFailed(
                f"{vendor.title} is in trouble itself ({status}, {TRIES} tries); sync again later."
            )
        said = said_by(response)
        path = urlsplit(response.url).path
        return VendorRefused(
            f"{vendor.title} refused {path} ({status}{': ' + said if said else ''}); "
            f"check [connectors.{vendor.name}].",
            status,
        )


def base_url(vendor: Vendor, section: Source) -> str:
    """Where the vendor is: OUTGROWN_<NAME>_URL, else base_url, else its own address.

    Raises ConfigError where nobody says it.
    """
    name = f"OUTGROWN_{vendor.name.upper()}_URL"
    # Checked like the setting: keys are sent there.
    found_there = given(name)
    found = (
        type(section).model_validate({**section.model_dump(), "base_url": found_there}).base_url
        if found_there
        else ""
    )
    found = found or section.base_url or vendor.url
    if not found:
        raise ConfigError(f"{vendor.title} needs base_url in [connectors.{vendor.name}]; add it.")
    return found


def keys_of(vendor: Vendor, workspace: Workspace) -> dict[str, str]:
    """The vendor's keys, from the environment.

    Raises ConfigError that names those that are missing.
    """
    found = {key.name: given(key.name) for key in vendor.keys}
    missing = [key for key in vendor.keys if not key.optional and not found[key.name]]
    if missing:
        names = " and ".join(key.name for key in missing)
        raise ConfigError(
            f"{vendor.title} needs {names} in {workspace.folder / '.env'}; "
            f"`outgrown connect {vendor.name}` says where to get {'it' if len(missing) == 1 else 'them'}."
        )
    return found


def is_worth_another_try(response: Response | None, error: BaseException | None) -> bool:
    """Whether the same question may be answered better a little later."""
    from requests import exceptions as bad

    answer = getattr(error, "response", None) if isinstance(error, bad.HTTPError) else response
    if answer is not None:
        wait = answer.headers.get("Retry-After", "")
        is_short = not wait.isdigit() or int(wait) <= PATIENCE
        return is_short and (answer.status_code in (408, 425, 429) or answer.status_code >= 500)
    if isinstance(error, bad.SSLError | bad.InvalidURL | bad.MissingSchema):
        return False
    return isinstance(
        error, bad.ConnectionError | bad.Timeout | bad.ChunkedEncodingError | bad.ContentDecodingError
    )


def said_by(response: Response) -> str:
    """What a vendor's refusal says, shortened; nothing where it is no JSON."""
    try:
        found = json.loads(response.content[:100_000])
    except ValueError:
        return ""
    for _ in range(4):
        if isinstance(found, list):
            found = found[0] if found else ""
        elif isinstance(found, dict):
            found = next(
                (
                    found[name]
                    for name in ("message", "error", "errors", "detail", "description")
                    if name in found
                ),
                "",
            )
    text = " ".join(str(found).split()) if isinstance(found, str) else ""
    return text[:SHOWN]


def _raise_for_status(response: Response, *_: Any, **__: Any) -> None:
    response.raise_for_status()
