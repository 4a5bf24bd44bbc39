"""Quoting: the only way foreign text gets into SQL."""

from __future__ import annotations


def name(text: str) -> str:
    """`text` as a quoted identifier."""
    return '"' + text.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value as a text literal, or NULL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "'true'" if value else "'false'"
    text = str(value).replace("\x00", "")
    return "'" + text.replace("'", "''") + "'"


def path(text: str) -> str:
    """A file's path as a literal in which no character is a wildcard."""
    return literal("".join(f"[{letter}]" if letter in "*?[]" else letter for letter in text))
