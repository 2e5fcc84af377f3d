"""Where each of many replicas is: the answer of batch placement, and its start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloudlayer.scheduler.placing.arrays import COMPUTE, Booleans, Integers, Machines, Shapes

OUT: Final = -1
"""The machine of a replica that has no place."""


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """N replicas: of which shape (N,), on which machine (N,), OUT for none, and on which of its devices (N, D).

    `slices` (N, D) are the bits of the memory slices that a MIG instance takes of each device.
    """

    shape: Integers
    machine: Integers
    devices: Booleans
    slices: Integers

    @classmethod
    def nowhere(cls, counts: Integers, machines: Machines) -> Assignment:
        """`counts` (K,) replicas of each shape, by shape, none with a place."""
        shape = np.repeat(np.arange(len(counts)), counts)
        width = machines.device_compute.shape[1]
        devices = np.zeros((len(shape), width), dtype=np.bool_)
        return cls(shape, np.full(len(shape), OUT, dtype=np.int64), devices, np.zeros((len(shape), width), dtype=np.int64))

    @property
    def placed(self) -> Booleans:
        """Of shape (N,): who has a place."""
        placed: Booleans = self.machine != OUT
        return placed

    def worth(self, values: Integers) -> int:
        """The sum of `values` (K,) over those that have a place."""
        return int(values[self.shape[self.placed]].sum())

    def moved_from(self, before: Assignment) -> Booleans:
        """Of shape (N,): who had a place before and is now on another machine or other devices."""
        there = (self.devices == before.devices).all(axis=1) & (self.slices == before.slices).all(axis=1)
        moved: Booleans = before.placed & ((self.machine != before.machine) | ~there)
        return moved


def gpu_values(shapes: Shapes) -> Integers:
    """The share of devices that a replica takes, in thousandths; where no shape takes any, its processors instead.

    A share counts by its compute, a MIG instance and a share by memory alone as one thousandth: they are placed, but last.
    """
    if not shapes.devices.any():
        return shapes.cpu.copy()
    share = np.where(shapes.whole, COMPUTE, np.maximum(shapes.device_compute, 1))
    return (shapes.devices * share).astype(np.int64)
