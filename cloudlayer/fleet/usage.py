"""What a fleet's replicas use, beside what each may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from cloudlayer.errors import CloudLayerError
from cloudlayer.fleet.clouds import CALL_SECONDS, Clouds
from cloudlayer.fleet.demands import checked_spec
from cloudlayer.fleet.observe import LOOKERS
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import MachineRow, MachineState, ReplicaRow, ReplicaRowState
from cloudlayer.interfaces import ReplicaUsage

INTERVAL: Final = 1.0
"""Seconds over which processors are measured."""

Complain = Callable[[str, CloudLayerError], None]


@dataclass(frozen=True, slots=True)
class Used:
    """One replica's use: processors in cores, memory in bytes, of what it may; `gpu` in bytes by device of its machine."""

    row: ReplicaRow
    cpu: float
    cpu_limit: float
    memory: int
    memory_limit: int
    gpu: dict[int, int]
    gpu_limit: int | None


def used(fleets: Fleets, fleet: str, complain: Complain) -> list[Used]:
    """The use of every replica that runs, over a second. A machine that cannot be asked is left out; `complain` hears why."""
    machines = [row for row in fleets.machines(fleet) if row.state is MachineState.RUNNING]
    rows = [row for row in fleets.replicas(fleet) if row.state in (ReplicaRowState.READY, ReplicaRowState.DRAINING)]
    first = measured(fleets.clouds, machines, rows, complain)
    fleets.clock.sleep(INTERVAL)
    second = measured(fleets.clouds, [row for row in machines if row.id in first], rows, complain)
    return [one for row in rows for one in _of(row, first.get(row.machine, {}), second.get(row.machine, {}))]


Sample = dict[str, tuple[float, ReplicaUsage]]
"""When each replica was measured, and what it used."""


def measured(
    clouds: Clouds,
    machines: Sequence[MachineRow],
    rows: Sequence[ReplicaRow],
    complain: Complain,
    *,
    seconds: float = CALL_SECONDS,
) -> dict[str, Sample]:
    """What the replicas of `rows` use now, by machine. All machines are asked at once, for so many `seconds` at most."""
    engines = defaultdict[str, set[str]](set)
    for row in rows:
        engines[row.machine].add(row.engine)
    found: dict[str, Sample] = {}
    with ThreadPoolExecutor(LOOKERS) as executor:
        asked = {each.id: executor.submit(_sample, clouds, each, sorted(engines[each.id]), seconds) for each in machines}
    for machine, sample in asked.items():
        try:
            found[machine] = sample.result()
        except CloudLayerError as error:
            complain(machine, error)
    return found


def _sample(clouds: Clouds, machine: MachineRow, engines: list[str], seconds: float) -> Sample:
    told = [clouds.engine(machine, name).usage(deadline=clouds.deadline(seconds)) for name in engines]
    now = clouds.clock.monotonic()
    return {replica: (now, one) for each in told for replica, one in each.items()}


def _of(row: ReplicaRow, first: Sample, second: Sample) -> Iterator[Used]:
    if row.id not in first or row.id not in second:
        return
    (began, before), (ended, after) = first[row.id], second[row.id]
    spec = checked_spec(row)
    needs = spec.resources
    yield Used(
        row,
        max(0.0, after.cpu - before.cpu) / max(ended - began, 1e-3),
        needs.cpu,
        after.memory,
        needs.memory,
        dict(after.gpu),
        needs.gpu.memory if needs.gpu else None,
    )
