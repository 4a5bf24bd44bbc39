"""What every table of outgrown.toml has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of outgrown.toml: unknown keys are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
