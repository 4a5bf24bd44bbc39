"""The provider's errors: their JSON, and the requests it would not take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from evals.standin.asked import Api, Request
from evals.standin.replies import Status

SAYS = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: (
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com/account/api-keys.",
    ),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    429: (
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached for {model} in organization org-standin on requests per min (RPM): Limit 3, Used 3, "
        "Requested 1. Please try again in {wait}.",
    ),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    503: (
        "server_error",
        None,
        "That model is currently overloaded with other requests. You can retry your request.",
    ),
}
QUOTA = "You exceeded your current quota, please check your plan and billing details."
THINKING = re.compile(r"(?:o\d|gpt-5(?!-chat))")
"Models that think first and take fewer parameters."
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
LEAST = 16
"Fewest tokens that a response may be limited to."


def error_of(status: Status, model: str, key: str) -> dict[str, Any]:
    """The body of an error."""
    kind, code, says = SAYS.get(status.code, ("server_error", None, "Error."))
    if status.name == "insufficient_quota":
        kind, says = status.name, QUOTA
    wait = f"{status.retry_after or 0:g}s"
    message = status.says or says.format(model=model, key=masked(key), wait=wait)
    return {"error": {"message": message, "type": kind, "param": status.param, "code": status.name or code}}


def masked(key: str) -> str:
    """A key as the provider repeats it."""
    return f"{key[:4]}{'*' * max(len(key) - 8, 0)}{key[-4:]}" if len(key) > 8 else "***"


def headers_of(status: Status) -> Iterator[tuple[str, str]]:
    """The headers an error comes with."""
    if status.retry_after is not None:
        yield "retry-after", f"{status.retry_after:g}"
    if status.code == 429 and status.name != "insufficient_quota":
        yield "x-ratelimit-limit-requests", "3"
        yield "x-ratelimit-remaining-requests", "0"
        yield "x-ratelimit-reset-requests", f"{status.retry_after or 1:g}s"
        yield "x-ratelimit-limit-tokens", "200000"
        yield "x-ratelimit-remaining-tokens", "199000"
        yield "x-ratelimit-reset-tokens", "300ms"


def objection(request: Request, models: tuple[str, ...]) -> Status | None:
    """Why the provider would not take a request; None where it would."""
    body = request.body
    if models and request.model not in models:
        return Status(404)
    if not request.said:
        name = "messages" if request.api is Api.CHAT else "input"
        return _bad(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if THINKING.match(request.model):
        if request.api is Api.CHAT and body.get("max_tokens") is not None:
            return _bad(
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                "max_tokens",
                "unsupported_parameter",
            )
        if body.get("temperature") not in (None, 1):
            return _bad(
                f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. "
                "Only the default (1) value is supported.",
                "temperature",
                "unsupported_value",
            )
    if request.api is Api.RESPONSES and request.limit is not None and request.limit < LEAST:
        return _bad(
            "Invalid 'max_output_tokens': integer below minimum value. "
            f"Expected a value >= {LEAST}, but got {request.limit} instead.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    return _form_objection(request)


def _form_objection(request: Request) -> Status | None:
    if request.api is Api.CHAT:
        form, param = request.body.get("response_format") or {}, "response_format"
        named: Mapping[str, Any] = form.get("json_schema") or {}
    else:
        form, param = (request.body.get("text") or {}).get("format") or {}, "text.format"
        named = form
    if form.get("type") == "json_object" and "json" not in request.text.lower():
        return _bad(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            "messages",
        )
    if form.get("type") != "json_schema":
        return None
    name = str(named.get("name", ""))
    if not NAME.match(name):
        return _bad(
            f"Invalid '{param}.name': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'.",
            f"{param}.name",
            "invalid_value",
        )
    if named.get("strict"):
        for says in schema_faults(named.get("schema") or {}):
            return _bad(f"Invalid schema for response_format '{name}': {says}", param, "invalid_json_schema")
    return None


KNOWN = frozenset(
    {"$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "exclusiveMaximum"}
    | {"exclusiveMinimum", "format", "items", "maxItems", "maximum", "minItems", "minimum", "multipleOf"}
    | {"maxLength", "minLength", "pattern", "properties", "required", "title", "type", "definitions"}
)
"What a strict schema may hold."


def schema_faults(schema: Mapping[str, Any], where: tuple[str, ...] = ()) -> Iterator[str]:
    """What is wrong with a strict schema, in the provider's words."""
    context = f"In context=({', '.join(map(repr, where))}{',' if len(where) == 1 else ''})"
    for name in sorted(schema.keys() - KNOWN):
        yield f"{context}, '{name}' is not permitted."
    if not where and schema.get("type") != "object":
        yield f"schema must be a JSON Schema of 'type: \"object\"', got 'type: {json.dumps(schema.get('type'))}'."
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            yield f"{context}, 'additionalProperties' is required to be supplied and to be false."
        missing = [name for name in schema.get("properties", {}) if name not in schema.get("required", [])]
        if missing:
            yield (
                f"{context}, 'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
    for group in ("properties", "$defs", "definitions"):
        for name, inner in (schema.get(group) or {}).items():
            yield from schema_faults(inner, (*where, group, name))
    if isinstance(schema.get("items"), Mapping):
        yield from schema_faults(schema["items"], (*where, "items"))
    for place, inner in enumerate(schema.get("anyOf") or []):
        yield from schema_faults(inner, (*where, "anyOf", str(place)))


def _bad(says: str, param: str, code: str | None = None) -> Status:
    return Status(400, says=says, param=param, name=code)
