"""The simulated cloud's volumes hold their size, their place and their copies."""

from uuid import uuid4

import pytest

from cloudlayer.errors import Conflict, InvalidSpec, NotFound, QuotaError, RejectedSpec
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec, VolumeSpec, VolumeState
from cloudlayer.units import GIB, MIB, TIB

RUN = {"run": "one"}


@pytest.fixture
def world():
    return World(volume_seconds=3, delete_seconds=5)


@pytest.fixture
def provider(world):
    return world.connect()


@pytest.fixture
def storage(provider):
    return provider.storage


def token():
    return str(uuid4())


def spec(**fields):
    return VolumeSpec.model_validate({"size": 10 * GIB, "labels": RUN, **fields})


def machine(provider, zone="sim-east-a"):
    return provider.compute.create(InstanceSpec(machine_type="cpu-2", zone=zone), token=token())


def ready(storage, **fields):
    return storage.wait(storage.create(spec(**fields), token=token()), "available")


def attached(storage, volume, instance):
    storage.attach(volume.id, instance.id)
    return storage.wait(volume.id, "attached")


def test_a_volume_takes_its_time(world, storage):
    made = storage.create(spec(), token=token())
    assert (made.state, made.type, made.zone, made.size) == ("creating", "standard", "sim-east-a", 10 * GIB)
    world.advance(3)
    assert [volume.state for volume in world.volumes()] == ["available"]
    storage.delete(made.id)
    world.advance(5)
    assert [volume.state for volume in world.volumes()] == ["deleted"]


def test_sizes_are_whole_and_as_large_as_the_type_has_them(storage):
    assert storage.create(spec(size=GIB + 1), token=token()).size == 2 * GIB
    assert storage.create(spec(size=GIB, type="cold"), token=token()).size == 125 * GIB


@pytest.mark.parametrize(
    "fields",
    [
        {"zone": "sim-west-a"},
        {"type": "tape"},
        {"size": 17 * TIB},
        {"iops": 100},
        {"type": "fast", "iops": 64_001},
        {"type": "fast", "throughput": 1001 * MIB},
    ],
)
def test_what_is_not_on_sale_is_refused(world, storage, fields):
    with pytest.raises(RejectedSpec):
        storage.create(spec(**fields), token=token())
    assert world.volumes() == []


def test_speeds_are_for_types_that_have_them(storage):
    (fast,) = (type_ for type_ in storage.types() if type_.iops)
    made = storage.create(spec(type=fast.name, iops=fast.iops, throughput=fast.throughput), token=token())
    assert made.type == fast.name


def test_each_volume_of_an_instance_has_a_device_of_its_own(provider, storage):
    instance, volumes = machine(provider), [ready(storage) for _ in range(3)]
    devices = [storage.attach(volume.id, instance.id).device for volume in volumes]
    assert devices == ["/dev/vdb", "/dev/vdc", "/dev/vdd"]
    storage.detach(volumes[0].id)
    storage.wait(volumes[0].id, "available")
    assert storage.attach(volumes[0].id, instance.id).device == "/dev/vdb"


def test_a_volume_is_attached_to_one_instance_of_its_zone(world, provider, storage):
    here, other, elsewhere = machine(provider), machine(provider), machine(provider, "sim-east-b")
    volume = ready(storage)
    with pytest.raises(Conflict):
        storage.attach(volume.id, elsewhere.id)
    with pytest.raises(NotFound):
        storage.attach(volume.id, "sim-1")
    with pytest.raises(NotFound):
        storage.attach("vol-1", here.id)
    assert storage.attach(volume.id, here.id).state == "updating"
    assert storage.attach(volume.id, here.id).attached_to == here.id
    with pytest.raises(Conflict):
        storage.attach(volume.id, other.id)
    world.advance(3)
    assert (storage.get(volume.id).state, storage.get(volume.id).attached_to) == ("attached", here.id)


def test_a_volume_that_is_being_detached_is_attached_until_it_is_off(world, provider, storage):
    volume, instance = ready(storage), machine(provider)
    attached(storage, volume, instance)
    storage.detach(volume.id)
    storage.detach(volume.id)
    assert (storage.get(volume.id).state, storage.get(volume.id).attached_to) == ("updating", instance.id)
    with pytest.raises(Conflict):
        storage.delete(volume.id)
    world.advance(3)
    assert (storage.get(volume.id).state, storage.get(volume.id).attached_to) == ("available", None)
    assert storage.detach(volume.id).state == "available"


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_volume_comes_off_an_instance_that_is_deleted(world, provider, storage, interrupted):
    small = InstanceSpec(machine_type="cpu-2", zone="sim-east-a", purchase="spot")
    instance = provider.compute.create(small, token=token())
    volume = attached(storage, ready(storage), instance)
    if interrupted:
        world.interrupt(instance.id)
    else:
        provider.compute.delete([instance.id])
    world.advance(4)
    assert storage.get(volume.id).attached_to == instance.id
    world.advance(1)
    assert (storage.get(volume.id).state, storage.get(volume.id).attached_to) == ("available", None)
    storage.delete(volume.id)


def test_a_volume_grows_attached_or_not_and_never_shrinks(provider, storage):
    volume = ready(storage)
    assert storage.grow(volume.id, 20 * GIB).size == 20 * GIB
    assert storage.wait(volume.id, "available").size == 20 * GIB
    attached(storage, volume, machine(provider))
    storage.grow(volume.id, 30 * GIB)
    assert storage.wait(volume.id, "attached").size == 30 * GIB
    assert storage.grow(volume.id, 30 * GIB).state == "attached"
    with pytest.raises(InvalidSpec):
        storage.grow(volume.id, 29 * GIB)


def test_growing_twice_after_a_lost_answer_is_no_error(world, storage):
    volume = ready(storage)
    world.inject(Fault("lost", call="volume.grow"))
    assert storage.grow(volume.id, 20 * GIB).size == 20 * GIB


def test_a_volume_that_is_busy_is_left_alone(provider, storage):
    made = storage.create(spec(), token=token())
    with pytest.raises(Conflict):
        storage.attach(made.id, machine(provider).id)
    with pytest.raises(Conflict):
        storage.grow(made.id, 20 * GIB)


def test_a_snapshot_outlives_its_volume_and_makes_another(world, provider, storage):
    volume = attached(storage, ready(storage), machine(provider))
    copy = storage.snapshot(volume.id, token=token(), name="copy", labels=RUN)
    assert (copy.state, copy.size, copy.name) == ("creating", 10 * GIB, "copy")
    with pytest.raises(Conflict):
        storage.create(spec(snapshot=copy.id), token=token())
    storage.wait_snapshot(copy, "ready")
    storage.detach(volume.id)
    storage.wait(volume.id, "available")
    storage.delete(volume.id)
    storage.wait(volume.id, "deleted")
    assert storage.get_snapshot(copy.id).state == "ready"
    with pytest.raises(InvalidSpec):
        storage.create(spec(snapshot=copy.id, size=9 * GIB), token=token())
    assert ready(storage, snapshot=copy.id).state is VolumeState.AVAILABLE
    storage.delete_snapshot(copy.id)
    storage.delete_snapshot(copy.id)
    assert storage.wait_snapshot(copy, "deleted").state == "deleted"
    with pytest.raises(NotFound):
        storage.create(spec(snapshot=copy.id), token=token())
    assert [snapshot.state for snapshot in world.snapshots()] == ["deleted"]


def test_a_snapshot_of_nothing_is_not_found(storage):
    with pytest.raises(NotFound):
        storage.snapshot("vol-1", token=token())


def test_volumes_and_snapshots_have_quotas(world, storage):
    volume = ready(storage)
    world.set_quota("volumes", 1)
    world.set_quota("snapshots", 0)
    with pytest.raises(QuotaError) as refused:
        storage.create(spec(), token=token())
    assert (refused.value.name, refused.value.limit, refused.value.used) == ("volumes", 1, 1)
    with pytest.raises(QuotaError) as refused:
        storage.snapshot(volume.id, token=token())
    assert (refused.value.name, refused.value.limit, refused.value.used) == ("snapshots", 0, 0)


def test_volumes_of_another_region_are_not_there(world, storage):
    volume = ready(storage)
    elsewhere = world.connect("sim-west").storage
    with pytest.raises(NotFound):
        elsewhere.get(volume.id)
    elsewhere.delete(volume.id)
    assert elsewhere.list() == []
    assert storage.get(volume.id).state == "available"
