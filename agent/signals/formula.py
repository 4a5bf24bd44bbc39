"""The language of triggers: selections of facts, aggregates over them, and arithmetic on those.

A formula computes nothing by itself. `engine` turns it into a column of the profile, set-wise, for all accounts;
`evidence` computes it a second time in plain Python from one account's own source rows. The two share this tree
and nothing else, so that each checks the other.

Windows are in days before the as-of date D: `last(14)` is D-13 to D, `week(2)` is D-20 to D-14 (rule book §1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar

Value = float | int | str | bool
LONGEST_NAME = 60
"PostgreSQL cuts names at 63 bytes."


class Grain(StrEnum):
    """What a row of the profile is about, besides the account."""

    ACCOUNT = "account"
    FEATURE = "feature"
    METRIC = "metric"
    PRODUCT = "product"
    TEAM = "team"


class Formula:
    """A node of the tree."""

    op: ClassVar[str] = ""

    def __add__(self, other: Formula | float) -> Formula:
        return Op("+", self, as_formula(other))

    def __sub__(self, other: Formula | float) -> Formula:
        return Op("-", self, as_formula(other))

    def __mul__(self, other: Formula | float) -> Formula:
        return Op("*", self, as_formula(other))

    def __truediv__(self, other: Formula | float) -> Formula:
        return Op("/", self, as_formula(other))

    def __ge__(self, other: Formula | float) -> Formula:
        return Op(">=", self, as_formula(other))

    def __gt__(self, other: Formula | float) -> Formula:
        return Op(">", self, as_formula(other))

    def __le__(self, other: Formula | float) -> Formula:
        return Op("<=", self, as_formula(other))

    def __lt__(self, other: Formula | float) -> Formula:
        return Op("<", self, as_formula(other))

    def __and__(self, other: Formula) -> Formula:
        return Op("and", self, other)

    def __or__(self, other: Formula) -> Formula:
        return Op("or", self, other)

    def leaves(self) -> Iterator[Leaf]:
        """The leaves below this node, left to right."""
        raise TypeError(self)


@dataclass(frozen=True)
class Const(Formula):
    """A number or truth that the rule itself brings."""

    value: Value

    def leaves(self) -> Iterator[Leaf]:
        """A constant rests on no facts."""
        return iter(())


@dataclass(frozen=True)
class Op(Formula):
    """An operation on two formulas; division by zero, and by the unknown, is unknown."""

    sign: str
    left: Formula
    right: Formula

    def leaves(self) -> Iterator[Leaf]:
        """Both sides' leaves."""
        yield from self.left.leaves()
        yield from self.right.leaves()


class Leaf(Formula):
    """A formula that reads facts; `column` is its name in the profile."""

    def parameters(self) -> dict[str, Any]:
        """What makes this leaf different from others of its kind."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @cached_property
    def column(self) -> str:
        """A name that is the same for equal leaves and differs for different ones."""
        parts = [self.op]
        parts += [_slug(value) for value in self.parameters().values()]
        name = "_".join(part for part in parts if part)
        if len(name) <= LONGEST_NAME:
            return name
        return f"{name[: LONGEST_NAME - 9]}_{blake2b(repr(self).encode(), digest_size=4).hexdigest()}"

    def leaves(self) -> Iterator[Leaf]:
        """Itself."""
        yield self


@dataclass(frozen=True)
class Attribute(Leaf):
    """A column of the account itself on the day looked at: age_days, seats, plan_features, days_to_renewal …"""

    op: ClassVar[str] = ""
    name: str

    @cached_property
    def column(self) -> str:
        """The attribute's own name."""
        return self.name


@dataclass(frozen=True)
class IsCore(Leaf):
    """Whether the metric is one of the company's core metrics."""

    op: ClassVar[str] = "core"


@dataclass(frozen=True)
class Reading(Leaf):
    """A metric's level at the end of week `week`: a gauge's last value in that week, a flow's sum over its period."""

    op: ClassVar[str] = "reading"
    week: int


@dataclass(frozen=True)
class CeilingOn(Leaf):
    """What the account might use of the metric on the last day of week `week`; unknown when unlimited."""

    op: ClassVar[str] = "ceiling"
    week: int


@dataclass(frozen=True)
class Level(Leaf):
    """A metric's size over a window: a flow's sum, a gauge's mean.

    Counted from the account's start when `since_start`, and then unknown until the window is over.
    """

    op: ClassVar[str] = "level"
    oldest: int
    newest: int
    since_start: bool = False


@dataclass(frozen=True)
class FirstRow(Leaf):
    """Days from the account's start to the metric's first row."""

    op: ClassVar[str] = "first_row"


Test = tuple[str, str, tuple[Value, ...]]
"A condition on a column: (column, one of = <= < >, values)."


@dataclass(frozen=True)
class Aggregate(Leaf):
    """One aggregate of the selected rows of a relation."""

    op: ClassVar[str] = ""
    how: str
    "count, distinct, sum, mean, min, newest, oldest, days (distinct days), age_of_first, ever (1 or 0)"
    of: str
    relation: str
    oldest: int | None
    newest: int
    since_start: bool
    tests: tuple[Test, ...]


@dataclass(frozen=True)
class Selection:
    """Rows of a relation in a window; its methods name aggregates of them."""

    relation: str
    oldest: int | None = None
    newest: int = 0
    since_start: bool = False
    tests: tuple[Test, ...] = ()

    def last(self, days: int, *, ending: int = 0) -> Selection:
        """The `days` days that end `ending` days before D."""
        return replace(self, oldest=ending + days - 1, newest=ending, since_start=False)

    def week(self, k: int) -> Selection:
        """Week k: the 7 days ending at D - 7k."""
        return self.last(7, ending=7 * k)

    def first(self, days: int) -> Selection:
        """The account's first `days` days, the day of creation included; what is in them is unknown until they are over."""
        return replace(self, oldest=0, newest=days - 1, since_start=True)

    def where(self, **values: Value | tuple[Value, ...]) -> Selection:
        """Only rows whose columns have one of these values."""
        more = tuple(
            (name, "=", value if isinstance(value, tuple) else (value,)) for name, value in values.items()
        )
        return replace(self, tests=self.tests + more)

    def at_most(self, column: str, value: Value) -> Selection:
        """Only rows whose column is known and at most `value`."""
        return replace(self, tests=(*self.tests, (column, "<=", (value,))))

    def below(self, column: str, value: Value) -> Selection:
        """Only rows whose column is known and below `value`."""
        return replace(self, tests=(*self.tests, (column, "<", (value,))))

    def above(self, column: str, value: Value) -> Selection:
        """Only rows whose column is known and above `value`."""
        return replace(self, tests=(*self.tests, (column, ">", (value,))))

    def _leaf(self, how: str, of: str = "") -> Aggregate:
        return Aggregate(how, of, self.relation, self.oldest, self.newest, self.since_start, self.tests)

    def count(self) -> Aggregate:
        """How many rows."""
        return self._leaf("count")

    def days(self) -> Aggregate:
        """On how many different days."""
        return self._leaf("days")

    def distinct(self, column: str) -> Aggregate:
        """How many different values of a column, the empty one not counted."""
        return self._leaf("distinct", column)

    def sum(self, column: str) -> Aggregate:
        """The sum of a column; 0 for no rows."""
        return self._leaf("sum", column)

    def mean(self, column: str) -> Aggregate:
        """The mean of a column; unknown for no rows."""
        return self._leaf("mean", column)

    def newest_value(self, column: str) -> Aggregate:
        """The column's value in the newest row; unknown for no rows."""
        return self._leaf("newest", column)

    def oldest_value(self, column: str) -> Aggregate:
        """The column's value in the oldest row; unknown for no rows."""
        return self._leaf("oldest", column)

    def least(self, column: str) -> Aggregate:
        """The smallest value of a column; unknown for no rows."""
        return self._leaf("min", column)

    def ever(self) -> Aggregate:
        """1 where there is a row, else 0."""
        return self._leaf("ever")

    def age_of_first(self) -> Aggregate:
        """Days from the first row to D; unknown for no rows."""
        return self._leaf("age_of_first")


EVENTS = Selection("events")
MEMBERS = Selection("members")
TICKETS = Selection("tickets")
ASKS = Selection("asks")
MEASURES = Selection("measures")
INVOICES = Selection("invoices")

ZERO_WHEN_EMPTY = {"count", "distinct", "sum", "days", "ever"}


def as_formula(value: Formula | Value) -> Formula:
    """`value`, or the constant of it."""
    return value if isinstance(value, Formula) else Const(value)


def utilisation(week: int) -> Formula:
    """Reading over ceiling at the end of a week; unknown without either (rule book §2)."""
    return Reading(week) / CeilingOn(week)


def _slug(part: Any) -> str:
    if part is None or part == "" or part is False:
        return ""
    if part is True:
        return "start"
    if isinstance(part, tuple):
        return "_".join(_slug(item) for item in part)
    if isinstance(part, float) and part.is_integer():
        part = int(part)
    signs = {"=": "is", "<=": "most", "<": "below", ">": "above"}
    return signs.get(str(part), "".join(c if c.isalnum() else "_" for c in str(part)))
