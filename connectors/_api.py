"""What a connector asks a vendor through: paging by dlt, retries, limits, answers kept, errors in one sentence."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from agent.facts.staged import Rejection
from agent.facts.tables import Fact
from agent.foundation.access import given
from agent.foundation.errors import ConfigError, KeyRefused, SourceFailed, VendorRefused
from agent.foundation.settings import Workspace
from agent.foundation.wanted import wanted
from connectors._rows import Dated, VendorRow
from connectors._shapes import is_this_machine

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
        landed: Callable[[str], list[tuple[Any, ...]]] = lambda _: [],
        domains: Sequence[str] = (),
        folder: Path = Path(),
    ) -> None:
        """`kept` is where answers are kept (connectors._kept.Kept); None for a single question.

        `inbox` is the folder in which webhooks wait (connectors._inbox); `landed` answers a SELECT on what earlier
        readings have landed, `domains` are those our accounts had at the last sync, and `folder` is the workspace's.
        """
        from connectors._kept import KeepingAdapter
        from connectors._landing import parts

        self.vendor, self.settings, self.keys = vendor, section, dict(keys)
        self.base_url = base_url(vendor, section)
        self.rejected: list[tuple[str, Rejection]] = []
        self.table = ""
        "The landed table that the stream just read fills first; rejections are told with it."
        self.inbox, self.landed, self.domains, self.folder = inbox, landed, tuple(domains), folder
        self.taken: list[Path] = []
        "What was read from the inbox, and goes once it is landed."
        self.read = 0
        "Rows seen so far, bad ones included."
        self.notes: list[tuple[str, str]] = []
        "What the founder should know of this reading, by landed table: a sentence each."
        self.kept = kept
        self._moment: datetime | None = None
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
        self._adapter.secrets = tuple(headers)
        self._adapter.is_vendors = lambda url: is_of(self.base_url, vendor.url, url)
        # Without one, requests would look for a password of the machine's user (.netrc).
        session.trust_env = False
        session.proxies = proxies_for(self.base_url)
        session.verify = given("REQUESTS_CA_BUNDLE") or True
        self._rest = parts().RESTClient(self.base_url, auth=None if headers else auth, session=session)
        self._single = parts().paginators.SinglePagePaginator

    @property
    def started(self) -> datetime:
        """When this reading began (UTC), by the slower of the vendor's clock and ours."""
        return self.moment + min(timedelta(0), self._adapter.skew)

    @property
    def moment(self) -> datetime:
        """When this reading began by our clock (UTC): rows that the vendor does not date count as changed then."""
        from agent.foundation.holder import machine_now

        if self._moment is None:
            self._moment = self.kept.started if self.kept else machine_now()
        found: datetime = self._moment
        return found

    @property
    def answers(self) -> int:
        """How many good answers came, kept ones included."""
        return self._adapter.answers

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
            found = [
                Dated(_storable(fact), made.changed or self.moment) for fact in made.facts(self.settings)
            ]
        except ValidationError as bad:
            error = bad.errors()[0]
            column = ".".join(str(part) for part in error["loc"]) or "row"
            self.reject(row, column, error.get("input"), wanted(error))
        except (ValueError, LookupError, TypeError, ArithmeticError) as bad:
            said = f"lacks {bad}" if isinstance(bad, KeyError) else str(bad)
            self.reject(row, where, None, said)
        else:
            yield from found

    def reject(self, row: Any, column: str, value: Any, reason: str) -> None:
        """Count a row as bad: `reason` goes on after the column's name, as in `is no moment`."""
        name = str(row.get("id", "")) if isinstance(row, dict) else ""
        shown = "" if isinstance(value, dict | list) or value is None else str(value)[:SHOWN]
        name, column, shown, reason = (
            _encodable(text) for text in (name[:SHOWN], column, shown, reason[: SHOWN * 2])
        )
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
            for page in self._rest.paginate(
                path,
                method="POST" if body is not None else "GET",
                params=dict(params or {}),
                json=dict(body) if body is not None else None,
                paginator=by or self._single(),
                data_selector=at,
                hooks={"response": [_raise_for_status]},
            ):
                if not page:
                    self._must_be_an_answer(page.response, path, at)
                yield page

    def _must_be_an_answer(self, response: Response, path: str, at: str) -> None:
        """Raise SourceFailed for an error that was sent as if it were a page without rows."""
        try:
            found = response.json()
        except ValueError:
            return
        rows = re.split(r"[.\[]", at)[0]
        is_error = isinstance(found, dict) and rows not in found and {"error", "errors"} & found.keys()
        if is_error:
            if (kept := getattr(response, "kept_at", None)) is not None:
                Path(kept).unlink(missing_ok=True)
            said = said_by(response)
            raise SourceFailed(
                f"{self.vendor.title} answered {path} with an error{': ' + said if said else ''}; sync again later."
            )

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One answer, whole."""
        with self._told():
            hooks = {"response": [_raise_for_status]}
            found: dict[str, Any] = self._rest.get(path, params=dict(params or {}), hooks=hooks).json()
            return found

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to one question that is asked by POST; for reading only, for it is repeated at will."""
        with self._told():
            hooks = {"response": [_raise_for_status]}
            given = None if body is None else dict(body)
            found: dict[str, Any] = self._rest.post(path, json=given, hooks=hooks).json()
            return found

    def file(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        is_whole: Callable[[Path], bool],
    ) -> Path | None:
        """A large answer as a file, complete as `is_whole` tells; None for a 404. With a `body` it is a POST.

        The file stays for as long as the reading lasts.
        """
        before, self._adapter.is_whole = self._adapter.is_whole, is_whole
        try:
            with self._told():
                hooks = {"response": [_raise_for_status]}
                more = {"params": dict(params or {}), "hooks": hooks, "stream": True}
                response = (
                    self._rest.get(path, **more)
                    if body is None
                    else self._rest.post(path, json=dict(body), **more)
                )
                with response:
                    return Path(response.kept_at) if self.kept else self._loose(response)
        except VendorRefused as refused:
            if refused.status == 404:
                return None
            raise
        finally:
            self._adapter.is_whole = before

    def _loose(self, response: Response) -> Path:
        """The answer to a single question as a file, which goes with this object."""
        folder = tempfile.mkdtemp(prefix="outgrown-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / "answer"
        path.write_bytes(response.content)
        return path

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
            needed = [key for key in vendor.keys if not key.optional or self.keys.get(key.name)]
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
    if not found and vendor.has_api:
        raise ConfigError(f"{vendor.title} needs base_url in [connectors.{vendor.name}]; add it.")
    return found


def is_of(base: str, own: str, url: str) -> bool:
    """Whether `url` is where the vendor is, so that keys may go there: its server, or another one of its own domain."""
    there, here = urlsplit(url), urlsplit(base)
    if (there.scheme, there.netloc.lower()) == (here.scheme, here.netloc.lower()):
        return True
    domain = ".".join((urlsplit(own).hostname or "").split(".")[-2:])
    # Only where the vendor's own address is used: nobody knows whose neighbours another one has.
    is_own = bool(domain) and (here.hostname or "").endswith(domain) and there.scheme == "https"
    return is_own and f".{there.hostname or ''}".endswith(f".{domain}")


def proxies_for(base: str) -> dict[str, str]:
    """The proxy of the environment that leads to the vendor, as requests wants it; never for this machine."""
    from requests.utils import should_bypass_proxies

    parts = urlsplit(base)
    found = given("https_proxy") or given("HTTPS_PROXY")
    if not found or is_this_machine(parts.hostname) or parts.scheme != "https":
        return {}
    if should_bypass_proxies(base, given("no_proxy") or given("NO_PROXY") or None):
        return {}
    return {"https": found}


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


def _storable(fact: Fact) -> Fact:
    """The fact, if a column can hold it; raises ValueError otherwise."""
    for name, value in fact.__dict__.items():
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise ValueError(f"gives a {name} that is too large")
    return fact


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _raise_for_status(response: Response, *_: Any, **__: Any) -> None:
    response.raise_for_status()
