"""`cloudlayer down`: end a fleet, and delete all that was made for it."""

from __future__ import annotations

import time

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened, tell
from cloudlayer.cli.forms import MACHINES, machine_row
from cloudlayer.cli.output import confirm, counted, note, print_json, print_table, table_stream

app = options.application()


@app.command()
def down(fleet: options.Fleet = None, yes: options.Yes = False, json: options.Json = False) -> None:
    """End a fleet: stop the `up` that serves it, delete its replicas and machines, and forget what was wanted of it.

    Shows what is there and asks first. Comes back when nothing is left; may be repeated if it was broken off.
    """
    with opened() as fleets:
        name = fleets.named(fleet)
        machines, replicas = fleets.machines(name), fleets.replicas(name)
        rows = [machine_row(machine, time.time()) for machine in machines]
        print_table(MACHINES, rows, empty=f"{name} has no machine", stream=table_stream(json=json))
        confirm(f"Delete {name} with {counted(len(machines), 'machine')} and {counted(len(replicas), 'replica')}?", yes=yes)
        fleets.down(name, progress=tell)
    if json:
        deleted = {"machines": [machine.id for machine in machines], "replicas": [replica.id for replica in replicas]}
        print_json({"fleet": name, **deleted})
    else:
        note(f"{name} is down, and nothing of it is left")
