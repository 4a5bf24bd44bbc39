"""Judgements by what can be counted in an email; the order two emails stand in has no part in them."""

from __future__ import annotations

import html
import re

from evals.standin.asked import Request
from evals.standin.replies import Json

EMAIL = re.compile(r"<email>\n(.*?)\n</email>", re.DOTALL)
FACTS = re.compile(r"<facts>\n(.*?)\n</facts>", re.DOTALL)
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
PUSHING = re.compile(
    r"\b(?:now|today|hurry|last chance|don't miss|limited|exclusive|act|deserve|unlock|exciting|great news|upgrade)\b|!",
    re.IGNORECASE,
)
EASY_NO = re.compile(r"\b(?:not yet|no rush|if not|fine either way|no pressure|your call)\b", re.IGNORECASE)
MARGIN = 0.5
"Points by which a better email is better."


def scripted_grade(request: Request) -> Json:
    """A score from 1 to 5, for the rubric that the prompt holds."""
    (email,) = _texts(EMAIL, request) or ("",)
    marks = _marks(email, " ".join(_texts(FACTS, request)))
    named = _rubric(request)
    names = [named] if named else list(marks)
    score = sum(marks[name] for name in names) / len(names)
    return Json({"reason": _reason(marks), "score": min(5, max(1, round(score)))})


def scripted_choice(request: Request) -> Json:
    """The better one of two emails, a tie where they are alike."""
    facts = " ".join(_texts(FACTS, request))
    emails = (*_texts(EMAIL, request), "", "")
    first, second = (sum(_marks(email, facts).values()) for email in emails[:2])
    better = "tie" if abs(first - second) < MARGIN else "first" if first > second else "second"
    return Json({"reason": f"{first:.1f} against {second:.1f} by what can be counted.", "better": better})


def scripted_email(request: Request) -> Json:
    """What a plain prompt for an upsell email tends to get: eager, its price early, pleased with itself."""
    told = dict(re.findall(r"^([A-Z][\w ]*): (.*)$", " ".join(_texts(FACTS, request)), re.MULTILINE))
    offer = told.get("To offer", "our next plan").partition(";")[0]
    name = told.get("Written to", "there").split()[0]
    body = (
        f"Hi {name},\n\nGreat news! You are getting so much out of {told.get('Their plan', 'our product')} that it is time "
        f"to unlock more with {offer}.\n\n{told.get('Their problem', '')}\n\nUpgrade today and your team can do more in less "
        f"time. Don't miss out!\n\nBest,\n{told.get('Written by', 'The team').partition(' of ')[0]}"
    )
    return Json({"subject": f"Unlock more with {offer}", "body": body})


def _marks(email: str, facts: str) -> dict[str, float]:
    """Marks from 1 to 5 by rubric."""
    words = len(email.split())
    known = set(FIGURE.findall(facts))
    said = FIGURE.findall(email)
    right = len({one for one in said if one in known})
    wrong = len([one for one in said if one not in known])
    pushes = len(PUSHING.findall(email))
    price = re.search(r"[€$£¥]|\b[A-Z]{3} \d", email)
    is_late = price is None or price.start() > len(email) * 0.4
    asks = email.count("?")
    return {
        "specificity": _bounded(1 + 0.8 * right - wrong),
        "teammate": _bounded(5 - 0.7 * pushes - (words > 130) - 1.5 * (not is_late)),
        "control": _bounded(2 + 2 * bool(EASY_NO.search(email)) + (asks == 1) - 0.6 * pushes),
    }


def _rubric(request: Request) -> str:
    """The kind of mark that the rubric's title asks for."""
    title = re.search(r"^# (.+)$", request.text, re.MULTILINE)
    words = title[1].lower() if title else ""
    return next((name for name in ("specificity", "teammate", "control") if name in words), "")


def _reason(marks: dict[str, float]) -> str:
    return "Counted: " + ", ".join(f"{name} {mark:.1f}" for name, mark in marks.items()) + "."


def _bounded(mark: float) -> float:
    return min(5.0, max(1.0, mark))


def _texts(pattern: re.Pattern[str], request: Request) -> tuple[str, ...]:
    """The blocks of the last message of the user; the system prompt may speak of such blocks."""
    asked = [said.text for said in request.said if said.role == "user"][-1:]
    return tuple(html.unescape(found) for text in asked for found in pattern.findall(text))
