"""The claim ledger: from an assessment to the brief, the only figures and names its message may use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from agent.drafting.brief import Brief, Recipient, Sender, Watch
from agent.drafting.phrases import Slots, own_words, say, slots
from agent.drafting.templating import Pick, phrasebook, picker
from agent.drafting.vocabulary import Vocabulary
from agent.drafting.wording import sentence
from agent.foundation.errors import OutgrownError
from agent.foundation.settings import Settings
from agent.scoring.assessment import Assessment, Offer
from agent.signals.display import Shown, count, days, money
from agent.signals.finding import Figure, Finding

SUPPORTING = 2
"How many findings from beside the play a brief may hold."


def make_brief(assessment: Assessment, settings: Settings, names: Vocabulary | None = None) -> Brief:
    """The brief of an assessment that has a play with an offer.

    `names` are the company's own for metrics, features and products; an id without one speaks for itself.

    Raises OutgrownError for an assessment without an offer, or without a finding its play can speak of.
    """
    if assessment.play is None or assessment.offer is None:
        raise OutgrownError(
            f"There is nothing to offer {assessment.account_id}, so there is no message to write."
        )
    names = names or Vocabulary()
    own, beside = speakable(assessment.findings, assessment.play, assessment.offer)
    if not own:
        raise OutgrownError(
            f"No finding of {assessment.account_id} explains the play {assessment.play}; "
            "run `outgrown scan` again."
        )
    offered = tuple(offer_figures(assessment.offer, assessment.as_of, names))
    findings = with_own_ids(
        [discreet(names.named(with_window(finding)), assessment.offer) for finding in (*own, *beside)]
    )
    pick = picker(assessment.account_id, assessment.play)
    filled = slots(findings[0], assessment.plan_name, settings.company.product)
    said = say("problem", findings[0], filled, pick)
    return Brief(
        as_of=assessment.as_of,
        sender=Sender(
            name=settings.company.sender_name,
            email=settings.company.sender_email,
            company=settings.company.name,
            product=settings.company.product,
        ),
        recipient=Recipient(
            account_id=assessment.account_id,
            account_name=assessment.name,
            contact_name=assessment.contact_name,
            contact_email=assessment.contact_email,
            language=assessment.language,
            time_zone=assessment.time_zone,
        ),
        plan_id=assessment.plan_id,
        plan_name=assessment.plan_name,
        play=assessment.play,
        groups=tuple(assessment.groups),
        problem=said.text if said else sentence(own_words(findings[0], filled, assessment.plan_name)),
        findings=findings,
        figures=(*{f.figure_id: f for finding in findings for f in finding.figures}.values(), *offered),
        offer=assessment.offer,
        offer_feature=names.name(assessment.offer.feature),
        watch=_watch(findings[0], filled, pick),
        features=tuple(dict.fromkeys(_names(findings, filled, assessment.offer, names))),
        allowed_links=settings.company.allowed_links,
    )


def speakable(findings: Iterable[Finding], play: str, offer: Offer) -> tuple[list[Finding], list[Finding]]:
    """(the play's own findings, best first; at most two from beside it that may be mentioned)."""
    book = phrasebook()
    lead, beside = book["plays"].get(play, []), book["supports"].get(play, [])
    wanted = {offer.feature, offer.ceiling_metric} - {None}
    by_rank = sorted(findings, key=lambda f: (wanted.isdisjoint({f.key}), f.trigger, f.key or ""))
    # The phrase book knows how to open with a built-in trigger; one of the founder's own comes after those.
    own = sorted(
        (f for f in by_rank if f.trigger in lead or f.play == play),
        key=lambda f: (
            f.trigger not in lead,
            wanted.isdisjoint({f.key}),
            lead.index(f.trigger) if f.trigger in lead else 0,
        ),
    )
    # The play's other findings stay only if they are about the same thing: a message has one subject.
    own = [f for f in own if f.key is None or own[0].key is None or f.key == own[0].key]
    mentioned = sorted(
        (f for f in by_rank if f.trigger in beside and f not in own and f.trigger not in lead),
        key=lambda f: beside.index(f.trigger),
    )
    return own, mentioned[:SUPPORTING]


def with_window(finding: Finding) -> Finding:
    """The finding with the length of the time it looked at as a figure, unless it has one."""
    if any("window" in figure.figure_id.split("_") for figure in finding.figures):
        return finding
    length = (finding.last_day - finding.first_day).days + 1
    shown = days(length)
    figure = Figure(
        figure_id=f"{finding.trigger}_window",
        label="the days looked at",
        value=length,
        unit="days",
        display=shown.display,
        rounding=shown.rounding,
        formula=f"days from {finding.first_day} to {finding.last_day}, both included",
        first_day=finding.first_day,
        last_day=finding.last_day,
    )
    return finding.model_copy(update={"figures": (*finding.figures, figure)})


def discreet(finding: Finding, offer: Offer) -> Finding:
    """The finding without a key that would name the offer, which belongs in the last paragraph."""
    offered = offer.name.lower().removesuffix(" plan")
    named = finding.key is not None and re.search(rf"\b{re.escape(offered)}\b", finding.key.lower())
    return finding.model_copy(update={"key": None}) if named else finding


def with_own_ids(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with figure ids that are unique among them: a taken id gets its trigger before it."""
    taken: dict[str, Figure] = {}
    renamed = []
    for finding in findings:
        figures = []
        for figure in finding.figures:
            name = figure.figure_id
            number = 1
            while name in taken and taken[name] != figure.model_copy(update={"figure_id": name}):
                name = f"{finding.trigger}_{figure.figure_id}" + (f"_{number}" if number > 1 else "")
                number += 1
            taken[name] = figure.model_copy(update={"figure_id": name})
            figures.append(taken[name])
        renamed.append(finding.model_copy(update={"figures": tuple(figures)}))
    return tuple(renamed)


def offer_figures(offer: Offer, as_of: date, names: Vocabulary) -> Iterable[Figure]:
    """The price and, where the offer has them, its ceiling and seats, as the catalogue states them."""

    def figure(figure_id: str, what: str, value: float, unit: str, shown: Shown) -> Figure:
        return Figure(
            figure_id=figure_id,
            label=what,
            value=value,
            unit=unit,
            display=shown.display,
            rounding=shown.rounding,
            formula=f"{what}, as the catalogue states it",
            first_day=as_of,
            last_day=as_of,
        )

    price = money(offer.price_minor, offer.currency)
    yield figure(
        "offer_price", f"price of {offer.name} in {offer.currency}", offer.price_minor, "money", price
    )
    if offer.ceiling is not None:
        noun = names.noun(offer.ceiling_metric) or "units"
        yield figure("offer_ceiling", f"{noun} in {offer.name}", offer.ceiling, noun, count(offer.ceiling))
    if offer.seats is not None:
        yield figure("offer_seats", f"seats in {offer.name}", offer.seats, "seats", count(offer.seats))


def _watch(finding: Finding, filled: Slots, pick: Pick) -> Watch:
    said = say("watch", finding, filled, pick)
    if said is not None and said.figure_ids:
        return Watch(figure_id=said.figure_ids[0], sentence=said.text, figure_ids=said.figure_ids)
    window = next(f for f in finding.figures if "window" in f.figure_id.split("_"))
    text = f"when the same comes up again within {window.display}"
    return Watch(figure_id=window.figure_id, sentence=text, figure_ids=(window.figure_id,))


def _names(findings: Iterable[Finding], filled: Slots, offer: Offer, names: Vocabulary) -> Iterable[str]:
    """Names of features, metrics and teams the message may write."""
    yield from (finding.key for finding in findings if finding.key is not None)
    yield from (filled.values[slot] for slot in ("thing", "things") if slot in filled.values)
    feature = names.name(offer.feature)
    if feature is not None:
        yield feature
