"""Faults strike when they are told to, as often as they are told to, and outlive whoever injected them."""

from contextlib import suppress
from uuid import uuid4

import pytest

from cloudlayer.errors import AuthError, CloudError, Conflict, Throttled, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.labels import TOKEN
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec, InstanceState, LoadBalancerSpec, ShareSpec, VolumeSpec
from cloudlayer.units import GIB

SMALL = InstanceSpec(machine_type="cpu-2")


@pytest.fixture
def world():
    """One in which no driver tries again, so that each fault shows."""
    return World(attempts=1)


@pytest.fixture
def compute(world):
    return world.connect().compute


def token():
    return str(uuid4())


def test_a_refused_call_has_no_effect(world, compute):
    world.inject(Fault("refused", call="create"))
    with pytest.raises(TransientError):
        compute.create(SMALL, token=token())
    assert world.instances() == []


def test_a_lost_answer_is_of_a_call_that_took_effect(world, compute):
    world.inject(Fault("lost", call="delete"))
    made = compute.create(SMALL, token=token())
    with pytest.raises(TransientError):
        compute.delete([made.id])
    assert world.instances(live=True) == []


def test_a_fault_strikes_after_so_many_calls_and_so_many_times(world, compute):
    world.inject(Fault("refused", call="list", after=2, times=3))

    def goes_through():
        try:
            compute.list()
        except TransientError:
            return False
        return True

    assert [goes_through() for _ in range(7)] == [True, True, False, False, False, True, True]


def test_a_fault_counts_on_when_the_world_is_opened_again(tmp_path):
    file = tmp_path / "world.json"
    World(file, attempts=1).inject(Fault("refused", call="list", after=1, times=1))
    World(file).connect().compute.list()
    with pytest.raises(TransientError):
        World(file).connect().compute.list()
    World(file).connect().compute.list()


def test_a_fault_of_other_calls_strikes_none(world, compute):
    world.inject(Fault("refused", call="engine.*", times=None))
    assert compute.list() == []
    assert world.connect().check() == []


def test_healing_ends_all_faults(world, compute):
    world.inject(Fault("refused", times=None, error="auth"))
    with pytest.raises(AuthError):
        compute.list()
    assert world.connect().check()
    world.heal()
    assert compute.list() == []


def test_a_slow_answer_takes_time(world, compute):
    world.inject(Fault("slow", call="list", seconds=30))
    before = world.clock.now()
    compute.list()
    assert world.clock.now() == before + 30


def test_a_slow_answer_that_outlasts_the_deadline_is_a_fault_after_the_effect(world, compute):
    world.inject(Fault("slow", call="create", seconds=30))
    before = world.clock.now()
    with pytest.raises(TransientError):
        compute.create(SMALL, token=token(), deadline=Deadline.after(10, world.clock))
    assert world.clock.now() == before + 10
    assert len(world.instances()) == 1


def test_who_calls_too_often_is_throttled_until_time_has_passed():
    world = World(attempts=1, rate=2.0, burst=3)
    compute = world.connect().compute
    for _ in range(3):
        compute.list()
    with pytest.raises(Throttled) as caught:
        compute.list()
    assert caught.value.retry_after == pytest.approx(0.5)
    world.advance(caught.value.retry_after)
    compute.list()


def test_a_driver_that_tries_again_outlasts_throttling():
    world = World(rate=2.0, burst=1)
    compute = world.connect().compute
    for _ in range(5):
        compute.list()
    assert {entry["outcome"] for entry in world.journal("list")} == {"ok", "Throttled"}


def test_a_boot_fails_where_it_is_told_to(world, compute):
    world.inject(Fault("failed_boot", zone="sim-east-b"))
    fine, failed = (compute.create(SMALL.model_copy(update={"zone": f"sim-east-{zone}"}), token=token()) for zone in "ab")
    world.advance(20)
    assert compute.get(fine.id).state is InstanceState.RUNNING
    assert (compute.get(failed.id).state, compute.get(failed.id).reason) == (
        InstanceState.FAILED,
        "the system did not come up",
    )


def test_a_spot_instance_is_interrupted_as_told_at_its_creation(world, compute):
    world.inject(Fault("interrupted", machine_type="cpu-2", seconds=100))
    spot = SMALL.model_copy(update={"purchase": "spot"})
    first, second = (compute.create(spot, token=token()) for _ in range(2))
    world.advance(100)
    assert [found.id for found in world.instances(live=True)] == [second.id]
    assert compute.get(first.id).state is InstanceState.DELETING


def test_the_journal_tells_every_call_and_its_outcome(tmp_path):
    world = World(tmp_path / "world.json", attempts=1)
    compute = world.connect().compute
    made = compute.create(SMALL, token=token())
    world.inject(Fault("lost", call="delete"), Fault("refused", call="get", error="denied"))
    for call in (lambda: compute.delete([made.id]), lambda: compute.get(made.id), compute.list):
        with suppress(CloudError):
            call()
    again = World(tmp_path / "world.json")
    assert [(entry["call"], entry["outcome"]) for entry in again.journal()] == [
        ("create", "ok"),
        ("delete", "lost"),
        ("get", "PermissionDenied"),
        ("list", "ok"),
    ]
    assert again.counts() == {"create": 1, "delete": 1, "get": 1, "list": 1}


def test_what_was_made_is_seen_after_so_many_seconds(world, compute):
    world.set(lag_seconds=10)
    made = compute.create(SMALL, token=token())
    assert compute.list() == []
    world.advance(10)
    assert [found.id for found in compute.list()] == [made.id]
    compute.delete([made.id])
    assert not compute.list()[0].state.gone
    world.advance(10)
    assert compute.list()[0].state.gone


def test_what_was_made_is_seen_after_so_many_looks(world, compute):
    world.set(lag_reads=3)
    made = compute.create(SMALL, token=token())
    assert [len(compute.list()) for _ in range(5)] == [0, 0, 0, 1, 1]
    world.set(lag_reads=0)
    assert compute.get(made.id).id == made.id


def test_waiting_outlasts_the_lag(world, compute):
    for lag in ({"lag_seconds": 45.0}, {"lag_seconds": 0.0, "lag_reads": 12}):
        world.set(**lag)
        made = compute.create(SMALL, token=token())
        assert compute.wait(made, "running").state is InstanceState.RUNNING


def test_without_native_tokens_a_lagging_list_lets_twins_be_born():
    world = World(native_tokens=False, lag_seconds=10, attempts=1)
    compute, attempt = world.connect().compute, token()
    world.inject(Fault("lost", call="create"))
    with pytest.raises(TransientError):
        compute.create(SMALL, token=attempt)
    compute.create(SMALL, token=attempt)
    assert len(world.instances(live=True)) == 2
    world.advance(10)
    assert len(compute.list({TOKEN: attempt})) == 2


def test_of_twins_the_eldest_that_lives_is_adopted():
    world = World(native_tokens=False, lag_seconds=10, attempts=1)
    compute, attempt = world.connect().compute, token()
    elder, younger = (compute.create(SMALL, token=attempt) for _ in range(2))
    world.advance(10)
    assert compute.create(SMALL, token=attempt).id == elder.id
    compute.delete([elder.id])
    world.advance(20)
    assert compute.create(SMALL, token=attempt).id == younger.id


@pytest.mark.parametrize("kind", ["balancer", "volume", "snapshot", "share"])
def test_a_thing_that_cannot_be_made_fails_with_the_reason_and_can_be_deleted(kind):
    world = World()
    provider = world.connect()
    storage, balancing = provider.storage, provider.load_balancing
    volume = storage.wait(storage.create(VolumeSpec(size=GIB), token=token()), "available")
    listeners = [{"port": 80, "protocol": "tcp", "target_port": 80}]
    make, wait, delete = {
        "balancer": (
            lambda: balancing.create(LoadBalancerSpec(name="front", listeners=listeners), token=token()),
            lambda made: balancing.wait(made, "active"),
            balancing.delete,
        ),
        "volume": (
            lambda: storage.create(VolumeSpec(size=GIB), token=token()),
            lambda made: storage.wait(made, "available"),
            storage.delete,
        ),
        "snapshot": (
            lambda: storage.snapshot(volume.id, token=token()),
            lambda made: storage.wait_snapshot(made, "ready"),
            storage.delete_snapshot,
        ),
        "share": (
            lambda: storage.create_share(ShareSpec(size=GIB), token=token()),
            lambda made: storage.wait_share(made, "ready"),
            storage.delete_share,
        ),
    }[kind]
    world.inject(Fault("failed", call=f"{kind}.create"))
    made, before = make(), world.clock.now()
    with pytest.raises(Conflict, match="the cloud could not make it") as ended:
        wait(made)
    assert (ended.value.code, world.clock.now() - before < 20) == ("failed", True)
    delete(made.id)
    things = {
        "balancer": world.balancers,
        "volume": world.volumes,
        "snapshot": world.snapshots,
        "share": world.shares,
    }[kind]()
    assert {thing.id: thing.state for thing in things}[made.id] == "deleting"
    assert wait(make()).reason is None
