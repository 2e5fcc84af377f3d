"""`cloudlayer drain`: empty a machine and delete it, its replicas started elsewhere first."""

from __future__ import annotations

import time

from cloudlayer.cli import options
from cloudlayer.cli.cordon import Machine
from cloudlayer.cli.fleets import machine_named, opened
from cloudlayer.cli.forms import REPLICAS, machine_document, replica_row
from cloudlayer.cli.output import confirm, counted, note, print_json, print_table, table_stream

app = options.application()


@app.command()
def drain(machine: Machine, fleet: options.Fleet = None, yes: options.Yes = False, json: options.Json = False) -> None:
    """Empty a machine and delete it: each of its replicas ends when another is ready elsewhere, and none of its calls is lost.

    Shows what is on it and asks first. Comes back at once, while the fleet's `up` does it; `cloudlayer uncordon` calls it off.
    """
    from cloudlayer.fleet import cordoning

    with opened() as fleets:
        row = machine_named(fleets, machine, fleet)
        replicas = [one for one in fleets.replicas(row.fleet) if one.machine == row.id]
        now = time.time()
        rows = [replica_row(one, now) for one in replicas]
        print_table(REPLICAS, rows, empty=f"no replica is on {row.id}", stream=table_stream(json=json))
        confirm(f"Move {counted(len(replicas), 'replica')} off {row.id} ({row.instance}), and delete it?", yes=yes)
        cordoning.drain(fleets, row)
        row = machine_named(fleets, str(row.instance), row.fleet)
    if json:
        print_json({**machine_document(row), "replicas": [one.id for one in replicas]})
    else:
        note(f"{row.id} is being drained: cloudlayer events tells how it goes")
