"""Machines that do not answer: nothing is lost that could be kept, nothing is there twice, nothing is left behind."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cloudlayer.errors import TransientError
from cloudlayer.fleet import booting
from cloudlayer.fleet.losing import OURSELVES, SILENT, UNREACHABLE
from cloudlayer.fleet.store import LOST, MachineState, ReplicaRowState, writes
from cloudlayer.fleet.view import Buy, Start, Stop
from cloudlayer.interfaces import Provider
from cloudlayer.providers.local.capabilities import capabilities as local_capabilities
from cloudlayer.providers.simulated import Fault
from cloudlayer.providers.ssh.capabilities import capabilities as ssh_capabilities
from cloudlayer.resources import MachineType
from cloudlayer.units import GIB
from tests.fleet.controllers import FLEET
from tests.fleet.fragile import Fragile

SOON = int(UNREACHABLE) + 5


@pytest.fixture
def fleet(tmp_path: Path) -> Fragile:
    fleet = Fragile(tmp_path)
    fleet.run(4)
    assert fleet.serving() == 6 and len(fleet.instances()) == 3
    return fleet


def test_no_call_goes_to_a_machine_from_the_moment_in_which_its_connection_is_lost(fleet: Fragile) -> None:
    fleet.world.cut_off(fleet.instances()[0])
    assert len(fleet.routed()) == 4
    assert len(fleet.snapshot().away) == 2


def test_a_machine_that_is_back_soon_serves_again_and_nothing_was_moved(fleet: Fragile) -> None:
    before = set(fleet.routed())
    cut = fleet.instances()[0]
    fleet.world.cut_off(cut)
    fleet.run(int(UNREACHABLE) - 2)
    fleet.world.reconnect(cut)
    fleet.run(10)
    assert set(fleet.routed()) == before == fleet.answering()
    assert fleet.told()["machine unreachable"] == fleet.told()["machine answers"] == 1


def test_a_machine_that_stays_away_is_replaced_and_deleted_within_seconds(fleet: Fragile) -> None:
    cut = fleet.instances()[0]
    fleet.world.cut_off(cut)
    fleet.run(SOON)
    assert fleet.serving() == 6
    assert cut not in fleet.instances() and len(fleet.instances()) == 3
    (told,) = fleet.events("machine lost")
    assert told.message == "it has not answered for 5s"


def test_what_was_on_a_machine_that_is_given_up_is_planned_anew_in_the_same_step(fleet: Fragile) -> None:
    fleet.world.cut_off(fleet.instances()[0])
    fleet.run(1)
    fleet.world.advance(UNREACHABLE)
    decision = fleet.reconciler.step().decision
    assert len(decision.losses) == 1 and len(decision.losses[0].replicas) == 2
    assert sum(isinstance(action, Buy) for action in decision.actions) == 1


def test_a_machine_whose_engine_is_silent_gets_more_time(tmp_path: Path) -> None:
    fleet = Fragile(tmp_path, kept=False)
    fleet.run(4)
    cut = fleet.instances()[0]
    fleet.world.cut_off(cut)
    fleet.run(int(SILENT) - 2, stride=2)
    assert cut in fleet.instances() and len(fleet.routed()) == 4
    assert fleet.snapshot().away == (), "its replicas may still finish what they have begun"
    fleet.run(8)
    assert cut not in fleet.instances() and fleet.serving() == 6


def test_a_machine_that_could_not_be_asked_does_not_count_as_one_that_answers(tmp_path: Path) -> None:
    fleet = Fragile(tmp_path, kept=False)
    fleet.run(4)
    fleet.world.cut_off(fleet.instances()[0])
    fleet.run(2)
    since = [row.unreachable for row in fleet.machines()]
    fleet.world.inject(Fault("refused", call="list", times=1))
    fleet.run(4)
    assert [row.unreachable for row in fleet.machines()] == since
    assert fleet.told()["machine answers"] == 0


def test_a_machine_that_is_back_after_it_was_given_up_serves_nothing_and_ends(fleet: Fragile) -> None:
    cut = fleet.instances()[0]
    fleet.world.cut_off(cut)
    fleet.world.inject(Fault("refused", call="delete", times=3))
    fleet.run(SOON)
    assert fleet.serving() == 6 and cut in fleet.instances()
    fleet.world.reconnect(cut)
    assert len(fleet.routed()) == 6
    fleet.run(20)
    assert cut not in fleet.instances()
    assert fleet.serving() == 6 == len(fleet.answering())


def test_with_most_machines_away_at_once_none_is_given_up_for_a_while_and_it_is_said_why(fleet: Fragile) -> None:
    for instance in fleet.instances()[:2]:
        fleet.world.cut_off(instance)
    fleet.run(int(OURSELVES) - 5, stride=5)
    assert fleet.told()["machine lost"] == 0
    (told,) = fleet.events("machines kept")
    assert "2 of 3 machines do not answer: the fault is likely to be near this controller" in told.message
    fleet.run(15, stride=5)
    assert fleet.told()["machine lost"] == 2
    fleet.run(5)
    assert fleet.serving() == 6


def test_when_the_first_of_most_is_back_the_others_get_their_time_anew(fleet: Fragile) -> None:
    first, second, _ = fleet.instances()
    fleet.world.cut_off(first)
    fleet.world.cut_off(second)
    fleet.run(60, stride=5)
    fleet.world.reconnect(first)
    fleet.run(int(UNREACHABLE) - 2)
    fleet.world.reconnect(second)
    fleet.run(10)
    assert fleet.told()["machine lost"] == 0 and fleet.serving() == 6


def test_one_dead_machine_does_not_hide_the_others(fleet: Fragile) -> None:
    fleet.world.cut_off(fleet.instances()[0])
    seen = fleet.reconciler.look()
    assert len(seen.replicas) == 2 and len(seen.silent) == 1


def test_a_start_that_ends_when_its_machine_was_given_up_changes_nothing(fleet: Fragile) -> None:
    row, machine = fleet.store.read(FLEET).replicas[0], fleet.machines()[0]
    with fleet.lease.write() as connection:
        writes.change_replica(connection, row, 0.0, state=ReplicaRowState.ENDED, exit=LOST)
    late = replace(row, state=ReplicaRowState.STARTING)
    fleet.actor.start(Start(late, fresh=False, why="begun before"), machine, fleet.desired)
    (after,) = (each for each in fleet.store.read(FLEET, ended=True).replicas if each.id == row.id)
    assert after.state is ReplicaRowState.ENDED


def test_nothing_is_asked_of_a_machine_whose_connection_is_lost(fleet: Fragile) -> None:
    row, machine = fleet.store.read(FLEET).replicas[0], fleet.machines()[0]
    fleet.world.cut_off(str(machine.instance))
    asked = len(fleet.world.journal())
    with pytest.raises(TransientError, match="does not answer"):
        fleet.actor.stop(Stop(row, "not wanted"), machine)
    assert len(fleet.world.journal()) == asked


def test_a_fleet_that_is_taken_down_while_a_machine_is_away_leaves_nothing(fleet: Fragile) -> None:
    fleet.world.cut_off(fleet.instances()[0])
    fleet.run(1)
    fleet.store.want(FLEET, None, after=1, now=0.0)
    fleet.run(SOON + 5)
    assert fleet.instances() == [] and fleet.machines() == ()


def test_a_spot_machine_is_emptied_before_its_cloud_takes_it_back(tmp_path: Path) -> None:
    fleet = Fragile(tmp_path, purchase="spot")
    fleet.world.set(notice_seconds=120.0)
    fleet.run(4)
    taken = fleet.instances()[0]
    fleet.world.interrupt(taken, after=150.0)
    least = 6
    for _ in range(15):
        fleet.run(4, stride=2)
        least = min(least, fleet.serving())
    assert least == 6, "others came first"
    assert taken not in fleet.instances(), "it is given back before its time"
    assert "its cloud takes it back at" in fleet.events("interruption announced")[0].message
    assert fleet.told()["machine lost"] == 0


def test_where_nothing_else_can_be_had_replicas_leave_just_before_the_end(tmp_path: Path) -> None:
    fleet = Fragile(tmp_path, purchase="spot")
    fleet.world.set(notice_seconds=60.0)
    fleet.run(4)
    fleet.world.set_capacity("sim-east-a", "pair", 3, purchase="spot")
    fleet.world.interrupt(fleet.instances()[0], after=60.0)
    fleet.run(40, stride=4)
    assert fleet.serving() == 6
    fleet.run(10)
    assert fleet.serving() == 4
    drained = fleet.told()["drain replica"]
    assert drained == 2


def test_a_machine_that_somebody_resized_is_replaced_one_at_a_time_and_drained_first(fleet: Fragile) -> None:
    resized = fleet.instances()[:2]
    fleet.world.sell(MachineType("other", 2.0, 8 * GIB), price=9.0)
    with fleet.world.transaction() as (document, _):
        for instance in resized:
            document["instances"][instance]["machine_type"] = "other"
    fewest, most = 6, 0
    for _ in range(20):
        fleet.run(1)
        fewest, most = min(fewest, fleet.serving()), max(most, len(fleet.instances()))
    assert not set(resized) & set(fleet.instances())
    assert (fewest, most) == (6, 4)
    assert "its machine type was pair and is other" in fleet.events("machine drifted")[0].message


def test_another_image_in_the_manifest_replaces_machines_one_at_a_time_and_drained_first(fleet: Fragile) -> None:
    before = fleet.instances()
    fleet.want(images={"plain": {"simulated": "newer"}})
    fewest, most = 6, 0
    for _ in range(30):
        fleet.run(1)
        fewest, most = min(fewest, fleet.serving()), max(most, len(fleet.instances()))
    assert not set(before) & set(fleet.instances())
    assert (fewest, most) == (6, 4)
    assert "the manifest names newer, and it was made of what its cloud chose" in fleet.events("machine drifted")[0].message
    replaced = len(fleet.events("machine drifted"))
    fleet.run(20)
    assert len(fleet.events("machine drifted")) == replaced == 3, "the new ones stay"


def test_another_image_changes_nothing_where_machines_run_what_their_owner_installed(
    fleet: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for can in (ssh_capabilities(), local_capabilities()):
        assert not booting.takes_images(cast(Provider, SimpleNamespace(capabilities=can)))
    monkeypatch.setattr(booting, "takes_images", lambda provider: False)
    before = fleet.instances()
    fleet.want(images={"plain": {"simulated": "newer"}})
    fleet.run(10)
    assert fleet.instances() == before
    assert not fleet.events("machine drifted")


class Losses(RuleBasedStateMachine):
    """Machines are cut off, lose their power, come back and vanish, and the controller dies anywhere."""

    @initialize(kept=st.booleans())
    def start(self, kept: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.fleet = Fragile(Path(self.folder.name), kept=kept)
        self.fleet.run(4)
        self.ended: set[str] = set()
        self.given_up: set[str] = set()

    @rule(which=st.integers(0, 9), power=st.booleans())
    def cut(self, which: int, power: bool) -> None:
        there = [one for one in self.fleet.instances() if one not in self.fleet.off()]
        if there:
            lost = there[which % len(there)]
            if power and self.running(lost):
                self.fleet.world.connect().compute.reboot(lost)  # what ran on it has ended when it is back
            self.fleet.world.cut_off(lost)

    @rule(which=st.integers(0, 9))
    @precondition(lambda self: self.fleet.off())
    def reconnect(self, which: int) -> None:
        off = sorted(self.fleet.off())
        self.fleet.world.reconnect(off[which % len(off)])

    @rule(which=st.integers(0, 9))
    def vanish(self, which: int) -> None:
        there = self.fleet.instances()
        if there:
            self.fleet.world.connect().compute.delete([there[which % len(there)]])

    @rule(seconds=st.integers(1, 9))
    def run(self, seconds: int) -> None:
        self.fleet.run(seconds)

    @rule(place=st.integers(0, 25), seconds=st.integers(1, 6))
    def die(self, place: int, seconds: int) -> None:
        self.fleet.crash.at = self.fleet.crash.passed + place
        self.fleet.run(seconds)

    @invariant()
    @precondition(lambda self: hasattr(self, "fleet"))
    def nothing_is_there_twice(self) -> None:
        assert len(self.fleet.routed()) <= self.fleet.replicas
        away = self.fleet.snapshot().away
        assert not set(away) & set(self.fleet.routed())

    @invariant()
    @precondition(lambda self: hasattr(self, "fleet"))
    def what_was_given_up_stays_so(self) -> None:
        rows = self.fleet.store.read(FLEET, ended=True)
        ended = {row.id for row in rows.replicas if row.state is ReplicaRowState.ENDED}
        gone = {row.id for row in rows.machines if row.state in (MachineState.DELETING, MachineState.DELETED)}
        assert self.ended <= ended and self.given_up <= gone
        self.ended, self.given_up = ended, gone
        assert not ended & set(self.fleet.routed())

    def running(self, instance: str) -> bool:
        return any(one.id == instance and one.state == "running" for one in self.fleet.world.instances(live=True))

    def teardown(self) -> None:
        if not hasattr(self, "fleet"):
            return
        fleet = self.fleet
        fleet.crash.at = None
        most = 2 * len(fleet.off()) > len(fleet.instances())
        fleet.run(int(OURSELVES if most else SILENT) + 20, stride=5)
        assert fleet.serving() == fleet.replicas, "it is whole, whatever does not answer"
        fleet.world.heal()
        fleet.run(80, stride=5)
        assert set(fleet.routed()) == fleet.answering(), "what runs is wanted, and gets calls"
        assert fleet.serving() == fleet.replicas
        assert sorted(str(row.instance) for row in fleet.machines()) == fleet.instances()
        open_accounts = {entry.instance for entry in fleet.store.ledger(FLEET) if entry.ended_at is None}
        assert open_accounts == set(fleet.instances())
        number = len(fleet.store.events(FLEET))
        fleet.run(20, stride=5)
        assert len(fleet.store.events(FLEET)) == number, "it is at rest"
        self.folder.cleanup()


Losses.TestCase.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.crashes
@pytest.mark.timeout(600)
class TestWhateverIsLostAndWhoeverDiesTheFleetIsWholeAgainAndNothingIsLeft(Losses.TestCase):
    """See the rules and invariants of Losses."""
