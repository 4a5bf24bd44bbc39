"""Ticket classes by a few keywords a sentence, each with its sentence as the quote."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from evals.standin.asked import Request
from evals.standin.replies import Json

TICKET = re.compile(r"^<ticket (\d+) (\w+)>[^\n]*\n(.*?)\n</ticket \1 \2>$", re.DOTALL | re.MULTILINE)
FEATURES = re.compile(r"^Features:\n(.*?)^Products", re.DOTALL | re.MULTILINE)
PRODUCTS = re.compile(r"^Products and their use cases:\n(.*?)\n\n", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"^- (.+)$", re.MULTILINE)
SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
LONGEST = 200
"Characters of a quote."


def scripted_classes(request: Request) -> Json:
    """An entry for every ticket shown."""
    asked = next((said.text for said in reversed(request.said) if said.role == "user"), "")
    features = _named(FEATURES, asked)
    products = dict(line.partition(": ")[::2] for line in _named(PRODUCTS, asked))
    tickets = [
        {"ticket": int(number), "classes": list(_classes(text, features, products))}
        for number, _, text in TICKET.findall(asked)
    ]
    return Json({"tickets": tickets})


def _classes(text: str, features: list[str], products: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    found = False
    for sentence in SENTENCE.findall(text):
        quote = sentence.strip()[:LONGEST].strip()
        said = quote.lower()
        feature = next((one for one in features if _reads(one, said)), None)
        for name, says in _keywords().items():
            if any(_hits(one, said, feature) for one in says["says"]) and not any(
                re.search(one, said) for one in says.get("not", ())
            ):
                found = True
                has_feature = name in ("capability_request", "workaround")
                yield _claim(name, quote, feature if has_feature else None)
        for product, cases in products.items():
            if any(case.strip().lower() in said for case in cases.split(";")):
                found = True
                yield _claim("use_case", quote, product=product)
    if not found:
        yield _claim("other", "")


def _hits(pattern: str, said: str, feature: str | None) -> bool:
    if "{feature}" in pattern:
        if feature is None:
            return False
        pattern = pattern.replace("{feature}", re.escape(feature.lower()).replace("_", "[ _-]"))
    return re.search(pattern, said) is not None


def _reads(feature: str, said: str) -> bool:
    return re.search(rf"\b{re.escape(feature.lower()).replace('_', '[ _-]')}\b", said) is not None


def _claim(name: str, quote: str, feature: str | None = None, product: str | None = None) -> dict[str, Any]:
    return {"ticket_class": name, "feature": feature, "product": product, "quote": quote}


def _named(block: re.Pattern[str], text: str) -> list[str]:
    found = block.search(text)
    return NAMED.findall(found[1]) if found else []


@cache
def _keywords() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath("keywords.toml").read_text(encoding="utf-8"))
