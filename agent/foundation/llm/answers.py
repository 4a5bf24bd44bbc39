"""What the model's messages and failures say: the words, why they cannot be used, and the tokens they took."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from agent.foundation.llm.failures import MALFORMED, REFUSED, TRUNCATED, Failure
from agent.foundation.llm.port import Usage

LONGEST_ANSWER = 64_000
"Characters; no answer of ours is longer."
MOST_TOKENS = 10_000_000
"What a server may claim one call to have taken."


class Told(NamedTuple):
    """What came back of one call: the answer's JSON or a failure, and the tokens as the server counts them."""

    text: str
    failure: Failure | None
    usage: Usage | None
    "None when the server did not say."


def told_by(raw: Any) -> Told:
    """What a message of the model says."""
    usage = _usage(getattr(raw, "usage_metadata", None))
    about = raw.response_metadata
    finish = about.get("finish_reason") or (about.get("incomplete_details") or {}).get("reason")
    failure = None
    if finish in ("length", "max_output_tokens"):
        failure = TRUNCATED
    elif raw.additional_kwargs.get("refusal") or finish == "content_filter" or _refuses(raw):
        failure = REFUSED
    elif about.get("status") not in (None, "completed"):
        failure = MALFORMED
    calls = raw.tool_calls
    text = json.dumps(calls[0]["args"]) if calls else str(raw.text)
    return Told(text, failure, usage)


def _refuses(raw: Any) -> bool:
    content = raw.content if isinstance(raw.content, list) else []
    return any(isinstance(block, dict) and "refusal" in (block.get("type"), *block) for block in content)


def _usage(given: Any) -> Usage | None:
    """Tokens as LangChain hands them on; a server that counts below nothing is not believed."""
    if not given:
        return None
    details = given.get("input_token_details") or {}
    cached = sum(value or 0 for name, value in details.items() if name.endswith("cache_read"))
    tokens_in, tokens_out = _sane(given.get("input_tokens")), _sane(given.get("output_tokens"))
    if not tokens_in:
        return None
    return Usage(tokens_in=tokens_in, tokens_cached=min(_sane(cached), tokens_in), tokens_out=tokens_out)


def _sane(tokens: Any) -> int:
    return min(max(int(tokens or 0), 0), MOST_TOKENS)


def usage_of_error(error: Exception, failure: Failure) -> Usage | None:
    """What a failed call took: nothing where no answer was made; unknown where one may have been."""
    counted = getattr(getattr(error, "completion", None), "usage", None)
    if counted is None:
        return Usage() if failure.is_free else None
    details = getattr(counted, "prompt_tokens_details", None)
    return _usage(
        {
            "input_tokens": counted.prompt_tokens,
            "output_tokens": counted.completion_tokens,
            "input_token_details": {"cache_read": getattr(details, "cached_tokens", 0) or 0},
        }
    )
