"""`cloudlayer data ls`, `cat`, `stat` and `sign`."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from cloudlayer.cli import options, values
from cloudlayer.cli.data import application as given
from cloudlayer.cli.data.application import app
from cloudlayer.cli.data.places import Place, place
from cloudlayer.cli.output import complain, print_json, print_table
from cloudlayer.cli.tables import print_one
from cloudlayer.units import format_size

if TYPE_CHECKING:
    from cloudlayer.storage.objects import Fault, ObjectInfo

OBJECTS: Final = ("NAME", ">SIZE", "MODIFIED", "~ETAG")


@app.command()
def ls(
    *,
    uri: given.Uri,
    recursive: given.Recursive = False,
    include: given.Include = None,
    exclude: given.Exclude = None,
    json: options.Json = False,
) -> None:
    """List what is in a folder; without -r its own objects and the folders in it."""
    from cloudlayer import storage
    from cloudlayer.storage.bulk import Globs

    with storage.connect() as client:
        where, globs = place(client, uri), Globs.of(include or (), exclude or ())
        rows = [(name, info) for name, info in _listed(where, recursive=recursive) if globs.mean(name.removesuffix("/"))]
    if json:
        print_json([{"name": name, **({} if info is None else _told(info))} for name, info in rows])
    else:
        print_table(OBJECTS, [_row(name, info) for name, info in rows])


def _listed(where: Place, *, recursive: bool) -> list[tuple[str, ObjectInfo | None]]:
    """Names below a place; the place itself if it is an object and no folder. NotFound for neither."""
    from cloudlayer.errors import NotFound

    tree = where.tree()
    found: list[tuple[str, ObjectInfo | None]] = []
    for page in tree.store.list(tree.prefix, shallow=not recursive):
        found += [(folder[len(tree.prefix) :], None) for folder in page.folders]
        found += [(info.key[len(tree.prefix) :], info) for info in page.objects]
        for fault in page.faults:
            complain(_faulty(tree.store.uri, fault))
    if found or where.is_folder:
        tree.check_there()
        return sorted(found, key=lambda pair: pair[0])
    try:
        return [(where.key.rpartition("/")[2], where.store.head(where.key))]
    except NotFound:
        raise NotFound(f"{where.uri}: no object and no folder is there", provider="") from None


def _faulty(uri: str, fault: Fault) -> str:
    return f"{uri}{fault.key} {fault.reason}"


def _row(name: str, info: ObjectInfo | None) -> tuple[object, ...]:
    if info is None:
        return (name, "", "", "")
    return (name, format_size(info.size), f"{info.modified:%Y-%m-%d %H:%M:%S}" if info.modified else None, info.etag)


def _told(info: ObjectInfo) -> dict[str, object]:
    return {"key": info.key, "size": info.size, "modified": info.modified, "etag": info.etag}


@app.command()
def cat(
    uris: Annotated[list[str], typer.Argument(metavar="URI...", help="Objects or files, one after the other.")],
) -> None:
    """Write objects to standard output, as they are."""
    from cloudlayer import storage

    with storage.connect() as client:
        for uri in uris:
            where = place(client, uri)
            with closing(where.store.open(where.key)) as reader:
                for piece in reader:
                    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@app.command()
def stat(uri: given.Uri, json: options.Json = False) -> None:
    """Show all that the store tells of an object."""
    from cloudlayer import storage

    with storage.connect() as client:
        where = place(client, uri)
        info = where.store.head(where.key)
    print_one(replace(info, metadata=dict(info.metadata)), json=json)


@app.command()
def sign(
    *,
    uri: given.Uri,
    method: Annotated[str, typer.Option("--method", metavar="GET|PUT|HEAD|DELETE", help="What it allows.")] = "GET",
    expires: Annotated[str, typer.Option("--expires", metavar="DURATION", help="How long it is good.")] = "1h",
    json: options.Json = False,
) -> None:
    """Print a URL by which whoever has it may read, or write, one object for a while. It is a secret."""
    from cloudlayer import storage

    seconds = values.duration(expires, "--expires")
    with storage.connect() as client:
        where = place(client, uri)
        url = where.store.sign(where.key, _method(method), seconds)
    if json:
        print_json({"url": url, "method": method, "expires": seconds})
    else:
        print(url)


def _method(text: str) -> Literal["GET", "PUT", "HEAD", "DELETE"]:
    from cloudlayer.errors import InvalidSpec

    match text.upper():
        case "GET" | "PUT" | "HEAD" | "DELETE" as method:
            return method
        case _:
            raise InvalidSpec(f'--method: "{text}" is none of GET, PUT, HEAD and DELETE')
