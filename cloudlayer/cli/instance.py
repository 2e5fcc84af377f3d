"""`cloudlayer instance`: single machines, of no fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudlayer.cli import machine_options as machines
from cloudlayer.cli import options, values
from cloudlayer.cli.by_hand import agree
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.forms import INSTANCES, instance_row
from cloudlayer.cli.output import confirm, counted, note, print_json, print_table, table_stream
from cloudlayer.cli.tables import print_one
from cloudlayer.cli.waiting import awaited

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.resources import Instance, InstanceSpec

app = options.application("Single machines, of no fleet: the same words for every provider.")

Id = Annotated[str, typer.Argument(metavar="ID", help="A name or an id, as `cloudlayer instance list` shows them.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Names or ids, as `cloudlayer instance list` shows them.")]


@app.command()
def create(
    *,
    provider: options.Provider,
    machine_type: machines.MachineType = None,
    gpu: machines.Gpu = None,
    gpu_memory: machines.GpuMemory = None,
    gpu_count: machines.GpuCount = None,
    cpu: machines.Cpu = None,
    memory: machines.Memory = None,
    image: machines.Image = None,
    zone: Annotated[str | None, typer.Option(help="The zone, if it matters.")] = None,
    spot: machines.Spot = False,
    reserved: machines.Reserved = None,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    label: options.Labels = None,
    user_data: machines.UserData = None,
    disk: machines.Disks = None,
    public_address: machines.PublicAddress = False,
    open_port: machines.Ports = None,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    wait: options.Wait = False,
    timeout: options.Timeout = "10m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make machines, asking where they cost: the type that is named, or the cheapest that has the figures."""
    given = machines.machine(
        machine_type=machine_type,
        gpu=gpu,
        gpu_memory=gpu_memory,
        gpu_count=gpu_count,
        cpu=cpu,
        memory=memory,
        image=image,
        spot=spot,
        reserved=reserved,
        user_data=user_data,
        disk=disk,
        public_address=public_address,
        open_port=open_port,
    )
    spec = _spec(given | values.given({"name": name, "zone": zone, "labels": values.labels(label)}))
    with opened() as fleets:
        from cloudlayer.fleet import instances

        offer = instances.cheapest(fleets.clouds.provider(provider).compute.offers(), spec)
        agree(offer, count, yes=yes)
        made = instances.create(fleets, provider, spec, count=count)
        if wait:
            made = [_await(fleets, one.id, "running", timeout) for one in made]
    _show(made, json=json)


@app.command("list")
def list_(
    provider: options.OneProvider = None,
    json: options.Json = False,
) -> None:
    """List the machines that `cloudlayer instance create` made."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        found = instances.listed(fleets, provider)
    _show(found, json=json)


@app.command()
def show(id: Id, json: options.Json = False) -> None:
    """Show all that the provider tells of one machine."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        instance = instances.show(fleets, id)
    print_one(instance, json=json)


@app.command()
def delete(ids: Ids, yes: options.Yes = False, json: options.Json = False) -> None:
    """Delete machines with all that was made for them, after a look at what they are."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        found = _each(fleets, ids)
        print_table(INSTANCES, [instance_row(instance) for instance in found], stream=table_stream(json=json))
        confirm(f"Delete {counted(len(found), 'machine')}?", yes=yes)
        instances.delete(fleets, [instance.id for instance in found])
    if json:
        print_json({"deleted": [instance.id for instance in found]})
    else:
        note(f"{counted(len(found), 'machine')} deleted")


@app.command()
def start(
    *,
    id: Id,
    wait: options.Wait = False,
    timeout: options.Timeout = "10m",
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Start a machine that is stopped, asking where that costs."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        agree(instances.offer_of(fleets, id), 1, yes=yes, what="Start")
        compute, instance = instances.reached(fleets, id)
        compute.start(instance)
        _show([_await(fleets, id, "running" if wait else None, timeout)], json=json)


@app.command()
def stop(*, id: Id, wait: options.Wait = False, timeout: options.Timeout = "10m", json: options.Json = False) -> None:
    """Stop a machine, and keep its disks. Disks cost on, and at some providers the machine does."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        compute, instance = instances.reached(fleets, id)
        compute.stop(instance)
        _show([_await(fleets, id, "stopped" if wait else None, timeout)], json=json)


@app.command()
def reboot(id: Id, json: options.Json = False) -> None:
    """Restart the system of a machine."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        compute, instance = instances.reached(fleets, id)
        compute.reboot(instance)
        _show([compute.get(instance)], json=json)


@app.command()
def resize(
    id: Id,
    machine_type: Annotated[str, typer.Argument(metavar="MACHINE_TYPE", help="As `cloudlayer offers` lists them.")],
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Change the machine type of a machine that is stopped, asking where that costs."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        agree(instances.offer_of(fleets, id, machine_type), 1, yes=yes, what="Make it")
        compute, instance = instances.reached(fleets, id)
        compute.resize(instance, machine_type)
        _show([compute.get(instance)], json=json)


@app.command()
def console(id: Id, json: options.Json = False) -> None:
    """Show what a machine wrote to its console."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        compute, instance = instances.reached(fleets, id)
        text = compute.console_log(instance)
    if json:
        print_json({"id": instance, "console": text})
    else:
        print(text)


def _await(fleets: Fleets, id: str, state: str | None, timeout: str) -> Instance:
    """A machine as it is, or once it is in a state."""
    from cloudlayer.fleet import instances

    compute, instance = instances.reached(fleets, id)
    found = compute.get(instance)
    if state is None:
        return found
    awaited_: Instance = awaited(compute, found, state, timeout)
    return awaited_


def _spec(given: dict[str, Any]) -> InstanceSpec:
    from cloudlayer.resources import InstanceSpec
    from cloudlayer.specs import checked

    return checked(InstanceSpec, given, "instance")


def _each(fleets: Fleets, ids: list[str]) -> list[Instance]:
    from cloudlayer.fleet import instances

    return list({one.id: one for one in (instances.show(fleets, each) for each in ids)}.values())


def _show(found: list[Instance], *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        print_table(INSTANCES, [instance_row(instance) for instance in found], empty="there is no machine")
