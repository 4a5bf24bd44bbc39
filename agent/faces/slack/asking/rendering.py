"""An answer as Slack shows it, and as the terminal does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.faces.slack.asking.commands import words
from agent.faces.slack.asking.told import Answered, Doing, Passage, Proposal, Told
from agent.faces.slack.blocks import Block, bold, bullets, context, line, plain_text, quote, rich
from agent.faces.slack.blocks import words as text_of
from agent.faces.slack.escaping import letter, mrkdwn, plain, size
from agent.faces.slack.naming import Action, Rendered, SnoozeRef

LONGEST = 2_800
"Characters of a model's answer that are shown."
LONGEST_QUOTE = 2_000
LONGEST_LINE = 400
ROOM = 9_000
"Characters of accounts in one answer; Slack takes a message of about 13,000 in all."
MOST_PARTS = 40
"Rich text blocks of one answer; Slack takes fifty blocks in all."
BUTTONS = {
    Doing.SNOOZE: (Action.ASKED_SNOOZE, "Snooze"),
    Doing.STOP: (Action.STOP, "Stop sending"),
    Doing.RESUME: (Action.RESUME, "Resume sending"),
}


def rendered(found: Answered) -> Rendered:
    """The answer as a message: what is said, what it rests on, and a button for what could be done."""
    blocks: list[Block] = []
    if found.text:
        blocks += rich(*_model_words(found.text))
        blocks += rich(*(part for told in found.told for one in told.passages for part in _quoted(one)))
        if rests := _rests_on(found):
            blocks.append(context(*rests))
    else:
        for told in _fitting(found.told):
            blocks += rich(*_told(told))
    if found.note:
        blocks.append(context(found.note))
    blocks = blocks[:MOST_PARTS]
    for proposal in found.proposals:
        if found.text:
            blocks += rich(line(text_of(proposal.says)))
        blocks.append({"type": "actions", "elements": [_button(proposal)]})
    return Rendered(text=mrkdwn(_first_words(found), 280) or "Answer", blocks=blocks)


def in_words(found: Answered) -> list[str]:
    """The answer as lines for the terminal, the quoted messages indented."""
    lines = letter(found.text).split("\n") if found.text else []
    for told in found.told:
        if not found.text:
            lines += _told_lines(told)
        lines += [
            f"  | {each}"
            for one in told.passages
            if found.text and one.quote
            for each in letter(one.quote).split("\n")
        ]
    if found.text:
        lines += [f"({one})" for one in _rests_on(found)]
    if found.note:
        lines.append(f"({found.note})")
    for proposal in found.proposals:
        if found.text:
            lines.append(proposal.says)
        lines.append(f"To do it: `{command_for(proposal)}`.")
    return lines


def command_for(proposal: Proposal) -> str:
    """The command that does what the button does."""
    if proposal.doing is Doing.SNOOZE:
        return f"outgrown snooze {proposal.draft_id[:8]} --days {proposal.days}"
    return f"outgrown {proposal.doing.value}"


def _button(proposal: Proposal) -> Block:
    action, label = BUTTONS[proposal.doing]
    button: Block = {"type": "button", "action_id": str(action), "text": plain_text(label, 75)}
    if proposal.doing is Doing.SNOOZE:
        label = f"{label} for {proposal.days} day{'s' * (proposal.days != 1)}"
        ref = SnoozeRef(draft_id=proposal.draft_id, days=proposal.days)
        button |= {"text": plain_text(label, 75), "value": ref.model_dump_json()}
    else:
        button["value"] = proposal.doing.value
    if proposal.doing is Doing.STOP:
        button["style"] = "danger"
    return button


def _model_words(text: str) -> Iterator[Block]:
    """A model's words as they are: Slack is given no markup to read."""
    shown = letter(text).strip()
    cut = shown if len(shown) <= LONGEST else f"{shown[:LONGEST].rsplit(None, 1)[0]} …"
    yield line(text_of(cut))


def _told(told: Told) -> Iterator[Block]:
    """What was looked up: the sentence, then each account with what it rests on."""
    if told.says:
        yield line(text_of(plain(told.says, LONGEST_LINE)))
    for one in told.passages:
        says = plain(one.says, LONGEST_LINE)
        if one.name and says.startswith(one.name):
            yield bullets([[bold(one.name), text_of(says[len(one.name) :])]])
        else:
            yield bullets([[text_of(says)]])
        if one.lines:
            yield bullets(([text_of(plain(each, LONGEST_LINE))] for each in one.lines), indent=1)
        yield from _quoted(one)
    if told.more > 0:
        yield line(text_of(_more(told)))


def _fitting(all_told: Sequence[Told]) -> Iterator[Told]:
    """What was looked up, as far as a message holds it; what is left out is counted with what is not told."""
    room = ROOM
    for told in all_told:
        kept: list[Passage] = []
        for one in told.passages:
            room -= sum(min(size(each), LONGEST_LINE) for each in (one.says, *one.lines))
            room -= min(size(one.quote), LONGEST_QUOTE)
            if room < 0 and kept:
                break
            kept.append(one)
        yield told.model_copy(
            update={"passages": tuple(kept), "more": max(told.more, 0) + len(told.passages) - len(kept)}
        )


def _quoted(one: Passage) -> Iterator[Block]:
    if one.quote:
        shown = letter(one.quote).strip()
        yield quote(text_of(shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]} …"))


def _told_lines(told: Told) -> Iterator[str]:
    if told.says:
        yield plain(told.says, LONGEST_LINE)
    for one in told.passages:
        yield f"- {plain(one.says, LONGEST_LINE)}"
        yield from (f"    {plain(each, LONGEST_LINE)}" for each in one.lines)
        if one.quote:
            yield from (f"    | {each}" for each in letter(one.quote).split("\n"))
    if told.more > 0:
        yield _more(told)


def _more(told: Told) -> str:
    more: str = words()["says"]["cut"]
    return more.format(more=f"{told.more:,}") + "."


def _rests_on(found: Answered) -> list[str]:
    """Under a model's words, ours: the sentence of each thing that was looked up."""
    said = [
        each for told in found.told for each in (told.says, *(one.says for one in told.passages[:3])) if each
    ]
    return [plain(one, 200) for one in dict.fromkeys(said)][:6]


def _first_words(found: Answered) -> str:
    if found.text:
        return found.text
    said = (each for told in found.told for each in (told.says, *(one.says for one in told.passages)) if each)
    return next(said, "")
