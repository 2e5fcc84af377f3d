"""`cloudlayer up`: plan, ask where it costs, start, serve until Ctrl-C."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened, tell
from cloudlayer.cli.output import note, print_json, table_stream
from cloudlayer.cli.plans import agree, print_plan
from cloudlayer.errors import Conflict
from cloudlayer.fleet.addresses import free_port, url_of

if TYPE_CHECKING:
    from cloudlayer.fleet.home import Home
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.functions.manifest import Manifest

app = options.application()

Detach = Annotated[bool, typer.Option("--detach", "-d", help="Serve in the background; come back once the fleet is up.")]


@app.command()
def up(
    manifest: options.Manifest,
    *,
    yes: options.Yes = False,
    detach: Detach = False,
    host: Annotated[str, typer.Option(help="The address that the gateway listens on.")] = "127.0.0.1",
    port: options.Port = 8080,
    json: options.Json = False,
) -> None:
    """Bring up the fleet of a manifest and serve it until Ctrl-C: shows the plan, and asks where it costs.

    Bought machines stay after Ctrl-C, until `cloudlayer down`. CLOUDLAYER_API_KEY holds the key that callers use; if there
    is none yet, one is made and shown once. With --json the document comes when the fleet is up.
    """
    from cloudlayer.functions.manifest import load_manifest

    wanted = load_manifest(manifest)
    with opened() as fleets:
        _check_not_served(fleets, wanted.fleet.name, manifest)
        port = free_port(host, port)
        _deploy(fleets, wanted, yes=yes, json=json)
        home = fleets.home
    if detach:
        _serve_detached(home, wanted.fleet.name, host, port, json=json)
    else:
        raise typer.Exit(_serve(home, wanted.fleet.name, host, port, json=json))


def _check_not_served(fleets: Fleets, name: str, path: Path) -> None:
    pid = fleets.running(name)
    if pid is not None:
        raise Conflict(f"{name} is served by process {pid}: change it by cloudlayer deploy {path}, end it by cloudlayer down")


def _deploy(fleets: Fleets, wanted: Manifest, *, yes: bool, json: bool) -> None:
    preview = fleets.preview(wanted)
    print_plan(preview, stream=table_stream(json=json))
    agree(preview, yes=yes)
    if preview.plan.unplaced:
        note(f"{wanted.fleet.name} comes up without what finds no place, and looks for one again and again")
    key = fleets.ensure_key(os.environ.get("CLOUDLAYER_API_KEY") or None)
    if key is not None:
        note(f"the key that callers need, shown this once: {key}")
    fleets.deploy(wanted, preview)


def _serve(home: Home, name: str, host: str, port: int, *, json: bool) -> int:
    from cloudlayer.fleet.supervisor import serve

    def ready(url: str) -> None:
        _announce(name, url, os.getpid(), json=json)

    return serve(home, name, host=host, port=port, progress=tell, ready=ready)


def _serve_detached(home: Home, name: str, host: str, port: int, *, json: bool) -> None:
    from cloudlayer.fleet.supervisor import detach

    pid = detach(home, name, host=host, port=port)
    _announce(name, url_of(host, port), pid, json=json)


def _announce(name: str, url: str, pid: int, *, json: bool) -> None:
    if json:
        print_json({"fleet": name, "url": url, "pid": pid})
    else:
        print(f"serving {name} at {url}", flush=True)
