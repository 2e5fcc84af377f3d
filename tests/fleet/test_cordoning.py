"""Machines that users cordon and drain: written down by the command, done by whoever serves the fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudlayer.errors import Conflict
from cloudlayer.fleet import cordoning
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.store import MachineRow
from tests.fleet.controllers import FLEET
from tests.fleet.fragile import Fragile


class User:
    """Somebody with the command line beside a fleet of six replicas on three machines."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fragile(folder)
        self.fleet.run(4)
        self.fleets = Fleets(self.fleet.home, clock=self.fleet.world.clock)

    def first(self) -> MachineRow:
        return self.fleet.machines()[0]

    def there(self, row: MachineRow) -> bool:
        return str(row.instance) in self.fleet.instances()


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def test_a_machine_is_drained_while_all_keep_serving_and_is_deleted_then(user: User) -> None:
    drained = user.first()
    cordoning.drain(user.fleets, drained)
    fewest, most = 6, 0
    for _ in range(12):
        user.fleet.run(1)
        fewest, most = min(fewest, user.fleet.serving()), max(most, len(user.fleet.instances()))
    assert not user.there(drained)
    assert (fewest, most) == (6, 4)
    assert user.fleet.serving() == 6 and len(user.fleet.instances()) == 3
    assert [event.message for event in user.fleet.events("delete machine")] == ["emptied: drained by hand"]


def test_a_drain_waits_for_as_long_as_nothing_else_can_be_had(user: User) -> None:
    user.fleet.world.set_capacity("sim-east-a", "pair", 3)
    cordoning.drain(user.fleets, user.first())
    user.fleet.run(60, stride=3)
    assert user.fleet.serving() == 6 and len(user.fleet.instances()) == 3
    assert user.fleet.told()["keep machine"] == 0


def test_a_drain_that_is_called_off_leaves_all_as_it_was(user: User) -> None:
    user.fleet.world.set_capacity("sim-east-a", "pair", 3)
    cordoning.drain(user.fleets, user.first())
    user.fleet.run(5)
    cordoning.uncordon(user.fleets, user.first())
    user.fleet.world.set_capacity("sim-east-a", "pair", None)
    before = set(user.fleet.routed())
    user.fleet.run(120, stride=5)
    assert set(user.fleet.routed()) == before and len(user.fleet.instances()) == 3


def test_a_cordoned_machine_takes_no_replicas_and_is_kept_with_nothing_on_it(user: User) -> None:
    cordoned = user.first()
    cordoning.cordon(user.fleets, cordoned)
    gone = next(row.id for row in user.fleet.store.read(FLEET).replicas if row.machine == cordoned.id)
    user.fleet.world.end_replica(gone)
    user.fleet.run(20, stride=2)
    assert user.fleet.serving() == 6
    assert len(user.fleet.instances()) == 4
    assert sum(row.machine == cordoned.id for row in user.fleet.store.read(FLEET).replicas) == 1
    user.fleet.store.want(FLEET, None, after=1, now=0.0)
    user.fleet.run(10)
    assert user.fleet.instances() == [], "the end of the fleet is its end as well"


def test_what_is_on_its_way_out_is_not_marked_any_more(user: User) -> None:
    row = user.first()
    user.fleet.store.want(FLEET, None, after=1, now=0.0)
    user.fleet.run(10)
    with pytest.raises(Conflict, match="is being deleted"):
        cordoning.drain(user.fleets, row)
