"""What holds for every test: no key of the person who runs them is used, and no model is asked."""

from __future__ import annotations

import pytest

KEYS = (
    "OPENAI_API_KEY",
    "OUTGROWN_LLM_KEY",
    "OUTGROWN_LLM_BASE_URL",
    "LANGSMITH_TRACING",
    "LANGCHAIN_TRACING_V2",
)


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names no model."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
