"""Formulas that scores and holds need besides those of triggers: conditions on what is known, and choices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.signals.formula import Formula, Leaf, Value


@dataclass(frozen=True)
class Not(Formula):
    """The contrary; of the unknown, unknown."""

    of: Formula

    def leaves(self) -> Iterator[Leaf]:
        """The leaves of what is denied."""
        return self.of.leaves()


@dataclass(frozen=True)
class IsKnown(Formula):
    """Whether there is a value at all."""

    of: Formula

    def leaves(self) -> Iterator[Leaf]:
        """The leaves of what is asked about."""
        return self.of.leaves()


@dataclass(frozen=True)
class Among(Formula):
    """Whether a value is one of some."""

    of: Formula
    values: tuple[Value, ...]

    def leaves(self) -> Iterator[Leaf]:
        """The leaves of what is asked about."""
        return self.of.leaves()


@dataclass(frozen=True)
class If(Formula):
    """One formula where a condition holds, another where it does not or is unknown."""

    condition: Formula
    then: Formula
    otherwise: Formula

    def leaves(self) -> Iterator[Leaf]:
        """All three's leaves."""
        yield from self.condition.leaves()
        yield from self.then.leaves()
        yield from self.otherwise.leaves()


@dataclass(frozen=True)
class Rounded(Formula):
    """A number to so many decimals."""

    of: Formula
    digits: int

    def leaves(self) -> Iterator[Leaf]:
        """The leaves of what is rounded."""
        return self.of.leaves()


@dataclass(frozen=True)
class Unknown(Formula):
    """No number."""

    def leaves(self) -> Iterator[Leaf]:
        """Nothing is read."""
        return iter(())
