"""Chat completions, as bodies and as streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from evals.standin.asked import Request
from evals.standin.counting import Count
from evals.standin.said import Saying, made_id, pieces

Body = dict[str, Any]


def usage(count: Count) -> Body:
    """Usage, as chat completions tell it."""
    return {
        "prompt_tokens": count.tokens_in,
        "completion_tokens": count.tokens_out,
        "total_tokens": count.tokens_in + count.tokens_out,
        "prompt_tokens_details": {"cached_tokens": count.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def completion(saying: Saying, request: Request, count: Count) -> Body:
    """The whole completion, the same answer for each of the `n` choices asked for."""
    choices = [] if saying.is_empty else [_choice(saying, nth) for nth in range(request.body.get("n") or 1)]
    return _head(request, "chat.completion") | {"choices": choices, "usage": usage(count)}


def chunks(saying: Saying, request: Request, count: Count) -> Iterator[Body]:
    """The completion as the chunks of a stream; usage comes last, and only where it was asked for."""
    head = _head(request, "chat.completion.chunk")
    wants_usage = bool((request.body.get("stream_options") or {}).get("include_usage"))
    if wants_usage:
        head["usage"] = None
    if not saying.is_empty:
        for nth in range(request.body.get("n") or 1):
            for delta in _deltas(saying):
                yield head | {"choices": [_delta(nth, delta, None)]}
            yield head | {"choices": [_delta(nth, {}, saying.end.value)]}
    if wants_usage:
        yield head | {"choices": [], "usage": usage(count)}


def _head(request: Request, kind: str) -> Body:
    return {
        "id": made_id("chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": request.model,
        "service_tier": "default",
        "system_fingerprint": "fp_standin",
    }


def _choice(saying: Saying, nth: int) -> Body:
    message: Body = {"role": "assistant", "content": saying.words, "refusal": None, "annotations": []}
    if saying.tool:
        message["content"] = None
        message["tool_calls"] = [_call(saying.tool, saying.words)]
    if saying.refusal is not None:
        message |= {"content": None, "refusal": saying.refusal}
    return {"index": nth, "message": message, "logprobs": None, "finish_reason": saying.end.value}


def _call(name: str, arguments: str) -> Body:
    return {
        "id": made_id("call_"),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _deltas(saying: Saying) -> Iterator[Body]:
    if saying.tool:
        call = {"index": 0} | _call(saying.tool, "")
        yield {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None}
        for piece in pieces(saying.words):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    elif saying.refusal is not None:
        yield {"role": "assistant", "content": None, "refusal": ""}
        yield from ({"refusal": piece} for piece in pieces(saying.refusal))
    else:
        yield {"role": "assistant", "content": "", "refusal": None}
        yield from ({"content": piece} for piece in pieces(saying.words))


def _delta(nth: int, delta: Body, finish: str | None) -> Body:
    return {"index": nth, "delta": delta, "logprobs": None, "finish_reason": finish}
