"""The cases of the evaluation: one short YAML file each, made into briefs the way the product makes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, Field

from agent.drafting.brief import Brief
from agent.drafting.ledger import make_brief
from agent.drafting.violation import SentPrompt, Surroundings
from agent.drafting.vocabulary import vocabulary
from agent.facts.tables import Metric, MetricKind, Per, PlanFeature
from agent.foundation.errors import ConfigError, InputError, OutgrownError
from agent.foundation.settings import Company, ProductSetting, Section, Settings, check_section
from agent.scoring.assessment import Assessment, Offer, Status
from agent.scoring.points import band, groups
from agent.signals.catalogue import PlanBook
from agent.signals.library import internal_names, library_of
from agent.signals.names import clean
from agent.signals.own.unfit import nearest
from evals.quality.told import Teller, Told

FOLDER = Path(__file__).with_name("cases")
COMPANIES = Path(__file__).with_name("companies.yaml")
SUFFIX = ".yaml"
MORNING = time(8)
M = TypeVar("M", bound=BaseModel)
Texts = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
]


@dataclass(frozen=True)
class Case:
    """One situation that a message is to be written about."""

    case_id: str
    title: str
    tags: tuple[str, ...]
    "What is awkward about it, then the play, the segment, the currency and what the price is per."
    why: str
    "What this case is there to show."
    brief: Brief
    around: Surroundings
    assessment: Assessment
    settings: Settings


class AccountPart(Section):
    """The customer."""

    id: str = ""
    "The case's own name where it has none; wording goes by it."
    name: str
    segment: Literal["small", "medium", "large"]
    plan: str | None = None
    contact: str | None = None
    email: str | None = None
    language: str | None = None


class FindingPart(Section):
    """One trigger that fired, and the facts its figures rest on."""

    trigger: str
    about: Texts = ()
    "The metric, feature, product or team; several for a trigger that asks for several."
    figures: dict[str, date | float | tuple[float, ...]] = Field(default_factory=dict)


class AroundPart(Section):
    """What the guardrails know besides, on top of the company's own plans, features and customers."""

    other_names: tuple[str, ...] = ()
    other_plans: tuple[str, ...] = ()
    other_features: tuple[str, ...] = ()
    customer_text: tuple[str, ...] = ()
    prompts: tuple[SentPrompt, ...] = ()


class CaseFile(Section):
    """A case as it is written."""

    title: str = Field(min_length=1)
    why: str = Field(min_length=1)
    tags: tuple[str, ...] = ()
    "What is awkward about it; play, segment, currency and the like are added."
    as_of: date
    company: str
    account: AccountPart
    play: str
    findings: tuple[FindingPart, ...] = Field(min_length=1)
    offer: Offer
    settings: dict[str, Any] = Field(default_factory=dict)
    "Further sections of outgrown.toml: triggers of the founder's own, groups, scoring."
    around: AroundPart = AroundPart()


class MetricPart(Section):
    """A metric of a company."""

    label: str
    unit: str
    kind: MetricKind
    per: Per | None = None
    core: bool = True


class CompanyFile(Section):
    """A company whose customers the cases are: who writes, and what they sell."""

    company: Company
    plans: tuple[str, ...]
    features: tuple[str, ...] = ()
    metrics: dict[str, MetricPart] = Field(default_factory=dict)
    products: dict[str, ProductSetting] = Field(default_factory=dict)
    customers: tuple[str, ...] = ()
    "Other customers and their people."


def load_cases(only: Sequence[str] = (), folder: Path = FOLDER) -> tuple[Case, ...]:
    """Every case of the folder, or those with one of these ids or tags, by id.

    Raises InputError for a file that cannot be read, and for an id or tag that no case has.
    """
    paths = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stem)
    cases = tuple(load_case(path) for path in paths)
    for name in only:
        tags = sorted({tag for case in cases for tag in case.tags})
        ids = [case.case_id for case in cases]
        if name not in {*tags, *ids}:
            # Where nothing is near, the tags tell more than the ids.
            raise InputError(f"There is no case and no tag '{name}'{nearest(name, [*tags, *ids], most=12)}")
    return tuple(case for case in cases if not only or not {case.case_id, *case.tags}.isdisjoint(only))


def load_case(path: Path) -> Case:
    """The case of one file.

    Raises InputError that names the file, the place in it and how to mend it.
    """
    given = _checked(CaseFile, _read(path), path.name)
    if given.company not in companies():
        raise InputError(
            f"{path.name}: there is no company '{given.company}'{nearest(given.company, companies())}"
        )
    home = companies()[given.company]
    settings = _checked(
        Settings,
        {**given.settings, "company": home.company, "products": home.products},
        f"{path.name} settings",
    )
    try:
        library = library_of(settings)
        book = _book(home)
        products = {product: one.name for product, one in settings.products.items() if one.name}
        account_id = given.account.id or path.stem
        told = [Told(one.trigger, one.about, one.figures) for one in given.findings]
        teller = Teller(path.name, library, book, products)
        findings = teller.findings(told, account_id, given.account.plan, given.as_of)
        by_group = groups(findings, library.points)
        points, bar = sum(by_group.values()), settings.scoring
        if points < bar.ready_points or len(by_group) < bar.ready_groups:
            raise InputError(
                f"{path.name}: {points} points in {len(by_group)} groups are short of {bar.ready_points} in {bar.ready_groups}; "
                "add a finding, or set settings.scoring."
            )
        assessment = _assessed(
            given, account_id, points=points, by_group=by_group, findings=findings, settings=settings
        )
        brief = make_brief(assessment, settings, vocabulary(book, settings))
    except InputError:
        raise
    except OutgrownError as bad:
        raise InputError(f"{path.name}: {str(bad).replace('outgrown.toml', 'settings')}") from bad
    around = _around(given, home, brief, internal_names(library))
    offer = given.offer
    facts = (given.play, given.account.segment, offer.currency.lower(), offer.per.replace(" ", "_"))
    return Case(path.stem, given.title, (*given.tags, *facts), given.why, brief, around, assessment, settings)


def _assessed(
    given: CaseFile,
    account_id: str,
    *,
    points: int,
    by_group: dict[str, int],
    findings: Any,
    settings: Settings,
) -> Assessment:
    account = given.account
    return Assessment(
        account_id=account_id,
        name=clean(account.name),
        as_of=given.as_of,
        status=Status.READY,
        points=points,
        groups=by_group,
        band=band(points, settings.scoring),
        composite=None,
        tier=None,
        parts={},
        findings=findings,
        play=given.play,
        matched=given.play,
        offer=given.offer,
        holds=(),
        plan_id=account.plan and account.plan.lower().replace(" ", "_"),
        plan_name=account.plan and clean(account.plan),
        contact_name=account.contact and clean(account.contact),
        contact_email=account.email,
        language=account.language,
        segment=account.segment,
    )


def _around(given: CaseFile, home: CompanyFile, brief: Brief, internal: Iterable[str]) -> Surroundings:
    """What the guardrails know besides, without the names that the brief itself uses."""
    more = given.around
    own = {given.account.name, given.account.contact}
    plans = {brief.plan_name, brief.offer.name}
    features = {name.lower().replace("_", " ") for name in brief.features}
    return Surroundings(
        now=datetime.combine(given.as_of + timedelta(days=1), MORNING),
        prompts=more.prompts,
        other_names=tuple(sorted({*home.customers, *more.other_names} - own)),
        other_plans=tuple(sorted({*home.plans, *more.other_plans} - plans)),
        other_features=tuple(
            name
            for name in (*home.features, *more.other_features)
            if name.lower().replace("_", " ") not in features
        ),
        internal_names=tuple(internal),
        customer_text=more.customer_text,
    )


def _book(home: CompanyFile) -> PlanBook:
    return PlanBook(
        plans=(),
        features=tuple(PlanFeature(plan_id="any", feature=feature) for feature in home.features),
        metrics=tuple(Metric(metric=name, **dict(one)) for name, one in home.metrics.items()),
    )


@cache
def companies() -> dict[str, CompanyFile]:
    """The companies of companies.yaml, by the name that cases call them."""
    document = _read(COMPANIES)
    return {name: _checked(CompanyFile, one, f"{COMPANIES.name} {name}") for name, one in document.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as bad:
        mark = getattr(bad, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        said = getattr(bad, "problem", None) or "it cannot be read"
        raise InputError(f"{path.name}{place} is not valid YAML: {said}; mend it there.") from bad
    except (OSError, UnicodeDecodeError) as bad:
        raise InputError(
            f"{path.name} cannot be read as UTF-8 text; save it again, or mend its permissions."
        ) from bad
    if not isinstance(document, dict):
        raise InputError(f"{path.name} holds no keys; begin it with 'title:'.")
    return document


def _checked(model: type[M], document: Any, where: str) -> M:
    try:
        return check_section(model, document, where)
    except ConfigError as bad:
        raise InputError(str(bad)) from bad
