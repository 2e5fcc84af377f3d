"""`cloudlayer data uploads`: what uploads that never ended have left in a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from cloudlayer.cli import options, values
from cloudlayer.cli.data import application as given
from cloudlayer.cli.data.application import app
from cloudlayer.cli.data.places import place
from cloudlayer.cli.output import UNKNOWN, confirm, counted, print_json, print_table, table_stream

UPLOADS: Final = ("KEY", "BEGUN", "ID")


@app.command()
def uploads(
    *,
    uri: given.Uri,
    clean: Annotated[bool, typer.Option("--clean", help="Throw them away.")] = False,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="DURATION", help="Those alone that were begun before, such as 1d.")
    ] = None,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """List uploads below a URI that were begun and never ended, whose parts are kept and cost; --clean throws them away.

    One that is under way, or that is to go on when its command is started again, is among them.
    """
    from cloudlayer import storage

    before = datetime.now(UTC) - timedelta(seconds=values.duration(older_than, "--older-than")) if older_than else None
    with storage.connect() as client:
        where = place(client, uri)
        where.store.capabilities.require("uploads")
        prefix = f"{where.key}/" if where.is_folder and where.key and not where.key.endswith("/") else where.key
        found = [one for one in where.store.uploads(prefix) if before is None or (one.begun and one.begun < before)]
        if not (json and not clean):
            rows = [(one.key, f"{one.begun:%Y-%m-%d %H:%M:%S}" if one.begun else UNKNOWN, one.id) for one in found]
            print_table(UPLOADS, rows, stream=table_stream(json=json))
        if clean and found:
            confirm(f"Throw away {counted(len(found), 'upload')}?", yes=yes)
            for one in found:
                where.store.discard(one)
    if json:
        print_json({"thrown_away": found} if clean else found)
