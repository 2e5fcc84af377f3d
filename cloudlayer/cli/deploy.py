"""`cloudlayer deploy`: another manifest for a fleet that runs."""

from __future__ import annotations

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import note, print_json, table_stream
from cloudlayer.cli.plans import agree, print_plan

app = options.application()


@app.command()
def deploy(manifest: options.Manifest, yes: options.Yes = False, json: options.Json = False) -> None:
    """Change a fleet to what a manifest says, asking where that costs. It is done by the `up` that serves the fleet."""
    from cloudlayer.functions.manifest import load_manifest

    wanted = load_manifest(manifest)
    name = wanted.fleet.name
    with opened() as fleets:
        preview = fleets.preview(wanted)
        print_plan(preview, stream=table_stream(json=json))
        agree(preview, yes=yes)
        generation = fleets.deploy(wanted, preview)
        pid = fleets.running(name)
    if json:
        print_json({"fleet": name, "generation": generation, "pid": pid})
    if pid is None:
        note(f"{name}: generation {generation} is written down, and nobody serves it now: cloudlayer up {manifest}")
    else:
        note(f"{name}: generation {generation} is taken up now; see it come by: cloudlayer events --follow --fleet {name}")
