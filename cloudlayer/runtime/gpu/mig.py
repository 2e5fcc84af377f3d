"""MIG instances of a machine's GPUs, by the driver's own commands: what there is, making one at a place, removing it.

An instance here is a GPU instance with one compute instance that has all of it. It is found by its device and its place, the
memory slice at which it starts: the driver gives the numbers. All of it takes root. Written after NVIDIA's MIG user guide and
`nvidia-smi mig --help`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline, Host

BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
NOTES: Final = "/var/lib/cloudlayer/mig"
"""The folder of a machine that is not ours in which it says which instances are: a file for each, with the machine's start,
the GPU's UUID, the first slice and the profile. Who gives the machine back removes what they name."""
_BREAK: Final = "=====\n"
# Where there is no instance `-lgi` fails, and says so in words.
_LOOK: Final = f"""
set -e
cat "$0"
echo {_BREAK.strip()}
nvidia-smi --query-gpu=index,uuid,mig.mode.current --format=csv,noheader
echo {_BREAK.strip()}
nvidia-smi mig -lgi 2>&1 || echo "it ended with code $?"
echo {_BREAK.strip()}
nvidia-smi -L
echo {_BREAK.strip()}
nvidia-smi -q -x
"""
# A compute instance that is gone already is no hindrance, one that is in use is: the second command says so.
_DELETE: Final = 'nvidia-smi mig -i "$0" -gi "$1" -dci >/dev/null 2>&1 || true; nvidia-smi mig -i "$0" -gi "$1" -dgi'
_INSTANCE: Final = re.compile(r"\|\s+(\d+)\s+MIG (\S+)\s+\d+\s+(\d+)\s+(\d+):(\d+)\s+\|")
_PROFILE: Final = re.compile(r"\|\s+\d+\s+MIG (\S+)\s+\d+\s+\d+/\d+")
_DEVICE: Final = re.compile(r"\s+MIG \S+\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)")
_GPU: Final = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)")
_NONE: Final = re.compile(r"not found|no (gpu instances|mig-enabled)", re.IGNORECASE)
_SECONDS: Final = 60.0
_ENABLED: Final = "Enabled"


@dataclass(frozen=True, slots=True)
class Instance:
    """A GPU instance: its device's UUID and its number there, the memory slices that it takes, and its own UUID.

    The UUID is "" as long as it has no compute instance: nothing can run on it then.
    """

    device: str
    number: int
    profile: str
    start: int
    size: int
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU by its index and UUID. `enabled` is whether its MIG mode is on, `able` whether it has such a mode."""

    index: int
    uuid: str
    enabled: bool
    able: bool


@dataclass(frozen=True, slots=True)
class State:
    """What there is on a machine, since it was started; `boot` names that start."""

    boot: str
    devices: tuple[Device, ...]
    instances: tuple[Instance, ...]

    def device(self, index: int) -> Device:
        """The device of that index. EngineError where there is none."""
        for device in self.devices:
            if device.index == index:
                return device
        raise EngineError(f"there is no GPU {index} on the machine: it has {len(self.devices)}")

    def on(self, device: Device) -> list[Instance]:
        """The instances of a device."""
        return [instance for instance in self.instances if instance.device == device.uuid]

    def at(self, device: Device, start: int) -> Instance | None:
        """The instance of a device that has the slice `start`, whether it begins there or not."""
        return next((one for one in self.on(device) if one.start <= start < one.start + one.size), None)


def look(host: Host, *, deadline: Deadline | None = None) -> State:
    """Look once. EngineError where the driver does not answer."""
    said = _run(host, ["sh", "-c", _LOOK, BOOT_ID], deadline)
    return parse(said)


def parse(text: str) -> State:
    """What the machine printed. EngineError for what is not understood."""
    parts = text.split(_BREAK)
    if len(parts) != 5:
        raise EngineError(f"nvidia-smi printed what is not understood: {text[-200:].strip()}; does it run on the machine?")
    boot, modes, instances, listed, document = parts
    devices = tuple(_device(line) for line in modes.splitlines() if line.strip())
    return State(boot.strip(), devices, tuple(_instances(instances, devices, _uuids(listed, document))))


def create(host: Host, device: Device, profile: str, start: int, *, deadline: Deadline | None = None) -> None:
    """Make an instance that starts at a slice. EngineError, with what the device offers, where that cannot be."""
    try:
        _run(host, ["nvidia-smi", "mig", "-i", device.uuid, "-cgi", f"{profile}:{start}", "-C"], deadline)
    except EngineError as error:
        offered = _PROFILE.findall(_run(host, ["nvidia-smi", "mig", "-i", device.uuid, "-lgip"], deadline))
        if profile in offered:
            raise
        names = ", ".join(sorted(set(offered))) or "none"
        raise EngineError(f"GPU {device.index} of {host.name} has no MIG profile {profile}: it offers {names}") from error


def complete(host: Host, instance: Instance, *, deadline: Deadline | None = None) -> None:
    """Give an instance its compute instance, which a crash kept from it."""
    _run(host, ["nvidia-smi", "mig", "-i", instance.device, "-gi", str(instance.number), "-cci"], deadline)


def delete(host: Host, instance: Instance, *, deadline: Deadline | None = None) -> None:
    """Remove an instance; EngineError while something runs on it."""
    _run(host, ["sh", "-c", _DELETE, instance.device, str(instance.number)], deadline)


def enable(host: Host, device: Device, *, deadline: Deadline | None = None) -> None:
    """Switch MIG mode on. Where that takes a reset of the GPU it is left off, and EngineError says what to do."""
    switch = ["nvidia-smi", "-i", device.uuid, "-mig"]
    _run(host, [*switch, "1"], deadline)
    if not look(host, deadline=deadline).device(device.index).enabled:
        _run(host, [*switch, "0"], deadline)
        raise EngineError(
            f"the MIG mode of GPU {device.index} of {host.name} takes a reset of the GPU, which is yours to do: "
            f'"nvidia-smi -i {device.index} -mig 1", then "nvidia-smi -i {device.index} --gpu-reset", or restart the machine'
        )


def disable(host: Host, device: Device, *, deadline: Deadline | None = None) -> None:
    """Switch MIG mode off. EngineError where it stays on."""
    _run(host, ["nvidia-smi", "-i", device.uuid, "-mig", "0"], deadline)
    if look(host, deadline=deadline).device(device.index).enabled:
        raise EngineError(f"the MIG mode of GPU {device.index} of {host.name} stays on until the GPU is reset")


def _run(host: Host, command: list[str], deadline: Deadline | None) -> str:
    return host.run(command, root=True, deadline=deadline or Deadline.after(_SECONDS)).decode("utf-8", "replace")


def _device(line: str) -> Device:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != 3 or not fields[0].isdigit():
        raise EngineError(f"nvidia-smi printed what is not understood: {line.strip()[:200]}; does it run on the machine?")
    index, uuid, mode = fields
    return Device(int(index), uuid, mode == _ENABLED, mode in (_ENABLED, "Disabled"))


def _instances(table: str, devices: tuple[Device, ...], uuids: dict[tuple[str, int], str]) -> Iterator[Instance]:
    found = _INSTANCE.findall(table)
    if not found and not _NONE.search(table):
        raise EngineError(f"nvidia-smi told of no MIG instances what is understood: {table.strip()[-200:]}")
    names = {device.index: device.uuid for device in devices}
    for index, profile, number, start, size in found:
        uuid = names[int(index)]
        yield Instance(uuid, int(number), profile, int(start), int(size), uuids.get((uuid, int(number)), ""))


def _uuids(listed: str, document: str) -> dict[tuple[str, int], str]:
    """The UUIDs by (device, number of the GPU instance). One list has them by MIG device, the other tells which that is."""
    by_index: dict[tuple[str, int], str] = {}
    gpu = ""
    for line in listed.splitlines():
        if found := _GPU.match(line):
            gpu = found[2]
        elif found := _DEVICE.match(line):
            by_index[gpu, int(found[1])] = found[2]
    try:
        gpus = ElementTree.fromstring(document.strip()).findall("gpu")  # noqa: S314  (the driver's, of our machine)
    except ElementTree.ParseError as error:
        raise EngineError(f"nvidia-smi printed what is not understood: {error}; does it run on the machine?") from error
    numbers: dict[tuple[str, int], str] = {}
    for each in gpus:
        uuid = each.findtext("uuid", "").strip()
        for device in each.iterfind("mig_devices/mig_device"):
            index, number = (int(device.findtext(name, "-1")) for name in ("index", "gpu_instance_id"))
            if (uuid, index) in by_index:
                numbers[uuid, number] = by_index[uuid, index]
    return numbers
