"""`cloudlayer cordon`: a machine takes no more replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import machine_named, opened
from cloudlayer.cli.forms import machine_document
from cloudlayer.cli.output import note, print_json

if TYPE_CHECKING:
    from cloudlayer.fleet.store.rows import MachineRow

Machine = Annotated[str, typer.Argument(metavar="MACHINE", help="Its number in the fleet, its instance's id, or its name.")]

app = options.application()


@app.command()
def cordon(machine: Machine, fleet: options.Fleet = None, json: options.Json = False) -> None:
    """Let a machine take no more replicas. Those on it stay, and it is kept even with nothing on it."""
    from cloudlayer.fleet import cordoning

    with opened() as fleets:
        row = machine_named(fleets, machine, fleet)
        cordoning.cordon(fleets, row)
        tell_machine(machine_named(fleets, str(row.instance), row.fleet), "takes no more replicas", json=json)


def tell_machine(row: MachineRow, what: str, *, json: bool) -> None:
    """Say what a machine does now, or show it as JSON."""
    if json:
        print_json(machine_document(row))
    else:
        note(f"{row.id} ({row.instance}) {what}")
