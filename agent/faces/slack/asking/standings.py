"""Where every account stands, from the newest recorded scan; the facts are not opened."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import JSON, cast, func, select
from sqlmodel import col

from agent.approval.tables import Opportunity
from agent.foundation.store import Store
from agent.scoring.assessment import Assessment

FULLEST = re.compile(r"(?:highest utilisation |a ceiling reached \()(?P<percent>\d[\d,]*(?:\.\d+)?)%")
"How the score's usage part tells how full the plan is."
_BATCH = 400


class Standing(NamedTuple):
    """One account in the newest scan."""

    account_id: str
    name: str
    status: str
    points: int
    composite: float | None
    percent: float | None
    "How full the plan is, by its fullest metric; None where nothing measured is limited."


class Standings:
    """The newest scan, read when it is first asked for and as far as it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def as_of(self) -> date | None:
        """The day of the newest scan; None before the first."""
        with self._store.reading() as session:
            newest: date | None = session.execute(select(func.max(col(Opportunity.as_of)))).scalar_one()
        return newest

    @cached_property
    def all(self) -> tuple[Standing, ...]:
        """Every account, by id."""
        if self.as_of is None:
            return ()
        c = Opportunity
        columns = (
            *(col(c.account_id), col(c.status), col(c.points), col(c.composite)),
            *(self._picked("name"), self._picked("parts", "usage", "terms")),
        )
        wanted = select(*columns).where(col(c.as_of) == self.as_of).order_by(col(c.account_id))
        with self._store.reading() as session:
            rows = session.execute(wanted).all()
        return tuple(
            Standing(account, name or account, status, points, composite, fullest(_terms(usage)))
            for account, status, points, composite, name, usage in rows
        )

    @cached_property
    def by_id(self) -> dict[str, Standing]:
        """Every account."""
        return {one.account_id: one for one in self.all}

    def assessments(self, account_ids: list[str]) -> list[Assessment]:
        """The whole documents of these accounts, in that order."""
        found: dict[str, Assessment] = {}
        with self._store.reading() as session:
            for start in range(0, len(account_ids), _BATCH):
                wanted = select(col(Opportunity.document)).where(
                    col(Opportunity.as_of) == self.as_of,
                    col(Opportunity.account_id).in_(account_ids[start : start + _BATCH]),
                )
                for document in session.execute(wanted).scalars():
                    one = Assessment.model_validate_json(document)
                    found[one.account_id] = one
        return [found[one] for one in account_ids if one in found]

    def _picked(self, *path: str) -> Any:
        """One value of the document, as text, picked by the database: whole documents are long."""
        document = col(Opportunity.document)
        if self._store.is_sqlite:
            return func.json_extract(document, "$." + ".".join(path))
        return func.json_extract_path_text(cast(document, JSON), *path)


def fullest(says: list[str]) -> float | None:
    """How full the plan is in percent, from the sentences of the score's usage part."""
    for one in says:
        if found := FULLEST.search(one):
            return float(found["percent"].replace(",", ""))
    return None


def _terms(usage: str | None) -> list[str]:
    return [str(term.get("says", "")) for term in json.loads(usage)] if usage else []
