"""What a machine tells of itself: how far its set-up is, what answers there, what it really has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cloudlayer.runtime.bootstrap.user_data import machine_file
from cloudlayer.units import KIB, MIB

PROBE: Final = machine_file("probe.sh")
"""The script that prints a report. Give it to a shell of root as its input."""


@dataclass(frozen=True, slots=True)
class Report:
    """One look at a machine.

    `setting_up` tells that cloud-init is still at work, `failed` which step went wrong there. `docker` is the engine's version,
    None where none answers, and `gpu_runtime` whether it can hand GPUs to containers. `gpus` are the devices that the driver
    sees, each by model and bytes; `memory` and `disk` are bytes, the disk's those that are free.
    """

    setting_up: bool = False
    failed: str = ""
    docker: str | None = None
    gpu_runtime: bool = False
    gpus: tuple[tuple[str, int], ...] = ()
    cores: int | None = None
    memory: int | None = None
    disk: int | None = None


def read_report(text: str) -> Report:
    """What the probe printed; whatever is no line of a report is passed over."""
    told: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        told.setdefault(name, []).append(value.strip())
    booted, failed = _last(told, "booted"), _last(told, "failed")
    if not failed and booted == "no" and _last(told, "finished"):
        failed = "cloud-init ended before the machine was set up"
    version = _last(told, "docker")
    return Report(
        setting_up=booted == "no" and not failed,
        failed=failed,
        docker=version if version[:1].isdigit() else None,
        gpu_runtime="nvidia" in _last(told, "runtimes").split(),
        gpus=tuple(_gpu(value) for value in told.get("gpu", ()) if value.partition(" ")[0].isdigit()),
        cores=_number(told, "cores"),
        memory=_number(told, "memory", KIB),
        disk=_number(told, "disk", KIB),
    )


def _last(told: dict[str, list[str]], name: str) -> str:
    values: Sequence[str] = told.get(name, ())
    return values[-1] if values else ""


def _number(told: dict[str, list[str]], name: str, unit: int = 1) -> int | None:
    value = _last(told, name)
    return int(value) * unit if value.isascii() and value.isdigit() else None


def _gpu(value: str) -> tuple[str, int]:
    memory, _, model = value.partition(" ")
    return model.strip(), int(memory) * MIB
