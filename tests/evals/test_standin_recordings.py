"""When exchanges are recorded and given again."""

from __future__ import annotations

import openai
import pytest
from openai import OpenAI

from evals.standin import Html, Standin, Status, Text, in_turn
from evals.standin.recordings import Recorder, Replay

KEY = "sk-secret-key-1234"


def ask(standin: Standin, text: str, *, stream: bool = False, **more) -> str:
    asked = OpenAI(base_url=standin.base_url, api_key=KEY, max_retries=0)
    messages = [{"role": "user", "content": text}]
    got = asked.chat.completions.create(model="gpt-5-mini", messages=messages, stream=stream, **more)
    if stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in got)
    return got.choices[0].message.content


def respond(standin: Standin, text: str) -> str:
    asked = OpenAI(base_url=standin.base_url, api_key=KEY, max_retries=0)
    return asked.responses.create(model="gpt-5-mini", input=text).output_text


def test_what_was_recorded_is_given_again(tmp_path):
    """Whole and streamed, in both protocols, the same question twice in its order; the provider is asked once each."""
    kept = tmp_path / "kept.jsonl"
    provider = Standin(in_turn(*(Text(f"answer {nth}") for nth in range(9))), key=KEY)
    with provider, Standin(Recorder(provider.base_url, kept)) as recording:
        said = [
            ask(recording, "a"),
            ask(recording, "a"),
            ask(recording, "a", stream=True),
            respond(recording, "a"),
        ]
    with Standin(Replay(kept)) as again:
        given = [ask(again, "a"), ask(again, "a"), ask(again, "a", stream=True), respond(again, "a")]
        assert ask(again, "a", user="someone else") == said[1]
    assert given == said == [f"answer {nth}" for nth in range(4)]
    assert len(provider.requests) == 4


def test_neither_key_nor_header_is_recorded(tmp_path):
    """The file may be shared."""
    kept = tmp_path / "kept.jsonl"
    provider = Standin(in_turn(Text("hi")), key=KEY)
    with provider, Standin(Recorder(provider.base_url, kept)) as recording:
        ask(recording, "a")
    text = kept.read_text("utf-8").lower()
    assert KEY not in text
    assert "authorization" not in text
    assert "user-agent" not in text


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Status(401), openai.AuthenticationError), (Html(), openai.InternalServerError)],
)
def test_errors_are_recorded_too(tmp_path, reply, error):
    """With their status and their body."""
    kept = tmp_path / "kept.jsonl"
    provider = Standin(in_turn(reply))
    with provider, Standin(Recorder(provider.base_url, kept)) as recording, pytest.raises(error):
        ask(recording, "a")
    with Standin(Replay(kept)) as again, pytest.raises(error):
        ask(again, "a")


def test_what_was_not_recorded_is_missing(tmp_path):
    """A changed prompt is not answered with what was said to another."""
    kept = tmp_path / "kept.jsonl"
    kept.write_text("", "utf-8")
    with Standin(Replay(kept)) as again, pytest.raises(openai.NotFoundError, match="no recording"):
        ask(again, "a")
