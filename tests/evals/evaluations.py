"""Evaluations as documents, for the tests of gate, report and command."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from evals.quality.result import (
    Agreement,
    CaseResult,
    CheckerResult,
    Miss,
    Preference,
    Rate,
    RuleResult,
    Run,
)

MADE = datetime(2026, 3, 2, 9, 30)
BODY = (
    "Hi Maya,\n\nExports stopped 14 times in March.\n\nWould the larger plan help? Not yet is fine.\n\nDana"
)


def a_case(
    number: int = 0, *, blocked: Iterable[str] = (), warned: Iterable[str] = (), **values
) -> CaseResult:
    """One draft, by default one that passes."""
    given = {
        "case_id": f"case-{number:02d}",
        "writer": "model",
        "subject": "Exports that stop",
        "body": BODY,
        "scores": {
            "facts_used": 0.5 + number % 3 / 10,
            "reading_ease": 62.0 + number % 5,
            "tone": 0.8 + number % 2 / 10,
        },
        "violations": (*(f"{rule}:block" for rule in blocked), *(f"{rule}:warn" for rule in warned)),
        "calls": 1,
        "tokens_in": 1900 + number,
        "tokens_cached": 1500,
        "tokens_out": 210 + number % 7,
        "seconds": 1.5 + number % 4 / 10,
        "cost_micro": 640 + number,
    }
    return CaseResult(**(given | values))


def a_checker(
    caught: int = 298, of: int = 300, alarms: int = 1, *, missed: Iterable[str] = ("p-007",), **rules
) -> CheckerResult:
    """The checker over 300 planted and 150 clean drafts; a rule as name=(caught, of)."""
    rows = (
        {"ungrounded_figure": (120, 121), "wrong_name": (40, 40), "figures": (120, 121)}
        | rules
        | {"overall": (caught, of)}
    )
    return CheckerResult(
        planted=of,
        clean=150,
        rules=tuple(
            RuleResult(
                rule=rule,
                recall=Rate(good=good, of=all_),
                false_alarms=Rate(good=alarms if rule == "overall" else 0, of=150),
            )
            for rule, (good, all_) in rows.items()
        ),
        misses=tuple(
            Miss(draft_id=one, rule="ungrounded_figure", kind="words", text=f"{one}: half your team waits.")
            for one in missed
        ),
    )


def a_run(cases: Iterable[CaseResult] | None = None, **values) -> Run:
    """An evaluation of forty drafts by a model, with every part."""
    given = {
        "made_at": MADE,
        "version": "0.1.0",
        "writer": "model",
        "model": "openai:small",
        "judge": "openai:small",
        "prompts": {"draft": "aaaa11112222", "system": "bbbb33334444"},
        "cases": tuple(a_case(number) for number in range(40)) if cases is None else tuple(cases),
        "sameness": 0.21,
        "checker": a_checker(),
        "preferences": (
            Preference(writer="model", against="template", wins=20, losses=12, ties=8, flipped=5),
        ),
        "agreements": (Agreement(judge="tone", labels=80, kappa=0.61, interval=(0.45, 0.77)),),
        "classifier": {"tickets": 200, "agreeing": 181, "kappa_scope": 0.7, "phrases recall: deadline": 0.8},
    }
    return Run(**(given | values))
