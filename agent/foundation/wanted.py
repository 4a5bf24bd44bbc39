"""What a setting must be, in words for the person who wrote it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

WANTED = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list in [square brackets]",
    "dict_type": "must be a table with keys of its own",
    "model_type": "must be a table with keys of its own",
    "model_attributes_type": "must be a table with keys of its own",
    "string_too_short": "must not be empty",
}
"By the kind of Pydantic's error; its own words are kept where they say it better."


def wanted(error: Any) -> str:
    """'must be 1 or more (given: -1)', for one of Pydantic's errors."""
    given = error.get("input")
    shown = f" (given: {_short(given)})" if isinstance(given, str | int | float | bool) else ""
    return f"{_must(error)}{shown}"


def _must(error: Any) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "greater_than_equal":
            return f"must be {context['ge']:g} or more"
        case "greater_than":
            return f"must be more than {context['gt']:g}"
        case "less_than_equal":
            return f"must be {context['le']:g} or less"
        case "literal_error":
            known = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            near = get_close_matches(str(error.get("input")), known, n=1)
            return f"must be '{near[0]}'" if near else f"must be one of {', '.join(known)}"
        case "value_error":
            return str(context["error"])
        case kind:
            message = str(error["msg"])
            return WANTED.get(kind, f"is wrong: {message[:1].lower()}{message[1:]}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
