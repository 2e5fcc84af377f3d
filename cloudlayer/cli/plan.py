"""`cloudlayer plan`: what a manifest would change, and nothing done about it."""

from __future__ import annotations

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import print_json
from cloudlayer.cli.plans import check_placed, plan_document, print_plan

app = options.application()


@app.command()
def plan(manifest: options.Manifest, json: options.Json = False) -> None:
    """Show which machines a manifest needs beside those there are, what runs on each, and what it costs.

    Exits with 6 if nothing of the fleet finds a place.
    """
    from cloudlayer.functions.manifest import load_manifest

    wanted = load_manifest(manifest)
    with opened() as fleets:
        preview = fleets.preview(wanted)
    if json:
        print_json(plan_document(preview))
    else:
        print_plan(preview)
    check_placed(preview)
