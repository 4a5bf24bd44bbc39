"""The command line: `outgrown COMMAND`. Each command translates its arguments, calls once, and answers."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from agent.faces import (
    commands_ask,
    commands_connect,
    commands_drafts,
    commands_eval,
    commands_facts,
    commands_history,
    commands_outbox,
    commands_rules,
    commands_serve,
    commands_signals,
    commands_slack,
    commands_start,
    commands_targets,
    terminal,
)
from agent.faces.common import close_houses, note, say
from agent.foundation.errors import OutgrownError

STOPPED = 130
"The exit code of a command that was interrupted, as shells have it."

ORDER = (
    "demo", "init", "connect", "doctor", "sync", "identities", "scan", "explain", "ask", "digest", "draft", "drafts",
    "check", "review", "approve",
    "edit", "skip", "snooze", "send", "serve", "outbox", "reply", "outcome", "targets", "backtest", "triggers", "whatif",
    "eval", "forget",
)  # fmt: skip
"The commands as a person meets them; any other comes after."


class Commands(TyperGroup):
    """The commands in the order in which they are used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        known = super().list_commands(ctx)
        return [name for name in ORDER if name in known] + [name for name in known if name not in ORDER]


app = typer.Typer(
    name="outgrown",
    cls=Commands,
    help="Finds the customers who have outgrown their plan, writes one honest message about each, "
    "and waits for your yes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (
    commands_ask,
    commands_connect,
    commands_start,
    commands_facts,
    commands_signals,
    commands_drafts,
    commands_outbox,
    commands_history,
    commands_rules,
    commands_eval,
    commands_serve,
    commands_slack,
    commands_targets,
):
    module.register(app)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Global options."""
    context.call_on_close(close_houses)
    if debug:
        os.environ["OUTGROWN_DEBUG"] = "1"
    if version:
        from importlib.metadata import version as installed

        say(f"outgrown {installed('outgrown')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(2)


def main() -> None:
    """Run the command line; an error is one sentence on stderr and an exit code, whoever made it."""
    terminal.prepare()
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1 or bool(os.environ.get("OUTGROWN_DEBUG"))
    try:
        code = _run(arguments)
    except terminal.ReaderGone:
        # A reader who stops early (`outgrown scan | head`) is no error.
        terminal.forget_reader()
        code = 0
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError):
            terminal.forget_reader()
        note(f"Error: {_sentence(error)}")
        code = error.exit_code if isinstance(error, OutgrownError) else 1
    sys.exit(code)


def _run(arguments: list[str]) -> Any:
    try:
        app(arguments, prog_name="outgrown")
    except SystemExit as done:
        if done.code == STOPPED:
            note("Stopped.")
        sys.stdout.flush()
        return done.code
    return 0


def _sentence(error: Exception) -> str:
    """What went wrong, in one sentence."""
    if isinstance(error, OutgrownError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else "The output could not be written: "
        return f"{where}{error.strerror}; mend that and try again."
    said = " ".join(str(error).split())[:200]
    return (
        f"This should not have happened ({type(error).__name__}: {said}); "
        "run the command again with --debug and report what it prints."
    )


if __name__ == "__main__":
    main()
