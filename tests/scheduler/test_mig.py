"""Where MIG instances lie, against what the devices themselves print; the table is the checker's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.scheduler import mig
from cloudlayer.units import GIB, MIB
from tests.scheduler.checker import MIG

DEVICES = sorted(MIG)


def known(model, memory):
    found = mig.geometry(model, memory * GIB)
    assert found is not None
    return found


@pytest.mark.parametrize(("model", "memory"), DEVICES)
def test_each_profile_starts_where_the_device_lists_it(model, memory):
    listed = MIG[model, memory]
    assert set(known(model, memory).places) == set(listed)
    for profile, (starts, length) in listed.items():
        places = mig.places(model, memory * GIB, profile)
        assert sorted(map(mig.start, places)) == sorted(starts)
        assert {place.bit_count() for place in places} == {length}


@pytest.mark.parametrize(("model", "memory"), DEVICES)
@given(data=st.data())
def test_the_chosen_place_is_free_and_there_is_one_as_long_as_any_is(model, memory, data):
    device = known(model, memory)
    taken = data.draw(st.integers(0, (1 << device.slices) - 1))
    profile = data.draw(st.sampled_from(sorted(device.places)))
    place = mig.choose(device, profile, taken)
    free = [each for each in device.places[profile] if not each & taken]
    assert (place in free) if free else place is None


def test_small_instances_leave_room_for_large_ones():
    device = known("A100", 40)
    taken = 0
    for profile, expected in (("1g.5gb", 6), ("1g.5gb", 5), ("1g.5gb", 4), ("4g.20gb", 0)):
        place = mig.choose(device, profile, taken)
        assert mig.start(place) == expected
        taken |= place
    assert mig.choose(device, "1g.5gb", taken) is None


def test_seven_of_the_smallest_fill_a_device():
    device, taken, count = known("H100", 80), 0, 0
    while (place := mig.choose(device, "1g.10gb", taken)) is not None:
        taken, count = taken | place, count + 1
    assert count == 7


@pytest.mark.parametrize("name", ["A100", "NVIDIA A100-SXM4-40GB", "a100_pcie"])
def test_a_device_is_known_by_its_model_and_memory(name):
    assert mig.geometry(name, 40536 * MIB) is known("A100", 40)
    assert mig.geometry(name, 80 * GIB) is known("A100-80GB", 80)


def test_other_devices_have_no_geometry():
    assert mig.geometry("L4", 24 * GIB) is None
    assert mig.geometry("H100", 94 * GIB) is None
    assert mig.profiles_of("L4", 24 * GIB) == ()


def test_the_memory_of_a_profile_is_in_its_name():
    assert mig.memory_of("3g.71gb") == 71 * GIB
    assert mig.memory_of("half") == 0
