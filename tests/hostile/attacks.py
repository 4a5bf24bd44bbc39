"""Every attack there is: those of the shared corpora, in the places they are put, and our own."""

from __future__ import annotations

import csv
import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("OUTGROWN_SHARED") or HERE.parents[2] / "shared") / "text"


@dataclass(frozen=True)
class Attack:
    """A hostile text, and the ordinary words it stands among."""

    name: str
    text: str
    before: str = ""
    after: str = ""

    @property
    def whole(self) -> str:
        """The text with what stands around it."""
        return "\n".join(part for part in (self.before, self.text, self.after) if part)

    @property
    def without(self) -> str:
        """The same words without the attack."""
        return (
            "\n".join(part for part in (self.before, self.after) if part) or "Thanks, that is all for today."
        )


def own() -> tuple[Attack, ...]:
    """Our own, each alone."""
    return _listed("own", "attacks.toml")


def adaptive() -> tuple[Attack, ...]:
    """Those made against our own lists, for tickets: orders in the words of a customer."""
    return _listed("adaptive", "adaptive.toml")


def _listed(name: str, file: str) -> tuple[Attack, ...]:
    lists = tomllib.loads((HERE / file).read_text("utf-8"))
    return tuple(
        Attack(f"{name} {kind} {number}", text)
        for kind, told in lists.items()
        for number, text in enumerate(told["texts"], 1)
    )


def corpora() -> tuple[Attack, ...]:
    """Those of BIPIA and of Giskard, each alone."""
    bipia = json.loads((SHARED / "bipia" / "text_attack_train.json").read_text("utf-8"))
    found = [
        Attack(f"bipia {kind} {number}", text)
        for kind, texts in bipia.items()
        for number, text in enumerate(texts, 1)
    ]
    with (SHARED / "giskard" / "prompt_injections.csv").open(encoding="utf-8", newline="") as file:
        found += [Attack(f"giskard {row['index']}", row["prompt"]) for row in csv.DictReader(file)]
    return tuple(found)


@cache
def contexts() -> tuple[str, ...]:
    """Ordinary e-mails to put an attack into."""
    lines = (SHARED / "bipia" / "email_train.jsonl").read_text("utf-8").splitlines()
    return tuple(json.loads(line)["context"] for line in lines)


def placed(attack: Attack, context: str) -> Iterator[Attack]:
    """The attack at the beginning, in the middle and at the end of an e-mail."""
    words = context.split(" ")
    first, second = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
    yield Attack(f"{attack.name}, begin", attack.text, "", context)
    yield Attack(f"{attack.name}, middle", attack.text, first, second)
    yield Attack(f"{attack.name}, end", attack.text, context, "")


def in_mails() -> tuple[Attack, ...]:
    """Every attack of the corpora in all three places, the e-mails taken in turn so that all are used."""
    mails = contexts()
    return tuple(
        one for nth, attack in enumerate(corpora()) for one in placed(attack, mails[nth % len(mails)])
    )


def for_channel(channel: str) -> tuple[Attack, ...]:
    """Every attack for one channel: tickets hold whole mails, names the attack alone."""
    return own() + (adaptive() + in_mails() if channel == "ticket" else corpora())
