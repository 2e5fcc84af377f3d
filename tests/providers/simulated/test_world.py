"""The simulated cloud has limits, sells at prices, takes time, and takes things back."""

import json
from uuid import uuid4

import pytest

import cloudlayer
from cloudlayer.errors import AvoidScope, CapacityError, InvalidSpec, NotFound, QuotaError, RejectedSpec, Unsupported
from cloudlayer.providers.simulated import World
from cloudlayer.resources import Accelerator, Instance, InstanceSpec, InstanceState, MachineType, VolumeSpec
from cloudlayer.units import GIB

SMALL = InstanceSpec(machine_type="cpu-2")


@pytest.fixture
def world():
    return World(boot_seconds=20, stop_seconds=10, delete_seconds=5)


@pytest.fixture
def compute(world):
    return world.connect().compute


def token():
    return str(uuid4())


def state(world, instance):
    return next(found.state for found in world.instances() if found.id == instance.id)


def test_boot_stop_and_delete_take_time(world, compute):
    made = compute.create(SMALL, token=token())
    world.advance(19)
    assert state(world, made) is InstanceState.PENDING
    world.advance(1)
    assert state(world, made) is InstanceState.RUNNING
    compute.stop(made.id)
    assert state(world, made) is InstanceState.STOPPING
    world.advance(10)
    assert state(world, made) is InstanceState.STOPPED
    compute.delete([made.id])
    assert state(world, made) is InstanceState.DELETING
    world.advance(5)
    assert state(world, made) is InstanceState.DELETED


def test_an_instance_that_is_deleted_while_it_boots_never_runs(world, compute):
    made = compute.create(SMALL, token=token())
    compute.delete([made.id])
    world.advance(100)
    assert state(world, made) is InstanceState.DELETED


def test_a_deleted_instance_is_listed_for_a_while(world, compute):
    world.set(listed_seconds=60)
    made = compute.create(SMALL, token=token())
    compute.delete([made.id])
    world.advance(64)
    assert [found.state for found in compute.list()] == [InstanceState.DELETED]
    world.advance(1)
    assert compute.list() == []
    with pytest.raises(NotFound):
        compute.get(made.id)
    assert [found.id for found in world.instances()] == [made.id]
    assert world.instances(live=True) == []


def test_sleeping_on_the_worlds_clock_lets_its_time_pass(world, compute):
    made = compute.create(SMALL, token=token())
    world.clock.sleep(20)
    assert compute.get(made.id).state is InstanceState.RUNNING
    assert world.clock.now() == world.clock.monotonic()


def test_there_are_regions_zones_gpus_and_an_unknown_price(world):
    east, west = (world.connect(region).compute.offers() for region in ("sim-east", "sim-west"))
    assert len({offer.zone for offer in east}) == 3
    assert {offer.region for offer in west} == {"sim-west"}
    models = {gpu.model for offer in east for gpu in offer.machine_type.accelerators}
    assert models == {"T4", "L4", "A10G", "A100", "H100"}
    assert {offer.machine_type.architecture for offer in east} == {"x86_64", "arm64"}
    assert len([offer for offer in east if offer.price is None]) == 1
    assert {offer.price.source for offer in east if offer.price} == {"simulated"}
    assert {offer.purchase for offer in east} == {"on_demand", "spot", "reserved"}


def test_regions_are_apart(world):
    east, west = world.connect("sim-east").compute, world.connect("sim-west").compute
    east.create(SMALL, token=token())
    made = west.create(SMALL, token=token())
    assert [found.id for found in west.list()] == [made.id]


def test_a_zone_runs_out(world, compute):
    world.set_capacity("sim-east-b", "cpu-2", 1)
    there = SMALL.model_copy(update={"zone": "sim-east-b"})
    made = compute.create(there, token=token())
    with pytest.raises(CapacityError) as caught:
        compute.create(there, token=token())
    assert caught.value.scope is AvoidScope.ZONE
    assert (caught.value.avoid.zone, caught.value.avoid.machine_type) == ("sim-east-b", "cpu-2")
    compute.delete([made.id])
    assert isinstance(compute.create(there, token=token()), Instance)


def test_where_no_zone_is_named_another_zone_sells(world, compute):
    world.set_capacity("sim-east-a", "cpu-2", 0)
    assert compute.create(SMALL, token=token()).zone == "sim-east-b"
    for zone in ("sim-east-b", "sim-east-c"):
        world.set_capacity(zone, "cpu-2", 0)
    with pytest.raises(CapacityError) as caught:
        compute.create(SMALL, token=token())
    assert (caught.value.scope, caught.value.avoid.zone) == (AvoidScope.REGION, None)


def test_spot_runs_out_apart_from_on_demand(world, compute):
    spot = SMALL.model_copy(update={"purchase": "spot", "zone": "sim-east-a"})
    world.set_capacity("sim-east-a", "cpu-2", 0, purchase="spot")
    with pytest.raises(CapacityError):
        compute.create(spot, token=token())
    assert isinstance(compute.create(SMALL, token=token()), Instance)


@pytest.mark.parametrize(("name", "limit", "fit"), [("instances", 2, 2), ("vcpus", 5, 2), ("gpus", 0, 3)])
def test_a_quota_says_its_name_limit_and_use(world, compute, name, limit, fit):
    world.set_quota(name, limit)
    answers = compute.create_batch([SMALL] * 3, token=token())
    assert sum(isinstance(answer, Instance) for answer in answers) == fit
    if fit < 3:
        assert isinstance(answers[-1], QuotaError)
        used = {"instances": 2, "vcpus": 4}[name]
        assert (answers[-1].name, answers[-1].limit, answers[-1].used) == (name, limit, used)


def test_a_quota_is_of_the_account_and_not_of_a_region(world, compute):
    world.set_quota("instances", 1)
    compute.create(SMALL, token=token())
    with pytest.raises(QuotaError):
        world.connect("sim-west").compute.create(SMALL, token=token())


def test_offers_tell_what_the_quota_leaves(world, compute):
    world.set_quota("vcpus", 9)
    compute.create(SMALL, token=token())
    left = {offer.machine_type.name: offer.available for offer in compute.offers() if offer.purchase == "on_demand"}
    assert (left["cpu-2"], left["cpu-4"], left["cpu-8"]) == (3, 1, 0)


def test_a_reservation_holds_what_it_holds(world, compute):
    reserved = next(offer for offer in compute.offers() if offer.purchase == "reserved")
    spec = InstanceSpec(machine_type=reserved.machine_type.name, purchase="reserved", reservation=reserved.reservation)
    answers = compute.create_batch([spec] * (reserved.available + 1), token=token())
    assert [isinstance(answer, Instance) for answer in answers] == [True] * reserved.available + [False]
    assert isinstance(answers[-1], CapacityError)
    again = next(offer for offer in compute.offers() if offer.id == reserved.id)
    assert again.available == 0


def test_a_spot_instance_is_taken_back_as_scripted(world, compute):
    made = compute.create(SMALL.model_copy(update={"purchase": "spot"}), token=token())
    world.interrupt(made.id, after=60)
    world.advance(59)
    assert compute.get(made.id).state is InstanceState.RUNNING
    world.advance(1)
    assert compute.get(made.id).state is InstanceState.DELETING
    assert "spot" in compute.get(made.id).reason
    world.advance(5)
    assert compute.get(made.id).state is InstanceState.DELETED


def test_a_spot_instance_may_be_taken_back_at_once(world, compute):
    made = compute.create(SMALL.model_copy(update={"purchase": "spot"}), token=token())
    world.interrupt(made.id)
    assert compute.get(made.id).state is InstanceState.DELETING


def test_what_is_not_spot_is_never_taken_back(world, compute):
    made = compute.create(SMALL, token=token())
    with pytest.raises(InvalidSpec, match="spot"):
        world.interrupt(made.id)


def test_the_same_seed_takes_back_the_same_instances_at_the_same_time():
    def lives(seed):
        world = World(seed=seed, interruptions_per_hour=2)
        spec = SMALL.model_copy(update={"purchase": "spot"})
        world.connect().compute.create_batch([spec] * 20, token=token())
        alive = []
        for _ in range(6):
            world.advance(600)
            alive.append([found.id for found in world.instances(live=True)])
        return alive

    first = lives(1)
    assert first == lives(1)
    assert first != lives(2)
    assert 0 < len(first[2]) < 20


def test_one_may_sell_machine_types_of_ones_own(world, compute):
    odd = MachineType("odd-3", cpu=3, memory=5 * GIB, accelerators=(Accelerator("Z1", 7 * GIB),) * 2)
    offer = world.sell(odd, zone="sim-east-c", price=0.5)
    assert offer in compute.offers()
    assert compute.create(InstanceSpec(gpu="Z1", gpu_count=2), token=token()).machine_type == "odd-3"


def test_a_world_may_sell_nothing_but_that():
    world = World(default_catalogue=False)
    offer = world.sell(MachineType("only", cpu=1, memory=GIB), price=None, purchase="spot")
    assert world.connect().compute.offers() == [offer]
    assert world.connect("sim-west").compute.offers() == []


def test_what_nobody_sells_is_refused_with_what_was_asked_for(compute):
    with pytest.raises(RejectedSpec, match="gpu = B300"):
        compute.create(InstanceSpec(gpu="B300"), token=token())


def test_an_image_that_is_not_there_is_refused(compute):
    with pytest.raises(RejectedSpec, match="no-such"):
        compute.create(SMALL.model_copy(update={"image": "no-such"}), token=token())
    arm = InstanceSpec(machine_type="arm-4", image="sim-image-debian-12-x86_64")
    with pytest.raises(RejectedSpec, match="arm64"):
        compute.create(arm, token=token())


def test_two_who_open_one_file_share_a_world(tmp_path):
    one, other = (cloudlayer.connect("simulated", file=tmp_path / "world.json") for _ in range(2))
    made = one.compute.create(SMALL, token=token())
    assert [found.id for found in other.compute.list()] == [made.id]
    one.world.advance(20)
    assert other.compute.get(made.id).state is InstanceState.RUNNING


def test_worlds_in_memory_share_nothing():
    one, other = (cloudlayer.connect("simulated") for _ in range(2))
    one.compute.create(SMALL, token=token())
    assert other.compute.list() == []


def test_the_environment_names_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUDLAYER_SIMULATED", str(tmp_path / "named.json"))
    cloudlayer.connect("simulated").compute.create(SMALL, token=token())
    assert len(World(tmp_path / "named.json").instances()) == 1


def test_a_world_that_exists_keeps_its_settings_but_for_those_that_are_given(tmp_path):
    World(tmp_path / "world.json", seed=7, page_size=3)
    world = World(tmp_path / "world.json", page_size=4)
    assert (world.settings.seed, world.settings.page_size) == (7, 4)


def test_a_world_keeps_its_clock(tmp_path):
    World(tmp_path / "world.json")
    with pytest.raises(InvalidSpec, match="clock"):
        World(tmp_path / "world.json", clock="real")


def test_with_a_real_clock_time_passes_by_itself():
    world = World(clock="real", boot_seconds=0)
    made = world.connect().compute.create(SMALL, token=token())
    assert world.connect().compute.get(made.id).state is InstanceState.RUNNING
    assert world.clock.now() > 1_770_000_000


@pytest.mark.parametrize(
    ("region", "options", "named"),
    [("mars", {}, "mars"), (None, {"sed": 1}, "sed"), (None, {"file": 1}, "file"), (None, {"page_size": 0}, "page_size")],
)
def test_a_wrong_region_or_option_is_refused_by_name(region, options, named):
    with pytest.raises(InvalidSpec, match=named):
        cloudlayer.connect("simulated", region=region, **options)


def test_a_wrong_quota_or_zone_is_refused_by_name(world):
    with pytest.raises(InvalidSpec, match="vcpus"):
        world.set_quota("cores", 1)
    with pytest.raises(InvalidSpec, match="sim-east-a"):
        world.sell(MachineType("x", cpu=1, memory=GIB), zone="moon", price=1.0)


def test_the_world_is_the_native_client(world):
    assert world.connect().native("world") is world
    with pytest.raises(Unsupported):
        world.connect().native("ec2")


def test_the_console_tells_of_the_boot(world, compute):
    made = compute.create(SMALL, token=token())
    assert "boots" in compute.console_log(made.id)
    world.advance(20)
    assert "login" in compute.console_log(made.id)


def test_user_data_is_kept_nowhere(tmp_path):
    world = World(tmp_path / "world.json")
    world.connect().compute.create(SMALL.model_copy(update={"user_data": "password=hunter2"}), token=token())
    assert not [path for path in tmp_path.iterdir() if "hunter2" in path.read_text()]


def test_a_world_of_an_earlier_release_goes_on(tmp_path):
    file = tmp_path / "world.json"
    made = World(file).connect().compute.create(SMALL, token=token())
    document = json.loads(file.read_text())
    later = ("groups", "balancers", "volumes", "snapshots", "shares", "pieces")
    file.write_text(json.dumps({key: value for key, value in document.items() if key not in later}))
    provider = World(file).connect()
    assert provider.compute.get(made.id).id == made.id
    assert provider.storage.create(VolumeSpec(size=GIB), token=token()).size == GIB


def test_fifteen_hundred_instances_are_listed_a_hundred_at_a_call(world, compute):
    made = compute.create_batch([SMALL] * 1500, token=token())
    assert sorted(found.id for found in compute.list()) == sorted(instance.id for instance in made)
    assert len(world.journal("list")) == 15
