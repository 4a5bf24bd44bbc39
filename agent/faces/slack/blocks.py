"""Block Kit from our own parts: what people and customers wrote goes only where Slack reads no markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from agent.faces.slack.escaping import cut, plain, size
from agent.foundation.errors import OutgrownError
from agent.signals.finding import Frozen

Block = dict[str, object]
LONGEST_TEXT = 3_000
LONGEST_HEADER = 150
LONGEST_VALUE = 2_000
LONGEST_ALT = 2_000
LONGEST_OPTION = 75
LONGEST_PLACEHOLDER = 150
MOST_BLOCKS = 50
MOST_CONTEXT = 10
SLACK_PERSON = re.compile(r"slack:[A-Z0-9]+/([UW][A-Z0-9]+)")
OURS = {"outgrown": "Outgrown", "template": "the template", "model": "the model"}
QUOTE, SECTION, LIST = "rich_text_quote", "rich_text_section", "rich_text_list"


def plain_text(words: str, longest: int = LONGEST_TEXT) -> Block:
    """A text object in which nothing is markup, a link or an emoji."""
    return {"type": "plain_text", "text": plain(words, longest) or "–", "emoji": False}


def header(words: str) -> Block:
    """A large line."""
    return {"type": "header", "text": plain_text(words, LONGEST_HEADER)}


def context(*words: str) -> Block:
    """Small soft lines."""
    return {"type": "context", "elements": [plain_text(one, 2_000) for one in words[:MOST_CONTEXT]]}


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def picture(file_id: str, says: str) -> Block:
    """An image that is with Slack already."""
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": plain(says, LONGEST_ALT) or "Chart"}


# Elements of rich text: Slack shows them as they are, markup characters and addresses included.


def words(text: str, **style: bool) -> Block:
    """Text as it is; the style is ours: bold, italic, strike."""
    styles = {name: True for name, wanted in style.items() if wanted}
    return {"type": "text", "text": text, **({"style": styles} if styles else {})}


def bold(text: str) -> Block:
    """Text in bold."""
    return words(text, bold=True)


def soft(text: str) -> Block:
    """Text in italics."""
    return words(text, italic=True)


def person(who: str) -> Block:
    """Who did something: a mention where it was a person in Slack, else the name."""
    found = SLACK_PERSON.fullmatch(who)
    if found:
        return {"type": "user", "user_id": found[1]}
    return words(OURS.get(who) or plain(who, 80) or "somebody")


def moment(at: datetime) -> Block:
    """A moment in the time zone of whoever reads it; `at` is UTC without a zone, as everywhere in the state."""
    return {
        "type": "date",
        "timestamp": int(at.replace(tzinfo=UTC).timestamp()),
        "format": "{date_short_pretty} at {time}",
        "fallback": f"{at:%Y-%m-%d %H:%M} UTC",
    }


def short_days(first: date, last: date) -> str:
    """'18 to 31 January 2026', '28 Dec 2025 to 3 Jan 2026', '31 January 2026'."""
    if first == last:
        return f"{last.day} {last:%B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {last.day} {last:%B %Y}"
    if first.year == last.year:
        return f"{first.day} {first:%b} to {last.day} {last:%b %Y}"
    return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}"


def line(*elements: Block) -> Block:
    """One line of rich text."""
    return {"type": SECTION, "elements": list(elements)}


def bullets(items: Iterable[Sequence[Block]], indent: int = 0) -> Block:
    """A list, each item's elements on a line of its own."""
    listed: Block = {"type": LIST, "style": "bullet", "elements": [line(*one) for one in items]}
    return listed | ({"indent": indent} if indent else {})


def quote(*elements: Block) -> Block:
    """Text set off by a bar at its side, its line breaks kept."""
    return {"type": QUOTE, "elements": list(elements)}


def rich(*parts: Block) -> list[Block]:
    """Rich text blocks that hold the parts in order, none longer than Slack takes; nothing is left out."""
    blocks: list[list[Block]] = [[]]
    room = LONGEST_TEXT
    for part in (piece for whole in parts for piece in _pieces(whole)):
        needed = length(part)
        if needed > room and blocks[-1]:
            blocks.append([])
            room = LONGEST_TEXT
        blocks[-1].append(part)
        room -= needed
    return [{"type": "rich_text", "elements": one} for one in blocks if one]


def length(part: Block) -> int:
    """How much text a part of rich text holds."""
    inner = part.get("elements")
    if isinstance(inner, list):
        return sum(length(one) for one in inner)
    # A mention or a moment is shown as some word we cannot measure.
    return size(str(part["text"])) if "text" in part else 40


def _pieces(part: Block) -> list[Block]:
    """A part as it is, or where it is too long as several of its kind; one without text is dropped."""
    elements = part["elements"]
    if not isinstance(elements, list):
        raise OutgrownError("A part of rich text has no elements; this is a fault of Outgrown's own.")
    if part["type"] == LIST:
        items = [piece for item in elements for piece in _pieces(item)]
        return _grouped(part, items)
    shown = [one for one in elements if one.get("type") != "text" or one["text"]]
    if length(part) <= LONGEST_TEXT:
        return [part | {"elements": shown}] if shown else []
    return _grouped(part, [piece for one in shown for piece in _split(one)])


def _grouped(part: Block, elements: Sequence[Block]) -> list[Block]:
    groups: list[list[Block]] = []
    room = 0
    for one in elements:
        needed = length(one)
        if needed > room or not groups:
            groups.append([])
            room = LONGEST_TEXT
        groups[-1].append(one)
        room -= needed
    return [part | {"elements": group} for group in groups]


def _split(element: Block) -> list[Block]:
    """A text as texts that each fit a block, parted at a line's end or a space where there is one."""
    if length(element) <= LONGEST_TEXT:
        return [element]
    text, pieces = str(element["text"]), []
    while size(text) > LONGEST_TEXT:
        # Half as many characters always fit, whatever they are.
        most = LONGEST_TEXT if size(text[:LONGEST_TEXT]) <= LONGEST_TEXT else LONGEST_TEXT // 2
        place = max(text.rfind("\n", 1, most), text.rfind(" ", most - 200, most))
        place = place if place > 0 else most
        pieces.append(text[:place])
        # The next piece stands on a line of its own, so that a line's end between the two is there already.
        text = text[place:].removeprefix("\n")
    return [element | {"text": one} for one in (*pieces, text) if one]


# What can be clicked and filled in.


class Ask(Frozen):
    """The question Slack puts before a click counts."""

    title: str
    text: str
    yes: str
    no: str = "Not now"


def button(action: str, label: str, value: str, *, style: str = "", ask: Ask | None = None) -> Block:
    """A button; `style` is 'primary', 'danger' or nothing.

    Raises OutgrownError for a value Slack would not carry.
    """
    if size(value) > LONGEST_VALUE:
        raise OutgrownError(f"The button {action} carries more than {LONGEST_VALUE} characters.")
    made: Block = {
        "type": "button",
        "action_id": action,
        "text": plain_text(label, LONGEST_OPTION),
        "value": value,
    }
    if style:
        made["style"] = style
    if ask:
        made["confirm"] = {
            "title": plain_text(ask.title, 100),
            "text": plain_text(ask.text, 300),
            "confirm": plain_text(ask.yes, 30),
            "deny": plain_text(ask.no, 30),
        }
    return made


def actions(*buttons: Block) -> Block:
    """Buttons side by side."""
    return {"type": "actions", "elements": list(buttons)}


def option(value: str, label: str, description: str = "") -> Block:
    """One choice."""
    made: Block = {"text": plain_text(label, LONGEST_OPTION), "value": cut(value, 150)}
    return made | ({"description": plain_text(description, LONGEST_OPTION)} if description else {})


def field(block_id: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    """An input of a modal; its `action_id` is its block's id."""
    made: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 2_000),
        "element": element | {"action_id": block_id},
        "optional": optional,
    }
    return made | ({"hint": plain_text(hint, 2_000)} if hint else {})


def modal(
    callback: str,
    title: str,
    blocks: Sequence[Block],
    *,
    metadata: str = "",
    submit: str = "",
    close: str = "",
) -> Block:
    """A modal; without `submit` it can only be read."""
    made: Block = {
        "type": "modal",
        "callback_id": callback,
        "title": plain_text(title, 24),
        "close": plain_text(close or ("Cancel" if submit else "Close"), 24),
        "private_metadata": metadata,
        "blocks": list(blocks),
    }
    return made | ({"submit": plain_text(submit, 24)} if submit else {})
