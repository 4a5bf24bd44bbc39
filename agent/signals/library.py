"""The trigger library: the rule book's triggers as data, the founder's own values on top, and the founder's own triggers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import agent.signals.triggers  # noqa: F401 - registers the built-in triggers
from agent.foundation.errors import ConfigError
from agent.foundation.settings import Settings, check_section
from agent.signals.formula import Grain
from agent.signals.kinds import KINDS
from agent.signals.own.checks import check_rule
from agent.signals.own.code import Written, load_code
from agent.signals.own.kind import Kind
from agent.signals.own.names import TOML, check_groups, check_name, group_points
from agent.signals.own.unfit import Unfit, nearest
from agent.signals.rule import TRIGGERS, Rule
from agent.signals.tickets.own import OwnPhrases
from agent.signals.tickets.port import TicketClass

FILE = Path(__file__).with_name("library.toml")
SWITCH = "enabled"
PLAYS = ("deadline", "scope", "service", "seats", "feature", "capacity", "cross_sell")
"The plays of rule book §5, for a trigger that says which it satisfies."
GRAIN_OF_PLAY = {"feature": Grain.FEATURE, "cross_sell": Grain.PRODUCT}
"What a trigger must be about, for its play to know what to offer."
MOST = 60
"Triggers switched on: a replay keeps one bit for each in a whole number."
PHRASES = ("phrases", "not_phrases", "feature", "product")
BUILT_IN, PYTHON = "built_in", "python"


@dataclass(frozen=True)
class Entry:
    """One trigger, ready to be evaluated."""

    name: str
    group: str
    rule: Rule
    parameters: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    "The parameters as shipped, or as the founder's code has them; empty for a trigger made of a kind."
    kind: str = BUILT_IN
    "built_in, python, or one of KINDS."
    where: str = ""
    "Where a trigger of the founder's own is written."
    summary: str = ""
    play: str | None = None
    "For a trigger of the founder's own: the play whose whole condition it satisfies by firing."

    @property
    def own(self) -> bool:
        """Whether the founder wrote it."""
        return self.kind != BUILT_IN


@dataclass(frozen=True)
class Library:
    """The enabled triggers in the rule book's order, the founder's own after them, and what a group is worth."""

    entries: tuple[Entry, ...]
    points: Mapping[str, int]
    off: tuple[Entry, ...] = ()
    "What is switched off."

    def __getitem__(self, name: str) -> Entry:
        """The entry of that name; KeyError when it is switched off or unknown."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(name)

    @property
    def phrases(self) -> tuple[OwnPhrases, ...]:
        """The ticket classes that the founder's own phrases make."""
        return tuple(
            OwnPhrases(
                entry.name, **{key: entry.parameters[key] for key in PHRASES if key in entry.parameters}
            )
            for entry in self.entries
            if entry.kind == "phrase_in_ticket"
        )

    def playing(self, play: str) -> tuple[str, ...]:
        """The founder's own triggers that satisfy the condition of a play."""
        return tuple(entry.name for entry in self.entries if entry.play == play)


@cache
def _shipped() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def library_of(settings: Settings) -> Library:
    """The library of a workspace: [triggers] and [groups] of outgrown.toml, and the founder's Python files.

    Raises ConfigError for whatever in them cannot stand.
    """
    return load_library(settings.triggers, settings.groups, settings.trigger_files)


def load_library(
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    groups: Mapping[str, int] | None = None,
    files: Iterable[str] = (),
) -> Library:
    """The library with `[triggers.NAME]` and `[groups]` of outgrown.toml on top, and the triggers of Python `files`.

    Raises ConfigError for an unknown trigger, kind, group or parameter, a value of the wrong kind, or code that fails.
    """
    given = dict(overrides or {})
    written = load_code(files)
    _check_names(given, written)
    points = group_points(_shipped()["groups"], written, groups or {})
    made = [
        *[
            _built_in(name, defaults, given.get(name, {}))
            for name, defaults in _shipped()["triggers"].items()
        ],
        *[_of_kind(name, table) for name, table in given.items() if "kind" in table],
        *[_of_code(one, given.get(one.trigger.name, {})) for one in written],
    ]
    for entry, _ in made:
        if entry.group not in points:
            where = entry.where if entry.kind == PYTHON else f"{TOML}: triggers.{entry.name}.group"
            raise ConfigError(f"{where}: there is no group '{entry.group}'{nearest(entry.group, points)}")
    check_groups(groups or {}, {entry.group for entry, _ in made})
    switched_on = sum(on for _, on in made)
    if switched_on > MOST:
        raise ConfigError(
            f"{TOML}: {switched_on} triggers are switched on, and {MOST} is the most; switch some off with enabled = false."
        )
    return Library(
        tuple(entry for entry, on in made if on), points, tuple(entry for entry, on in made if not on)
    )


def internal_names(library: Library) -> tuple[str, ...]:
    """The names of the founder's own triggers and groups as words, where a customer would not say them.

    A single word is everybody's, and so is what the founder's own sentences say.
    """
    entries = [entry for entry in (*library.entries, *library.off) if entry.own]
    shipped = _shipped()["groups"]
    names = [entry.name for entry in entries] + [group for group in library.points if group not in shipped]
    said = " ".join(entry.rule.says.lower() for entry in entries)
    words = dict.fromkeys(name.replace("_", " ") for name in names)
    return tuple(name for name in words if " " in name and name not in said)


def _check_names(given: Mapping[str, Any], written: list[Written]) -> None:
    shipped = _shipped()["triggers"]
    for one in written:
        name = one.trigger.name
        if name in shipped:
            raise ConfigError(f"{one.where}: '{name}' is the name of a built-in trigger; choose another.")
        check_name(name, one.where)
        if "kind" in given.get(name, {}):
            raise ConfigError(
                f"{TOML}: triggers.{name} has a kind, but {one.where} defines that trigger; rename one of them."
            )
    codes = [one.trigger.name for one in written]
    for name, table in given.items():
        if "kind" in table:
            if name in shipped:
                raise ConfigError(
                    f"{TOML}: triggers.{name} has a kind, but that is the name of a built-in trigger; choose another name."
                )
            check_name(name, f"{TOML}: triggers.{name}")
        elif name not in shipped and name not in codes:
            near = nearest(name, (*shipped, *codes))
            hint = (
                "" if "did you mean" in near else f" A trigger of your own needs a kind: {', '.join(KINDS)}."
            )
            raise ConfigError(f"{TOML}: there is no trigger '{name}'{near}{hint}")


def _built_in(name: str, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Entry, bool]:
    own = {key: value for key, value in defaults.items() if key != "group"}
    parameters = _merged(name, defaults, given)
    on, group = parameters.pop(SWITCH, True), parameters.pop("group")
    one = TRIGGERS[name]
    rule = one.build(**parameters)
    return Entry(name, group, rule, parameters, own, summary=one.summary), on


def _of_kind(name: str, table: Mapping[str, Any]) -> tuple[Entry, bool]:
    """A trigger made of one of the kinds, from its table of outgrown.toml."""
    kind = table["kind"]
    place = f"{TOML}: triggers.{name}"
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"{place}.kind: there is no kind '{str(kind)[:80]}'{nearest(str(kind), KINDS)}")
    if kind == "phrase_in_ticket" and name in TicketClass.__members__.values():
        raise ConfigError(f"{place}: '{name}' is a class that tickets already have; choose another name.")
    model: Kind = check_section(KINDS[kind], dict(table), f"{TOML} [triggers.{name}]")
    try:
        rule = model.rule(name)
        check_rule(rule)
        _check_play(model.play, rule)
    except Unfit as unfit:
        raise ConfigError(f"{TOML} [triggers.{name}]: {unfit}.") from unfit
    common = set(Kind.model_fields) - {"says"}
    shown = {key: value for key, value in model.model_dump().items() if key in table and key not in common}
    summary = (KINDS[kind].__doc__ or kind).strip()
    return Entry(name, model.group, rule, shown, {}, kind, TOML, summary, model.play), model.enabled


def _of_code(one: Written, given: Mapping[str, Any]) -> tuple[Entry, bool]:
    """A trigger of the founder's code, with its table of outgrown.toml on top."""
    name, defaults = one.trigger.name, one.defaults
    kept: dict[str, Any] = {"group": one.trigger.group or "", "play": one.trigger.play or ""}
    if clash := sorted(set(defaults) & {*kept, SWITCH, "kind"}):
        raise ConfigError(f"{one.where}: '{clash[0]}' cannot be a parameter's name; choose another.")
    parameters = _merged(name, {**defaults, **kept}, given)
    on, group = parameters.pop(SWITCH, True), parameters.pop("group")
    play = parameters.pop("play") or None
    if not group:
        raise ConfigError(
            f'{one.where}: {name} has no group; write @trigger(group="growth"), or group under [triggers.{name}] in {TOML}.'
        )
    rule = one.rule(parameters)
    try:
        _check_play(play, rule)
    except Unfit as unfit:
        raise ConfigError(f"{one.where}: in {name}, {unfit}.") from unfit
    return Entry(name, group, rule, parameters, defaults, PYTHON, one.where, one.trigger.summary, play), on


def _check_play(play: str | None, rule: Rule) -> None:
    if play is None:
        return
    if play not in PLAYS:
        raise Unfit("play", f"is '{play}', which there is not{nearest(play, PLAYS)}".rstrip(".?"))
    grain = GRAIN_OF_PLAY.get(play)
    if grain is not None and rule.grain is not grain:
        raise Unfit(
            "play",
            f"is '{play}', which must know the {grain.value} to offer; make the trigger about each {grain.value}",
        )


def _merged(name: str, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in given.items():
        if key == SWITCH:
            if not isinstance(value, bool):
                raise ConfigError(f"{TOML}: triggers.{name}.{key} must be true or false, not {value!r}.")
            merged[key] = value
            continue
        if key not in defaults:
            raise ConfigError(
                f"{TOML}: trigger '{name}' has no setting '{key}'{nearest(key, (*defaults, SWITCH))}"
            )
        merged[key] = _checked(f"triggers.{name}.{key}", value, defaults[key])
    return merged


def _checked(where: str, value: Any, default: Any) -> Any:
    if isinstance(default, str):
        if isinstance(value, str):
            return value
        raise ConfigError(f"{TOML}: {where} must be text, not {value!r}.")
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise ConfigError(f"{TOML}: {where} must be true or false, not {value!r}.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        raise ConfigError(f"{TOML}: {where} must be a number of 0 or more, not {value!r}.")
    if isinstance(default, int):
        if value != int(value):
            raise ConfigError(f"{TOML}: {where} must be a whole number, not {value!r}.")
        return int(value)
    return float(value)
