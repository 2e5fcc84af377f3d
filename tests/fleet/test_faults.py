"""Whatever the cloud does wrong, the fleet comes to what is wanted once the cloud is well, with nothing left over."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudlayer.fleet.store import Database, Store
from cloudlayer.functions.manifest import Limits, Manifest
from cloudlayer.interfaces import ReplicaExit
from cloudlayer.providers.simulated import Fault, World
from tests.fleet.controllers import FLEET, Place, manifest, reconcile, want

CALLS = st.sampled_from(["create", "list", "get", "delete", "offers", "engine.start", "engine.list", "engine.stop"])
FAULTS = st.one_of(
    st.builds(
        Fault,
        st.sampled_from(["refused", "lost"]),
        CALLS,
        times=st.integers(1, 5),
        after=st.integers(0, 3),
        error=st.sampled_from(["transient", "throttled", "capacity", "quota", "auth", "denied", "unknown"]),
    ),
    st.builds(Fault, st.sampled_from(["no_capacity", "failed_boot"]), times=st.integers(1, 3)),
    st.builds(Fault, st.sampled_from(["crashed", "out_of_memory", "failed_to_load"]), times=st.integers(1, 3)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    faults=st.lists(FAULTS, min_size=1, max_size=4),
    tokens=st.booleans(),
    lag=st.sampled_from([0.0, 3.0]),
    sizes=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    end=st.sampled_from(list(ReplicaExit)),
)
def test_the_fleet_gets_there_when_the_cloud_is_well_again(
    faults: list[Fault], tokens: bool, lag: float, sizes: list[int], end: ReplicaExit
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.home.prepare()
        world = World(attempts=1, native_tokens=tokens, lag_seconds=lag, boot_seconds=1.0, delete_seconds=1.0)
        for size in sizes:
            world.inject(*faults)
            want(place, on_spot(size))
            reconcile(place, world=world, rounds=8)
            # Where spot had no room, what was bought cannot be interrupted.
            for instance in [each for each in world.instances(live=True) if each.purchase == "spot"][:1]:
                world.interrupt(instance.id)
            for replica in world.replicas()[:1]:
                world.end_replica(replica.id, end)
        world.heal()
        world.advance(lag)  # what is settled is settled as far as the cloud tells, and it tells late
        assert reconcile(place, world=world, rounds=300)
        _check(place, world, sizes[-1])
        want(place, None)
        assert reconcile(place, world=world, rounds=300)
        _check(place, world, 0)


def on_spot(replicas: int) -> Manifest:
    """Of the machine type that is cheapest on spot, which can be interrupted; the reservations are of others."""
    whole = manifest(replicas=replicas)
    fleet = whole.fleet.model_copy(update={"allow": Limits(machine_types=("cpu-2",))})
    return whole.model_copy(update={"fleet": fleet})


def _check(place: Place, world: World, number: int) -> None:
    store = Store(Database(place.home.store_url))
    rows, ledger = store.read(FLEET), store.ledger(FLEET)
    store.close()
    assert {replica.id for replica in world.replicas()} == {row.id for row in rows.replicas}
    assert len(world.replicas()) == number
    machines = {instance.id for instance in world.instances(live=True)}
    assert machines == {row.instance for row in rows.machines}
    assert {row.instance for row in ledger if row.ended_at is None} == machines
