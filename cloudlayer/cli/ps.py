"""`cloudlayer ps`: which replicas there are, where, and how they fare."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.forms import REPLICAS, replica_document, replica_row
from cloudlayer.cli.output import note, print_json, print_table

app = options.application()


@app.command()
def ps(
    fleet: options.Fleet = None,
    ended: Annotated[bool, typer.Option("--all", "-a", help="Also those that ended.")] = False,
    json: options.Json = False,
) -> None:
    """List the replicas of a fleet, or of all, and what of a fleet is not there yet."""
    with opened() as fleets:
        names = fleets.names() if fleet is None else [fleets.named(fleet)]
        replicas = [replica for name in names for replica in fleets.replicas(name, ended=ended)]
        missing = [(name, line) for name in names for line in fleets.status(name).missing]
    now = time.time()
    if json:
        print_json([replica_document(replica, now) for replica in replicas])
    else:
        print_table(REPLICAS, [replica_row(replica, now) for replica in replicas], empty="no replica runs")
    for name, line in missing:
        note(f"{name}: {line}")
