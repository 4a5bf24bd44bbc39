"""The dialogues behind a card's buttons: edit, skip, snooze, why, history."""

from agent.faces.slack.deferring import skip_form, skip_modal, snooze_errors, snooze_form, snooze_modal
from agent.faces.slack.editing import EditForm, edit_errors, edit_form, edit_modal
from agent.faces.slack.reading_modals import history_modal, why_modal

__all__ = [
    "EditForm",
    "edit_errors",
    "edit_form",
    "edit_modal",
    "history_modal",
    "skip_form",
    "skip_modal",
    "snooze_errors",
    "snooze_form",
    "snooze_modal",
    "why_modal",
]
