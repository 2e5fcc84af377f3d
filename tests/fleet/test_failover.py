"""What could not be bought is bought elsewhere: in the next zone, region or cloud, by price, and again here after a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudlayer.errors import (
    Avoid,
    AvoidScope,
    CapacityError,
    CloudError,
    CloudLayerError,
    Conflict,
    QuotaError,
    UnknownCloudError,
)
from cloudlayer.fleet.act import Actor, Surroundings
from cloudlayer.fleet.avoiding import AVOID_SECONDS, avoid_after
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.reconciler import Reconciler
from cloudlayer.fleet.store import Database, Lease, MachineState, Store, writes
from cloudlayer.functions.manifest import Manifest
from cloudlayer.providers.renamed import renamed
from cloudlayer.providers.simulated import World
from cloudlayer.providers.simulated.catalogue import machine_type
from cloudlayer.specs import checked
from cloudlayer.units import GIB
from tests.fleet.controllers import FLEET, Inline
from tests.scheduler.build import offer

EAST, WEST, OTHER = "simulated:sim-east", "simulated:sim-west", "other:sim-east"
SIZE = machine_type("size", 4, 8 * GIB)


class Fleet:
    """A controller of one fleet, whose clouds sell one machine type; `other` is a cloud of another name and account."""

    def __init__(self, folder: Path, *keys: str) -> None:
        self.world = World(attempts=1, default_catalogue=False, boot_seconds=1.0, delete_seconds=1.0)
        self.other = World(attempts=1, default_catalogue=False, boot_seconds=1.0, delete_seconds=1.0)
        self.refused: dict[str, CloudLayerError] = {}
        home = Home(folder)
        home.prepare()
        database = Database(home.store_url)
        self.store = Store(database)
        self.lease = Lease(database, FLEET, home.locks, self.world.clock)
        self.lease.acquire("test")
        clouds = Clouds(self._connect, self.world.clock)
        actor = Actor(self.lease, clouds, Surroundings(home, self.store.owner, FLEET), self.world.clock)
        self.reconciler = Reconciler(self.store, self.lease, clouds, actor, executor=Inline(), clock=self.world.clock)
        self.keys = keys
        self.want(1)

    def want(self, replicas: int) -> None:
        function = {"name": "food/See", "version": "1.0.0", "image": "f:1", "resources": {"cpu": 3.0, "memory": "1GiB"}}
        document = {
            "fleet": {"name": FLEET, "providers": list(self.keys)},
            "function": [function | {"scale": {"min": replicas}}],
        }
        wanted = checked(Manifest, document, "")
        after = self.store.desired(FLEET).generation
        self.store.want(FLEET, Desired(wanted).document(), after=after, now=self.world.clock.now())

    def sell(self, zone: str, price: float, *, other: bool = False) -> None:
        (self.other if other else self.world).sell(SIZE, zone=zone, price=price)

    def step(self, seconds: float = 1.0) -> None:
        self.reconciler.step(self.reconciler.look())
        for world in (self.world, self.other):
            world.advance(seconds)
        self.lease.renew()

    def bought(self, steps: int = 4) -> list[str]:
        """The provider and zone of all machines, after some steps."""
        for _ in range(steps):
            self.step()
        rows = self.store.read(FLEET).machines
        return [f"{row.offer.provider}:{row.offer.zone}" for row in rows if row.state is not MachineState.FAILED]

    def tried(self) -> list[str]:
        """Where machines were asked for, in turn."""
        rows = sorted(self.store.read(FLEET, ended=True).machines, key=lambda row: int(row.id[1:]))
        return [f"{row.offer.provider}:{row.offer.zone}" for row in rows]

    def _connect(self, key: str):
        name, _, region = key.partition(":")
        provider = (self.other if name == "other" else self.world).connect(region)
        return renamed(provider, name) if name == "other" else provider


@pytest.fixture
def fleet(tmp_path):
    return lambda *keys: Fleet(tmp_path, *keys)


def test_a_zone_without_capacity_is_left_for_the_next_cheapest_one(fleet):
    it = fleet(EAST, WEST, OTHER)
    for zone, price in (("sim-east-a", 1.0), ("sim-east-b", 1.1), ("sim-west-a", 1.2), ("sim-east-c", 1.3)):
        it.sell(zone, price)
    it.sell("sim-east-a", 1.15, other=True)
    for zone in ("sim-east-a", "sim-east-b", "sim-west-a"):
        it.world.set_capacity(zone, "size", 0)
    it.other.set_capacity("sim-east-a", "size", 0)
    assert it.bought(8) == ["simulated:sim-east-c"]
    assert it.tried() == [
        "simulated:sim-east-a",
        "simulated:sim-east-b",
        "other:sim-east-a",
        "simulated:sim-west-a",
        "simulated:sim-east-c",
    ]


def test_a_quota_of_the_whole_account_leads_to_the_next_cloud(fleet):
    it = fleet(EAST, WEST, OTHER)
    it.sell("sim-east-a", 1.0)
    it.sell("sim-west-a", 1.1)
    it.sell("sim-east-a", 3.0, other=True)
    it.world.set_quota("vcpus", 2.0)
    assert it.bought() == ["other:sim-east-a"]
    assert it.tried() in (["other:sim-east-a"], ["simulated:sim-east-a", "other:sim-east-a"])


def test_a_quota_of_a_region_leads_to_the_next_region(fleet, monkeypatch):
    it = fleet(EAST, WEST)
    it.sell("sim-east-a", 1.0)
    it.sell("sim-east-b", 1.0)
    it.sell("sim-west-a", 1.1)
    _refuse(monkeypatch, it, EAST, QuotaError("no more cores", name="cores", avoid=Avoid(600, "simulated", "sim-east")))
    assert it.bought() == ["simulated:sim-west-a"]
    assert it.tried() == ["simulated:sim-east-a", "simulated:sim-west-a"]


def test_a_quota_whose_reach_the_cloud_does_not_tell_counts_for_the_region(fleet, monkeypatch):
    it = fleet(EAST, WEST)
    it.sell("sim-east-a", 1.0)
    it.sell("sim-east-b", 1.0)
    it.sell("sim-west-a", 1.1)
    _refuse(monkeypatch, it, EAST, QuotaError("no more cores", name="cores"))
    assert it.bought() == ["simulated:sim-west-a"]
    assert it.tried() == ["simulated:sim-east-a", "simulated:sim-west-a"]


def test_what_was_avoided_is_bought_again_when_its_time_is_over(fleet):
    it = fleet(EAST)
    it.sell("sim-east-a", 1.0)
    it.sell("sim-east-b", 2.0)
    it.world.set_capacity("sim-east-a", "size", 0)
    assert it.bought() == ["simulated:sim-east-b"]
    it.world.set_capacity("sim-east-a", "size", None)
    it.want(2)
    assert it.bought(2) == ["simulated:sim-east-b"] * 2
    for _ in range(30):
        it.step(10.0)
    it.want(3)
    assert "simulated:sim-east-a" in it.bought(2)


def test_a_shorter_while_never_shortens_a_longer_one(fleet):
    it = fleet(EAST)
    now = it.world.clock.now()
    for seconds in (60.0, 600.0, 5.0):
        with it.lease.write() as connection:
            writes.add_avoid(connection, FLEET, now, Avoid(seconds, "simulated", "sim-east"), f"{seconds}")
    (row,) = it.store.read(FLEET).avoids
    assert (row.until, row.reason) == (now + 600.0, "600.0")
    with it.lease.write() as connection:
        writes.add_avoid(connection, FLEET, now, Avoid(1.0, "simulated", "sim-east", "sim-east-a"), "narrower")
    assert len(it.store.read(FLEET).avoids) == 2


@pytest.mark.parametrize(
    ("error", "reach"),
    [
        (CapacityError("none", scope=AvoidScope.ZONE), ("east", "a", "t", "on_demand")),
        (CapacityError("none", scope=AvoidScope.REGION), ("east", None, "t", "on_demand")),
        (CapacityError("none", scope=AvoidScope.MACHINE_TYPE), (None, None, "t", "on_demand")),
        (QuotaError("none", name="cores"), ("east", None, "t", "on_demand")),
        (UnknownCloudError("what?"), ("east", "a", "t", "on_demand")),
    ],
)
def test_without_a_word_of_the_provider_an_error_reaches_as_far_as_it_must(error: CloudError, reach):
    avoid = avoid_after(error, offer())
    assert avoid == Avoid(AVOID_SECONDS, "cloud", *reach)


def test_the_providers_own_word_counts_and_a_conflict_says_nothing():
    told = Avoid(7.0, "cloud", "east")
    assert avoid_after(CapacityError("none", scope=AvoidScope.ZONE, avoid=told), offer()) is told
    assert avoid_after(Conflict("the token was used"), offer()) is None


def _refuse(monkeypatch, fleet: Fleet, key: str, error: CloudError) -> None:
    """Let every purchase in the region fail with the error."""
    connect = fleet._connect

    def connected(name: str):
        provider = connect(name)
        if name == key:
            monkeypatch.setattr(provider.compute, "create_batch", lambda specs, **_: [error] * len(specs))
        return provider

    monkeypatch.setattr(fleet.reconciler._clouds, "_connect", connected)
