"""Settings changed in memory by `--set KEY=VALUE`."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from agent.foundation.errors import ConfigError, UsageError
from agent.foundation.settings import Settings, check_section

MAY_CHANGE = ("triggers", "groups", "scoring", "offers", "benefits", "products")
"The sections of outgrown.toml that a scan reads."
WHERE = "--set"


def changed(settings: Settings, given: Sequence[str]) -> Settings:
    """The settings with each KEY=VALUE on top; values are written as in outgrown.toml.

    Raises UsageError for what is not KEY=VALUE, ConfigError for an unknown key or a value of the wrong kind.
    """
    document = settings.model_dump(mode="json", exclude_unset=True)
    for text in given:
        _merge(document, _parsed(text))
    result = check_section(Settings, document, WHERE)
    _check_triggers(result)
    return result


def _parsed(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise UsageError(
            f"{WHERE} {text!r} is not KEY=VALUE; write it like {WHERE} triggers.plan_limit_pressure.at_least=0.7."
        )
    try:
        parsed = tomllib.loads(f"{key.strip()} = {value.strip()}")
    except tomllib.TOMLDecodeError:
        raise UsageError(
            f"{WHERE} {text!r} cannot be read: a value is written as in outgrown.toml, a number, true, false, or "
            f"""text in quotes ({WHERE} 'triggers.limit_hits.group="growth"')."""
        ) from None
    section = next(iter(parsed))
    if section not in MAY_CHANGE:
        near = get_close_matches(section, MAY_CHANGE, n=1, cutoff=0.5)
        known = f"did you mean '{near[0]}'?" if near else f"sections that do: {', '.join(MAY_CHANGE)}."
        if section in Settings.model_fields:
            known = f"sections that do: {', '.join(MAY_CHANGE)}."
        raise UsageError(f"{WHERE} {text!r}: '{section}' has no say in who is ready; {known}")
    return parsed


def _merge(document: dict[str, Any], change: dict[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(document.get(key), dict):
            _merge(document[key], value)
        else:
            document[key] = value


def _check_triggers(settings: Settings) -> None:
    from agent.signals.library import library_of

    try:
        library_of(settings)
    except ConfigError as bad:
        said = str(bad)
        raise ConfigError(f"{WHERE}: {said.removeprefix('outgrown.toml: ')}") from None
