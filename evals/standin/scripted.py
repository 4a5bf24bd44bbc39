"""Scripted answers: a model that does each task as a good one would, by plain rules, the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from evals.standin.asked import Request
from evals.standin.replies import Json, Reply, Text
from evals.standin.scripted_classes import scripted_classes
from evals.standin.scripted_draft import PARTS, scripted_draft
from evals.standin.scripted_judge import scripted_choice, scripted_email, scripted_grade


def scripted_answer(request: Request) -> Reply:
    """The answer to whatever is asked: told by the fields of the form, a filled form where they are of no known task."""
    if request.schema is None:
        return Text("ok")
    for fields, answer in TASKS:
        if fields <= request.fields:
            return answer(request)
    return Json(filled(request.schema, request.schema))


TASKS: tuple[tuple[frozenset[str], Callable[[Request], Reply]], ...] = (
    (frozenset(PARTS), scripted_draft),
    (frozenset({"reason", "score"}), scripted_grade),
    (frozenset({"reason", "better"}), scripted_choice),
    (frozenset({"subject", "body"}), scripted_email),
    (frozenset({"tickets"}), scripted_classes),
)


def filled(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Any:
    """A small value that a schema allows."""
    if "$ref" in schema:
        place: Any = whole
        for part in schema["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        return filled(place, whole)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("anyOf"):
        return filled(schema["anyOf"][-1], whole)
    match schema.get("type"):
        case "object":
            return {name: filled(one, whole) for name, one in schema.get("properties", {}).items()}
        case "array":
            return [filled(schema["items"], whole)] * int(schema.get("minItems", 0))
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "null":
            return None
    return json.loads(json.dumps(schema.get("default", "ok")))
