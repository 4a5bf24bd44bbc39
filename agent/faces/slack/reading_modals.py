"""The dialogues that are only read: why this account, and the history of its text."""

from __future__ import annotations

from collections.abc import Sequence

from agent.approval.audit import Trace
from agent.approval.views import DraftView, VersionView
from agent.drafting.wording import sentence
from agent.faces.digest_words import offered
from agent.faces.slack.blocks import (
    Block,
    bold,
    bullets,
    context,
    divider,
    header,
    line,
    modal,
    moment,
    person,
    quote,
    rich,
    soft,
    words,
)
from agent.faces.slack.differing import clipped, differences
from agent.faces.slack.escaping import letter, plain
from agent.faces.slack.evidence import in_full, in_words
from agent.faces.slack.fate import standing_of
from agent.faces.slack.naming import Dialogue
from agent.faces.telling import made_by
from agent.scoring.assessment import Assessment
from agent.scoring.composite import WEIGHTS
from agent.signals.display import count, day, share

FINDINGS_SHOWN = 12
TERMS_SHOWN = 8
TRAIL_SHOWN = 25
VERSIONS_SHOWN = 10


def why_modal(view: DraftView, assessment: Assessment | None = None) -> Block:
    """Everything the draft rests on.

    `assessment`, the account's newest in the state, adds how the score came about.
    """
    brief = view.brief
    blocks = [
        header(view.line.account_name),
        *rich(
            line(
                bold(standing_of(view.line.points, view.line.composite)),
                words(
                    f" from {', '.join(in_words(group) for group in brief.groups)}, as of {day(brief.as_of).display}."
                ),
            ),
            line(bold("The problem: "), words(plain(brief.problem, 400))),
            line(
                bold("The offer: "),
                words(f"{plain(offered(brief.offer), 200)} (play {plain(brief.play, 60)})"),
            ),
            line(bold("Should it not be now: "), words(plain(brief.watch.sentence, 300))),
        ),
        divider(),
        *rich(*[part for finding in brief.findings[:FINDINGS_SHOWN] for part in in_full(finding)]),
    ]
    more = len(brief.findings) - FINDINGS_SHOWN
    if more > 0:
        blocks.append(
            context(f"And {count(more, 'more finding').display}: `outgrown drafts show` prints all.")
        )
    rested = sum(figure.rows_total for finding in brief.findings for figure in finding.figures)
    blocks.append(context(f"The figures rest on {count(rested, 'source row').display} in all."))
    if assessment is not None:
        blocks += [divider(), *rich(*_score(assessment))]
    if view.audit:
        blocks += [divider(), *rich(line(bold("What happened so far")), _trail(view.audit))]
    blocks.append(context(made_by(view.versions[-1].making)))
    return modal(Dialogue.WHY, "Why this account", blocks)


def history_modal(view: DraftView) -> Block:
    """Every version, newest first, each with what it changed in the one before."""
    blocks: list[Block] = []
    newest = list(view.versions)[::-1]
    for version in newest[:VERSIONS_SHOWN]:
        before = view.versions[version.number - 2] if version.number > 1 else None
        blocks += rich(*_version(version, before))
        blocks.append(divider())
    if len(newest) > VERSIONS_SHOWN:
        blocks.append(context(f"and {count(len(newest) - VERSIONS_SHOWN, 'older version').display}"))
    return modal(Dialogue.HISTORY, "Versions", blocks)


def _version(version: VersionView, before: VersionView | None) -> list[Block]:
    kept = f" Kept although: {plain(', '.join(version.confirmed), 300)}." if version.confirmed else ""
    head = line(
        bold(f"Version {version.number}"),
        words(" by "),
        person(version.author),
        words(", "),
        moment(version.created_at),
        words(f".{kept}"),
    )
    if before is None:
        message = version.message
        return [head, quote(*clipped([bold(letter(message.subject)), words(f"\n\n{letter(message.body)}")]))]
    return [
        head,
        quote(*clipped(differences(before.message, version.message))),
        line(soft("Struck through: taken out; bold: put in.")),
    ]


def _score(one: Assessment) -> list[Block]:
    """Points by group, the composite's parts with their terms, and the holds, as they stand now."""
    parts = [
        line(bold("How it scores"), words(f", as of {day(one.as_of).display}")),
        bullets([[bold(f"{points:+d} "), words(in_words(group))] for group, points in one.groups.items()]),
    ]
    for name, part in one.parts.items():
        if part.score is None:
            weight = share(WEIGHTS[name]).display if name in WEIGHTS else "its"
            parts.append(
                line(bold(in_words(name)), words(f": no data; the others share its weight of {weight}"))
            )
            continue
        weight = share(part.weight).display
        parts.append(line(bold(in_words(name)), words(f": {part.score:.3g} of 10, weight {weight}")))
        terms = [
            [bold(f"{term.amount:+g} "), words(plain(term.says, 160))] for term in part.terms[:TERMS_SHOWN]
        ]
        parts.append(bullets(terms))
    holds = [[words(sentence(plain(hold.says, 200)))] for hold in one.holds]
    parts += [line(bold("Holds")), bullets(holds)] if holds else [line(bold("Holds: "), words("none"))]
    return [part for part in parts if part["elements"]]


def _trail(audit: Sequence[Trace]) -> Block:
    newest = audit[-TRAIL_SHOWN:]
    return bullets(
        [[moment(one.at), words(f"  {plain(one.what, 80)} by "), person(one.who)] for one in newest]
    )
