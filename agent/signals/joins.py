"""Joins that keep every column once."""

from __future__ import annotations

from typing import Any


def left_join(left: Any, right: Any, keys: list[str]) -> Any:
    """`left` with the columns of `right` beside it; `right` has one row a key."""
    joined = left.left_join(right, keys)
    names = list(left.columns) + [name for name in right.columns if name not in left.columns]
    return joined.select(*names)
