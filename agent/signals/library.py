"""The trigger library: parameters and points as data, with the founder's own values on top."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import agent.signals.triggers  # noqa: F401 - registers the built-in triggers
from agent.foundation.errors import ConfigError
from agent.signals.rule import TRIGGERS, Rule

FILE = Path(__file__).with_name("library.toml")
SWITCH = "enabled"


@dataclass(frozen=True)
class Entry:
    """One trigger, ready to be evaluated."""

    name: str
    group: str
    rule: Rule
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Library:
    """The enabled triggers in the rule book's order, and what a group is worth."""

    entries: tuple[Entry, ...]
    points: Mapping[str, int]

    def __getitem__(self, name: str) -> Entry:
        """The entry of that name; KeyError when it is switched off or unknown."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(name)


@cache
def _shipped() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def load_library(overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Library:
    """The library with `[triggers.NAME]` of outgrown.toml on top.

    Raises ConfigError for an unknown trigger or parameter, or a value of the wrong kind.
    """
    document = _shipped()
    given = dict(overrides or {})
    for name in given:
        if name not in document["triggers"]:
            raise ConfigError(
                f"outgrown.toml: there is no trigger '{name}'{_nearest(name, document['triggers'])}"
            )
    entries = []
    for name, defaults in document["triggers"].items():
        parameters = _merged(name, defaults, given.get(name, {}))
        group = parameters.pop("group")
        if group not in document["groups"]:
            known = _nearest(group, document["groups"])
            raise ConfigError(f"outgrown.toml: triggers.{name}.group: there is no group '{group}'{known}")
        if parameters.pop(SWITCH, True):
            entries.append(Entry(name, group, TRIGGERS[name].build(**parameters), parameters))
    return Library(tuple(entries), document["groups"])


def _merged(name: str, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in given.items():
        if key == SWITCH:
            if not isinstance(value, bool):
                raise ConfigError(
                    f"outgrown.toml: triggers.{name}.{key} must be true or false, not {value!r}."
                )
            merged[key] = value
            continue
        if key not in defaults:
            known = _nearest(key, (*defaults, SWITCH))
            raise ConfigError(f"outgrown.toml: trigger '{name}' has no setting '{key}'{known}")
        merged[key] = _checked(f"triggers.{name}.{key}", value, defaults[key])
    return merged


def _checked(where: str, value: Any, default: Any) -> Any:
    if isinstance(default, str):
        if isinstance(value, str):
            return value
        raise ConfigError(f"outgrown.toml: {where} must be text, not {value!r}.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        raise ConfigError(f"outgrown.toml: {where} must be a number of 0 or more, not {value!r}.")
    if isinstance(default, int):
        if value != int(value):
            raise ConfigError(f"outgrown.toml: {where} must be a whole number, not {value!r}.")
        return int(value)
    return float(value)


def _nearest(name: str, known: Any) -> str:
    """The end of a sentence about an unknown name."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(known)}."
