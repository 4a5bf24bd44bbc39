"""What a person filled into a modal, out of the state Slack sends with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Values = Mapping[str, Mapping[str, Any]]


def values_of(state: Mapping[str, Any]) -> Values:
    """The values by block, out of a view, its state, or that state's values."""
    inner = state.get("state", state)
    found: Values = inner.get("values", inner)
    return found


def typed(values: Values, block: str) -> str:
    """The text in a block's input; empty where there is none."""
    return next((str(one.get("value") or "") for one in values.get(block, {}).values()), "")


def chosen(values: Values, block: str) -> str:
    """The value of a block's one chosen option; empty where none is."""
    found = next((one.get("selected_option") for one in values.get(block, {}).values()), None)
    return str(found["value"]) if found else ""
