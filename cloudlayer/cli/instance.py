"""`cloudlayer instance`: single machines, of no fleet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.forms import INSTANCES, instance_row, per_hour
from cloudlayer.cli.output import confirm, counted, note, plain, print_json, print_table, table_stream
from cloudlayer.cli.plans import costs
from cloudlayer.errors import InvalidSpec

if TYPE_CHECKING:
    from cloudlayer.fleet.service import Fleets
    from cloudlayer.resources import Instance, InstanceSpec, Offer

app = options.application("Single machines, of no fleet: the same words for every provider.")

Provider = Annotated[str, typer.Option("--provider", metavar="NAME[:REGION]", help="Where, such as aws:us-east-1.")]
MachineType = Annotated[str | None, typer.Option(metavar="NAME", help="The provider's own name for the form of machine.")]
Size = Annotated[str | None, typer.Option(metavar="SIZE")]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="May be given several times.")]
UserData = Annotated[Path | None, typer.Option(metavar="FILE", help="A file that the machine runs at its first start.")]
Disks = Annotated[
    list[str] | None, typer.Option("--disk", metavar="SIZE", help="A disk beside the boot disk; may be given several times.")
]
Ports = Annotated[
    list[str] | None,
    typer.Option("--open-port", metavar="PORT[/udp]:SOURCE", help="As in 443:0.0.0.0/0; may be given several times."),
]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="As `cloudlayer instance list` shows them.")]


@app.command()
def create(
    *,
    provider: Provider,
    machine_type: MachineType = None,
    gpu: Annotated[str | None, typer.Option(metavar="MODEL", help="A GPU model, such as L4.")] = None,
    gpu_memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Memory of each GPU, at least.")] = None,
    gpu_count: Annotated[int, typer.Option(min=1, help="GPUs, at least, where one is asked for.")] = 1,
    cpu: Annotated[float | None, typer.Option(help="Cores, at least.")] = None,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Memory, at least; such as 8GiB.")] = None,
    image: Annotated[str | None, typer.Option(help="What it starts from, such as ubuntu-22.04.")] = None,
    zone: Annotated[str | None, typer.Option(help="The zone, if it matters.")] = None,
    spot: Annotated[bool, typer.Option("--spot", help="Cheaper, and may be taken back at any time.")] = False,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    label: Labels = None,
    user_data: UserData = None,
    disk: Disks = None,
    public_address: Annotated[bool, typer.Option("--public-address", help="An address in the internet.")] = False,
    open_port: Ports = None,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make machines, asking where they cost: the type that is named, or the cheapest that has the figures."""
    given = {
        "name": name,
        "machine_type": machine_type,
        "cpu": cpu,
        "memory": memory,
        "gpu": gpu,
        "gpu_count": gpu_count,
        "gpu_memory": gpu_memory,
        "image": image,
        "zone": zone,
        "purchase": "spot" if spot else "on_demand",
        "labels": dict(_label(text) for text in label or ()),
        "user_data": None if user_data is None else _content(user_data),
        "disks": [{"size": size} for size in disk or ()],
        "public_address": public_address,
        "open_ports": [_port(text) for text in open_port or ()],
    }
    spec = _spec(given)
    with opened() as fleets:
        from cloudlayer.fleet import instances

        offer = instances.cheapest(fleets.clouds.provider(provider).compute.offers(), spec)
        _agree(offer, count, yes=yes)
        made = instances.create(fleets, provider, spec, count=count)
    _show(made, json=json)


@app.command("list")
def list_(
    provider: Annotated[str | None, typer.Option(metavar="NAME[:REGION]", help="This provider only.")] = None,
    json: options.Json = False,
) -> None:
    """List the machines that `cloudlayer instance create` made."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        found = instances.listed(fleets, provider)
    _show(found, json=json)


@app.command()
def show(id: Annotated[str, typer.Argument(metavar="ID")], json: options.Json = False) -> None:
    """Show all that the provider tells of one machine."""
    with opened() as fleets:
        from cloudlayer.fleet import instances

        instance = instances.show(fleets, id)
    if json:
        print_json(instance)
    else:
        print_table(["WHAT", ""], [(key, _words(value)) for key, value in plain(instance).items() if value])


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


def _spec(given: dict[str, Any]) -> InstanceSpec:
    from cloudlayer.resources import InstanceSpec
    from cloudlayer.specs import checked

    return checked(InstanceSpec, given, "instance")


def _label(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign):
        raise InvalidSpec(f'--label: "{text}" is no label: write KEY=VALUE')
    return key, value


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"--user-data: {path}: {getattr(error, 'strerror', 'it is not text')}") from None


def _port(text: str) -> dict[str, Any]:
    opening, sign, source = text.partition(":")
    port, _, protocol = opening.partition("/")
    if not (port.isdecimal() and sign and source):
        raise InvalidSpec(f'--open-port: "{text}" is no opening: write PORT:SOURCE, as in 443:0.0.0.0/0 or 53/udp:10.0.0.0/8')
    return {"port": int(port), "protocol": protocol or "tcp", "source": source}


def _agree(offer: Offer, count: int, *, yes: bool) -> None:
    """Show the price of what is to be bought, and ask where it is not 0."""
    what = f"{count} x {offer.machine_type.name} ({offer.purchase}) of {offer.provider}:{offer.region}"
    price = per_hour([offer.price] * count)
    note(f"{what}, cheapest {price}")
    if costs([offer]):
        confirm(f"Buy {what} for {price}?", yes=yes)


def _each(fleets: Fleets, ids: list[str]) -> list[Instance]:
    from cloudlayer.fleet import instances

    return [instances.show(fleets, each) for each in dict.fromkeys(ids)]


def _show(found: list[Instance], *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        print_table(INSTANCES, [instance_row(instance) for instance in found], empty="there is no machine")


def _words(value: Any) -> str:
    return ", ".join(f"{key}={item}" for key, item in value.items()) if isinstance(value, dict) else str(value)
