"""The dialogue in which a person changes a draft's text, and what they filled into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.approval.revalidation import unconfirmed
from agent.approval.views import DraftView, VersionView
from agent.drafting.message import Message
from agent.drafting.violation import Level, Violation
from agent.drafting.wording import initial
from agent.faces.slack.blocks import (
    Block,
    bold,
    context,
    divider,
    field,
    line,
    modal,
    moment,
    option,
    person,
    quote,
    rich,
    words,
)
from agent.faces.slack.differing import clipped, differences
from agent.faces.slack.escaping import letter, plain, size
from agent.faces.slack.forms import typed, values_of
from agent.faces.slack.naming import Dialogue, DraftRef
from agent.signals.finding import Frozen

SUBJECT, BODY, CONFIRM = "subject", "body", "confirm"
LONGEST_SUBJECT = 250
LONGEST_BODY = 3_000
"What one input of Slack's holds."
MOST_OPTIONS = 10
LONGEST_ERROR = 600
QUOTED = 60


class EditForm(Frozen):
    """What a person filled into the edit dialogue."""

    message: Message
    confirm: tuple[str, ...] = ()
    "Guardrails they keep the text against."


def edit_modal(
    view: DraftView,
    ref: DraftRef,
    *,
    message: Message | None = None,
    violations: Sequence[Violation] = (),
    newer: VersionView | None = None,
) -> Block:
    """The dialogue with subject and body.

    `message` is what the person typed already, `violations` what the guardrails say about it; content
    blocks can then be confirmed past, hard ones cannot. `newer` is a version that somebody else kept
    meanwhile: it is shown, and the dialogue from then on replaces that one.
    """
    text = message or view.message
    # What was prefilled is the current text; what was typed may rest on an older one.
    base = newer.number if newer else view.line.version if message is None else ref.version
    blocks: list[Block] = _newer(newer) if newer else []
    if size(letter(text.body)) > LONGEST_BODY or size(letter(text.subject)) > LONGEST_BODY:
        said = (
            "This message is longer than Slack's input holds; change it with `outgrown edit` on the terminal."
        )
        return modal(Dialogue.EDIT, "Edit the message", [*blocks, *rich(line(words(said)))])
    is_hard = any(one.hard and one.level is Level.BLOCK for one in violations)
    # A box to tick would promise what no tick can do.
    confirmable = {} if is_hard else _confirmable(violations)
    blocks += [
        field(SUBJECT, "Subject", _input(" ".join(letter(text.subject).split("\n")), LONGEST_SUBJECT)),
        *_at(SUBJECT, text, violations),
        field(BODY, "Message", _input(letter(text.body), LONGEST_BODY, multiline=True)),
        *_at(BODY, text, violations),
        *_confirm(confirmable),
    ]
    if is_hard:
        blocks.append(context("Marked ● nobody can confirm past: this account may not be written to now."))
    current = newer.message if newer else view.message
    if message is not None and message != current:
        blocks += [
            divider(),
            *rich(line(bold("What you changed")), quote(*clipped(differences(current, message)))),
        ]
    metadata = ref.model_copy(update={"version": base, "confirming": bool(confirmable)})
    submit = "Save anyway" if confirmable else f"Replace version {base}" if newer else "Save"
    return modal(
        Dialogue.EDIT, "Edit the message", blocks, metadata=metadata.model_dump_json(), submit=submit
    )


def edit_form(state: Mapping[str, Any]) -> EditForm:
    """What the `state` of a submitted edit dialogue (or the whole view) says."""
    values = values_of(state)
    subject = " ".join(typed(values, SUBJECT).split())
    body = typed(values, BODY).replace("\r\n", "\n").strip("\n").rstrip()
    ticked = [
        str(one["value"])
        for block, inputs in values.items()
        if block.startswith(CONFIRM)
        for element in inputs.values()
        for one in element.get("selected_options") or ()
    ]
    return EditForm(message=Message(subject=subject, body=body), confirm=tuple(dict.fromkeys(ticked)))


def edit_errors(
    violations: Sequence[Violation], message: Message, confirm: Sequence[str] = ()
) -> dict[str, str]:
    """What still stands in the way of a text, by the field it stands in; empty when it may be kept."""
    told: dict[str, list[str]] = {}
    for one in unconfirmed(violations, confirm):
        told.setdefault(_field_of(one, message), []).append(_said(one, message))
    return {name: plain(" ".join(dict.fromkeys(said)), LONGEST_ERROR) for name, said in told.items()}


def _input(text: str, longest: int, *, multiline: bool = False) -> Block:
    made: Block = {
        "type": "plain_text_input",
        "multiline": multiline,
        "min_length": 1,
        "max_length": max(longest, size(text)),
    }
    return made | ({"initial_value": text} if text else {})


def _newer(newer: VersionView) -> list[Block]:
    return [
        *rich(
            line(
                bold("Not saved: "),
                person(newer.author),
                words(f" kept version {newer.number}, "),
                moment(newer.created_at),
                words(", while you were writing. This is the newer text:"),
            ),
            quote(
                *clipped([bold(letter(newer.message.subject)), words(f"\n\n{letter(newer.message.body)}")])
            ),
            line(
                words(
                    "Yours is below; saving it replaces the newer one. Nothing is lost: History keeps both."
                )
            ),
        ),
        divider(),
    ]


def _at(name: str, message: Message, violations: Sequence[Violation]) -> list[Block]:
    """What the guardrails say about one field, blocks before warnings."""
    here = sorted(
        (one for one in violations if _field_of(one, message) == name),
        key=lambda one: one.level is Level.WARN,
    )
    told = {_said(one, message): line(bold(_mark(one)), words(_said(one, message))) for one in here}
    return rich(*told.values())


def _mark(one: Violation) -> str:
    return "Worth a look: " if one.level is Level.WARN else "● Blocked: " if one.hard else "Blocked: "


def _said(one: Violation, message: Message) -> str:
    """The violation's sentence, with the words it means where it does not quote them itself."""
    found = plain(message.text[one.start : one.end], 10_000)
    quoted = f" («{found}»)" if 0 < len(found) <= QUOTED and found not in one.message else ""
    return plain(f"{initial(one.message.rstrip('.'))}{quoted}.", LONGEST_ERROR)


def _field_of(one: Violation, message: Message) -> str:
    return SUBJECT if one.start < message.body_start and one.end <= message.body_start else BODY


def _confirmable(violations: Sequence[Violation]) -> dict[str, Violation]:
    """The first violation of each rule that a person may confirm past."""
    found: dict[str, Violation] = {}
    for one in violations:
        if one.level is Level.BLOCK and not one.hard:
            found.setdefault(one.rule, one)
    return found


def _confirm(rules: Mapping[str, Violation]) -> list[Block]:
    """A box to tick for each rule, in groups as large as Slack allows."""
    made = [
        option(rule, f"although: {rule.replace('_', ' ')}", one.message)
        for rule, one in sorted(rules.items())
    ]
    groups = [made[start : start + MOST_OPTIONS] for start in range(0, len(made), MOST_OPTIONS)]
    return [
        field(
            f"{CONFIRM}{place or ''}",
            "Keep it" if place == 0 else "and",
            {"type": "checkboxes", "options": group},
            optional=True,
        )
        for place, group in enumerate(groups)
    ]
