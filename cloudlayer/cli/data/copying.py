"""`cloudlayer data cp` and `mv`: one object, or with -r all of a folder."""

from __future__ import annotations

import sys
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from cloudlayer.cli import options
from cloudlayer.cli.data import application as given
from cloudlayer.cli.data.application import app
from cloudlayer.cli.data.places import STREAM, Place, place
from cloudlayer.cli.data.progress import Line
from cloudlayer.cli.data.syncing import run
from cloudlayer.cli.output import print_json
from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.storage.client import Client
    from cloudlayer.storage.objects import ObjectInfo, PutOptions

_PIECE = 1 << 20


@app.command()
def cp(
    *,
    source: given.Source,
    target: given.Target,
    recursive: given.Recursive = False,
    include: given.Include = None,
    exclude: given.Exclude = None,
    if_absent: given.IfAbsent = False,
    dry_run: given.DryRun = False,
    json: options.Json = False,
) -> None:
    """Copy an object or a file; with -r, all that is in SOURCE comes into TARGET.

    What broke off is started again with the same words: parts and objects that have arrived are not sent again.
    """
    _bring(source, target, include, exclude, recursive=recursive, if_absent=if_absent, dry_run=dry_run, move=False, json=json)


@app.command()
def mv(
    *,
    source: given.Source,
    target: given.Target,
    recursive: given.Recursive = False,
    include: given.Include = None,
    exclude: given.Exclude = None,
    if_absent: given.IfAbsent = False,
    dry_run: given.DryRun = False,
    json: options.Json = False,
) -> None:
    """Copy an object or a file and then delete it where it was; with -r, all that is in SOURCE."""
    if STREAM in {source, target}:
        raise InvalidSpec("a stream cannot be moved: use cp")
    _bring(source, target, include, exclude, recursive=recursive, if_absent=if_absent, dry_run=dry_run, move=True, json=json)


def _bring(
    source: str,
    target: str,
    include: list[str] | None,
    exclude: list[str] | None,
    *,
    recursive: bool,
    if_absent: bool,
    dry_run: bool,
    move: bool,
    json: bool,
) -> None:
    from cloudlayer import storage
    from cloudlayer.storage.bulk import Globs, Wanted
    from cloudlayer.storage.objects import PutOptions

    if recursive and if_absent:
        raise InvalidSpec("--if-absent is for one object: `cloudlayer data sync` leaves alone what is the same")
    if not recursive and (include or exclude):
        raise InvalidSpec("--include and --exclude choose among the names of a folder: give -r")
    with storage.connect() as client:
        if recursive:
            globs = Globs.of(include or (), exclude or ())
            wanted = Wanted(overwrite=True, move=move, dry_run=dry_run, globs=globs)
            return run(place(client, source), place(client, target), wanted, yes=True, json=json)
        done = _one(client, source, target, PutOptions(if_absent=if_absent), move=move, dry_run=dry_run)
    if json and target != STREAM:
        print_json(done)
    return None


def _one(client: Client, source: str, target: str, put: PutOptions, *, move: bool, dry_run: bool) -> dict[str, object] | None:
    if source == STREAM:
        return _from_stream(place(client, target), put, dry_run=dry_run)
    here = _object(place(client, source))
    if target == STREAM:
        _to_stream(here, dry_run=dry_run)
        return None
    there = place(client, target)
    if there.is_folder:
        there = there.below(here.key.rpartition("/")[2])
    if here.uri == there.uri:
        raise InvalidSpec(f"{here.uri} is the source and the target")
    return _between(here, there, put, move=move, dry_run=dry_run)


def _between(here: Place, there: Place, put: PutOptions, *, move: bool, dry_run: bool) -> dict[str, object]:
    from cloudlayer.storage.moves import move_object
    from cloudlayer.storage.transfers import copy_object

    info = here.store.head(here.key)
    if dry_run:
        return _done(here.uri, there.uri, info, dry_run=True)
    with Line(info.size) as line:
        bring = move_object if move else partial(copy_object, info=info)
        copied = bring(here.store, here.key, there.store, there.key, put, progress=line.arrived)
    return _done(here.uri, there.uri, copied, dry_run=False)


def _object(where: Place) -> Place:
    if where.is_folder:
        raise InvalidSpec(f"{where.given} is a folder: give -r for all that is in it")
    return where


def _from_stream(there: Place, put: PutOptions, *, dry_run: bool) -> dict[str, object] | None:
    from cloudlayer.storage.transfers import upload_stream

    if there.is_folder:
        raise InvalidSpec(f"{there.given} is a folder: name the object that standard input becomes")
    if dry_run:
        return None
    with Line() as line:
        pieces = iter(lambda: sys.stdin.buffer.read(_PIECE), b"")
        info = upload_stream(there.store, there.key, pieces, put, progress=line.arrived)
    return _done(STREAM, there.uri, info, dry_run=False)


def _to_stream(here: Place, *, dry_run: bool) -> None:
    if dry_run:
        here.store.head(here.key)
        return
    with closing(here.store.open(here.key)) as reader:
        for piece in reader:
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _done(source: str, target: str, info: ObjectInfo, *, dry_run: bool) -> dict[str, object]:
    return {"source": source, "target": target, "size": info.size, "etag": info.etag, "dry_run": dry_run}
