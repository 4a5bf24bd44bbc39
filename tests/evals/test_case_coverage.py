"""What the cases of the evaluation cover: plays, offers, currencies, figures and awkward names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import cache

import pytest

pytest.importorskip("yaml", reason="pyyaml comes with the extra 'evals'")

import yaml

from agent.drafting.templating import phrasebook
from agent.drafting.writer import framings, write
from agent.scoring.assessment import OfferKind
from evals.quality.cases import FOLDER, Case, load_cases

PLAYS = ("deadline", "scope", "service", "seats", "feature", "capacity", "cross_sell")


@cache
def cases() -> tuple[Case, ...]:
    """All of them."""
    return load_cases()


def raw(case: Case) -> dict:
    """The file of a case as it is written."""
    return yaml.safe_load((FOLDER / f"{case.case_id}.yaml").read_text(encoding="utf-8"))


def test_every_play_segment_offer_and_currency_is_there():
    """Each play at least six times, each segment ten, every currency, price period and kind of offer."""
    all_cases = cases()
    plays = Counter(case.brief.play for case in all_cases)
    assert set(plays) == set(PLAYS)
    assert min(plays.values()) >= 6, plays
    segments = Counter(case.assessment.segment for case in all_cases)
    assert min(segments[name] for name in ("small", "medium", "large")) >= 10, segments
    assert {case.brief.offer.kind for case in all_cases} == set(OfferKind)
    assert {case.brief.offer.currency for case in all_cases} >= {
        "EUR",
        "USD",
        "GBP",
        "JPY",
        "CHF",
        "SEK",
        "INR",
        "BRL",
        "KWD",
    }
    assert {case.brief.offer.per for case in all_cases} == {"month", "once", "seat and month"}
    assert {len(case.brief.allowed_links) for case in all_cases} == {0, 1}
    assert {case.brief.recipient.language for case in all_cases} >= {None, "de", "fr", "ja"}
    assert len({case.brief.as_of.year for case in all_cases}) >= 4
    dates = [
        figure.value for case in all_cases for figure in case.brief.figures if isinstance(figure.value, date)
    ]
    assert len({day.year for day in dates}) >= 4
    assert {len(case.brief.findings) for case in all_cases} >= {1, 2, 3}
    assert sum(case.brief.offer.benefit == "" for case in all_cases) >= 5
    own = {case.brief.play for case in all_cases if any(finding.wording for finding in case.brief.findings)}
    assert own == set(PLAYS)


def test_every_trigger_a_message_may_speak_of_is_there():
    """Leading or beside: no entry of the phrase book is left without a case."""
    told = {finding.trigger for case in cases() for finding in case.brief.findings}
    assert set(phrasebook()) - {"plays", "supports"} <= told


def name_of(case: Case) -> str:
    return case.brief.recipient.account_name


def contact_of(case: Case) -> str:
    return case.brief.recipient.contact_name or ""


def numbers_of(case: Case) -> list[float]:
    return [
        float(f.value)
        for f in case.brief.figures
        if not isinstance(f.value, date) and f.unit not in ("money", "days")
    ]


def share_of(case: Case) -> float:
    return max([float(f.value) for f in case.brief.findings[0].figures if f.unit == "share"], default=0)


def is_told(case: Case, display: str) -> bool:
    return any(display in write(case.brief, framing).body for framing in framings(case.brief.play))


AWKWARD: dict[str, Callable[[Case], object]] = {
    "above_100": lambda c: share_of(c) > 1,
    "all_caps_name": lambda c: name_of(c).upper() == name_of(c),
    "ampersand_name": lambda c: "&" in name_of(c),
    "apostrophe_contact": lambda c: "'" in contact_of(c),
    "apostrophe_name": lambda c: "'" in name_of(c),
    "at_100": lambda c: any(f.unit == "share" and f.value == 1 for one in c.assessment.findings for f in one.figures),
    "at_threshold": lambda c: any(one.value <= one.threshold for one in c.assessment.findings),
    "comma_contact": lambda c: "," in contact_of(c),
    "decimal": lambda c: any(number % 1 for number in numbers_of(c)),
    "earlier_prompt": lambda c: c.around.prompts,
    "emoji_contact": lambda c: any(unicodedata.category(sign) == "So" for sign in contact_of(c)),
    "emoji_name": lambda c: any(unicodedata.category(sign) == "So" for sign in name_of(c)),
    "feature_with_digit": lambda c: re.search(r"\d", c.brief.offer_feature or ""),
    "few_figures": lambda c: len(c.brief.findings[0].figures) <= 3,
    "free_offer": lambda c: c.brief.offer.price_minor == 0,
    "hidden_characters": lambda c: "\u200b" in raw(c)["account"]["name"],
    "hostile_name": lambda c: "{{" in name_of(c) and "https://" in contact_of(c),
    "hyphen_contact": lambda c: "-" in contact_of(c),
    "leap_year": lambda c: any(f.value == date(2028, 2, 29) for f in c.brief.figures),
    "long_benefit": lambda c: len(c.brief.offer.benefit.split()) > 25,
    "lowered_bar": lambda c: c.assessment.points < 9,
    "many_figures": lambda c: len(c.brief.figures) >= 10,
    "name_like_month": lambda c: re.search(r"\b(April|May|June)\b", name_of(c)),
    "name_like_number": lambda c: re.search(r"\b(One|Two|Seven)\b", name_of(c)),
    "name_like_plan": lambda c: re.search(r"\b(Team|Growth|Plan)\b", name_of(c)),
    "name_with_digits": lambda c: re.search(r"\d", name_of(c)),
    "no_metric": lambda c: c.brief.findings[0].key is None,
    "no_seat_number": lambda c: c.brief.offer.seats is None,
    "no_unit": lambda c: c.brief.figure("ceiling").unit == "data sources",
    "non_english_name": lambda c: not contact_of(c).isascii(),
    "offer_with_article": lambda c: c.brief.offer.name.startswith("a "),
    "other_customers": lambda c: "Art" in c.around.other_names and "start" not in c.around.other_names,
    "other_customers_like_months": lambda c: {"March", "May"} <= set(c.around.other_names) and is_told(c, "March"),
    "own_trigger": lambda c: c.brief.findings[0].wording and c.around.internal_names is not None,
    "plain": lambda c: contact_of(c).isascii() and name_of(c).isascii(),
    "plan_is_a_word": lambda c: {c.brief.plan_name, c.brief.offer.name} & {"Team", "Business plan", "Basic"},
    "plan_with_digit": lambda c: "Pro 2" in (c.brief.plan_name, c.brief.offer.name),
    "quoted_name": lambda c: '"' in name_of(c),
    "role_mailbox": lambda c: write(c.brief).body.startswith("Hi there,"),
    "rtl_name": lambda c: unicodedata.bidirectional(name_of(c)[0]) in ("R", "AL"),
    "said_once": lambda c: is_told(c, " once "),
    "sixty_characters": lambda c: len(name_of(c)) >= 60,
    "small_numbers": lambda c: min(numbers_of(c)) <= 5,
    "titled_contact": lambda c: re.match(r"(Dr|Ms|Prof|Herr|Frau)\b", contact_of(c)),
    "underscore": lambda c: "_" in str([f.get("about") for f in raw(c)["findings"]])
    or "_" in (c.brief.offer.feature or ""),
    "unlimited_offer": lambda c: c.brief.offer.ceiling is None and c.brief.offer.ceiling_metric,
    "upgrade_for_speed": lambda c: c.brief.play == "deadline" and c.brief.offer.feature,
    "very_large": lambda c: max(numbers_of(c)) > 1_000_000 or c.brief.offer.price_minor > 50_000 * 1.5,
}  # fmt: skip
"What each tag says of a case."


def written_tags(case: Case) -> set[str]:
    """The tags of the file itself, without the facts that loading adds."""
    return set(case.tags[:-4])


@pytest.mark.parametrize("tag", AWKWARD)
def test_every_awkwardness_is_there_and_real(tag: str):
    """At least one case has the tag, and each that has it is so."""
    tagged = [case for case in cases() if tag in written_tags(case)]
    assert tagged
    assert [case.case_id for case in tagged if not AWKWARD[tag](case)] == []


def test_no_tag_is_without_a_meaning():
    """Whatever a case is tagged with can be checked."""
    assert {tag for case in cases() for tag in written_tags(case)} <= set(AWKWARD)


def test_the_names_asked_for_are_there():
    """Contacts and accounts whose names have led writers astray."""
    contacts = " | ".join(contact_of(case) for case in cases())
    for name in ("Søren", "Zoë", "José", "Łukasz", "山田 太郎", "Nguyễn Văn An", "O'Brien", "Al-Masri"):
        assert name in contacts
    assert {"7 Hills", "May", "Seven Ltd"} <= {name_of(case) for case in cases()}
    assert any(not contact_of(case) for case in cases())
    assert any(case.brief.plan_name is None for case in cases())
    sizes = [len(case.brief.figures) for case in cases()]
    assert min(sizes) <= 3
    assert max(sizes) >= 10
    assert any(number >= 1_000_000_000 for case in cases() for number in numbers_of(case))
    assert any(figure.display == "1,234,567" for case in cases() for figure in case.brief.figures)
