"""Machines as states: what is free, with devices in one order. Machines of one state are alike for whatever comes.

A state is a row of whole numbers: its kind, the free processors, memory and disk, then for each device the free compute, for
each the free memory, for each the slices in use. Devices of one model and size lie in a run and are sorted by what is free.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Booleans, Integers, Machines, Shapes
from cloudlayer.scheduler.placing.bestfit import device_slices

FIRST: Final = 4
"""Where the devices begin in a row."""


class Table(NamedTuple):
    """What kernels need to know of K shapes and of the kinds of machines, as arrays.

    Of shape (K,): `cpu` to `profile`, and `asks`, the thousandths of devices that one replica takes. By kind: `allowed`
    (kinds, K), `model` and `size` (kinds, D), `suited` (kinds, K, D) the devices of a model that a shape accepts. By model:
    `accepted` (K, models), `places` (models, profiles, places), `pieces` (models,).
    """

    cpu: Integers
    memory: Integers
    disk: Integers
    devices: Integers
    whole: Booleans
    share: Integers
    compute: Integers
    profile: Integers
    asks: Integers
    allowed: Booleans
    model: Integers
    size: Integers
    suited: Booleans
    accepted: Booleans
    places: Integers
    pieces: Integers


class States:
    """The rows of some machines, and the table of their kinds. Only what is free of a machine may change afterwards."""

    def __init__(self, shapes: Shapes, machines: Machines) -> None:
        present = machines.device_compute >= 0
        model = np.where(present, machines.model, -1)
        size = np.where(present, machines.size_memory, -1)
        self._order = np.lexsort((size, model), axis=-1)
        keys = np.concatenate([_along(model, self._order), _along(size, self._order), machines.allowed.T], axis=1)
        kinds, self._kind = _different(keys)
        width = machines.model.shape[1]
        self.width = width
        self.table = Table(
            *(shapes.cpu, shapes.memory, shapes.disk, shapes.devices, shapes.whole, shapes.device_memory),
            *(shapes.device_compute, shapes.profile, _asks(shapes, machines)),
            np.ascontiguousarray(kinds[:, 2 * width :].astype(np.bool_)),
            np.ascontiguousarray(kinds[:, :width]),
            np.ascontiguousarray(kinds[:, width : 2 * width]),
            _suited(kinds[:, :width], machines),
            *(machines.models, machines.places.astype(np.int64)),
            np.bitwise_count(device_slices(machines)).astype(np.int64),
        )

    def rows(self, machines: Machines, which: Integers) -> Integers:
        """Of shape (n, W): the states of some machines as they are now."""
        order = self._device_order(machines, which)
        parts = [machines.device_compute[which], machines.device_memory[which], machines.slices[which]]
        alone = [self._kind[which], machines.cpu[which], machines.memory[which], machines.disk[which]]
        return np.concatenate([np.stack(alone, axis=1), *(_along(part, order) for part in parts)], axis=1)

    def device(self, machines: Machines, machine: int, places: Integers) -> Integers:
        """The indices of the machine's devices that lie at `places` of its row."""
        devices: Integers = self._device_order(machines, np.array([machine]))[0][places]
        return devices

    def _device_order(self, machines: Machines, which: Integers) -> Integers:
        """By model and size, absent ones first, then by what is free; ties by index."""
        present = machines.device_compute[which] >= 0
        model = np.where(present, machines.model[which], -1)
        size = np.where(present, machines.size_memory[which], -1)
        free = (machines.slices[which], machines.device_memory[which], machines.device_compute[which])
        order: Integers = np.lexsort((*free, size, model), axis=-1)
        return order


def _along(values: Any, order: Integers) -> Integers:
    taken: Integers = np.take_along_axis(np.asarray(values, dtype=np.int64), order, axis=1)
    return taken


def _different(keys: Integers) -> tuple[Integers, Integers]:
    """The different rows in the order of their first appearance, and which of them each row is."""
    _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return keys[np.sort(first)], rank[which.ravel()]


def _suited(model: Integers, machines: Machines) -> Booleans:
    """Of shape (kinds, K, D)."""
    accepted = machines.models[:, np.maximum(model, 0)].transpose(1, 0, 2)
    return np.ascontiguousarray(accepted & (model >= 0)[:, None, :])


def _asks(shapes: Shapes, machines: Machines) -> Integers:
    """A share counts by the scarcer of compute and memory, this by the largest device; an instance by its slices."""
    largest = max(1, int(machines.size_memory.max(initial=1)))
    asks = np.maximum(shapes.device_compute, shapes.device_memory * COMPUTE // largest)
    total = max(1, int(np.bitwise_count(device_slices(machines)).max(initial=1)))
    for shape in np.flatnonzero(shapes.profile >= 0):
        taken = np.bitwise_count(machines.places[:, shapes.profile[shape]]).astype(np.int64)
        asks[shape] = int(taken.max(initial=0)) * COMPUTE // total
    result: Integers = np.where(shapes.whole, COMPUTE, asks) * shapes.devices
    return result
