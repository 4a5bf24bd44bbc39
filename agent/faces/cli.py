"""The command line: `outgrown COMMAND`. Each command translates its arguments, calls once, and answers."""

from __future__ import annotations

import os
import sys

import typer

from agent.faces import commands_drafts, commands_facts, commands_outbox, commands_signals, commands_start
from agent.faces.common import close_houses
from agent.foundation.errors import OutgrownError

app = typer.Typer(
    name="outgrown",
    help="Finds the customers who have outgrown their plan, writes one honest message about each, "
    "and waits for your yes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (commands_start, commands_facts, commands_signals, commands_drafts, commands_outbox):
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

        typer.echo(f"outgrown {installed('outgrown')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def main() -> None:
    """Run the command line; an error of the user's is one sentence on stderr and an exit code."""
    # A reader who stops early (`outgrown scan | head`) is no error.
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1 or bool(os.environ.get("OUTGROWN_DEBUG"))
    try:
        app(arguments, prog_name="outgrown")
    except OutgrownError as error:
        if debug:
            raise
        typer.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
