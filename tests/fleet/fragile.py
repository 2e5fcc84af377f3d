"""A fleet on a simulated cloud whose machines stop to answer, and whose controller dies between any two calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.reconciler import Reconciler
from cloudlayer.fleet.routes import Routes
from cloudlayer.fleet.routing import routes
from cloudlayer.fleet.store import Database, Event, Lease, MachineRow, Store
from cloudlayer.functions.manifest import Manifest
from cloudlayer.interfaces import ReplicaState
from cloudlayer.providers.simulated import World
from cloudlayer.resources import MachineType
from cloudlayer.specs import checked
from cloudlayer.units import GIB
from tests.fleet.controllers import FLEET, Crash, Dangerous, Inline

PAIR = MachineType("pair", 2.0, 8 * GIB)


class Died(BaseException):
    """The controller's process is no more."""


class Mortal(Crash):
    """Counts the places where a process may die; from the one where it does, nothing that it tries has an effect."""

    def here(self) -> None:
        if self.at is not None and self.passed >= self.at:
            raise Died
        self.passed += 1


class Watched(Clouds):
    """The clouds of a fleet that has kept connections to its machines, and so knows at once which do not answer."""

    def __init__(self, world: World, store: Store, home: Home, crash: Crash, *, kept: bool) -> None:
        super().__init__(lambda _: Dangerous(world.connect(), crash), world.clock, home=home)
        self._world = world
        self._store = store
        self._kept = kept

    def unreachable(self) -> frozenset[str]:
        off = set(self._world.look()[0]["cut_off"]) if self._kept else set()
        return frozenset(row.id for row in self._store.read(FLEET).machines if row.instance in off)


class Fragile:
    """So many replicas of one function, two on a machine. `kept`: the controller holds connections to its machines."""

    def __init__(self, folder: Path, replicas: int = 6, *, kept: bool = True, **fleet: Any) -> None:
        self.world = World(default_catalogue=False, boot_seconds=1.0, delete_seconds=1.0, attempts=1)
        self.world.sell(PAIR, price=1.0, purchase=fleet.pop("purchase", "on_demand"))
        self.home = Home(folder)
        self.home.prepare()
        self.database = Database(self.home.store_url)
        self.store = Store(self.database)
        self.kept = kept
        self.replicas = replicas
        function = {"name": "food/See", "version": "1.0.0", "image": "i:1", "resources": {"cpu": 1.0}, "spot": True}
        about = {"name": FLEET, "providers": ["simulated"], "consolidation": {"enabled": False}, "allow": {"spot": True}}
        document: dict[str, Any] = {"fleet": about | fleet, "function": [function | {"scale": {"min": replicas}}]}
        self.document = document
        self.want()
        self.begin()

    def want(self, **fleet: Any) -> None:
        """Deploy the manifest, with these settings of the fleet changed."""
        self.document["fleet"] |= fleet
        self.desired = Desired(checked(Manifest, self.document, ""))
        known = self.store.desired(FLEET).generation
        self.store.want(FLEET, self.desired.document(), after=known, now=self.world.clock.now())

    def begin(self) -> None:
        """A controller's process starts."""
        self.crash = Mortal()
        world, clock = self.world, self.world.clock
        self.lease = Lease(self.database, FLEET, self.home.locks, clock)
        self.lease.acquire("test")
        clouds = Watched(world, self.store, self.home, self.crash, kept=self.kept)
        self.actor = Actor(self.lease, clouds, Surroundings(self.home, self.store.owner, FLEET), clock)
        self.reconciler = Reconciler(self.store, self.lease, clouds, self.actor, executor=Inline(), clock=clock)

    def step(self) -> None:
        """One round; a controller that dies in it is followed by another."""
        try:
            self.reconciler.step(self.reconciler.look())
            self.reconciler.step()
            self.lease.renew()
        except Died:
            self.lease.release()
            self.begin()

    def run(self, seconds: int, stride: int = 1) -> None:
        """A step a second, or every `stride` seconds."""
        for _ in range(0, seconds, stride):
            self.step()
            self.world.advance(stride)

    def snapshot(self) -> Routes:
        """What the gateway serves by now."""
        rows = self.store.read(FLEET)
        cut = Watched(self.world, self.store, self.home, Mortal(), kept=self.kept).unreachable()
        # Simulated replicas serve nothing, so they have no address.
        replicas = [replace(row, address=row.id) for row in rows.replicas]
        return routes(1, self.home, {}, desired=self.desired, replicas=replicas, machines=rows.machines, cut=cut, failing={})

    def routed(self) -> list[str]:
        """The replicas that get calls."""
        return [replica.id for version in self.snapshot().versions for replica in version.replicas]

    def answering(self) -> set[str]:
        """The replicas that would answer one: ready, on a machine that runs and answers."""
        off = self.off()
        return {each.id for each in self.world.replicas() if each.state is ReplicaState.READY and each.machine not in off}

    def off(self) -> set[str]:
        """The instances that do not answer."""
        return set(self.world.look()[0]["cut_off"])

    def serving(self) -> int:
        """How many replicas get calls and answer them."""
        return len(set(self.routed()) & self.answering())

    def instances(self) -> list[str]:
        """What there really is."""
        return sorted(instance.id for instance in self.world.instances(live=True))

    def machines(self) -> tuple[MachineRow, ...]:
        return self.store.read(FLEET).machines

    def events(self, *kinds: str) -> list[Event]:
        return [event for event in self.store.events(FLEET) if event.kind in kinds]

    def told(self) -> Counter[str]:
        """How often each kind of event was told."""
        return Counter(event.kind for event in self.store.events(FLEET))
