"""What a warehouse lacks: which triggers it cannot evaluate, and why, before anything has started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ibis.common.exceptions import (
    OperationNotDefinedError,
    UnsupportedArgumentError,
    UnsupportedBackendType,
    UnsupportedOperationError,
)
from sqlglot.errors import UnsupportedError

from agent.foundation.errors import ConfigError
from agent.signals.library import Library

UNABLE = (
    OperationNotDefinedError, UnsupportedArgumentError, UnsupportedBackendType, UnsupportedOperationError, UnsupportedError,
)  # fmt: skip
"What Ibis raises for an expression that a backend has no words for."
Written = TypeVar("Written")


def written(
    title: str, library: Library, whole: Callable[[], Written], only: Callable[[Library], object]
) -> Written:
    """What `whole` writes for a warehouse; `only` writes some of the triggers by themselves.

    Raises ConfigError that names every trigger the warehouse lacks an expression for, and how to go on without it.
    """
    try:
        return whole()
    except UNABLE as error:
        without = replace(library, entries=())
        reason = _reason(only, without)
        if reason is not None:
            raise ConfigError(
                f"{title} cannot evaluate triggers at all: {reason}; use another warehouse."
            ) from error
        tried = {entry.name: _reason(only, replace(library, entries=(entry,))) for entry in library.entries}
        lacking = {name: why for name, why in tried.items() if why is not None}
        raise ConfigError(_sentence(title, lacking, error)) from error


def _reason(only: Callable[[Library], object], library: Library) -> str | None:
    try:
        only(library)
    except UNABLE as error:
        return _first_line(error)
    return None


def _sentence(title: str, lacking: dict[str, str], error: Exception) -> str:
    if not lacking:
        return (
            f"{title} cannot evaluate what the scores rest on: {_first_line(error)}; use another warehouse."
        )
    told = "; ".join(f"{name} ({why})" for name, why in lacking.items())
    switches = ", ".join(f"[triggers.{name}] enabled = false" for name in lacking)
    number, them = ("one trigger", "it") if len(lacking) == 1 else (f"{len(lacking)} triggers", "them")
    return f"{title} cannot evaluate {number}: {told}; switch {them} off in outgrown.toml ({switches}), and the rest runs."


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__).strip().rstrip(".")
