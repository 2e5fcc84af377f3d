"""One connection for each machine that is reached by SSH, for as long as there is the machine, and none for this host's own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import ClassVar

import pytest

from cloudlayer.errors import Unsupported
from cloudlayer.fleet import reaching
from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.reaching import Reach
from cloudlayer.fleet.store import MachineRow, MachineState
from cloudlayer.interfaces import Access
from cloudlayer.resources import MachineType, Offer, Price
from cloudlayer.units import GIB

PINNED = "ssh-ed25519 AAAA"
OFFER = Offer(
    "ssh", "/boxes.toml", "default", MachineType("box", 2.0, GIB), "on_demand", Price(0.0, "USD", "x", date(2026, 1, 1))
)


class Host:
    """Stands in for a connection: it is as the test says."""

    made: ClassVar = []

    def __init__(self, access, *, name, folder, changed):
        self.access, self.name, self.folder, self.changed = access, name, folder, changed
        self.connected, self.reason, self.ended, self.closed, self.exposed = False, "", False, [], {}
        folder.mkdir(parents=True, exist_ok=True)
        Host.made.append(self)

    def expose(self, address, there):
        self.exposed[there] = address

    def end(self):
        self.ended = True
        self.folder.rmdir()

    def close(self, *, wait):
        self.closed.append(wait)


@pytest.fixture
def hosts(monkeypatch):
    monkeypatch.setattr("cloudlayer.runtime.hosts.ssh.SshHost", Host)
    monkeypatch.setattr(Host, "made", [])
    return Host.made


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path)
    yield made
    made.forget_sockets("f")


@pytest.fixture
def reach(home, hosts):
    return Reach(lambda _: Access("10.0.0.1", key=home.path / "key", host_keys=(PINNED,)), home)


def machine(id="m1", fleet="f"):
    return MachineRow(fleet, id, "batch", 0, "ssh:/boxes.toml", OFFER, {}, MachineState.RUNNING, instance=f"box-{id}")


def test_a_machine_of_this_host_has_no_connection(home, hosts):
    reach = Reach(lambda _: None, home)
    assert reach.host(machine()) is reach.engine(machine(), "docker") is None
    reach.forget(machine())
    assert (hosts, reach.unreachable()) == ([], frozenset())


def test_a_machine_has_one_connection_whoever_asks(reach, hosts):
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: reach.host(machine()), range(16)))
    assert found == set(hosts)
    assert len(hosts) == 1
    assert reach.host(machine("m2")) is not hosts[0]
    assert reach.host(machine(fleet="g")) is not hosts[0]
    reach.forget(machine(fleet="g"))


def test_what_the_provider_does_not_say_is_the_fleets_own(home, hosts):
    reach = Reach(lambda _: Access("10.0.0.1"), home)
    reach.keys("f").pin("m1", [PINNED])
    access = reach.host(machine()).access
    assert access == Access("10.0.0.1", host_keys=(PINNED,), key=reach.keys("f").private())
    assert access.key.stat().st_mode & 0o777 == 0o600


def test_what_the_inventory_pins_is_what_counts(reach, home, hosts):
    reach.keys("f").pin("m1", ["ssh-ed25519 BBBB"])
    assert reach.host(machine()).access.host_keys == (PINNED,)
    assert reach.host(machine()).access.key == home.path / "key"


def test_a_machine_is_unreachable_once_it_was_tried_and_does_not_answer(reach, hosts):
    host = reach.host(machine())
    assert reach.unreachable() == frozenset()
    host.reason = "it cannot be reached"
    assert reach.unreachable() == {"m1"}
    assert reach.reasons() == {"m1": "it cannot be reached"}
    host.connected, host.reason = True, ""
    assert reach.unreachable() == frozenset()


def test_a_change_is_told(home, hosts):
    told = []
    reach = Reach(lambda _: Access("10.0.0.1", key=home.path / "key", host_keys=(PINNED,)), home, lambda: told.append(1))
    reach.host(machine()).changed()
    assert told == [1]


def test_the_engine_works_on_the_machine_and_keeps_its_records_here(reach, home, hosts, monkeypatch):
    monkeypatch.setattr(reaching, "connect_engine", lambda name, context: (name, context))
    name, context = reach.engine(machine(), "docker")
    assert (name, context.id, context.host) == ("docker", "box-m1", hosts[0])
    assert context.folder == home.path / "machines/f/m1"


def test_only_who_serves_a_fleet_opens_its_machines_ways_to_the_gateway(home, hosts, monkeypatch):
    monkeypatch.setattr(reaching, "connect_engine", lambda name, context: context.host)
    access = Access("10.0.0.1", key=home.path / "key", host_keys=(PINNED,))
    assert Reach(lambda _: access, home).engine(machine(), "docker").exposed == {}
    serving = Reach(lambda _: access, home, serves=True).engine(machine(), "docker")
    assert str(home.gateway_socket("f")) in str(serving.exposed)


def test_a_machine_that_gets_another_address_is_reached_there(home, hosts):
    reach = Reach(lambda row: Access(row.address, key=home.path / "key", host_keys=(PINNED,)), home)
    private, public = replace(machine(), address="10.0.0.1"), replace(machine(), address="192.0.2.1", changed_at=1.0)
    first, second = reach.host(private), reach.host(public)
    assert [host.access.address for host in hosts] == ["10.0.0.1", "192.0.2.1"]
    assert first.closed and not first.ended
    assert reach.host(public) is reach.host(replace(public, changed_at=2.0)) is second
    assert reach.host(private) is second
    second.reason = "it cannot be reached"
    assert reach.unreachable() == {"m1"}
    reach.forget(public)
    assert second.ended


def test_an_engine_of_this_host_alone_is_unsupported_elsewhere(reach):
    with pytest.raises(Unsupported, match='engine = "docker"'):
        reach.engine(machine(), "process")


def test_a_machine_that_is_given_back_leaves_nothing_here(reach, home, hosts, monkeypatch):
    host = reach.host(machine())
    home.machine("f", "m1").mkdir(parents=True)
    home.shell("f", "m1").mkdir()
    pins = []
    monkeypatch.setattr(Host, "end", lambda self, end=Host.end: (pins.append(reach.keys("f").pinned("m1")), end(self)))
    reach.keys("f").pin("m1", [PINNED])
    reach.forget(machine())
    assert host.ended
    assert pins == [(PINNED,)]
    assert reach.keys("f").pinned("m1") == ()
    assert not home.machine("f", "m1").exists()
    assert not host.folder.parent.exists()
    assert not home.has_connection("f", "m1")


def test_a_connection_outlives_who_made_it_and_ends_with_its_machine(reach, home, hosts):
    reach.host(machine())
    reach.close()
    assert hosts[0].closed and not hosts[0].ended
    later = Reach(lambda _: Access("10.0.0.1", key=home.path / "key", host_keys=(PINNED,)), home)
    later.forget(machine())
    assert hosts[1].ended
    assert not home.has_connection("f", "m1")


def test_machines_are_let_go_of_all_at_once(reach, hosts):
    for number in range(3):
        reach.host(machine(f"m{number}"))
    reach.close()
    assert [host.closed[0] for host in hosts] == [0.0] * 3
    assert all(0 < host.closed[1] <= 1 for host in hosts)


def test_a_machine_without_an_instance_is_not_reached(home, hosts):
    clouds = Clouds(lambda _: pytest.fail("no provider need be asked"), home=home)
    assert clouds.host(replace(machine(), instance=None)) is None
