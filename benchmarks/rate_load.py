"""Machines, classes of replicas and their coming and going, for `benchmarks.rate`; all made here, from a seed."""

from __future__ import annotations

from typing import Final

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Integers, Machines, Shapes
from cloudlayer.units import GIB

KINDS: Final = (
    # cores, GiB of memory, GiB of one device, part of the machines
    (96, 384, 16, 0.15),
    (192, 768, 24, 0.35),
    (96, 1152, 40, 0.2),
    (192, 1920, 80, 0.2),
    (208, 2048, 141, 0.1),
)
"""Kinds of machines of eight devices."""
DEVICES: Final = 8
DISK: Final = 4096
CLASSES: Final = 64
PER_MACHINE: Final = 10
"""Placements for each machine: with one release for every four, about all devices are taken at the end."""
RELEASES: Final = 4
"""One release for so many placements."""


def machines(count: int, seed: int) -> Machines:
    """`count` empty machines, their kinds mixed at random."""
    kind = np.random.default_rng(seed).choice(len(KINDS), size=count, p=[part for *_, part in KINDS])
    cores, memory, device = (np.array([row[column] for row in KINDS]) for column in range(3))
    size = np.repeat((device[kind] * GIB)[:, None], DEVICES, axis=1)
    return Machines(
        cpu=cores[kind] * 1000,
        memory=memory[kind] * GIB,
        disk=np.full(count, DISK * GIB),
        device_memory=size.copy(),
        device_compute=np.full((count, DEVICES), COMPUTE),
        slices=np.zeros((count, DEVICES), dtype=np.int64),
        size_memory=size,
        model=np.repeat(kind[:, None], DEVICES, axis=1),
        allowed=np.ones((CLASSES, count), dtype=np.bool_),
        models=accepted(seed),
        places=np.zeros((len(KINDS), 1, 1), dtype=np.int64),
    )


def accepted(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Of shape (CLASSES, kinds): a quarter of the classes want one of two models of devices, the others take any."""
    generator = np.random.default_rng(seed + 1)
    found = np.ones((CLASSES, len(KINDS)), dtype=np.bool_)
    for row in range(0, CLASSES, 4):
        found[row] = False
        found[row, generator.choice(len(KINDS), size=2, replace=False)] = True
    return found


def shapes(seed: int) -> Shapes:
    """A fifth of the classes have no device, half of them shares of one by memory, compute or both, the others 1 to 8 whole."""
    generator = np.random.default_rng(seed + 2)
    draw = generator.random(CLASSES)
    none, share = draw < 0.2, (draw >= 0.2) & (draw < 0.7)
    whole = ~none & ~share
    devices = np.where(none, 0, np.where(share, 1, generator.choice([1, 2, 4, 8], size=CLASSES, p=[0.5, 0.25, 0.15, 0.1])))
    by = generator.integers(3, size=CLASSES)
    per_device = generator.choice([1, 2, 4, 8], size=CLASSES)
    return Shapes(
        cpu=1000 * np.where(whole, devices * per_device, generator.choice([1, 2, 4], size=CLASSES)) // np.where(share, 2, 1),
        memory=GIB * np.where(whole, devices, 1) * generator.choice([2, 4, 8, 16], size=CLASSES),
        disk=GIB * generator.choice([1, 4, 16], size=CLASSES),
        devices=devices,
        whole=whole,
        device_memory=np.where(share & (by != 1), GIB * generator.choice([2, 4, 6, 10, 16], size=CLASSES), 0),
        device_compute=np.where(share & (by != 0), generator.choice([100, 200, 250, 500], size=CLASSES), 0),
        profile=np.full(CLASSES, -1),
    )


def events(placements: int, seed: int) -> Integers:
    """So many placements of classes drawn by a Zipf law, and after every four the release of one of the replicas before it, at
    random; as `index.replay` takes them."""
    generator = np.random.default_rng(seed + 3)
    weights = 1 / np.arange(1, CLASSES + 1) ** 0.8
    drawn = generator.permutation(CLASSES)[generator.choice(CLASSES, size=placements, p=weights / weights.sum())].tolist()
    lots = generator.random(placements // RELEASES).tolist()
    found: list[int] = []
    there: list[int] = []
    for number, shape in enumerate(drawn, start=1):
        there.append(len(found))
        found.append(shape)
        if number % RELEASES == 0:
            lot = int(lots[number // RELEASES - 1] * len(there))
            there[lot], there[-1] = there[-1], there[lot]
            found.append(~there.pop())
    return np.array(found, dtype=np.int64)
