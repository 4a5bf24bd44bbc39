"""Triggers written in Python: the founder's own code, run with the founder's rights, kept apart from everything else."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from agent.foundation.errors import ConfigError
from agent.signals.own.checks import check_rule
from agent.signals.own.unfit import Unfit
from agent.signals.rule import Rule, Trigger, gathering

PREFIX = "outgrown_own_"
SHOWN = 200


@dataclass(frozen=True)
class Written:
    """A trigger found in a file of the workspace."""

    trigger: Trigger
    file: Path

    @property
    def where(self) -> str:
        """'triggers.py line 12'."""
        return f"{self.file.name} line {_line_of(self.trigger.build)}"

    @property
    def defaults(self) -> dict[str, Any]:
        """Its settings with their values in the code.

        Raises ConfigError for a parameter that outgrown.toml could not set.
        """
        found = {}
        for name, one in inspect.signature(self.trigger.build).parameters.items():
            if one.kind is not inspect.Parameter.KEYWORD_ONLY or one.default is inspect.Parameter.empty:
                raise ConfigError(
                    f"{self.where}: the parameter '{name}' of {self.trigger.name} must be keyword-only with a default: "
                    f"write def {self.trigger.name}(*, {name}: int = 3)."
                )
            if not isinstance(one.default, bool | int | float | str):
                raise ConfigError(
                    f"{self.where}: the parameter '{name}' of {self.trigger.name} must be a number, a truth or a text, "
                    f"not {one.default!r:.{SHOWN}}."
                )
            found[name] = one.default
        return found

    def rule(self, parameters: Mapping[str, Any]) -> Rule:
        """What the function answers, checked.

        Raises ConfigError with the file and the line at fault.
        """
        built = _guarded(self.file, lambda: self.trigger.build(**parameters), self.where)
        if not isinstance(built, Rule):
            raise ConfigError(
                f"{self.where}: {self.trigger.name} answers {built!r:.{SHOWN}}, which is no Rule; return Rule(...)."
            )
        try:
            _guarded(self.file, lambda: check_rule(built), self.where)
        except Unfit as unfit:
            raise ConfigError(f"{self.where}: in {self.trigger.name}, {unfit}; mend it there.") from unfit
        return built


def load_code(files: Iterable[str]) -> list[Written]:
    """The triggers of these files, in their order; each file is a world of its own.

    Raises ConfigError with the file and the line at fault.
    """
    found: list[Written] = []
    for name in files:
        path = Path(name)
        with gathering() as registered:
            _run(path)
        for one in registered.values():
            twin = next((other for other in found if other.trigger.name == one.name), None)
            if twin is not None:
                raise ConfigError(
                    f"{path.name} line {_line_of(one.build)}: there is a trigger '{one.name}' in {twin.where} already; "
                    "give one of them another name."
                )
            found.append(Written(one, path))
    return found


class _Fresh(SourceFileLoader):
    """Reads the source every time: a cached one may be a second old, and would litter the workspace."""

    def path_stats(self, path: Any) -> Any:
        """Say that nothing is known of the file, so that no cache is read or written."""
        raise OSError(path)


def _run(path: Path) -> None:
    digest = hashlib.blake2b(str(path).encode(), digest_size=8).hexdigest()
    name = f"{PREFIX}{digest}"
    loader = _Fresh(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # noqa: S101 - a loader was given
    module = importlib.util.module_from_spec(spec)
    before: ModuleType | None = sys.modules.get(name)
    # Dataclasses and the like look their module up while it is being run.
    sys.modules[name] = module
    try:
        _guarded(path, lambda: loader.exec_module(module), path.name)
    finally:
        if before is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before


def _guarded(path: Path, run: Callable[[], Any], where: str) -> Any:
    """What `run` answers; whatever the founder's code raises becomes one sentence with its line."""
    try:
        return run()
    except (Unfit, ConfigError):
        raise
    except SyntaxError as bad:
        if bad.filename in (None, str(path)):
            raise ConfigError(
                f"{path.name} line {bad.lineno or 1} is not valid Python: {bad.msg}; mend it there."
            ) from bad
        raise ConfigError(_raised(path, bad, where)) from bad
    except (Exception, SystemExit) as bad:
        raise ConfigError(_raised(path, bad, where)) from bad


def _raised(path: Path, error: BaseException, where: str) -> str:
    if isinstance(error, OSError) and error.filename == str(path):
        return f"{path} cannot be read ({error.strerror}); mend its permissions."
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    place = f"{path.name} line {lines[-1]}" if lines else where
    said = " ".join(str(error).split())[:SHOWN].rstrip(".")
    return f"{place}: {type(error).__name__}{f': {said}' if said else ''}; mend it there."


def _line_of(build: Callable[..., Any]) -> int:
    code = getattr(inspect.unwrap(build), "__code__", None)
    return code.co_firstlineno if code is not None else 1
