"""`cloudlayer ssh`: a shell, or one command, on a machine; by our key, and to the host key that is pinned."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import machine_named, opened
from cloudlayer.cli.output import print_json
from cloudlayer.errors import Unsupported

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.fleet.store import MachineRow
    from cloudlayer.interfaces import Access

app = options.application()


@app.command()
def ssh(
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Its number in the fleet, its instance's id, or its name.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND]", help="What to run there; else a shell.")
    ] = None,
    fleet: options.Fleet = None,
    json: options.Json = False,
) -> None:
    """Open a shell on a machine, or run a command there, whose exit code is then that of this command.

    With --json it connects to nothing, and tells how it would.
    """
    with opened() as fleets:
        row = machine_named(fleets, machine, fleet, by_hand=True)
        access = fleets.clouds.reach.access(row)
        if access is None:
            raise Unsupported(f"{machine} is a part of this host: no connection leads to it", provider=row.provider)
        arguments = _prepared(fleets, row, access, command or ())
    if json:
        print_json(
            {"machine": row.id, "instance": row.instance, "provider": row.provider, "access": access, "command": arguments}
        )
        return
    sys.stdout.flush()
    os.execvp(arguments[0], arguments)  # noqa: S606  (a list, no shell text)


def _prepared(fleets: Fleets, row: MachineRow, access: Access, command: Sequence[str]) -> list[str]:
    """The SSH client's command line; the files that it names are written."""
    from cloudlayer.runtime.hosts.client import MACHINE, Client

    client = Client(access, fleets.home.shell(row.fleet, row.id))
    client.write()
    if not command:
        return client.interactive()
    terminal = "-t" if sys.stdin.isatty() and sys.stdout.isatty() else "-T"
    # One word is text for a shell there, as the SSH client has it; several are a program and its arguments.
    text = command[0] if len(command) == 1 else shlex.join(command)
    return client.alone(terminal, "--", MACHINE, text)
