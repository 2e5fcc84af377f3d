"""GPUs one by one: which of them a demand may use, which it gets, and what is left of them. Devices are never summed.

A whole device is one on which nothing runs. A share takes memory, compute, or both of each of its devices, of which the
others are left; a MIG instance takes memory slices, and a device with one on it takes MIG instances alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Final

from cloudlayer.scheduler import mig
from cloudlayer.scheduler.types import Demand, Device

COMPUTE: Final = 1000
"""The compute of one device, in thousandths of it."""
_ALL_SLICES: Final = (1 << 8) - 1


def is_whole(demand: Demand) -> bool:
    """Whether the demand takes its devices whole."""
    return demand.gpu_memory is None and demand.gpu_compute is None and demand.gpu_profile is None


def accepts_model(demand: Demand, device: Device) -> bool:
    """Whether the device is of a model asked for; models are names or shell patterns, in any case of letters."""
    if not demand.gpu_models:
        return True
    return any(fnmatchcase(device.model.lower(), model.lower()) for model in demand.gpu_models)


def is_untouched(device: Device) -> bool:
    """Whether nothing runs on the device."""
    return device.free == device.memory and device.compute == COMPUTE and not device.slices


def has_memory(demand: Demand, device: Device) -> bool:
    """Whether the device has the memory of a share free, or is untouched where the demand takes it whole."""
    if is_whole(demand):
        return is_untouched(device)
    return not device.slices and device.free >= (demand.gpu_memory or 0)


def has_room(demand: Demand, device: Device) -> bool:
    """Whether the device, whatever its model, has what one of the demand's devices needs."""
    if demand.gpu_profile is not None:
        return _place(demand.gpu_profile, device) is not None
    return has_memory(demand, device) and device.compute >= (demand.gpu_compute or 0)


def choose_devices(demand: Demand, devices: Sequence[Device]) -> tuple[int, ...] | None:
    """The devices that suffice and have the least left, ties by index; None if there are too few."""
    if not demand.gpu_count:
        return ()
    suitable = [
        (left(device), index)
        for index, device in enumerate(devices)
        if accepts_model(demand, device) and has_room(demand, device)
    ]
    if len(suitable) < demand.gpu_count:
        return None
    return tuple(sorted(index for _, index in sorted(suitable)[: demand.gpu_count]))


def first_slices(demand: Demand, devices: Sequence[Device], chosen: Sequence[int]) -> tuple[int, ...]:
    """The first slice of the MIG instance on each of the `chosen` devices, where `mig.choose` says; empty without a profile.

    Each of them has room for one.
    """
    if demand.gpu_profile is None:
        return ()
    places = (_place(demand.gpu_profile, devices[index]) for index in chosen)
    return tuple(mig.start(place) for place in places if place is not None)


def occupied(
    devices: tuple[Device, ...], demand: Demand, chosen: Sequence[int], slices: Sequence[int] = ()
) -> tuple[Device, ...]:
    """The devices with one replica more on those `chosen`, its MIG instances at `slices`, else where `mig.choose` says."""
    if not chosen:
        return devices
    after = list(devices)
    for index, first in zip_longest(chosen, slices):
        after[index] = _occupied(after[index], demand, first)
    return tuple(after)


def released(
    devices: tuple[Device, ...], demand: Demand, chosen: Sequence[int], slices: Sequence[int] = ()
) -> tuple[Device, ...]:
    """The devices once a replica has ended that was on those that are `chosen`, its MIG instances at `slices`."""
    after = list(devices)
    for index, first in zip_longest(chosen, slices):
        after[index] = _released(after[index], demand, first)
    return tuple(after)


def left(device: Device) -> int:
    """Bytes of the device that can still be used: what its scarcest part, of memory, compute and slices, leaves."""
    by_compute = device.memory * device.compute // COMPUTE
    free = min(device.free, by_compute)
    if not device.slices:
        return free
    known = mig.geometry(device.model, device.memory)
    return free * (known.slices - device.slices.bit_count()) // known.slices if known else 0


def _place(profile: str, device: Device) -> int | None:
    known = mig.geometry(device.model, device.memory)
    if known is None or device.free != device.memory or device.compute != COMPUTE:
        return None
    return mig.choose(known, profile, device.slices)


def _occupied(device: Device, demand: Demand, first: int | None) -> Device:
    if demand.gpu_profile is not None:
        return replace(device, slices=device.slices | _taken(device, demand.gpu_profile, first))
    if is_whole(demand):
        return replace(device, free=0, compute=0)
    return replace(device, free=device.free - (demand.gpu_memory or 0), compute=device.compute - (demand.gpu_compute or 0))


def _released(device: Device, demand: Demand, first: int | None) -> Device:
    if demand.gpu_profile is not None:
        return replace(device, slices=device.slices & ~_taken(device, demand.gpu_profile, first))
    if is_whole(demand):
        return replace(device, free=device.memory, compute=COMPUTE)
    return replace(device, free=device.free + (demand.gpu_memory or 0), compute=device.compute + (demand.gpu_compute or 0))


def _taken(device: Device, profile: str, first: int | None) -> int:
    """The bits of an instance that starts at `first`; all where there is no such place, so that nothing else lies on it."""
    if first is None:
        place = _place(profile, device)
    else:
        known = mig.places(device.model, device.memory, profile)
        place = next((each for each in known if mig.start(each) == first), None)
    return _ALL_SLICES if place is None else place
