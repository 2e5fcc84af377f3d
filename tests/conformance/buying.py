"""A fleet buys machines at every cloud in the same way: planned, bought, watched, elsewhere where there is no room, deleted."""

import pytest

from cloudlayer.fleet.clouds import canonical
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from cloudlayer.functions.manifest import Manifest
from cloudlayer.labels import OWNER
from cloudlayer.specs import checked
from cloudlayer.testing.base import Promises
from tests.fleet.boxes import READY, paper_clouds

NAME = "seefood"


class FleetConformance(Promises):
    """Our own, not for authors of other providers: they get it with Compute."""

    @pytest.fixture
    def fleets(self, provider, tmp_path):
        clock = provider.compute.clock
        clouds = paper_clouds(lambda _: provider, clock, tmp_path / "keys")
        with Fleets(Home(tmp_path / "home"), clouds=clouds, clock=clock) as fleets:
            yield fleets
            fleets.down(NAME, progress=lambda _event: None)

    def manifest(self, provider, base_spec, **fleet):
        """Two replicas that need a machine each, of the type of `base_spec`."""
        kind = next(
            offer.machine_type for offer in provider.compute.offers() if offer.machine_type.name == base_spec.machine_type
        )
        needs = {"cpu": 0.6 * kind.usable_cpu, "memory": "256MiB", "disk": "1GiB"}
        function = {"name": "food/See", "version": "1.0.0", "image": "see:1", "resources": needs, "scale": {"min": 2}}
        allowed = {"spot": False, "machine_types": [kind.name]}
        section = {"name": NAME, "providers": [canonical(provider)], "allow": allowed, **fleet}
        return checked(Manifest, {"fleet": section, "function": [function]}, "")

    def test_machines_are_planned_bought_watched_and_deleted(self, provider, base_spec, fleets, faults):
        manifest = self.manifest(provider, base_spec)
        preview = fleets.preview(manifest)
        assert [bought.offer.machine_type.name for bought in preview.plan.purchases] == [base_spec.machine_type] * 2
        price = preview.plan.purchases[0].offer.price
        fleets.deploy(manifest)
        fleets.settle(NAME, progress=lambda _event: None)
        assert [row.state for row in fleets.machines(NAME)] == ["running", "running"]
        assert [entry.price for entry in fleets.ledger(NAME)] == [pytest.approx(price.amount)] * 2
        fleets.down(NAME, progress=lambda _event: None)
        assert not fleets.machines(NAME)
        assert faults.holdings({OWNER: fleets.store.owner}) == {}

    def test_bare_machines_are_bought_with_what_makes_them_the_fleets_and_count_once_they_are_ready(
        self, provider, base_spec, fleets
    ):
        fleets.deploy(self.manifest(provider, base_spec))
        fleets.settle(NAME, progress=lambda _event: None)
        rows, keys = fleets.machines(NAME), fleets.clouds.reach.keys(NAME)
        assert {row.id for row in rows} == set(fleets.clouds.reach.renewed)
        for row in rows:
            instance = provider.compute.get(row.instance)
            assert row.address == provider.access(instance).address in (instance.public_address, instance.private_address)
            assert keys.is_first(row.id), "it is pinned before the machine is made"
        assert [replica.state for replica in fleets.replicas(NAME)] == ["ready", "ready"]

    def test_machines_that_cannot_be_set_up_are_given_back_and_what_they_were_bought_by_is_left_out(
        self, provider, base_spec, fleets, faults
    ):
        fleets.clouds.reach.told = "booted no\nfailed installing docker.io\n"
        fleets.deploy(self.manifest(provider, base_spec))
        seen = []

        def watch(event):
            seen.append((event.kind, event.message))
            if event.kind == "machine gone":
                fleets.clouds.reach.told = READY

        fleets.settle(NAME, progress=watch)
        assert any(kind == "machine not ready" and "installing docker.io" in message for kind, message in seen)

    def test_that_a_machine_which_ends_itself_costs_on_is_said_beforehand(self, provider, base_spec, fleets):
        """Where the cloud does not delete one that shuts itself down, and nowhere else."""
        lacking = provider.capabilities["expiry"].reason
        told = [line for line in fleets.preview(self.manifest(provider, base_spec, expiry="2h")).warnings if "expiry" in line]
        assert told == ([f"{canonical(provider)}: expiry: {lacking}"] if lacking else [])

    def test_a_fleet_stays_below_its_limit_and_says_what_that_left_out(self, provider, base_spec, fleets):
        """What was reserved, and paid for, it takes all the same."""
        plan = fleets.preview(self.manifest(provider, base_spec, max_price="0.0001 USD/h")).plan
        assert all(bought.offer.purchase == "reserved" for bought in plan.purchases)
        assert len(plan.purchases) == 2 or plan.unplaced
        assert all("max_price" in missing.reason for missing in plan.unplaced)

    def test_where_a_zone_has_no_capacity_the_fleet_goes_to_another(self, provider, base_spec, fleets, faults):
        faults.lack_capacity()
        fleets.deploy(self.manifest(provider, base_spec))
        seen = []

        def watch(event):
            seen.append(event.kind)
            if event.kind == "machine not bought":
                faults.clear()

        fleets.settle(NAME, progress=watch)
        assert "machine not bought" in seen
        lost, keys = fleets.store.read(NAME, ended=True).machines, fleets.clouds.reach.keys(NAME)
        assert not any(keys.pinned(row.id) for row in lost if row.state == "failed")
        assert [row.state for row in fleets.machines(NAME)] == ["running", "running"]
