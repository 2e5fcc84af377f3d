"""One look at the GPUs of a machine: devices, and the memory of each process on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline, Host
from cloudlayer.units import MIB

_DEVICES: Final = "index,uuid,name,memory.total,memory.used,driver_version"
_PROCESSES: Final = "gpu_uuid,pid,used_gpu_memory"
_FORMAT: Final = "--format=csv,noheader,nounits"
# A process is a replica's by its control group, whose name has the container's id in both versions of control groups.
SCRIPT: Final = f"""
set -e
nvidia-smi --query-gpu={_DEVICES} {_FORMAT}
echo
nvidia-smi --query-compute-apps={_PROCESSES} {_FORMAT} | while IFS=' ,' read -r uuid pid used; do
  id=$(grep -oE '[0-9a-f]{{64}}' "/proc/$pid/cgroup" 2>/dev/null | head -n 1) || id=
  echo "$uuid, $pid, $used, $id"
done
"""
_READ_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """One device, in the driver's order. `memory` and `used` are in bytes."""

    index: int
    uuid: str
    model: str
    memory: int
    used: int
    driver: str


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process's memory on one device, in bytes; None where the driver does not tell. `container` is "" outside of any."""

    device: int
    pid: int
    used: int | None
    container: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All devices of a machine and the processes on them."""

    gpus: tuple[Gpu, ...] = ()
    processes: tuple[GpuProcess, ...] = ()

    def used_by(self, container: str) -> dict[int, int]:
        """Bytes by device that the processes of a container hold."""
        found: dict[int, int] = {}
        for process in self.processes:
            if process.container == container and process.used is not None:
                found[process.device] = found.get(process.device, 0) + process.used
        return found


def read(host: Host, *, deadline: Deadline | None = None) -> Reading:
    """Look once. EngineError where there is no driver that works; TransientError where the machine is not reached."""
    said = host.run(["sh", "-c", SCRIPT], deadline=deadline or Deadline.after(_READ_SECONDS))
    return parse(said.decode("utf-8", "replace"))


def parse(text: str) -> Reading:
    """What SCRIPT printed. EngineError, with the line, for what is no such thing."""
    first, _, second = text.partition("\n\n")
    gpus = tuple(_gpu(fields) for fields in _lines(first, 6))
    indices = {gpu.uuid: gpu.index for gpu in gpus}
    return Reading(gpus, tuple(_process(fields, indices) for fields in _lines(second, 4) if fields[0] in indices))


def _lines(text: str, count: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != count:
            raise EngineError(f"nvidia-smi printed what is not understood: {line.strip()[:200]}; does it run on the machine?")
        yield fields


def _gpu(fields: list[str]) -> Gpu:
    index, uuid, model, total, used, driver = fields
    return Gpu(_number(index), uuid, model, _number(total) * MIB, _number(used) * MIB, driver)


def _process(fields: list[str], indices: dict[str, int]) -> GpuProcess:
    uuid, pid, used, container = fields
    return GpuProcess(indices[uuid], _number(pid), _number(used) * MIB if used.isdigit() else None, container)


def _number(text: str) -> int:
    if not text.isdigit():
        raise EngineError(f'nvidia-smi printed "{text[:80]}" where a number belongs: the driver may be broken, see nvidia-smi')
    return int(text)
