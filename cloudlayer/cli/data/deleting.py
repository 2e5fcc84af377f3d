"""`cloudlayer data rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.data import application as given
from cloudlayer.cli.data.application import app
from cloudlayer.cli.data.places import Place, place
from cloudlayer.cli.data.progress import Line
from cloudlayer.cli.data.syncing import check_can_ask, finish, hearing
from cloudlayer.cli.output import print_json
from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.storage.bulk import Globs


@app.command()
def rm(
    *,
    uris: Annotated[list[str], typer.Argument(metavar="URI...", help="Objects or files; with -r, folders.")],
    recursive: given.Recursive = False,
    include: given.Include = None,
    exclude: given.Exclude = None,
    dry_run: given.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Delete objects; with -r all that is in folders, after a look at what that is."""
    from cloudlayer import storage
    from cloudlayer.storage.bulk import Globs

    if not recursive and (include or exclude):
        raise InvalidSpec("--include and --exclude choose among the names of a folder: give -r")
    with storage.connect() as client:
        places = [place(client, uri) for uri in uris]
        if recursive:
            return _trees(places, Globs.of(include or (), exclude or ()), dry_run=dry_run, yes=yes, json=json)
        for one in places:
            if one.is_folder:
                raise InvalidSpec(f"{one.given} is a folder: give -r for all that is in it")
            one.store.head(one.key)
        for one in [] if dry_run else places:
            one.store.delete(one.key)
    if json:
        print_json({"deleted": [one.uri for one in places], "dry_run": dry_run})
    return None


def _trees(places: list[Place], globs: Globs, *, dry_run: bool, yes: bool, json: bool) -> None:
    from cloudlayer.errors import NotFound
    from cloudlayer.storage.bulk import ALL, Report, check_deletable, delete_tree

    for one in places:
        check_deletable(one.tree(), globs)
    total = Report()
    if not (yes or dry_run):
        check_can_ask(f"All that is in {', '.join(one.given for one in places)} is to be deleted.")
    with Line() as line:
        ears = hearing(line, yes=yes or dry_run, json=json)
        for one in places:
            one.tree().check_there()
            report = delete_tree(one.tree(), globs, ears, dry_run=dry_run)
            if report == Report() and not one.path:
                raise NotFound(f"{one.tree().uri} has no object" + (" that is meant" if globs != ALL else ""))
            total = total + report
    finish(total, json=json, steps=[] if dry_run else None)
