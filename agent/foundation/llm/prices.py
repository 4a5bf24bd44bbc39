"""What tokens cost: the price table, and integer arithmetic on it."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import cache
from pathlib import Path

from agent.foundation.llm.port import Usage
from agent.foundation.section import Section
from agent.foundation.sections import Llm, Price

TABLE = Path(__file__).with_name("prices.toml")
PROVIDER = "openai:"
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
MICRO = 1_000_000


class Prices(Section):
    """The price table."""

    currency: str
    checked: date
    source: str
    thinking: tuple[str, ...]
    models: dict[str, Price]


@cache
def prices() -> Prices:
    """The table that comes with Outgrown."""
    return Prices.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8"), parse_float=Decimal))


def bare(model: str) -> str:
    """The name the provider knows: 'gpt-5-mini' of 'openai:gpt-5-mini'."""
    return model.removeprefix(PROVIDER)


def price_of(llm: Llm) -> Price | None:
    """The price of the settings' model: their own, else the table's; None when nobody knows one."""
    name = bare(llm.model)
    for known in (llm.prices, prices().models):
        found = known.get(llm.model) or known.get(name) or known.get(DATED.sub("", name))
        if found:
            return found
    return None


def thinks(model: str) -> bool:
    """Whether the model is one that is told how long to think."""
    return bare(model).startswith(prices().thinking)


def cost_micro(usage: Usage, price: Price | None) -> int:
    """What the tokens cost in millionths of the currency, rounded up; 0 without a price."""
    if price is None:
        return 0
    cached = min(usage.tokens_cached, usage.tokens_in)
    reduced = price.input if price.cached is None else price.cached
    # A price per million tokens is a price in millionths per token.
    whole = (usage.tokens_in - cached) * price.input + cached * reduced + usage.tokens_out * price.output
    return int(whole.to_integral_value(rounding=ROUND_CEILING))


def micro(amount: Decimal) -> int:
    """An amount of the currency in millionths, rounded down: a limit is never made larger."""
    return int(amount * MICRO)
