"""Names and points that the founder gives: of triggers, and of groups."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from agent.foundation.errors import ConfigError
from agent.signals.own.code import Written
from agent.signals.own.unfit import nearest

TOML = "outgrown.toml"
NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
LONGEST_NAME = 40
MOST_POINTS = 20


def check_name(name: str, where: str) -> None:
    """Raises ConfigError for a trigger's name that cannot be a column and a key."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise ConfigError(
            f"{where}: '{name[:80]}' cannot be a trigger's name; use small letters, digits and single underscores, "
            f"at most {LONGEST_NAME}."
        )


def group_points(
    shipped: Mapping[str, int], written: Iterable[Written], groups: Mapping[str, int]
) -> dict[str, int]:
    """What each group is worth: the rule book's groups, then those the founder's code brings, then [groups].

    Raises ConfigError for a group or a number that cannot stand.
    """
    points: dict[str, int] = dict(shipped)
    brought: dict[str, Written] = {}
    for one in written:
        name, worth = one.trigger.group, one.trigger.points
        if worth is None:
            continue
        if isinstance(worth, bool) or not isinstance(worth, int) or not 0 <= worth <= MOST_POINTS:
            raise ConfigError(
                f"{one.where}: points must be a whole number from 0 to {MOST_POINTS}, not {worth!r}."
            )
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigError(f'{one.where}: points need a group with a plain name, such as group="exports".')
        if points.get(name, worth) != worth:
            other = brought[name].where if name in brought else "the rule book"
            raise ConfigError(
                f"{one.where}: {other} says that group '{name}' is worth {points[name]} points, not {worth}; "
                f"set it once, under [groups] in {TOML}."
            )
        points[name] = worth
        brought.setdefault(name, one)
    for name, worth in groups.items():
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ConfigError(
                f"{TOML}: groups.{name[:80]} cannot be a group's name; use small letters and underscores."
            )
        if isinstance(worth, bool) or not isinstance(worth, int) or not 0 <= worth <= MOST_POINTS:
            raise ConfigError(
                f"{TOML}: groups.{name} must be a whole number from 0 to {MOST_POINTS}, not {worth!r}."
            )
        points[name] = worth
    return points


def check_groups(groups: Mapping[str, int], used: Collection[str]) -> None:
    """Raises ConfigError for a group that somebody declares and no trigger is in."""
    for name in groups:
        if name not in used:
            raise ConfigError(f"{TOML}: groups.{name} has no trigger in it{nearest(name, sorted(used))}")
