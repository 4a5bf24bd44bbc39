"""The weekly digest as one message in Slack: read in a minute, with nothing to click that could grow old."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from agent.faces import digest_words as told
from agent.faces.digest import CLOSEST, TOP, DigestView, Entry, Held
from agent.faces.slack.blocks import (
    MOST_BLOCKS,
    Block,
    bold,
    bullets,
    context,
    divider,
    header,
    line,
    person,
    picture,
    rich,
    words,
)
from agent.faces.slack.chart_png import chart_line, chart_words
from agent.faces.slack.escaping import mrkdwn, plain
from agent.faces.slack.naming import Rendered
from agent.signals import display

NAME, SENTENCE = 60, 140
"Characters of a name and of a sentence; the whole message must stay far below what Slack takes."
HELD = 8
"How many held accounts the message lists."
NOTES = 3
FILE = re.compile(r"F[A-Z0-9]{2,30}")
STANDS = {
    "pending": "The message waits for your yes",
    "approved": "The message is approved and waits to leave",
    "sending": "The message is leaving",
    "snoozed": "The message is put off",
}
"Where a draft stands, by its state."


def digest_blocks(
    view: DigestView, charts: Mapping[str, str], card_links: Mapping[str, str] | None = None
) -> Rendered:
    """The digest for Slack; never more than MOST_BLOCKS blocks.

    `charts` are the ids of pictures that are with Slack already, and `card_links` the addresses of cards, both by
    account id; an account without a picture shows its weeks as a line of block characters.
    """
    links = card_links or {}
    blocks = [
        header(f"{plain(view.company, NAME)}: who has outgrown their plan"),
        context(f"{view.week} · {told.summary(view)}"),
        *_urgent(view),
    ]
    for place, entry in enumerate(view.top[:TOP], start=1):
        account = entry.assessment.account_id
        blocks += [divider(), *_entry(place, entry, charts.get(account, ""), links.get(account, ""))]
    if not view.top:
        blocks += rich(line(words("Nobody is ready or close this week. That is an answer, too.")))
    blocks += [
        divider(),
        *_named(
            "Closest to ready", [(told.name(entry), told.briefly(entry)) for entry in view.closest[:CLOSEST]]
        ),
        *_named("Held back, and why", _held(view)),
        *_section("Last week", [_counts(view), *told.outcomes(view)], 2 * SENTENCE),
        *_section("Budget", told.budget(view), 2 * SENTENCE),
        context(*_small_print(view)),
    ]
    return Rendered(text=_notice(view), blocks=blocks[:MOST_BLOCKS])


def _urgent(view: DigestView) -> list[Block]:
    """What needs a person; whoever stopped the sending is named as Slack names people."""
    items = [[words(plain(sentence, 2 * SENTENCE))] for sentence in told.urgent(view)]
    if view.sending is not None and view.sending.is_stopped:
        before, who, after = told.stopping(view.sending)
        items[0] = [words(before), *([person(who)] if who else []), words(after)]
    return rich(line(bold("Needs you")), bullets(items)) if items else []


def _entry(place: int, entry: Entry, file_id: str, link: str) -> list[Block]:
    """An account: who, why, the offer, where its message stands, and its chart."""
    mark = "" if entry.is_ready else "not ready yet, "
    beside = [plain(told.plan(entry), NAME), mark + told.standing(entry)]
    parts = [
        line(bold(f"{place}. {_name(told.name(entry))}"), words(f"  {' · '.join(filter(None, beside))}")),
        bullets(
            [words(plain(reason, SENTENCE))] for reason in told.reasons(entry) or ["Nothing has fired yet."]
        ),
    ]
    if not entry.is_ready and told.missing(entry):
        parts.append(line(words(f"Still needed: {_missing(entry)}")))
    parts.append(line(*_offer(entry), *_standing(entry, link)))
    drawn = entry.chart is not None and FILE.fullmatch(file_id)
    if entry.chart and entry.chart.points and not drawn:
        parts.append(line(words(plain(chart_line(entry.chart), SENTENCE))))
    blocks = rich(*parts)
    if drawn and entry.chart is not None:
        blocks.append(picture(file_id, chart_words(entry.chart)))
    return blocks


def _offer(entry: Entry) -> list[Block]:
    """'Offer: Growth, €149 a month (adds €50 a month). '."""
    offer = entry.assessment.offer
    if offer is None:
        return []
    added = told.adds(offer)
    return [
        words("Offer: " if entry.is_ready else "Would be offered: "),
        bold(plain(told.offered(offer), SENTENCE)),
        words(f" ({added}). " if added else ". "),
    ]


def _standing(entry: Entry, link: str) -> list[Block]:
    """Where the message stands, with the way to its card."""
    if entry.draft_id is None:
        return []
    said = STANDS.get(entry.draft_state or "", f"The message is {plain(entry.draft_state or 'a draft', 20)}")
    if not is_slack_link(link):
        return [words(f"{said}.")]
    return [words(f"{said}: "), {"type": "link", "url": link, "text": "open its card"}]


def _missing(entry: Entry) -> str:
    return plain(" ".join(told.missing(entry)), 2 * SENTENCE)


def _held(view: DigestView) -> list[tuple[str, str]]:
    rows = [(held.name, _says(held)) for held in view.holds[:HELD]]
    more = told.more_held(view, HELD)
    return rows + ([("", more)] if more else [])


def _says(held: Held) -> str:
    return plain(held.says, SENTENCE)


def _counts(view: DigestView) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in told.tiles(view))


def _named(title: str, rows: Sequence[tuple[str, str]]) -> list[Block]:
    """A heading over a list of accounts, each with what is said of it; nothing where there are none."""
    items = [
        [bold(f"{_name(name)}: "), words(plain(says, SENTENCE))] if name else [words(plain(says))]
        for name, says in rows
    ]
    return rich(line(bold(title)), bullets(items)) if items else []


def _section(title: str, sentences: Iterable[str], longest: int) -> list[Block]:
    """A heading over sentences; nothing where there are none."""
    items = [[words(plain(sentence, longest))] for sentence in sentences]
    return rich(line(bold(title)), bullets(items)) if items else []


def _small_print(view: DigestView) -> list[str]:
    """How old the facts are, the notes, and the day it is all about."""
    ages = [
        f"{plain(source.source, NAME)} {told.age(source)}{', too old' if source.is_stale else ''}"
        for source in view.sources
    ]
    lines = [f"Age of the facts: {told.listed(ages)}."] if ages else []
    lines += [plain(note, SENTENCE) for note in told.notes(view)[:NOTES]]
    return [*lines, f"As known at the end of {display.day(view.as_of).display}, UTC."]


def _notice(view: DigestView) -> str:
    """What a phone's notice says."""
    waiting = " Something needs you." if told.urgent(view) else ""
    return mrkdwn(f"{plain(view.company, NAME)}, {plain(view.week, NAME)}: {told.summary(view)}.{waiting}")


def _name(text: str) -> str:
    return plain(text, NAME) or "(no name)"


def is_slack_link(url: str) -> bool:
    """Whether an address leads to Slack and nowhere else."""
    if len(url) > 500 or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return (
        parts.scheme == "https"
        and (host == "slack.com" or host.endswith(".slack.com"))
        and parts.username is None
        and port is None
    )
