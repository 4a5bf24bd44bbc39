"""What a trigger found: the finding, and the figures it rests on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A document that does not change once made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceRow(Frozen):
    """One row of a fact table that a figure rests on, as it stood when it was read."""

    table: str
    key: str
    "The row's key columns joined by '/', for a person to look up."
    values: dict[str, str | int | float | bool | date | datetime | None]


class Figure(Frozen):
    """A number, amount, date or duration that may be quoted, with all that is needed to recompute it."""

    figure_id: str
    "Unique within a brief, e.g. 'limit_hits' or 'utilisation_week0'."
    label: str
    "What it counts, for a person: 'export limit hits in 14 days'."
    value: float | date
    unit: str
    """'share' (0.87 shown as 87%), 'ratio' (2.1 shown as 2.1 times), 'days', 'money' (minor units), 'date', or the
    plural noun of what is counted."""
    display: str
    "Exactly as a customer reads it: '87%', '14 days', '€49', '12 March 2026', '5'."
    rounding: str
    "How display follows from value: 'whole percent, half up', 'exact', 'one decimal'."
    formula: str
    "How value follows from the source rows, in words a person can check."
    formula_tree: dict[str, Any] = {}
    "The same formula as data, for the second computation."
    first_day: date
    last_day: date
    rows: tuple[SourceRow, ...] = ()
    rows_total: int = 0
    "How many source rows there are; `rows` may hold fewer where they are many."


class Finding(Frozen):
    """One trigger that fired for one account as of one day (rule book §3)."""

    trigger: str
    group: str
    key: str | None = None
    "The metric, feature, product or team it is about."
    value: float
    threshold: float
    unit: str
    first_day: date
    last_day: date
    says: str
    "A sentence a customer could read."
    figures: tuple[Figure, ...]
    about: str | None = None
    "What `key` is: metric, feature, product or team."
    play: str | None = None
    "For a trigger of the founder's own: the play whose condition it satisfies by itself."
    wording: str = ""
    "For a trigger of the founder's own: the sentence with its slots, which a message fills anew."
