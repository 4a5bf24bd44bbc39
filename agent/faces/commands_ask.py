"""The command that answers a question: ask."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.faces.common import JsonOption, WorkspaceOption, open_house, print_json, say


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(ask)


def ask(
    question: Annotated[
        list[str], typer.Argument(metavar="QUESTION", help="Your question, or a command: `help` lists them.")
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question about the accounts, from the newest scan; changes nothing."""
    from agent.faces.slack.asking import answered
    from agent.faces.slack.asking.rendering import command_for, in_words

    found = answered(open_house(workspace), " ".join(question))
    if as_json:
        document = found.model_dump(mode="json")
        document["to_do"] = [command_for(one) for one in found.proposals]
        print_json(document)
        return
    for one in in_words(found):
        say(one)
