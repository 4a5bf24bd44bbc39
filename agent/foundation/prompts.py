"""What a model is told: files under prompts/, loaded strictly and known by the hash of what they hold."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from agent.foundation.errors import OutgrownError
from agent.foundation.llm.port import Line, Role
from agent.foundation.shipped import shipped

SUFFIX = ".md"
SECTION = re.compile(r"^\[(system|user|assistant)\]$", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """One file of prompts/, with what it includes: sections headed `[system]` or `[user]`, Jinja in each."""

    name: str
    content_hash: str
    "Twelve hex digits over the file and every file it includes."
    slots: frozenset[str]
    "The values it must be given, all of them and no other."

    def lines(self, **values: object) -> list[Line]:
        """The prompt's lines, filled; the unchanging sections stand first, so that a provider can cache them.

        Raises OutgrownError for a value that is missing or that the prompt has no place for.
        """
        if wrong := self.slots ^ values.keys():
            raise OutgrownError(f"The prompt {self.name} takes {sorted(self.slots)}; mend {sorted(wrong)}.")
        filled = []
        for role, text in _sections(self.name):
            said = _environment().from_string(text).render(values).strip()
            filled.append(Line(role, said))
        return filled


@cache
def prompt(name: str) -> Prompt:
    """The prompt in prompts/NAME.md.

    Raises OutgrownError when there is none, or when it does not begin with a section.
    """
    from jinja2 import meta

    hashed = hashlib.sha256()
    slots: set[str] = set()
    waiting, seen = [f"{name}{SUFFIX}"], set[str]()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        text = _text(file)
        hashed.update(f"{file}\0{text}\0".encode())
        tree = _environment().parse(text)
        slots |= meta.find_undeclared_variables(tree)
        waiting += sorted(one for one in meta.find_referenced_templates(tree) if one)
    _sections(name)
    return Prompt(name, hashed.hexdigest()[:12], frozenset(slots))


def _text(file: str) -> str:
    path = shipped("prompts", file)
    if not path.is_file():
        raise OutgrownError(f"There is no prompt {file} in {path.parent}; put it back.")
    return path.read_text(encoding="utf-8")


def _sections(name: str) -> list[tuple[Role, str]]:
    text = _text(f"{name}{SUFFIX}")
    before, *rest = SECTION.split(text)
    if before.strip() or not rest:
        raise OutgrownError(f"prompts/{name}{SUFFIX} must begin with a line [system] or [user]; mend it.")
    return [(Role(role), said) for role, said in zip(rest[::2], rest[1::2], strict=True)]


@cache
def _environment() -> Any:
    """Sandboxed: what customers wrote is only ever a value."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(shipped("prompts")),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
