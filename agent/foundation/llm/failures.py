"""Every way a call can fail, as one of the reasons of the port and a sentence without a key, a prompt or a text."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import NamedTuple

from agent.foundation.llm.port import Why

NO_MODEL = ("model_not_found", "invalid_model", "unknown_model", "model_not_supported")
NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


class Failure(NamedTuple):
    """Why there is no answer, in a word and in a sentence."""

    why: Why
    says: str
    is_free: bool = False
    "Whether no answer was made that could be paid for."


TRUNCATED = Failure(Why.TRUNCATED, "The model's answer was cut off; raise max_output_tokens in [llm].")
REFUSED = Failure(Why.REFUSED, "The model declined to answer.")
FILTERED = Failure(Why.REFUSED, "The provider's content filter stopped the answer.")
MALFORMED = Failure(Why.MALFORMED, "The model's answer is not of the form that was asked for.")
TIMEOUT = Failure(Why.TIMEOUT, "The model did not answer in time.")
UNFORESEEN = Failure(
    Why.MALFORMED, "The server's answer is not one of OpenAI's protocol; see to base_url in [llm]."
)


def failure_of(error: BaseException) -> Failure:
    """Why the call failed, from what the provider's library raised."""
    import openai

    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return TIMEOUT
    if isinstance(error, openai.LengthFinishReasonError):
        return TRUNCATED
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return FILTERED
    if isinstance(error, openai.APIStatusError):
        return _of_status(error.status_code, str(error.code or ""))
    if isinstance(error, openai.APIConnectionError | OSError):
        return _of_connection(error)
    return UNFORESEEN


def _of_status(status: int, code: str) -> Failure:
    if code in NO_MODEL or status == 404:
        return Failure(
            Why.UNKNOWN_MODEL, "The server knows no such model; see to model and base_url in [llm].", True
        )
    if code == "content_filter":
        return FILTERED._replace(is_free=True)
    if status in (401, 403):
        says = f"The server does not accept the key (HTTP {status}); see to OPENAI_API_KEY."
        return Failure(Why.BAD_KEY, says, True)
    if code in NO_CREDIT or status == 402:
        return Failure(
            Why.RATE_LIMITED, "The provider's account has no credit left; see to its billing.", True
        )
    if status == 429:
        return Failure(Why.RATE_LIMITED, "The server takes no more questions at the moment (HTTP 429).", True)
    if status == 408:
        return TIMEOUT
    if status >= 500:
        return Failure(Why.SERVER_ERROR, f"The server has a fault of its own (HTTP {status}).", True)
    if 300 <= status < 400:
        says = f"The server sends us elsewhere (HTTP {status}), where the key does not go; see to base_url in [llm]."
        return Failure(Why.UNREACHABLE, says, True)
    return Failure(
        Why.MALFORMED,
        f"The server did not understand the question (HTTP {status}); an older one may need "
        'structured = "function_calling" or cache_key = false in [llm].',
        True,
    )


BROKEN_OFF = {"ReadError", "WriteError", "RemoteProtocolError", "DecodingError", "CloseError"}
"What the HTTP library says when a server was reached but did not answer to the end."


def _of_connection(error: BaseException) -> Failure:
    causes = list(_causes(error))
    named = {base.__name__ for cause in causes for base in type(cause).__mro__}
    said = " ".join(str(cause) for cause in causes).lower()
    if "TimeoutException" in named or any(isinstance(cause, TimeoutError) for cause in causes):
        return TIMEOUT
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        how = "its certificate or its encryption does not hold"
    elif named & BROKEN_OFF:
        return Failure(Why.SERVER_ERROR, "The server broke off before its answer was whole.")
    elif "gaierror" in named or "name or service" in said or "nodename" in said:
        how = "there is no server of that name"
    elif "ConnectionRefusedError" in named or "connection attempts failed" in said:
        how = "nothing answers there"
    else:
        how = "the connection fails"
    return Failure(
        Why.UNREACHABLE, f"The model's server cannot be used: {how}; see to base_url in [llm].", True
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 20:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1
