"""The `cloudlayer` command. Its commands are data until one runs, so that help is quick and loads no SDK.

A new command is a file in this folder with an `app`, and a line in COMMANDS.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cloudlayer import __version__
from cloudlayer.cli.exits import ExitCode, exit_code
from cloudlayer.cli.output import complain
from cloudlayer.errors import CloudLayerError

COMMANDS: Final = {
    "up": ("up", "Plan, start and serve a fleet."),
    "plan": ("plan", "Show what a manifest would change."),
    "explain": ("explain", "Say why a replica is where it is."),
    "deploy": ("deploy", "Change a fleet that runs."),
    "call": ("call", "Call a function."),
    "ps": ("ps", "List replicas."),
    "top": ("top", "Show what replicas use of what they may."),
    "logs": ("logs", "Show what replicas wrote."),
    "ssh": ("ssh", "Open a shell on a machine."),
    "cordon": ("cordon", "Let a machine take no more replicas."),
    "uncordon": ("uncordon", "Let it take replicas again."),
    "drain": ("drain", "Empty a machine and delete it."),
    "events": ("events", "List what was done, and why."),
    "cost": ("cost", "List what machines cost so far."),
    "down": ("down", "End a fleet and delete all of it."),
    "offers": ("offers", "List what providers sell, cheapest first."),
    "instance": ("instance", "Make, list, show, change and delete single machines."),
    "group": ("group", "Make, resize, update and delete scaling groups."),
    "lb": ("lb", "Make load balancers and say what stands behind them."),
    "volume": ("volume", "Make, attach, grow, copy and delete volumes."),
    "share": ("share", "Make file systems that many machines mount."),
    "data": ("data", "List, copy, sync and delete objects by URI."),
    "sweep": ("sweep", "Find and delete what no fleet knows."),
    "doctor": ("doctor", "Check this host, the store and the providers."),
    "iam": ("iam", "Print the least permissions that a provider needs."),
    "providers": ("providers", "List installed providers and what they can do."),
}
"""Command → (its file in this folder, its short help)."""


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and short helps, and imports one only when it is used."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=purpose) for name, (_, purpose) in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that `args` name, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and _load(str(name)), rest


def _load(name: str) -> Any:
    module, _ = COMMANDS[name]
    command = get_command(import_module(f"cloudlayer.cli.{module}").app)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"cloudlayer {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Fleets of functions on AWS, GCP, Azure, OpenStack or this host, where it is cheapest.

    Exit codes: 0 done, 1 failed, 2 wrong usage or manifest, 3 refused (needs --yes), 4 not found, 5 credentials or
    permission, 6 no capacity or quota, 7 conflict, 8 not supported here, 75 may go through later, 130 interrupted.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; what is wrong with it goes to standard error in clear words."""
    try:
        get_command(app).main(list(arguments), prog_name="cloudlayer")
    except CloudLayerError as error:
        complain(str(error))
        return exit_code(error)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.OK
    return ExitCode.OK


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))
