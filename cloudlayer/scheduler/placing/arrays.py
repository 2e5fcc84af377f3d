"""Machines and shapes of replicas as arrays of whole numbers, and what fits where, straight from the definition.

Processors are in thousandths of a core, memory and disk in bytes, a device's compute in thousandths of the device. A share
takes memory and compute of each of its devices; a whole one takes devices on which nothing runs; a MIG profile takes a run
of memory slices, at one of the places that the device's geometry has for it. Nothing is ever summed over devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

COMPUTE: Final = 1000
"""The compute of one device."""
ABSENT: Final = -1
"""The free compute and memory where a machine has no such device."""


@dataclass(slots=True, eq=False)
class Shapes:
    """K shapes of replicas, each array of shape (K,); all numbers are of one replica.

    `devices` is how many devices it is on, 0 for none. Where `whole`, they are untouched ones, and it takes all of them;
    else `device_memory` and `device_compute` of each, or, where `profile` is not -1, a MIG instance on each.
    """

    cpu: Integers
    memory: Integers
    disk: Integers
    devices: Integers
    whole: Booleans
    device_memory: Integers
    device_compute: Integers
    profile: Integers


@dataclass(slots=True, eq=False)
class Machines:
    """What is free of M machines of at most D devices; arrays of shape (M,) or (M, D). Changed in place.

    `size_memory` is a device's nominal memory, `model` the index of its model, `slices` the bits of its memory slices that
    MIG instances take. `allowed` (K, M) says which machines a shape may be on at all, `models` (K, models) which models of
    devices. `places` (models, profiles, places) are the slices, as bits, that an instance of a profile can take on a device of
    that model, 0 where there is no such place.
    """

    cpu: Integers
    memory: Integers
    disk: Integers
    device_memory: Integers
    device_compute: Integers
    slices: Integers
    size_memory: Integers
    model: Integers
    allowed: Booleans
    models: Booleans
    places: Integers


def suitable_devices(shapes: Shapes, shape: int, machines: Machines) -> Booleans:
    """Of shape (M, D): the devices that one replica of `shape` could use, were it for the device alone."""
    present = machines.device_compute >= 0
    accepted = present & machines.models[shape][np.where(present, machines.model, 0)]
    untouched = (machines.device_compute == COMPUTE) & (machines.device_memory == machines.size_memory)
    if shapes.profile[shape] >= 0:
        places = machines.places[np.where(present, machines.model, 0), shapes.profile[shape]]
        open_places = ((places != 0) & ((places & machines.slices[:, :, None]) == 0)).any(axis=2)
        room = untouched & open_places
    elif shapes.whole[shape]:
        room = untouched & (machines.slices == 0)
    else:
        enough = machines.device_memory >= shapes.device_memory[shape]
        room = enough & (machines.device_compute >= shapes.device_compute[shape]) & (machines.slices == 0)
    suitable: Booleans = accepted & room
    return suitable


def fits(shapes: Shapes, shape: int, machines: Machines) -> Booleans:
    """Of shape (M,): the machines that one replica of `shape` fits as they are now."""
    room: Booleans = machines.allowed[shape] & (machines.cpu >= shapes.cpu[shape]) & (machines.memory >= shapes.memory[shape])
    room &= machines.disk >= shapes.disk[shape]
    if shapes.devices[shape]:
        room &= suitable_devices(shapes, shape, machines).sum(axis=1) >= shapes.devices[shape]
    return room
