"""The texts the checker is held against: clean drafts, and drafts with one fault planted in a clean one.

A clean draft is written whole, or is another one with whole paragraphs written anew. A fault is words put in
the place of others, or a paragraph in the place of another. No half is untouched any more: what a
half first gave is the honest figure, and the next one has to be written anew.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from agent.drafting.message import Message
from agent.drafting.violation import Level

HERE = Path(__file__).parent / "corpus"
PARTS = ("subject", "greeting", "problem", "middle", "last")
"What may be written anew, in the order in which it stands; the signature stays."


class Half(StrEnum):
    """When a text was written, and whether the rules were improved on it."""

    DEVELOPMENT = "development"
    HELD_OUT = "held_out"
    "Written before the rules were improved, looked at when they had been, and improved on a last time."
    WRITTEN_AFTER = "written_after"
    "Written when the rules were thought done; they were not, and were improved on these once more."
    LAST = "last"
    "Written after that: 29 of 34 faults were caught at first, and 4 of 8 clean drafts stopped; improved on since."
    INDEPENDENT = "independent"
    """Written from the rule book, without sight of the rules: 134 of 145 faults caught at first, 40 of 70 clean stopped.
    Since then the leave to wait was improved with the clean drafts of odd number in view."""


class Draft(NamedTuple):
    """A text to check against a brief."""

    draft_id: str
    half: Half
    brief: str
    message: Message


class Planted(NamedTuple):
    """A draft with one fault."""

    draft: Draft
    kind: str
    rules: tuple[str, ...]
    "The rules that are meant to catch it, the first of them the one it counts for."
    level: Level
    is_figure: bool
    clean: Draft


@lru_cache(maxsize=1)
def clean_drafts() -> dict[str, Draft]:
    """Every clean draft by its id."""
    found: dict[str, Draft] = {}
    for half in Half:
        for number, entry in enumerate(_entries(half, "clean", "draft")):
            message = Message.parse(entry["text"].strip())
            _add(found, Draft(entry.get("id", f"{half}-{number}"), half, entry["brief"], message))
    for half, mark in (
        (Half.DEVELOPMENT, "r"),
        (Half.HELD_OUT, "h"),
        (Half.WRITTEN_AFTER, "w"),
        (Half.LAST, "l"),
    ):
        counts: dict[str, int] = {}
        for entry in _entries(half, "clean", "variant"):
            of = found[entry["of"]]
            counts[of.draft_id] = counts.get(of.draft_id, 0) + 1
            name = f"{of.draft_id}-{mark}{counts[of.draft_id]}"
            _add(found, Draft(name, half, of.brief, _changed(of.message, entry, {})))
    return found


@lru_cache(maxsize=1)
def planted_drafts() -> tuple[Planted, ...]:
    """Every draft with a fault."""
    clean = clean_drafts()
    found = []
    for half in Half:
        for path in sorted((HERE / half / "planted").glob("*.toml")):
            content = tomllib.loads(path.read_text(encoding="utf-8"))
            for kind in content["kind"]:
                for number, fault in enumerate(kind["faults"], 1):
                    of = clean[fault["of"]]
                    message = _changed(of.message, fault, content.get("passages", {}))
                    name = f"{half}/{kind['kind']}-{number}"
                    found.append(
                        Planted(
                            draft=Draft(name, half, of.brief, message),
                            kind=kind["kind"],
                            rules=tuple(kind["rules"]),
                            level=Level(kind.get("level", "block")),
                            is_figure=path.stem == "figures",
                            clean=of,
                        )
                    )
    return tuple(found)


def _entries(half: Half, folder: str, key: str) -> list[dict[str, Any]]:
    paths = sorted((HERE / half / folder).glob("*.toml"))
    return [entry for path in paths for entry in tomllib.loads(path.read_text(encoding="utf-8")).get(key, [])]


def _add(found: dict[str, Draft], draft: Draft) -> None:
    if draft.draft_id in found:
        raise ValueError(f"two clean drafts are called {draft.draft_id}")
    found[draft.draft_id] = draft


def _changed(message: Message, change: dict[str, Any], passages: dict[str, str]) -> Message:
    """The message with paragraphs written anew, or with words put in the place of others that occur once."""
    parts = [message.subject, *message.body.split("\n\n")]
    for place, name in enumerate(PARTS):
        if name in change:
            if len(parts) < len(PARTS):
                raise ValueError(f"{change['of']} has no {name} of its own")
            given = change[name]
            parts[place] = passages[given[1:]].strip() if given.startswith("@") else given
    subject, body = parts[0], "\n\n".join(parts[1:])
    if "old" in change:
        text = f"{subject}\n\n{body}"
        if text.count(change["old"]) != 1:
            raise ValueError(f"{change['of']} has {change['old']!r} {text.count(change['old'])} times")
        subject, _, body = text.replace(change["old"], change["new"]).partition("\n\n")
    return Message(subject=subject, body=body)
