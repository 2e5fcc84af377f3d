"""A fleet buys machines at every cloud in the same way: planned, bought, watched, elsewhere where there is no room, deleted."""

import pytest

from cloudlayer.fleet.clouds import Clouds, canonical
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from cloudlayer.functions.manifest import Manifest
from cloudlayer.labels import OWNER
from cloudlayer.specs import checked
from cloudlayer.testing.base import Promises

NAME = "seefood"


class FleetConformance(Promises):
    """Our own, not for authors of other providers: they get it with Compute."""

    @pytest.fixture
    def fleets(self, provider, tmp_path):
        clock = provider.compute.clock
        with Fleets(Home(tmp_path / "home"), clouds=Clouds(lambda _: provider, clock), clock=clock) as fleets:
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

    def test_that_no_replica_can_run_there_yet_is_said_beforehand(self, provider, base_spec, fleets):
        reason = provider.capabilities["engine:docker"].reason
        assert any(reason in warning for warning in fleets.preview(self.manifest(provider, base_spec)).warnings)

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
        assert [row.state for row in fleets.machines(NAME)] == ["running", "running"]
