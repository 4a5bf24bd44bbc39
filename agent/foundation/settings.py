"""All reading of outgrown.toml, .env and the environment; nothing else reads them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from agent.foundation.access import (
    MailAccess,
    ModelAccess,
    SlackAccess,
    mail_access,
    model_access,
    slack_access,
)
from agent.foundation.errors import ConfigError, StoreError
from agent.foundation.section import Section
from agent.foundation.sections import (
    CURRENCY,
    Company,
    Connectors,
    FilesConnector,
    Guardrails,
    Llm,
    OfferSetting,
    Price,
    ProductSetting,
    Scoring,
    Settings,
    State,
    WarehouseSetting,
)
from agent.foundation.sections_running import Delivery, Digest, Serve, Slack
from agent.foundation.wanted import wanted

__all__ = [
    "CURRENCY",
    "FILE",
    "FOLDER",
    "WORKSPACE_SETTING",
    "Company",
    "Connectors",
    "Delivery",
    "Digest",
    "FilesConnector",
    "Guardrails",
    "Llm",
    "MailAccess",
    "ModelAccess",
    "OfferSetting",
    "Price",
    "ProductSetting",
    "Scoring",
    "Section",
    "Serve",
    "Settings",
    "Slack",
    "SlackAccess",
    "State",
    "WarehouseSetting",
    "Workspace",
    "check_section",
    "find_workspace",
    "load_env",
    "model_access",
    "open_workspace",
    "read_settings",
    "url_from_environment",
]

FILE = "outgrown.toml"
FOLDER = ".outgrown"
TRIGGER_CODE = "triggers.py"
MARK = re.compile(rb"@\s*(?:\w+\.)*trigger\b")
"What marks a Python file as ours to run."
WORKSPACE_SETTING = "OUTGROWN_WORKSPACE"

M = TypeVar("M", bound=BaseModel)


class Workspace:
    """A folder with outgrown.toml and .outgrown/ (facts, state, outbox)."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings

    @property
    def private(self) -> Path:
        """The folder of the two stores and the outbox; made on first use, readable by its owner alone."""
        return _made(self.folder / FOLDER)

    @property
    def facts_file(self) -> Path:
        """The DuckDB file of the facts."""
        return self.private / "facts.duckdb"

    @property
    def outbox_folder(self) -> Path:
        """Where the .eml channel writes."""
        return _made(self.private / "outbox")

    @property
    def state_url(self) -> str:
        """SQLAlchemy URL of the state: OUTGROWN_STATE_URL, else [state] url, else SQLite in the workspace."""
        url = os.environ.get("OUTGROWN_STATE_URL", "") or self.settings.state.url
        return url or f"sqlite:///{self.private / 'state.db'}"

    @property
    def warehouse_url(self) -> str:
        """Where the facts are read in place: OUTGROWN_WAREHOUSE_URL, else [warehouse] url; empty for our own file.

        Raises ConfigError for a `${NAME}` that is not set.
        """
        given = os.environ.get("OUTGROWN_WAREHOUSE_URL", "") or self.settings.warehouse.url
        return url_from_environment(given, "warehouse.url")

    @property
    def warehouse_options(self) -> dict[str, str | int | float | bool]:
        """What else the warehouse's client takes, `${NAME}` filled in."""
        options = self.settings.warehouse.options
        return {
            name: _filled_in(value, f"warehouse.options.{name}", str) if isinstance(value, str) else value
            for name, value in options.items()
        }

    @property
    def model(self) -> ModelAccess:
        """How the language model is reached.

        Raises ConfigError.
        """
        return model_access(self.settings.llm)

    @property
    def slack(self) -> SlackAccess:
        """How Slack is reached.

        Raises ConfigError.
        """
        return slack_access(self.settings.slack)

    @property
    def mail(self) -> MailAccess:
        """How the mail server or provider is reached.

        Raises ConfigError.
        """
        return mail_access(self.settings.delivery)


FROM_ENVIRONMENT = re.compile(r"\$\{(\w+)\}")


def url_from_environment(text: str, setting: str) -> str:
    """A URL with every `${NAME}` filled in.

    Raises ConfigError for a name that is not set.
    """
    # The whole of it is a URL already; a part of it may hold characters that mean something in one.
    return _filled_in(text, setting, str if FROM_ENVIRONMENT.fullmatch(text) else _quoted)


def _quoted(value: str) -> str:
    return quote(value, safe="")


def _filled_in(text: str, setting: str, written: Callable[[str], str]) -> str:
    """`text` with every `${NAME}` replaced from the environment."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(
                f"{FILE}: {setting} names ${{{match[1]}}}, which is not set; put it into .env or the environment."
            )
        return written(found)

    return FROM_ENVIRONMENT.sub(value, text)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise StoreError(f"{folder} is a file where a folder is needed; move it away.") from None
    except OSError as bad:
        raise StoreError(f"The folder {folder} cannot be made ({bad.strerror}); mend that.") from None
    return folder


def find_workspace(given: Path | None) -> Path:
    """The workspace folder: the flag, else OUTGROWN_WORKSPACE, else the current folder."""
    return (given or Path(os.environ.get(WORKSPACE_SETTING) or ".")).expanduser().resolve()


def open_workspace(given: Path | None) -> Workspace:
    """Read and check a workspace's outgrown.toml.

    Raises ConfigError with the file and the setting at fault.
    """
    folder = find_workspace(given)
    path = folder / FILE
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; name a workspace folder with --workspace DIR.")
    if not path.is_file():
        raise ConfigError(
            f"There is no {FILE} in {folder}; run `outgrown init` there, or name the workspace with --workspace DIR."
        )
    load_env(folder / ".env")
    return Workspace(folder, read_settings(path))


def read_settings(path: Path) -> Settings:
    """outgrown.toml as a checked document.

    Raises ConfigError that names the line or the setting, with the nearest known key for an unknown one.
    """
    try:
        document = tomllib.loads(_read_text(path))
    except tomllib.TOMLDecodeError as bad:
        said = str(bad)
        raise ConfigError(f"{path} is not valid TOML: {said[:1].lower()}{said[1:]}; mend it there.") from bad
    settings = check_section(Settings, document, path.name)
    return settings.model_copy(
        update={"trigger_files": _trigger_files(path.parent.resolve(), settings.trigger_files)}
    )


def _trigger_files(folder: Path, named: tuple[str, ...]) -> tuple[str, ...]:
    """The founder's own Python files as full paths: those named, else triggers.py and triggers/*.py with a trigger."""
    if not named:
        found = [folder / TRIGGER_CODE, *sorted((folder / "triggers").glob("*.py"))]
        # A workspace may lie in a repository with a triggers folder of its own, whose code is none of our business.
        return tuple(str(path) for path in found if path.is_file() and _is_ours(path))
    paths = [folder / name for name in named]
    for path, name in zip(paths, named, strict=True):
        if not path.is_file():
            raise ConfigError(
                f"{FILE}: setting 'trigger_files' names {name}, which is not in {folder}; mend the name."
            )
    return tuple(str(path) for path in paths)


def _is_ours(path: Path) -> bool:
    try:
        return MARK.search(path.read_bytes()) is not None
    except OSError:
        return True  # Whoever runs it says better why it cannot be read.


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        line = raw[: bad.start].count(b"\n") + 1
        raise ConfigError(f"{path} line {line} is not UTF-8 text; save the file again as UTF-8.") from None
    except OSError as bad:
        raise ConfigError(f"{path} cannot be read ({bad.strerror}); mend its permissions.") from None


def check_section(model: type[M], document: Any, where: str) -> M:
    """`document` as `model`, or a ConfigError that says which key is wrong."""
    try:
        return model.model_validate(document)
    except ValidationError as bad:
        # A misspelt key is also a missing one: say how it is spelt, once.
        errors = sorted(bad.errors(), key=lambda error: error["type"] != "extra_forbidden")
        unknown = any(error["type"] == "extra_forbidden" for error in errors)
        told = [error for error in errors if not (unknown and error["type"] == "missing")]
        raise ConfigError("; ".join(_sentence(model, error, where) for error in told[:3]) + ".") from bad


def _sentence(model: type[BaseModel], error: Any, where: str) -> str:
    keys = [str(part + 1) if isinstance(part, int) else str(part) for part in error["loc"]]
    name = ".".join(keys)
    if error["type"] == "extra_forbidden":
        known = _known_keys(model, error["loc"][:-1])
        near = get_close_matches(keys[-1], known, n=1, cutoff=0.5)
        advice = f"did you mean '{near[0]}'" if near else f"known keys: {', '.join(sorted(known))}"
        return f"{where}: unknown setting '{name}'; {advice}"
    if error["type"] == "missing":
        return f"{where}: setting '{name}' is missing; add it"
    return f"{where}: setting '{name}' {wanted(error)}"


def _known_keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The keys allowed at `path` below `model`."""
    current: Any = model
    for part in path:
        if isinstance(part, int):
            continue
        fields = getattr(current, "model_fields", {})
        if part not in fields:
            args = getattr(current, "__args__", ())
            current = next((a for a in args if isinstance(a, type) and issubclass(a, BaseModel)), model)
            continue
        current = fields[part].annotation
        for inner in getattr(current, "__args__", ()):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                current = inner
    return list(getattr(current, "model_fields", {}))


def load_env(path: Path) -> None:
    """Add the lines `NAME=value` of a .env file to the environment; what is already set wins."""
    if not path.is_file():
        return
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ConfigError(f"{path} line {number} is not of the form NAME=value; mend or remove it.")
        os.environ.setdefault(name.strip(), value.strip().strip("\"'"))
