"""Sandboxed Jinja for messages: our wordings are templates, customers' words are only ever values."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agent.drafting.wording import initial, sentence, singular
from agent.foundation.shipped import shipped

Pick = Callable[[str, int], int]


class Either(Extension):
    """`{% either %} … {% or %} … {% endeither %}`: one of several wordings, chosen by `pick`."""

    tags = {"either"}  # noqa: RUF012 - Jinja reads it from the class

    def parse(self, parser: Parser) -> nodes.Node:
        """The block as a chain of ifs on `pick(place, number of wordings)`."""
        line = next(parser.stream).lineno
        wordings = [parser.parse_statements(("name:or", "name:endeither"), drop_needle=False)]
        while parser.stream.current.test("name:or"):
            next(parser.stream)
            wordings.append(parser.parse_statements(("name:or", "name:endeither"), drop_needle=False))
        parser.stream.expect("name:endeither")
        place = nodes.Const(f"{parser.name}:{line}")
        chosen = nodes.Call(nodes.Name("pick", "load"), [place, nodes.Const(len(wordings))], [], None, None)
        branch = nodes.If(nodes.Const(True), wordings[-1], [], [])
        for number in range(len(wordings) - 2, -1, -1):
            test = nodes.Compare(chosen, [nodes.Operand("eq", nodes.Const(number))])
            branch = nodes.If(test, wordings[number], [], [branch])
        return branch.set_lineno(line)


def picker(*seed: str) -> Pick:
    """A choice that is the same for the same seed and place, and even over many seeds."""

    def pick(place: str, number: int) -> int:
        digest = hashlib.sha256("\0".join((*seed, place)).encode()).digest()
        return int.from_bytes(digest[:8], "big") % number

    return pick


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The environment of templates/messages: no autoescaping, because the result is plain text."""
    env = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(shipped("templates", "messages")),
        undefined=StrictUndefined,
        autoescape=False,
        extensions=[Either],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    env.filters.update(of=_of, counting=_counting, number=_number, initial=initial, sentence=sentence)
    return env


@cache
def phrasebook() -> dict[str, dict[str, Any]]:
    """templates/messages/problems.toml."""
    with shipped("templates", "messages", "problems.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def compiled(wording: str) -> tuple[Template, frozenset[str]]:
    """A wording of the phrase book with the slots it needs; only shipped text may be passed."""
    env = environment()
    return env.from_string(wording), frozenset(meta.find_undeclared_variables(env.parse(wording)))


def _number(shown: str) -> str:
    """'20' of '20 seats'; a figure without a number stays as it is."""
    found = re.match(r"[\d.,]*\d", shown)
    return found.group() if found else shown


def _of(shown: str, singular: str, plural: str) -> str:
    """'5 requests' of '5 times': the number as shown, with a noun that agrees with it."""
    number = _number(shown)
    return f"{number} {singular if number == '1' else plural}"


def _counting(shown: str, things: str) -> str:
    """'1,000 exports', and '1 export'."""
    return f"{shown} {singular(things) if shown == '1' else things}"
