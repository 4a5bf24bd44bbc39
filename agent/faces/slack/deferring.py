"""The dialogues with which a person puts a draft aside, skip and snooze, and what they filled into them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from agent.approval.decisions import LONGEST_SNOOZE
from agent.approval.views import DraftView
from agent.faces.slack.blocks import Block, field, line, modal, option, rich, words
from agent.faces.slack.escaping import plain
from agent.faces.slack.forms import chosen, typed, values_of
from agent.faces.slack.naming import Dialogue, DraftRef
from agent.foundation import clock
from agent.foundation.errors import UsageError
from agent.foundation.shipped import shipped

REASON, MORE = "reason", "more"
DAYS, UNTIL = "days", "until"


def skip_modal(view: DraftView, ref: DraftRef) -> Block:
    """Why not? One of the common reasons, and more in the person's own words."""
    reasons = [option(str(one["id"]), str(one["says"])) for one in _choices()["skip"]]
    blocks = [
        *rich(line(words(f"No message is written to {_name(view)} about this offer for a week."))),
        field(REASON, "Why not?", {"type": "radio_buttons", "options": reasons}),
        field(
            MORE,
            "In your own words",
            {"type": "plain_text_input", "multiline": True, "max_length": 500},
            optional=True,
            hint="Kept with the decision, so that the rules can learn from it.",
        ),
    ]
    return modal(Dialogue.SKIP, "Skip this draft", blocks, metadata=ref.model_dump_json(), submit="Skip")


def skip_form(state: Mapping[str, Any]) -> str:
    """The reason of a submitted skip dialogue, in words; never empty."""
    values = values_of(state)
    picked = chosen(values, REASON)
    says = next((str(one["says"]) for one in _choices()["skip"] if one["id"] == picked), "Something else")
    more = plain(typed(values, MORE), 500)
    if more and picked == "other":
        return more
    return f"{says}: {more}" if more else says


def snooze_modal(view: DraftView, ref: DraftRef) -> Block:
    """For how long? Some days, or until a date."""
    known = _choices()["snooze"]
    days = [option(str(number), f"{number} days") for number in known["days"]]
    first = next((one for one in days if one["value"] == str(known["first"])), days[0])
    blocks = [
        *rich(line(words(f"The draft for {_name(view)} comes back by itself."))),
        field(DAYS, "For how long?", {"type": "radio_buttons", "options": days, "initial_option": first}),
        field(
            UNTIL,
            "Or until a day",
            {"type": "datepicker"},
            optional=True,
            hint=f"A day within {LONGEST_SNOOZE} days; it goes before the choice above.",
        ),
    ]
    return modal(
        Dialogue.SNOOZE, "Snooze this draft", blocks, metadata=ref.model_dump_json(), submit="Snooze"
    )


def snooze_errors(state: Mapping[str, Any], today: date | None = None) -> dict[str, str]:
    """What is wrong with a submitted snooze dialogue, by field; empty when nothing is."""
    try:
        snooze_form(state, today)
    except UsageError as wrong:
        return {UNTIL: str(wrong)}
    return {}


def snooze_form(state: Mapping[str, Any], today: date | None = None) -> int:
    """For how many days a submitted snooze dialogue puts the draft off; `today` is the clock's.

    Raises UsageError for a day that has passed or is too far away.
    """
    values = values_of(state)
    until = next((one.get("selected_date") for one in values.get(UNTIL, {}).values()), None)
    if not until:
        picked = chosen(values, DAYS)
        return int(picked) if picked.isdigit() else int(_choices()["snooze"]["first"])
    days = (date.fromisoformat(until) - (today or clock.now().date())).days
    if not 1 <= days <= LONGEST_SNOOZE:
        raise UsageError(f"Choose a day from tomorrow on, at most {LONGEST_SNOOZE} days away.")
    return days


def _name(view: DraftView) -> str:
    return plain(view.line.account_name, 80) or plain(view.line.account_id, 80)


@cache
def _choices() -> dict[str, Any]:
    """The data of templates/slack/choices.toml."""
    return tomllib.loads(shipped("templates", "slack", "choices.toml").read_text(encoding="utf-8"))
