"""`cloudlayer uncordon`: a machine takes replicas again."""

from __future__ import annotations

from cloudlayer.cli import options
from cloudlayer.cli.cordon import Machine, tell_machine
from cloudlayer.cli.fleets import machine_named, opened

app = options.application()


@app.command()
def uncordon(machine: Machine, fleet: options.Fleet = None, json: options.Json = False) -> None:
    """Let a machine take replicas again. One that is being drained is kept, with what is left on it."""
    from cloudlayer.fleet import cordoning

    with opened() as fleets:
        row = machine_named(fleets, machine, fleet)
        cordoning.uncordon(fleets, row)
        tell_machine(machine_named(fleets, str(row.instance), row.fleet), "takes replicas again", json=json)
