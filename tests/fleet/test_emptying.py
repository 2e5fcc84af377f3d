"""Machines are emptied when that saves money: replacements come first, and what cannot be replaced is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.reconciler import Reconciler
from cloudlayer.fleet.store import Database, Event, Lease, ReplicaRow, ReplicaRowState, Store
from cloudlayer.functions.manifest import Manifest
from cloudlayer.interfaces import ReplicaState
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import MachineType
from cloudlayer.specs import checked
from cloudlayer.units import GIB
from tests.fleet.controllers import FLEET, Inline

BIG = MachineType("big", 4.0, 16 * GIB)
SMALL = MachineType("small", 1.0, 4 * GIB)


class Fleet:
    """A controller whose cloud sells machines for four replicas at 1 USD/h, and what a test adds."""

    def __init__(self, folder: Path, **consolidation: Any) -> None:
        self.world = World(default_catalogue=False, boot_seconds=1.0, delete_seconds=1.0, attempts=1)
        self.world.sell(BIG, price=1.0)
        home = Home(folder)
        home.prepare()
        database = Database(home.store_url)
        self.store = Store(database)
        self.lease = Lease(database, FLEET, home.locks, self.world.clock)
        self.lease.acquire("test")
        self.clouds = Clouds(lambda _: self.world.connect(), self.world.clock)
        actor = Actor(self.lease, self.clouds, Surroundings(home, self.store.owner, FLEET), self.world.clock)
        self.reconciler = Reconciler(self.store, self.lease, self.clouds, actor, executor=Inline(), clock=self.world.clock)
        self.consolidation = {"after": 5.0} | consolidation
        self.least: Counter[str] = Counter()

    def want(self, **sizes: int) -> None:
        """So many replicas of each function, of which from now on there may never be fewer than there are, or than this."""
        functions = [
            {"name": f"food/{name}", "version": "1.0.0", "image": "i:1", "resources": {"cpu": 1.0}, "scale": {"min": size}}
            for name, size in sizes.items()
        ]
        fleet = {"name": FLEET, "providers": ["simulated"], "consolidation": self.consolidation}
        wanted = Desired(checked(Manifest, {"fleet": fleet, "function": functions}, ""))
        self.least = Counter({f"food/{name}": size for name, size in sizes.items()})
        after = self.store.desired(FLEET).generation
        self.store.want(FLEET, wanted.document(), after=after, now=self.world.clock.now())

    def sell(self, kind: MachineType, price: float) -> None:
        """From now on there is this too, and the controller knows it."""
        self.world.sell(kind, price=price)
        self.clouds.stale("simulated:sim-east")

    def run(self, seconds: int, until: Callable[[], bool] = lambda: False) -> None:
        """Step once a second; what serves is counted after each step, as the gateway and as the cloud sees it."""
        for _ in range(seconds):
            before = self.serving()
            self.reconciler.step(self.reconciler.look())
            self.lease.renew()
            after, alive = self.serving(), self.alive()
            for name, size in self.least.items():
                assert after[name] >= min(before[name], size), f"{name} serves with {after[name]}"
                assert alive[name] >= after[name]
            if until():
                return
            self.world.advance(1.0)

    def serving(self) -> Counter[str]:
        ready = (row for row in self.replicas() if row.state is ReplicaRowState.READY)
        return Counter(row.function for row in ready)

    def alive(self) -> Counter[str]:
        return Counter(replica.function for replica in self.world.replicas() if replica.state is ReplicaState.READY)

    def replicas(self) -> tuple[ReplicaRow, ...]:
        return self.store.read(FLEET).replicas

    def machines(self) -> dict[str, str]:
        """What there really is: instances by id with their types."""
        return {instance.id: instance.machine_type for instance in self.world.instances(live=True)}

    def being_emptied(self) -> bool:
        return any(row.emptying is not None for row in self.store.read(FLEET).machines)

    def events(self, *kinds: str) -> list[Event]:
        return [event for event in self.store.events(FLEET) if event.kind in kinds]

    def half_empty(self) -> None:
        """Two machines with two replicas each."""
        self.want(See=4, Say=4)
        self.run(4)
        self.want(See=2, Say=2)
        self.run(3)
        assert len(self.machines()) == 2
        assert len({row.machine for row in self.replicas()}) == 2


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def test_a_machine_whose_replicas_fit_elsewhere_is_emptied_while_all_keep_serving(fleet: Fleet) -> None:
    fleet.half_empty()
    fleet.run(20)
    assert len(fleet.machines()) == 1
    assert fleet.serving() == {"food/See": 2, "food/Say": 2} == fleet.alive()
    (told,) = fleet.events("empty machine")
    assert told.message == "saves 1.00 USD/h, moves 2 replicas"


def test_a_machine_is_swapped_for_a_cheaper_one_and_its_only_replica_never_missed(fleet: Fleet) -> None:
    fleet.want(See=1)
    fleet.run(5)
    fleet.sell(SMALL, 0.3)
    fleet.run(25)
    assert list(fleet.machines().values()) == ["small"]
    assert fleet.serving() == {"food/See": 1}


def test_a_fleet_that_was_consolidated_is_at_rest(fleet: Fleet) -> None:
    fleet.half_empty()
    fleet.run(20)
    number = len(fleet.store.events(FLEET))
    fleet.run(60)
    assert len(fleet.store.events(FLEET)) == number


def test_nothing_is_emptied_before_the_fleet_has_been_at_rest_for_a_while(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, after=40.0)
    fleet.half_empty()
    fleet.run(25)
    assert len(fleet.machines()) == 2 and not fleet.events("empty machine")
    fleet.run(40)
    assert len(fleet.machines()) == 1


def test_nothing_is_emptied_where_it_is_switched_off(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, enabled=False)
    fleet.half_empty()
    fleet.run(30)
    assert len(fleet.machines()) == 2 and not fleet.events("empty machine")


def test_a_machine_is_kept_when_no_other_can_be_had_for_it(fleet: Fleet) -> None:
    fleet.want(See=1)
    fleet.run(5)
    fleet.sell(SMALL, 0.3)
    fleet.world.set_capacity("sim-east-a", "small", 0)
    fleet.run(25)
    assert list(fleet.machines().values()) == ["big"]
    assert not fleet.being_emptied()
    assert len(fleet.events("empty machine")) == len(fleet.events("keep machine")) == 1


def test_a_machine_is_kept_when_its_replicas_do_not_start_elsewhere(fleet: Fleet) -> None:
    fleet.half_empty()
    fleet.world.inject(Fault("failed_to_load", times=4))
    fleet.run(30, until=lambda: bool(fleet.events("keep machine")))
    (told,) = fleet.events("keep machine")
    assert "cannot be started elsewhere" in told.message
    assert fleet.serving() == {"food/See": 2, "food/Say": 2}


def test_what_failed_to_move_is_tried_again_ever_more_seldom(fleet: Fleet) -> None:
    fleet.half_empty()
    fleet.world.inject(Fault("failed_to_load", times=None))
    fleet.run(300)
    begun = [event.at for event in fleet.events("empty machine")]
    pauses = [later - earlier for earlier, later in pairwise(begun)]
    assert len(begun) <= 4
    assert all(later >= 1.5 * earlier for earlier, later in pairwise(pauses))
    assert fleet.serving() == {"food/See": 2, "food/Say": 2}


def test_what_is_being_emptied_is_kept_when_its_room_is_needed_again_and_nothing_is_bought(fleet: Fleet) -> None:
    fleet.half_empty()
    fleet.run(30, until=fleet.being_emptied)
    fleet.want(See=4, Say=4)
    fleet.run(30)
    assert fleet.serving() == {"food/See": 4, "food/Say": 4}
    assert len(fleet.machines()) == 2
    assert len(fleet.events("buy machine")) == 2


def test_a_fleet_that_is_taken_down_while_a_machine_is_emptied_leaves_nothing(fleet: Fleet) -> None:
    fleet.half_empty()
    fleet.run(30, until=fleet.being_emptied)
    fleet.store.want(FLEET, None, after=fleet.store.desired(FLEET).generation, now=0.0)
    fleet.least.clear()
    fleet.run(20)
    assert not fleet.machines() and not fleet.alive()


def test_a_quarter_of_a_version_leaves_at_a_time(fleet: Fleet) -> None:
    fleet.want(See=4)
    fleet.run(5)
    fleet.sell(MachineType("middle", 4.0, 16 * GIB), 0.5)
    leaving = []
    for _ in range(30):
        fleet.run(1)
        leaving.append(sum(row.state is ReplicaRowState.DRAINING for row in fleet.replicas()))
    assert list(fleet.machines().values()) == ["middle"]
    assert max(leaving) == 1 and sum(leaving) == 4
