"""`cloudlayer volume`: volumes and their snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudlayer.cli import options, values
from cloudlayer.cli.by_hand import Form, able, agree_unpriced, delete_all, found, make, print_things, show_all
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.output import print_json, print_table
from cloudlayer.cli.tables import SNAPSHOTS, TYPES, VOLUMES, print_one, snapshot_row, type_row, volume_row
from cloudlayer.cli.waiting import awaited
from cloudlayer.units import format_size

if TYPE_CHECKING:
    from cloudlayer.fleet.things import Found

app = options.application("Volumes and their snapshots.")
FORM = Form("volume", VOLUMES, volume_row)
COPIES = Form("snapshot", SNAPSHOTS, snapshot_row)


@app.command()
def create(
    *,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Its name; one without is called by a number.")] = None,
    provider: options.Provider,
    size: Annotated[str, typer.Option("--size", metavar="SIZE", help="Such as 20GiB; rounded up to what the cloud can make.")],
    zone: Annotated[str | None, typer.Option("--zone", help="Where the machine is that it is for.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="As `cloudlayer volume types` lists them.")] = None,
    iops: Annotated[int | None, typer.Option("--iops", min=1, help="Operations a second.")] = None,
    throughput: Annotated[str | None, typer.Option("--throughput", metavar="SIZE", help="Bytes a second.")] = None,
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", metavar="NAME", help="The snapshot that it starts from.")
    ] = None,
    label: options.Labels = None,
    wait: options.Wait = False,
    timeout: options.Timeout = "15m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make a volume, asking where it costs. One with a name, repeated after it was broken off, goes on with the same one."""
    speeds = {"iops": iops, "throughput": throughput}
    given = {"name": name, "size": size, "zone": zone, "type": type_, **speeds, "labels": values.labels(label)}
    with opened() as fleets:
        from cloudlayer.fleet import things
        from cloudlayer.resources import VolumeSpec
        from cloudlayer.specs import checked

        source = things.resolved(fleets, COPIES.kind, snapshot) if snapshot else None
        spec = checked(VolumeSpec, values.given({**given, "snapshot": source}), "volume")
        agree_unpriced(able(fleets, FORM, provider), f"Make a volume of {format_size(spec.size)}", yes=yes)
        made = make(fleets, FORM, provider, spec, timeout=timeout if wait else None)
    print_things(FORM, [made], json=json)


@app.command("list")
def list_(provider: options.OneProvider = None, json: options.Json = False) -> None:
    """List the volumes that `cloudlayer volume create` made."""
    show_all(FORM, provider, json=json)


@app.command()
def show(name: options.Id, json: options.Json = False) -> None:
    """Show all that the provider tells of one volume."""
    with opened() as fleets:
        one = found(fleets, FORM, name)
        volume = one.verbs.get(one.id)
    print_one(volume, json=json)


@app.command()
def delete(names: options.Ids, yes: options.Yes = False, json: options.Json = False) -> None:
    """Delete volumes and what is on them, after a look at what they are. One that is attached is refused."""
    delete_all(FORM, names, yes=yes, json=json)


@app.command()
def attach(
    *,
    name: options.Id,
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="The machine, in the volume's zone.")],
    wait: options.Wait = False,
    timeout: options.Timeout = "10m",
    json: options.Json = False,
) -> None:
    """Attach a volume to a machine."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        one, machine = found(fleets, FORM, name), instances.resolved(fleets, instance)
        volume = one.provider.storage.attach(one.id, machine)
        _show(one, volume, "attached" if wait else None, timeout, json=json)


@app.command()
def detach(
    *, name: options.Id, wait: options.Wait = False, timeout: options.Timeout = "10m", json: options.Json = False
) -> None:
    """Detach a volume from its machine."""
    with opened() as fleets:
        one = found(fleets, FORM, name)
        volume = one.provider.storage.detach(one.id)
        _show(one, volume, "available" if wait else None, timeout, json=json)


@app.command()
def grow(
    *,
    name: options.Id,
    size: Annotated[str, typer.Argument(metavar="SIZE", help="Its new size, such as 40GiB.")],
    wait: options.Wait = False,
    timeout: options.Timeout = "10m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make a volume larger, asking where that costs. It cannot be made smaller again."""
    wanted = values.size(size, "SIZE")
    with opened() as fleets:
        one = found(fleets, FORM, name)
        before = one.verbs.get(one.id)
        agree_unpriced(one.provider, f"Grow {name} from {format_size(before.size)} to {format_size(wanted)}", yes=yes)
        volume = one.provider.storage.grow(one.id, wanted)
        _show(one, volume, before.state.value if wait else None, timeout, json=json)


@app.command()
def types(provider: options.Provider, json: options.Json = False) -> None:
    """List the kinds of volumes that a provider sells."""
    with opened() as fleets:
        kinds = able(fleets, FORM, provider).storage.types()
    if json:
        print_json(kinds)
    else:
        print_table(TYPES, [type_row(kind) for kind in kinds], empty="it has one kind, without a name")


@app.command()
def snapshot(
    *,
    volume: options.Id,
    name: Annotated[str | None, typer.Option("--name", help="A name; one without is called by a number.")] = None,
    label: options.Labels = None,
    wait: options.Wait = False,
    timeout: options.Timeout = "1h",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Copy a volume as it is now, asking where that costs."""
    with opened() as fleets:
        from cloudlayer.fleet.kinds import SnapshotSpec
        from cloudlayer.specs import checked

        one = found(fleets, FORM, volume)
        provider = able(fleets, COPIES, one.row.provider)
        given = values.given({"name": name, "volume": one.id, "labels": values.labels(label)})
        spec = checked(SnapshotSpec, given, "snapshot")
        agree_unpriced(provider, f"Make a snapshot of {volume}", yes=yes)
        made = make(fleets, COPIES, one.row.provider, spec, timeout=timeout if wait else None)
    print_things(COPIES, [made], json=json)


@app.command()
def snapshots(provider: options.OneProvider = None, json: options.Json = False) -> None:
    """List the snapshots that `cloudlayer volume snapshot` made."""
    show_all(COPIES, provider, json=json)


@app.command("delete-snapshot")
def delete_snapshot(names: options.Ids, yes: options.Yes = False, json: options.Json = False) -> None:
    """Delete snapshots, after a look at what they are."""
    delete_all(COPIES, names, yes=yes, json=json)


def _show(one: Found, volume: Any, state: str | None, timeout: str, *, json: bool) -> None:
    """Show a volume after a change, or once it is in a state."""
    if state is not None:
        volume = awaited(one.verbs, volume, state, timeout)
    print_things(FORM, [volume], json=json)
