"""The settings of the model, and what its tokens cost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.foundation.errors import ConfigError
from agent.foundation.llm.port import Usage
from agent.foundation.llm.prices import cost_micro, micro, price_of, prices, thinks
from agent.foundation.settings import Llm, Price, Settings, check_section, model_access, open_workspace

COMPANY = (
    '[company]\nname = "Docs"\nproduct = "Docs"\nsender_name = "Dana"\nsender_email = "dana@docs.example"\n'
)
COUNTS = st.integers(0, 10**7)


def of(**llm: Any) -> Llm:
    """The section as outgrown.toml would give it."""
    document = {
        "company": {"name": "D", "product": "D", "sender_name": "D", "sender_email": "d@d.example"},
        "llm": llm,
    }
    return check_section(Settings, document, "outgrown.toml").llm


@pytest.mark.parametrize(
    ("llm", "says"),
    [
        ({"modell": "x"}, "did you mean 'model'"),
        ({"key": "sk-x"}, "unknown setting 'llm.key'"),
        ({"api_key": "sk-x"}, "unknown setting 'llm.api_key'"),
        ({"model": "two words"}, "must be one word"),
        ({"base_url": "localhost:11434"}, "must begin with https:// or http://"),
        ({"api": "chats"}, "must be 'chat'"),
        ({"timeout_seconds": 0}, "must be more than 0"),
        ({"retries": 11}, "must be 10 or less"),
        ({"monthly_tokens": -1}, "must be 0 or more"),
        ({"monthly_cost": -0.01}, "must be 0 or more"),
        ({"at_once": 0}, "must be 1 or more"),
        ({"prices": {"m": {"input": 1}}}, "'llm.prices.m.output' is missing"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(llm: dict[str, Any], says: str) -> None:
    """With how to mend it."""
    with pytest.raises(ConfigError) as caught:
        of(**llm)
    assert says in str(caught.value)


def test_a_key_comes_from_the_workspace_s_own_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the environment's own names win over OpenAI's."""
    (tmp_path / "outgrown.toml").write_text(COMPANY)
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-file\n")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.delenv("OPENAI_API_KEY")
    access = open_workspace(tmp_path).model
    assert access.key is not None
    assert access.key.get_secret_value() == "sk-file"
    assert access.is_on
    assert access.url == "https://api.openai.com/v1"
    monkeypatch.setenv("OUTGROWN_LLM_KEY", "sk-own")
    own = open_workspace(tmp_path).model.key
    assert own is not None
    assert own.get_secret_value() == "sk-own"


def test_the_environment_s_base_url_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the file's."""
    monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", "http://localhost:8/v1/")
    assert model_access(Llm(base_url="http://localhost:7/v1")).url == "http://localhost:8/v1"
    monkeypatch.setenv("OUTGROWN_LLM_BASE_URL", "localhost")
    with pytest.raises(ConfigError, match="OUTGROWN_LLM_BASE_URL must begin with"):
        model_access(Llm())


@pytest.mark.parametrize(
    ("usage", "micros"),
    [
        (Usage(), 0),
        (Usage(tokens_in=1), 1),
        (Usage(tokens_in=4), 1),
        (Usage(tokens_in=5), 2),
        (Usage(tokens_in=1_000_000), 250_000),
        (Usage(tokens_in=1_000_000, tokens_cached=1_000_000), 25_000),
        (Usage(tokens_in=10, tokens_cached=99), 1),
        (Usage(tokens_out=1_000_000), 2_000_000),
        (Usage(tokens_in=1200, tokens_cached=1024, tokens_out=80), 230),
    ],
)
def test_tokens_cost_what_the_table_says_rounded_up(usage: Usage, micros: int) -> None:
    """In millionths; cached tokens are among those that went in."""
    assert cost_micro(usage, price_of(Llm(model="openai:gpt-5-mini"))) == micros


@given(COUNTS, COUNTS, COUNTS)
def test_more_tokens_never_cost_less(tokens: int, cached: int, more: int) -> None:
    """And a cached one never more than a fresh one."""
    price = price_of(Llm())
    few = cost_micro(Usage(tokens_in=tokens, tokens_cached=min(cached, tokens), tokens_out=tokens), price)
    many = cost_micro(
        Usage(tokens_in=tokens + more, tokens_cached=min(cached, tokens), tokens_out=tokens), price
    )
    fresh = cost_micro(Usage(tokens_in=tokens, tokens_out=tokens), price)
    assert few <= many
    assert few <= fresh


@pytest.mark.parametrize(
    ("llm", "price"),
    [
        ({"model": "gpt-5-mini"}, Price(input=Decimal("0.25"), cached=Decimal("0.025"), output=Decimal("2"))),
        ({"model": "openai:gpt-5-mini-2025-08-07"}, price_of(Llm(model="gpt-5-mini"))),
        ({"model": "llama3.1:8b"}, None),
        ({"model": "gpt-99"}, None),
        (
            {"model": "mine", "prices": {"mine": {"input": 0.1, "output": 0.3}}},
            Price(input=Decimal("0.1"), output=Decimal("0.3")),
        ),
        (
            {"prices": {"gpt-5-mini": {"input": 9, "output": 9}}},
            Price(input=Decimal(9), output=Decimal(9)),
        ),
    ],
)
def test_a_price_is_the_settings_own_or_the_table_s_or_unknown(
    llm: dict[str, Any], price: Price | None
) -> None:
    """A dated name has the price of the name without its date."""
    assert price_of(of(**llm)) == price


def test_the_table_says_when_and_where_its_prices_are_from() -> None:
    """And holds the model that is asked unless another is named."""
    table = prices()
    assert table.checked > date(2026, 1, 1)
    assert table.source
    assert "gpt-5-mini" in table.models
    assert all((price.cached or 0) <= price.input < price.output for price in table.models.values())


def test_a_price_as_written_has_no_rounding_error() -> None:
    """0.1 is a tenth."""
    llm = of(model="m", prices={"m": {"input": 0.1, "output": 0.1}})
    assert cost_micro(Usage(tokens_in=10), price_of(llm)) == 1
    assert micro(Decimal("19.9999999")) == 19_999_999


@pytest.mark.parametrize(
    ("model", "does"),
    [("openai:gpt-5-mini", True), ("o4-mini", True), ("gpt-4.1", False), ("openai-x", False)],
)
def test_models_that_think_are_known_by_their_names(model: str, does: bool) -> None:
    """Others would refuse to be told how long."""
    assert thinks(model) is does
