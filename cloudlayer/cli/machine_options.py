"""The options that say what an instance is to be, for single ones and for the template of a group."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cloudlayer.cli import values

MachineType = Annotated[
    str | None, typer.Option("--machine-type", metavar="NAME", help="The provider's own name for the form of machine.")
]
Gpu = Annotated[str | None, typer.Option("--gpu", metavar="MODEL", help="A GPU model, such as L4.")]
GpuMemory = Annotated[str | None, typer.Option("--gpu-memory", metavar="SIZE", help="Memory of each GPU, at least.")]
GpuCount = Annotated[int | None, typer.Option("--gpu-count", min=1, help="GPUs, at least, where one is asked for.")]
Cpu = Annotated[float | None, typer.Option("--cpu", help="Cores, at least.")]
Memory = Annotated[str | None, typer.Option("--memory", metavar="SIZE", help="Memory, at least; such as 8GiB.")]
Image = Annotated[str | None, typer.Option("--image", help="What it starts from, such as ubuntu-22.04.")]
Spot = Annotated[bool, typer.Option("--spot", help="Cheaper, and may be taken back at any time.")]
Reserved = Annotated[
    str | None, typer.Option("--reserved", metavar="RESERVATION", help="Out of this reservation, by the provider's id for it.")
]
UserData = Annotated[
    Path | None, typer.Option("--user-data", metavar="FILE", help="A file that the machine runs at its first start.")
]
Disks = Annotated[
    list[str] | None, typer.Option("--disk", metavar="SIZE", help="A disk beside the boot disk; may be given several times.")
]
Ports = Annotated[
    list[str] | None,
    typer.Option("--open-port", metavar="PORT[/udp]:SOURCE", help="As in 443:0.0.0.0/0; may be given several times."),
]
PublicAddress = Annotated[bool, typer.Option("--public-address", help="An address in the internet.")]


def machine(
    *,
    machine_type: str | None = None,
    gpu: str | None = None,
    gpu_memory: str | None = None,
    gpu_count: int | None = None,
    cpu: float | None = None,
    memory: str | None = None,
    image: str | None = None,
    spot: bool = False,
    reserved: str | None = None,
    user_data: Path | None = None,
    disk: list[str] | None = None,
    public_address: bool = False,
    open_port: list[str] | None = None,
) -> dict[str, Any]:
    """The keys of an InstanceSpec that were given."""
    if spot and reserved:
        raise typer.BadParameter("--spot and --reserved are two ways to buy: give one of them")
    return values.given(
        {
            "machine_type": machine_type,
            "cpu": cpu,
            "memory": memory,
            "gpu": gpu,
            "gpu_count": gpu_count,
            "gpu_memory": gpu_memory,
            "image": image,
            "purchase": "spot" if spot else "reserved" if reserved else None,
            "reservation": reserved,
            "user_data": None if user_data is None else values.content(user_data, "--user-data"),
            "disks": [{"size": size} for size in disk or ()],
            "public_address": public_address,
            "open_ports": [values.opening(text) for text in open_port or ()],
        }
    )
