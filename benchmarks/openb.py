"""The cluster and the pods of Alibaba's cluster-trace-gpu-v2023 ("openb") as machines, shapes and arrivals.

The files are public: the traces of hkust-adsl/kubernetes-scheduler-simulator, or cluster-trace-gpu-v2023 in Alibaba's
clusterdata. Nodes have `sn, cpu_milli, memory_mib, gpu, model`; pods `cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec`, the
compute of each of their GPUs and the models that they accept ("V100M16|V100M32", empty for any).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cloudlayer.scheduler.placing.arrays import ABSENT, COMPUTE, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import rows
from cloudlayer.units import MIB

LOAD: Final = 1.3
"""The compute that arrives, as a part of all that there is."""

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """The experiment on one list of pods: `shapes`, `pods` (P,) the shape of each pod listed, and the machines, all empty."""

    shapes: Shapes
    pods: Integers
    machines: Machines

    @property
    def capacity(self) -> int:
        """The compute of all devices."""
        compute = self.machines.device_compute
        return int(compute[compute != ABSENT].sum())

    @property
    def compute(self) -> Integers:
        """Of shape (K,): what one replica takes of the devices' compute."""
        return self.shapes.devices * self.shapes.device_compute

    @property
    def popularity(self) -> Integers:
        """Of shape (K,): how many of the pods listed are of each shape."""
        return np.bincount(self.pods, minlength=len(self.shapes.cpu)).astype(np.int64)

    def empty(self) -> Machines:
        """The machines anew, to be changed."""
        return rows(self.machines, np.arange(len(self.machines.cpu)))

    def arrivals(self, seed: int) -> Integers:
        """The shapes of those that arrive, in order: all pods, more drawn from them up to `LOAD`, and all of that shuffled.

        Those of a list that alone asks for more are cut to as many.
        """
        generator = np.random.default_rng(seed)
        limit = round(LOAD * self.capacity)
        asked = int(self.compute[self.pods].sum())
        if asked > limit:
            order = generator.permutation(self.pods)
            return order[: _within(self.compute[order], limit)]
        enough = 2 * (limit - asked) * len(self.pods) // asked if asked else 0  # twice as many as are needed on average
        again = self.pods[generator.integers(len(self.pods), size=max(8 * len(self.pods), enough))]
        again = again[: _within(self.compute[again], limit - asked)]
        return generator.permutation(np.concatenate([self.pods, again]))


def _within(compute: Integers, limit: int) -> int:
    """How many of the first ones take no more than the limit in all."""
    return int(np.searchsorted(np.cumsum(compute), limit, side="right"))


def read(nodes: Path, pods: Path) -> Setting:
    """The setting of two files. ValueError names what a file lacks."""
    return setting(_rows(nodes, ("cpu_milli", "memory_mib", "gpu", "model")), _rows(pods, _POD))


_POD: Final = ("cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec")


def _rows(path: Path, columns: Sequence[str]) -> list[Row]:
    with path.open(newline="") as file:
        rows: list[Row] = list(csv.DictReader(file))
    missing = [column for column in columns if not rows or column not in rows[0]]
    if missing:
        raise ValueError(f"{path}: no {', '.join(missing)}")
    return rows


def setting(nodes: Sequence[Row], pods: Sequence[Row]) -> Setting:
    """The setting of rows: one shape for each different pod, in the order of the list."""
    different: dict[tuple[int, int, int, int, str], int] = {}
    index = [different.setdefault(_key(pod), len(different)) for pod in pods]
    cpu, memory, devices, compute, specs = (list(column) for column in zip(*different, strict=True))
    models = {name: place for place, name in enumerate(dict.fromkeys(node["model"] for node in nodes))}
    accepted = np.array([[not spec or name in str(spec).split("|") for name in models] for spec in specs])
    count = np.array(devices, dtype=np.int64)
    each = np.array(compute, dtype=np.int64)
    none = np.zeros(len(count), dtype=np.int64)
    whole = (each == COMPUTE) & (count > 0)
    shapes = Shapes(_integers(cpu), _integers(memory) * MIB, none, count, whole, none, each, np.full(len(count), -1))
    return Setting(shapes, np.array(index, dtype=np.int64), _machines(nodes, models, accepted))


def _key(pod: Row) -> tuple[int, int, int, int, str]:
    devices, compute = int(pod["num_gpu"]), int(pod["gpu_milli"] or 0)
    return int(pod["cpu_milli"]), int(pod["memory_mib"]), devices, compute if devices else 0, pod["gpu_spec"] if devices else ""


def _integers(values: Sequence[object]) -> Integers:
    return np.array(values, dtype=np.int64)


def _machines(nodes: Sequence[Row], models: Mapping[str, int], accepted: np.ndarray) -> Machines:
    count = np.array([int(node["gpu"]) for node in nodes])
    there = np.arange(count.max())[None, :] < count[:, None]
    none = np.zeros(there.shape, dtype=np.int64)
    model = np.array([models[node["model"]] for node in nodes], dtype=np.int64)
    return Machines(
        cpu=_integers([int(node["cpu_milli"]) for node in nodes]),
        memory=_integers([int(node["memory_mib"]) * MIB for node in nodes]),
        disk=np.zeros(len(nodes), dtype=np.int64),
        device_memory=np.where(there, 0, ABSENT),
        device_compute=np.where(there, COMPUTE, ABSENT),
        slices=none,
        size_memory=none,
        model=np.where(there, model[:, None], 0),
        allowed=np.ones((len(accepted), len(nodes)), dtype=np.bool_),
        models=accepted,
        places=np.zeros((len(models), 0, 0), dtype=np.int64),
    )
