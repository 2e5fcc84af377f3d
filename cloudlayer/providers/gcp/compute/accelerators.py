"""GPUs by the cloud's names for them: what a device is called elsewhere, its memory, and what it can be attached to.

The API tells neither a device's memory nor what it fits, so that both stand in a table that comes with the package. N1 alone
takes devices that are not a part of its machine types: such a machine is called "n1-standard-8+nvidia-tesla-t4x1" here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from cloudlayer.errors import InvalidSpec
from cloudlayer.resources import Accelerator
from cloudlayer.units import GIB

_NAME: Final = re.compile(r"(?P<machine>[a-z0-9-]+)\+(?P<kind>[a-z0-9-]+?)x(?P<count>[1-9]\d?)", re.ASCII)
_TAKES_DEVICES: Final = ("n1-standard-", "n1-highmem-", "n1-highcpu-")


@dataclass(frozen=True, slots=True)
class Device:
    """A kind of GPU. `most_cores` is, by how many devices a machine has, the most processors that it may have with them.

    `sku` is how the price list calls it.
    """

    kind: str
    model: str
    memory: int
    most_cores: Mapping[int, int]
    sku: str

    @property
    def accelerator(self) -> Accelerator:
        """One of them, as a machine type has it."""
        return Accelerator(self.model, self.memory)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type's name in two parts: the cloud's own, and how many devices of which kind are attached (0: none)."""

    base: str
    kind: str = ""
    count: int = 0

    def __str__(self) -> str:
        return f"{self.base}+{self.kind}x{self.count}" if self.count else self.base


def parse_machine(name: str) -> Machine:
    """The parts of a machine type's name; InvalidSpec if devices are attached to it that are not known."""
    if "+" not in name:
        return Machine(name)
    found = _NAME.fullmatch(name)
    if found is None or found["kind"] not in devices():
        attachable = ", ".join(kind for kind, device in devices().items() if device.most_cores)
        raise InvalidSpec(f'machine_type: "{name}" is none: write "n1-standard-8+KINDxCOUNT" with a KIND of {attachable}')
    return Machine(found["machine"], found["kind"], int(found["count"]))


@cache
def devices() -> Mapping[str, Device]:
    """The GPUs that are known, by the cloud's name for their type."""
    text = files("cloudlayer.providers.gcp.compute").joinpath("accelerators.csv").read_text(encoding="utf-8")
    return {row["type"]: _device(row) for row in csv.DictReader(text.splitlines())}


def attachments(base: str, cores: int) -> Iterator[Machine]:
    """The machines that a machine type makes with devices attached."""
    if not base.startswith(_TAKES_DEVICES):
        return
    for device in devices().values():
        for count, most in device.most_cores.items():
            if cores <= most:
                yield Machine(base, device.kind, count)


def _device(row: Mapping[str, str]) -> Device:
    pairs = (pair.split(":") for pair in row["attachable"].split())
    most = {int(count): int(cores) for count, cores in pairs}
    return Device(row["type"], row["model"], int(row["memory_gib"]) * GIB, most, row["sku"])
