"""`cloudlayer top`: what replicas use of what they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudlayer.cli import options
from cloudlayer.cli.fleets import opened
from cloudlayer.cli.forms import short
from cloudlayer.cli.output import note, print_json, print_table
from cloudlayer.units import format_size

if TYPE_CHECKING:
    from cloudlayer.fleet.usage import Used

app = options.application()
COLUMNS = ("REPLICA", "FUNCTION", "VERSION", "MACHINE", ">CPU", ">OF", ">MEMORY", ">OF", "GPU MEMORY")


@app.command()
def top(fleet: options.Fleet = None, json: options.Json = False) -> None:
    """Show what each replica uses of processors, memory and GPUs, measured over a second; those that use most come first."""
    with opened() as fleets:
        from cloudlayer.fleet.usage import used

        found = used(fleets, fleets.named(fleet), lambda machine, error: note(f"machine {machine} is not measured: {error}"))
    found.sort(key=lambda one: (-one.cpu, -one.memory, one.row.id))
    if json:
        print_json([_document(one) for one in found])
    else:
        print_table(COLUMNS, [_row(one) for one in found], empty="no replica runs")


def _row(one: Used) -> tuple[object, ...]:
    row = one.row
    gpu = ", ".join(f"{device}: {format_size(held)}" for device, held in sorted(one.gpu.items()))
    limit = f" of {format_size(one.gpu_limit)}" if gpu and one.gpu_limit is not None else ""
    figures = (f"{one.cpu:.2f}", f"{one.cpu_limit:g}", format_size(one.memory), format_size(one.memory_limit))
    return (short(row.id), row.function, row.version, row.machine, *figures, gpu + limit)


def _document(one: Used) -> dict[str, Any]:
    """Processors in cores, memory in bytes."""
    row = one.row
    return {
        "replica": row.id,
        "function": row.function,
        "version": row.version,
        "machine": row.machine,
        "cpu": round(one.cpu, 4),
        "cpu_limit": one.cpu_limit,
        "memory": one.memory,
        "memory_limit": one.memory_limit,
        "gpu_memory": {str(device): held for device, held in one.gpu.items()},
        "gpu_memory_limit": one.gpu_limit,
    }
