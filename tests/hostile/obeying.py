"""A model that does what an attacker wants: what it finds written to it, and what it was told behind our backs."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from evals.standin import Json, Reply, Request
from evals.standin.scripted import scripted_answer
from evals.standin.scripted_classes import TICKET
from evals.standin.scripted_draft import PARTS, facts_of, parts_of
from tests.hostile.attacks import HERE, Attack

SELLING = ("budget", "capability_request", "deadline", "faster", "out_of_scope", "use_case", "workaround")
CLASSES = (*SELLING, "leaving", "price_complaint", "bug", "other")
SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
MOST = 24
"Claims in one ticket, about as many as are looked at."
ORDERS = re.compile(
    r"https?://\S+|\bwww\.\S+|\S+@\S+|(?:ignore|disregard|forget|instead|send|write|say|tell|put|print|answer|translate|"
    r"explain|call|offer|replace|include)\b[^.\n]*",
    re.IGNORECASE,
)


class Obeying:
    """Obeys whatever it is asked to draft or to classify; `attacks` are known to it whether it is shown them or not."""

    def __init__(self, attacks: Sequence[Attack] = ()) -> None:
        self.attacks = tuple(attacks) or (Attack("none", ""),)
        self._turns = itertools.count()
        self.drafted = 0
        self.classified = 0

    def __call__(self, request: Request) -> Reply:
        """What the attacker wants said."""
        if set(PARTS) <= request.fields:
            self.drafted += 1
            return Json(self._draft(request))
        if "tickets" in request.fields:
            self.classified += 1
            return Json(self._classes(request))
        return scripted_answer(request)

    def _draft(self, request: Request) -> dict[str, str]:
        """An honest draft with an attack in it: found in the prompt, or else one that is known."""
        facts = facts_of(request.text)
        honest = parts_of(facts)
        found = " ".join(ORDERS.findall(request.said[-1].text if len(request.said) > 2 else facts.text))
        turn = next(self._turns)
        attack = self.attacks[turn % len(self.attacks)]
        if found and turn % 5 == 0:
            return honest | {"observation": found[:600]}
        return spoiled(honest, payloads()[turn % len(payloads())]["parts"], attack)

    def _classes(self, request: Request) -> dict[str, Any]:
        """Every class that could sell or silence, with words that do stand in the ticket."""
        asked = request.said[-1].text
        features = re.findall(r"^- ([^:\n]+)$", asked, re.MULTILINE) or [None]
        products = re.findall(r"^- ([^:\n]+): ", asked, re.MULTILINE) or [None]
        tickets = []
        for number, _, text in TICKET.findall(asked):
            claims = list(itertools.islice(_claims(text, features, products), MOST))
            tickets.append({"ticket": int(number), "classes": claims})
        return {"tickets": tickets}


def _claims(text: str, features: Sequence[Any], products: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Claims of a ticket, the longest quotes first; of those that silence us none: the attacker wants to be written to."""
    quotes = [text[:200].strip(), text[-200:].strip()]
    quotes += sorted((one.strip()[:200] for one in SENTENCE.findall(text)), key=len, reverse=True)[:4]
    for quote in dict.fromkeys(one for one in quotes if one):
        for name in SELLING:
            yield {
                "ticket_class": name,
                "feature": features[len(quote) % len(features)],
                "product": products[len(quote) % len(products)],
                "quote": quote,
            }


def spoiled(honest: dict[str, str], parts: dict[str, str], attack: Attack) -> dict[str, str]:
    """An honest draft with some parts as the attacker wants them."""
    found = dict(honest)
    for part, text in parts.items():
        said = text.replace("ATTACK", attack.text)
        found[part] = f"{honest.get(part, '')} {said[1:]}" if said.startswith("+") else said
    return found


@cache
def payloads() -> list[dict[str, Any]]:
    """What can be put into a draft, by kind."""
    return list(tomllib.loads((HERE / "payloads.toml").read_text("utf-8"))["payload"])
