"""Drafts as a good model would word them: put together from the brief in the prompt, the same for a brief every time."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from evals.standin.asked import Request
from evals.standin.replies import Json

PARTS = ("subject", "greeting", "problem", "observation", "help", "offer", "close")
BRIEF = re.compile(r"<brief>\n(.*?)\n</brief>", re.DOTALL)
SLOT_LINE = re.compile(r"^  \{([^{}]+)\}: (.*)$", re.MULTILINE)
SLOT = re.compile(r"\{([^{}]+)\}")
SHORT = 50
"Characters of a subject."


@dataclass(frozen=True)
class Facts:
    """A brief as the prompt shows it."""

    text: str
    play: str
    kind: str
    plainly: str
    also: tuple[str, ...]
    slots: dict[str, str]

    def fits(self, wording: str) -> bool:
        """Whether the brief lists every slot of a wording."""
        return all(name in self.slots for name in SLOT.findall(wording))


def scripted_draft(request: Request) -> Json:
    """A slotted draft; plain and safe where the first answer came back with complaints."""
    facts = facts_of(request.text)
    is_repair = any(said.role == "assistant" for said in request.said)
    return Json(plain_parts(facts) if is_repair else parts_of(facts))


def facts_of(text: str) -> Facts:
    """The brief in a prompt; an empty one where there is none."""
    found = BRIEF.findall(text)
    brief = found[-1] if found else text
    told = dict(re.findall(r"^([a-z][a-z ,]*): (.*)$", brief.partition("\nslots:")[0], re.MULTILINE))
    return Facts(
        text=brief,
        play=told.get("play", ""),
        kind=told.get("kind of offer", ""),
        plainly=told.get("the problem, said plainly", ""),
        also=tuple(re.findall(r"^also true, to be mentioned at most once: (.*)$", brief, re.MULTILINE)),
        slots=dict(SLOT_LINE.findall(brief)),
    )


def parts_of(facts: Facts) -> dict[str, str]:
    """The parts of a draft in the brief's own variation of the wordings."""
    subjects = [one for one in _wordings("subject", facts) if len(_read(one, facts)) <= SHORT]
    seconds = [*facts.also[:1], *_wordings("observation", facts)]
    observation = _pick("observation", facts, seconds)
    if observation in facts.also and _coin(facts, "both"):
        observation = f"{observation} {_pick('more', facts, _wordings('observation', facts))}".strip()
    return {
        "subject": _pick("subject", facts, subjects) or "A word about your team",
        "greeting": _pick("greeting", facts, ("Hi {name}", "Hello {name}")),
        "problem": facts.plainly or _first_figure(facts),
        "observation": observation,
        "help": _pick("help", facts, _wordings("help", facts)),
        "offer": f"{_offer(facts)} {_pick('question', facts, _lists()['offer']['question'])}",
        "close": _pick("close", facts, _wordings("close", facts)),
    }


def plain_parts(facts: Facts) -> dict[str, str]:
    """The parts of a draft that says no more than it must."""
    return parts_of(facts) | {
        "subject": "A word about your team",
        "greeting": "Hi {name}",
        "observation": "",
        "help": "",
        "close": "Not yet is fine: it is worth another look {watch}.",
    }


def _offer(facts: Facts) -> str:
    """What is offered and its price, with what the brief lets one say of it."""
    is_clause = "a clause" in facts.slots.get("benefit", "")
    promise = "_benefit" if "benefit" in facts.slots and is_clause else ""
    if facts.kind == "plan_upgrade" and {"offer_ceiling", "things"} <= facts.slots.keys():
        kind = f"ceiling{promise}"
    elif facts.kind == "plan_upgrade" and "feature" in facts.slots:
        kind = f"feature{promise}"
    elif "benefit" in facts.slots:
        kind = "benefit" if is_clause else "sentence"
    else:
        kind = "bare"
    article = {"plan_upgrade": "the ", "seat_expansion": "", "cross_sell": ""}.get(facts.kind, "our ")
    wording = _pick("offer", facts, _lists()["offer"][kind])
    if "price" not in facts.slots:
        wording = wording.replace("{price}", "{offer_price}")
    return wording.replace("OFFER", f"{article}{{offer}}")


def _first_figure(facts: Facts) -> str:
    name = next((name for name in facts.slots if name not in ("name", "account")), "plan")
    return f"This is where you stand: {{{name}}}."


def _wordings(part: str, facts: Facts) -> list[str]:
    listed = _lists()[part]
    own = [one for one in listed.get(facts.play, ()) if facts.fits(one)]
    return own or [one for one in listed["any"] if facts.fits(one)]


def _read(wording: str, facts: Facts) -> str:
    """A wording about as it will read."""
    return SLOT.sub(lambda slot: (re.findall(r'reads "(.*?)"', facts.slots[slot[1]]) or ["Maya"])[0], wording)


def _pick(part: str, facts: Facts, choices: Sequence[str]) -> str:
    return choices[_number(facts, part) % len(choices)] if choices else ""


def _coin(facts: Facts, part: str) -> bool:
    return _number(facts, part) % 2 == 0


def _number(facts: Facts, part: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{part}\0{facts.text}".encode()).digest()[:8], "big")


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath("wordings.toml").read_text(encoding="utf-8"))
