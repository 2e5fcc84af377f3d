"""What `sweep` promises on every cloud: an orphan of each kind is found and deleted, and a stranger's is let be."""

import time
from uuid import uuid4

import pytest

from cloudlayer.fleet import findings
from cloudlayer.fleet.clouds import Clouds, canonical
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.kinds import KINDS, SnapshotSpec
from cloudlayer.fleet.service import BY_HAND, Fleets
from cloudlayer.fleet.sweep import sweep
from cloudlayer.labels import FLEET, OWNER
from cloudlayer.resources import LoadBalancerSpec, ScalingGroupSpec, ShareSpec, VolumeSpec
from cloudlayer.testing.base import Promises, changed, labelled
from cloudlayer.testing.skips import need
from cloudlayer.units import GIB

LISTENER = {"port": 80, "protocol": "tcp", "target_port": 8080}


class SweepConformance(Promises):
    """Our own, not for authors of other providers: they get it with Compute, Autoscaling, LoadBalancing and Storage."""

    makes = ("group", "balancer", "instance", "snapshot", "volume", "share")

    @pytest.fixture
    def fleets(self, provider, tmp_path):
        clock = provider.compute.clock
        with Fleets(Home(tmp_path / "home"), clouds=Clouds(lambda _: provider, clock), clock=clock) as fleets:
            yield fleets

    def plant(self, provider, base_spec, kind, labels):
        """Make one that no store knows; returns its id."""
        token = str(uuid4())
        if kind == "instance":
            made = provider.compute.create(labelled(base_spec, labels), token=token)
            provider.compute.wait(made, "running", timeout=self.patience)
            return made.id
        kind_, verbs = KINDS[kind], KINDS[kind].verbs(provider)
        made = verbs.create(labelled(self.spec(provider, base_spec, kind), labels), token=token)
        verbs.wait(made.id, kind_.ready, timeout=self.patience)
        return made.id

    def spec(self, provider, base_spec, kind):
        if kind == "group":
            return ScalingGroupSpec(name="orphan", template=changed(base_spec, name=None, zone=None), max=1)
        if kind == "balancer":
            return LoadBalancerSpec(name="orphan", listeners=[LISTENER])
        if kind == "share":
            return ShareSpec(name="orphan", size=GIB, protocol="nfs" if provider.capabilities["share_nfs"] else "smb")
        volume = VolumeSpec(name="orphan", size=GIB)
        if kind == "volume":
            return volume
        made = provider.storage.create(labelled(volume, self.unowned), token=str(uuid4()))
        provider.storage.wait(made, "available", timeout=self.patience)
        return SnapshotSpec(volume=made.id)

    @pytest.mark.parametrize("kind", ["instance", *KINDS])
    def test_an_orphan_is_swept_and_a_strangers_is_let_be(self, provider, base_spec, run, fleets, kind):
        if kind in KINDS:
            need(provider, KINDS[kind].capability)
        self.unowned = run
        ours = self.plant(provider, base_spec, kind, {**run, OWNER: fleets.store.owner, FLEET: BY_HAND})
        strangers = self.plant(provider, base_spec, kind, {**run, OWNER: uuid4().hex, FLEET: BY_HAND})
        found = findings.find(fleets, [canonical(provider)])
        assert [(one.kind, one.thing, one.subject) for one in found] == [("unknown", kind, ours)]
        assert sweep(fleets, found) == []
        self.settled(fleets, provider)
        assert strangers in self.alive(provider, kind, run)
        assert ours not in self.alive(provider, kind, run)

    def test_leftovers_are_swept_and_a_strangers_are_let_be(self, provider, run, faults, fleets):
        stranger = uuid4().hex
        planted = faults.leave_pieces({**run, OWNER: fleets.store.owner})
        faults.leave_pieces({**run, OWNER: stranger})
        faults.outlast_creates()
        found = findings.find(fleets, [canonical(provider)])
        assert {one.thing for one in found} == {"leftover"}
        assert len(found) == planted
        assert sweep(fleets, found) == []
        assert faults.holdings({**run, OWNER: fleets.store.owner}) == {}
        assert sum(faults.holdings({**run, OWNER: stranger}).values()) == planted
        for leftover in provider.leftovers({**run, OWNER: stranger}):
            provider.delete_leftover(leftover)

    def settled(self, fleets, provider):
        """A sweep begins to delete; in the end nothing is found any more."""
        clock, started = fleets.clock, time.monotonic()
        until = clock.monotonic() + self.patience
        while findings.find(fleets, [canonical(provider)]):
            assert clock.monotonic() < until and time.monotonic() - started < self.patience
            clock.sleep(0.5)

    def alive(self, provider, kind, labels):
        verbs = provider.compute if kind == "instance" else KINDS[kind].verbs(provider)
        return {one.id for one in verbs.list(labels) if one.state not in ("deleting", "deleted")}
