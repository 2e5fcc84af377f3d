"""`cloudlayer ps`: which replicas there are, where, and how they fare."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.forms import (
    MACHINES,
    REPLICAS,
    machine_document,
    machine_row,
    machine_state,
    replica_document,
    replica_row,
)
from cloudlayer.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from cloudlayer.fleet.store.rows import MachineRow

app = options.application()


@app.command()
def ps(
    fleet: options.Fleet = None,
    machines: Annotated[bool, typer.Option("--machines", help="The machines, in place of what is on them.")] = False,
    ended: Annotated[bool, typer.Option("--all", "-a", help="Also those that ended.")] = False,
    json: options.Json = False,
) -> None:
    """List the replicas of a fleet, or of all, and what of a fleet is not there yet."""
    with opened() as fleets:
        names = fleets.names() if fleet is None else [fleets.named(fleet)]
        rows = [row for name in names for row in fleets.machines(name, ended=ended and machines)]
        replicas = [replica for name in names for replica in fleets.replicas(name, ended=ended)]
        missing = [(name, line) for name in names for line in fleets.status(name).missing]
    now = time.time()
    if machines:
        _list_machines(rows, now, json=json)
    elif json:
        print_json([replica_document(replica, now) for replica in replicas])
    else:
        print_table(REPLICAS, [replica_row(replica, now) for replica in replicas], empty="no replica runs")
    for name, line in missing:
        note(f"{name}: {line}")
    for row in rows if not machines else ():
        if row.state.live and (row.cordoned or row.unreachable is not None):
            note(f"{row.fleet}: machine {row.id} is {machine_state(row, now)}")


def _list_machines(rows: Sequence[MachineRow], now: float, *, json: bool) -> None:
    if json:
        print_json([machine_document(row) for row in rows])
    else:
        print_table(("FLEET", *MACHINES), [(row.fleet, *machine_row(row, now)) for row in rows], empty="there is no machine")
