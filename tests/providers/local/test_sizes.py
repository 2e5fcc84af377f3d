"""A host is never cut into more than there is of it."""

from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.providers.local.host import GpuDevice, HostFigures
from cloudlayer.providers.local.sizes import Taken, free_devices, how_many, machine_types
from cloudlayer.units import GIB, MIB

devices = st.lists(st.sampled_from([("L4", 24 * GIB), ("A100", 40 * GIB), ("A100", 80 * GIB)]), max_size=9)
hosts = st.builds(
    lambda millicores, memory, disk, models: HostFigures(
        millicores=millicores,
        memory=memory,
        disk=disk,
        devices=tuple(GpuDevice(i, f"GPU-{i}", model, size) for i, (model, size) in enumerate(models)),
    ),
    st.integers(100, 300_000),
    st.integers(256 * MIB, 2048 * GIB),
    st.integers(0, 1 << 45),
    devices,
)


@given(hosts, st.lists(st.integers(0, 200), max_size=80))
def test_whatever_is_taken_it_is_never_more_than_the_host_has(host, wishes):
    sizes = list(machine_types(host).values())
    taken = []
    for wish in wishes:
        size = sizes[wish % len(sizes)]
        if how_many(host, taken, size):
            held = tuple(device.uuid for device in free_devices(host, taken, size)[: size.device_count])
            assert len(held) == size.device_count
            taken.append(Taken(size.millicores, size.memory, size.disk, held))
    assert sum(one.millicores for one in taken) <= host.usable_millicores <= host.millicores
    assert sum(one.memory for one in taken) <= host.usable_memory <= host.memory
    assert sum(one.disk for one in taken) <= host.disk
    given_out = [uuid for one in taken for uuid in one.devices]
    assert len(given_out) == len(set(given_out))


@given(hosts)
def test_as_many_fit_as_the_fraction_says(host):
    for type_, size in machine_types(host).items():
        if not type_.accelerators:
            parts = round(host.millicores / 1000 / type_.cpu)
            assert how_many(host, [], size) >= parts
        assert 0 < type_.usable_cpu <= type_.cpu
        assert 0 < type_.usable_memory <= type_.memory


@given(hosts)
def test_machine_types_have_names_of_their_own(host):
    names = [type_.name for type_ in machine_types(host)]
    assert len(names) == len(set(names))


def test_a_host_with_gpus_sells_them_whole_and_by_the_number():
    four = tuple(GpuDevice(index, f"GPU-{index}", "L4", 24 * GIB) for index in range(4))
    types = machine_types(HostFigures(millicores=8000, memory=32 * GIB, disk=64 * GIB, devices=four))
    halves = {type_.name for type_ in types if type_.name.startswith("half")}
    assert halves == {"half", "half-1xL4", "half-2xL4", "half-4xL4"}


def test_a_host_too_small_to_cut_is_sold_whole():
    types = machine_types(HostFigures(millicores=100, memory=300 * MIB, disk=GIB))
    assert [type_.name for type_ in types] == ["whole"]
