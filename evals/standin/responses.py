"""Responses, as bodies and as streams of events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from evals.standin.asked import Request
from evals.standin.counting import Count
from evals.standin.said import End, Saying, made_id, pieces

Body = dict[str, Any]
INCOMPLETE = {End.LENGTH: "max_output_tokens", End.FILTER: "content_filter"}


def usage(count: Count) -> Body:
    """Usage, as responses tell it."""
    return {
        "input_tokens": count.tokens_in,
        "input_tokens_details": {"cached_tokens": count.cached, "cache_write_tokens": 0},
        "output_tokens": count.tokens_out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": count.tokens_in + count.tokens_out,
    }


def response(saying: Saying, request: Request, count: Count) -> Body:
    """The whole response."""
    items = [] if saying.is_empty else [_item(saying, made_id("fc_" if saying.tool else "msg_"))]
    return _ended(_head(request), saying, items, count)


def events(saying: Saying, request: Request, count: Count) -> Iterator[Body]:
    """The response as the events of a stream, in the provider's order and numbered."""
    for number, event in enumerate(_events(saying, request, count)):
        yield event | {"sequence_number": number}


def _events(saying: Saying, request: Request, count: Count) -> Iterator[Body]:
    head = _head(request)
    yield {"type": "response.created", "response": head}
    yield {"type": "response.in_progress", "response": head}
    items = []
    if not saying.is_empty:
        items = [_item(saying, made_id("fc_" if saying.tool else "msg_"))]
        yield from _item_events(saying, items[0])
    whole = _ended(head, saying, items, count)
    yield {"type": f"response.{whole['status']}", "response": whole}


def _item_events(saying: Saying, item: Body) -> Iterator[Body]:
    at = {"item_id": item["id"], "output_index": 0}
    unsaid: Body = {"arguments": ""} if saying.tool else {"content": []}
    begun = item | {"status": "in_progress"} | unsaid
    yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
    if saying.tool:
        name = "response.function_call_arguments"
        for piece in pieces(saying.words):
            yield {"type": f"{name}.delta", **at, "delta": piece}
        yield {"type": f"{name}.done", **at, "name": saying.tool, "arguments": saying.words}
    else:
        at["content_index"] = 0
        part = item["content"][0]
        is_text = saying.refusal is None
        kind, key = ("output_text", "text") if is_text else ("refusal", "refusal")
        more: Body = {"logprobs": []} if is_text else {}
        yield {"type": "response.content_part.added", **at, "part": part | {key: ""}}
        for piece in pieces(part[key]):
            yield {"type": f"response.{kind}.delta", **at, "delta": piece, **more}
        yield {"type": f"response.{kind}.done", **at, key: part[key], **more}
        yield {"type": "response.content_part.done", **at, "part": part}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def _head(request: Request) -> Body:
    body = request.body
    return {
        "id": made_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": request.limit,
        "model": request.model,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "prompt_cache_key": request.cache_key or None,
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def _ended(head: Body, saying: Saying, items: list[Body], count: Count) -> Body:
    reason = INCOMPLETE.get(saying.end)
    return head | {
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": items,
        "usage": usage(count),
    }


def _item(saying: Saying, item_id: str) -> Body:
    status = "incomplete" if saying.end in INCOMPLETE else "completed"
    if saying.tool:
        call = {"call_id": made_id("call_"), "name": saying.tool, "arguments": saying.words}
        return {"id": item_id, "type": "function_call", "status": status, **call}
    part: Body = {"type": "output_text", "text": saying.words, "annotations": [], "logprobs": []}
    if saying.refusal is not None:
        part = {"type": "refusal", "refusal": saying.refusal}
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": [part]}
