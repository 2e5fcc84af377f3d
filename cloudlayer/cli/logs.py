"""`cloudlayer logs`: what replicas wrote."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.forms import short
from cloudlayer.cli.output import note, print_json

app = options.application()


@app.command()
def logs(
    subject: Annotated[
        str | None,
        typer.Argument(metavar="[FUNCTION|FUNCTION/VERSION|REPLICA]", help="Whose; the beginning of a replica's id is enough."),
    ] = None,
    tail: Annotated[int, typer.Option(min=1, help="How many of each replica's last lines.")] = 100,
    call: Annotated[
        str | None, typer.Option(metavar="ID", help="What one call wrote, by its X-Request-Id, wherever it was carried out.")
    ] = None,
    fleet: options.Fleet = None,
    json: options.Json = False,
) -> None:
    """Show the last lines that replicas wrote, each behind the replica that it is of."""
    with opened() as fleets:
        lines = fleets.logs(fleets.named(fleet), subject, tail=tail, call=call)
    if json:
        print_json([{"replica": replica, "call": line.call or None, "line": line.text} for replica, line in lines])
        return
    for replica, line in lines:
        print(f"{short(replica)}  {line.text}")
    if not lines:
        note("nothing was written")
