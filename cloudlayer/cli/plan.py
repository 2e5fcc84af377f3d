"""`cloudlayer plan`: what a manifest would change, and nothing done about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import note, print_json
from cloudlayer.cli.plans import check_placed, plan_document, print_plan

app = options.application()


@app.command()
def plan(
    manifest: options.Manifest,
    *,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each replica is where it is, or nowhere.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.svg", help="Draw the machines and what is on them.")
    ] = None,
    search: Annotated[
        float, typer.Option("--search", metavar="SECONDS", min=0, help="Look for a cheaper mix of machines for so long.")
    ] = 0.0,
    json: options.Json = False,
) -> None:
    """Show which machines a manifest needs beside those there are, what runs on each, and what it costs.

    Exits with 6 if nothing of the fleet finds a place.
    """
    from cloudlayer.functions.manifest import load_manifest

    wanted = load_manifest(manifest)
    with opened() as fleets:
        preview = fleets.preview(wanted, search=search)
    if json:
        print_json(plan_document(preview, explain=explain))
    else:
        print_plan(preview, explain=explain)
    if picture is not None:
        from cloudlayer.cli.picture import write

        write(picture, preview, wanted.fleet.name)
        note(f"the picture is in {picture}")
    check_placed(preview)
