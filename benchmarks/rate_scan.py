"""The peer of `benchmarks.rate`: best fit by a look at all machines for each replica, in numpy."""

from __future__ import annotations

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import NOWHERE, Scale, best_fit, tightest


def scan(shapes: Shapes, machines: Machines, events: Integers) -> list[tuple[int, int]]:
    """By event, the machine and its devices as bits. `machines` are changed. Shapes of MIG instances are not placed."""
    scale = Scale.of(machines)
    chosen: list[tuple[int, int]] = []
    for event in events.tolist():
        machine, devices = NOWHERE, 0
        if event < 0:
            _move(shapes, machines, int(events[~event]), chosen[~event], -1)
        elif (machine := best_fit(shapes, event, machines, scale)) != NOWHERE:
            devices = sum(1 << device for device in tightest(shapes, event, machines, machine))
            _move(shapes, machines, event, (machine, devices), 1)
        chosen.append((machine, devices))
    return chosen


def _move(shapes: Shapes, machines: Machines, shape: int, place: tuple[int, int], sign: int) -> None:
    machine, bits = place
    if machine == NOWHERE:
        return
    devices = np.flatnonzero([bits >> device & 1 for device in range(machines.device_compute.shape[1])])
    machines.cpu[machine] -= sign * shapes.cpu[shape]
    machines.memory[machine] -= sign * shapes.memory[shape]
    machines.disk[machine] -= sign * shapes.disk[shape]
    memory = machines.size_memory[machine, devices] if shapes.whole[shape] else shapes.device_memory[shape]
    machines.device_memory[machine, devices] -= sign * memory
    machines.device_compute[machine, devices] -= sign * (COMPUTE if shapes.whole[shape] else shapes.device_compute[shape])
