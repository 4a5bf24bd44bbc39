"""How a text came to be: kept with every version of a draft."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agent.signals.finding import Frozen

TEMPLATE, MODEL, PERSON = "template", "model", "person"


class Making(Frozen):
    """Who wrote a text, from which prompts, and what it took."""

    writer: str = TEMPLATE
    "'template', 'model' or 'person'."
    framing: str | None = None
    "Of a template's text: the framing it was told in."
    model: str | None = None
    "The model that was asked, also where its answer could not be used."
    prompts: Mapping[str, str] = Field(default_factory=dict)
    "Content hash of each prompt file used, by name."
    examples: tuple[str, ...] = ()
    "Ids of the founder's own drafts that were shown as examples; empty where templates were."
    rounds: int = 0
    "Repairs asked for: 0 where the first answer stood."
    why: str | None = None
    "Of a template's text where a model was to write: why its answer was not used; a foundation.llm.port.Why, or 'blocked'."
    blocked_by: tuple[str, ...] = ()
    "Guardrails that the model's last answer still broke."
    calls: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost_micro: int = 0
