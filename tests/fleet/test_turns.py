"""Two functions that fit one GPU only in turn: each is there when it is called, and none is started anew for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudlayer.fleet import rollouts
from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.reconciler import Reconciler
from cloudlayer.fleet.store import Database, Lease, ReplicaRow, ReplicaRowState, Store
from cloudlayer.functions.manifest import Manifest
from cloudlayer.providers.simulated import World
from cloudlayer.resources import Accelerator, MachineType
from cloudlayer.specs import checked
from cloudlayer.units import GIB
from tests.fleet.controllers import FLEET, Inline, Place, want
from tests.fleet.test_evictions import prepared

NAMES = ("a/One", "a/Two", "a/Three")
GPU = MachineType("gpu", 32.0, 256 * GIB, "x86_64", (Accelerator("L4", 24 * GIB),), disk=500 * GIB)


def functions(names=NAMES, version="1.0.0", **gpu) -> Manifest:
    document = [
        {
            "name": name,
            "version": version,
            "image": "x:1",
            "resources": {"cpu": 1.0, "memory": "1GiB", "gpu": {"memory": "20GiB", **gpu}},
            "scale": {"min": 0, "max": 1},
        }
        for name in names
    ]
    return checked(Manifest, {"fleet": {"name": FLEET, "providers": ["simulated"]}, "function": document}, "")


@dataclass
class Fleet:
    """A fleet on one machine with one GPU: how many of each version are wanted, and for how long no call has used it."""

    place: Place
    world: World
    wanted: dict[str, int] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)

    def call(self, name: str) -> None:
        """Somebody calls; the call lasts until `rest`."""
        self.wanted[f"{name}/1.0.0"] = 1
        self.idle[f"{name}/1.0.0"] = 0.0

    def rest(self, name: str, seconds: float = 60.0) -> None:
        """The last call ended so many seconds ago."""
        self.idle[f"{name}/1.0.0"] = seconds

    def step(self, rounds: int = 40) -> None:
        """Be the controller for a while."""
        store = Store(Database(self.place.home.store_url))
        lease = Lease(store.database, FLEET, self.place.home.locks, self.world.clock)
        clouds = Clouds(lambda _: self.world.connect(), self.world.clock)
        actor = Actor(lease, clouds, Surroundings(self.place.home, store.owner, FLEET), self.world.clock)
        reconciler = Reconciler(store, lease, clouds, actor, executor=Inline(), clock=self.world.clock)
        lease.acquire("test")
        try:
            for _ in range(rounds):
                reconciler.step(reconciler.look(), wanted=lambda *_: self.wanted, idle=self.idle)
                self.check(store.read(FLEET).replicas)
                self.world.advance(1.0)
                lease.renew()
        finally:
            lease.release()
            store.close()

    def rows(self, *, ended: bool = False) -> list[ReplicaRow]:
        store = Store(Database(self.place.home.store_url))
        found = store.read(FLEET, ended=ended).replicas
        store.close()
        return list(found)

    def states(self) -> dict[str, str]:
        return {row.function: str(row.state) for row in self.rows()}

    @staticmethod
    def check(rows: tuple[ReplicaRow, ...]) -> None:
        """Never two on the GPU that do not fit it together."""
        off = (ReplicaRowState.PARKED, ReplicaRowState.STOPPING)
        assert sum(bool(row.devices) and row.state not in off for row in rows) <= 1, rows


@pytest.fixture
def fleet(tmp_path) -> Fleet:
    return new(tmp_path)


def new(folder, kind: MachineType = GPU, wanted: Manifest | None = None) -> Fleet:
    world = World(attempts=1, default_catalogue=False, boot_seconds=1.0, delete_seconds=1.0)
    world.sell(kind, price=1.0)
    world.set_capacity("sim-east-a", kind.name, 1)
    made = Fleet(prepared(folder), world)
    want(made.place, wanted or functions())
    return made


def test_one_that_is_idle_leaves_the_gpu_for_one_that_is_called_and_comes_back_when_it_is_called(fleet):
    fleet.call("a/One")
    fleet.step()
    assert fleet.states() == {"a/One": "ready"}
    fleet.rest("a/One")
    fleet.call("a/Two")
    fleet.step()
    assert fleet.states() == {"a/One": "parked", "a/Two": "ready"}
    fleet.rest("a/Two")
    fleet.call("a/One")
    fleet.step()
    assert fleet.states() == {"a/One": "ready", "a/Two": "parked"}
    assert Counter(row.function for row in fleet.rows(ended=True)) == {"a/One": 1, "a/Two": 1}


def test_one_that_works_on_a_call_stays(fleet):
    fleet.call("a/One")
    fleet.step()
    fleet.call("a/Two")
    fleet.step()
    assert fleet.states() == {"a/One": "ready"}


def test_one_that_was_called_a_moment_ago_stays_until_bringing_it_back_is_worth_it(fleet):
    fleet.call("a/One")
    fleet.step()
    fleet.rest("a/One", 1.0)
    fleet.call("a/Two")
    fleet.step()
    assert fleet.states() == {"a/One": "ready"}


def test_one_that_nobody_wants_any_more_ends_though_it_is_parked(fleet):
    fleet.call("a/One")
    fleet.step()
    fleet.rest("a/One")
    fleet.call("a/Two")
    fleet.step()
    fleet.wanted["a/One/1.0.0"] = 0
    fleet.step()
    assert fleet.states() == {"a/Two": "ready"}


def test_a_fleet_with_parked_replicas_is_taken_down(fleet):
    fleet.call("a/One")
    fleet.step()
    fleet.rest("a/One")
    fleet.call("a/Two")
    fleet.step()
    want(fleet.place, None)
    fleet.step()
    assert not fleet.rows()
    assert not fleet.world.instances(live=True)


def test_where_the_machines_memory_is_too_small_one_ends_in_place_of_being_parked(tmp_path):
    fleet = new(tmp_path, replace(GPU, memory=16 * GIB))
    fleet.call("a/One")
    fleet.step()
    fleet.rest("a/One")
    fleet.call("a/Two")
    fleet.step()
    assert fleet.states() == {"a/Two": "ready"}


def test_one_of_which_there_has_to_be_some_never_ends_in_place_of_being_parked(tmp_path):
    whole = functions().model_dump(mode="json")
    whole["function"][0]["scale"]["min"] = 1
    fleet = new(tmp_path, replace(GPU, memory=16 * GIB), checked(Manifest, whole, ""))
    fleet.call("a/One")
    fleet.step()
    fleet.rest("a/One")
    fleet.call("a/Two")
    fleet.step()
    assert fleet.states() == {"a/One": "ready"}


def test_what_is_parked_takes_memory_from_others_and_keeps_nobody_else_waiting(tmp_path):
    tiny = {"name": "a/Tiny", "version": "1.0.0", "image": "x:1", "resources": {"cpu": 1.0, "memory": "1GiB"}}
    large = {"name": "a/Large", "version": "1.0.0", "image": "x:1", "resources": {"cpu": 1.0, "memory": "50GiB"}}
    wanted = functions()
    whole = wanted.model_dump(mode="json")
    whole["function"] += [tiny | {"scale": {"min": 0}}, large | {"scale": {"min": 0}}]
    fleet = new(tmp_path, replace(GPU, memory=64 * GIB), checked(Manifest, whole, ""))
    fleet.call("a/One")
    fleet.step()
    fleet.rest("a/One")
    fleet.call("a/Two")
    fleet.step()
    fleet.call("a/Large")
    fleet.call("a/Tiny")
    fleet.step()
    assert fleet.states() == {"a/One": "parked", "a/Two": "ready", "a/Tiny": "ready"}


def test_one_that_has_yet_to_prove_itself_is_not_parked(fleet):
    fleet.call("a/One")
    fleet.step()
    before = Desired(functions())
    after = rollouts.begun(before, Desired(functions(version="1.1.0")), fleet.world.clock.now())
    deploy(fleet, after)
    fleet.step(60)
    assert {(row.version, str(row.state)) for row in fleet.rows() if row.function == "a/One"} <= {("1.1.0", "ready")}


def deploy(fleet: Fleet, wanted: Desired) -> None:
    store = Store(Database(fleet.place.home.store_url))
    store.want(FLEET, wanted.document(), after=store.desired(FLEET).generation, now=fleet.world.clock.now())
    store.close()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6), st.integers(1, 40))
def test_whoever_is_called_alone_is_there_in_the_end_whatever_was_called_before(tmp_path_factory, order, rounds):
    made = new(tmp_path_factory.mktemp("turns"))
    for name in order:
        for other in NAMES:
            if other in {one.rpartition("/")[0] for one in made.wanted}:
                made.rest(other)
        made.call(name)
        made.step(rounds)
    made.step()
    assert made.states()[order[-1]] == "ready"
    assert Counter(made.states().values())["ready"] == 1
