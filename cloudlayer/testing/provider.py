"""What a Provider promises as a whole: what it declares, what it lacks, its limits, and what is left behind."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from cloudlayer.errors import AuthError, Throttled, TransientError, Unsupported
from cloudlayer.interfaces import Compute, Provider
from cloudlayer.resources import InstanceSpec
from cloudlayer.testing.base import Promises, changed, labelled
from cloudlayer.testing.evidence import record_capability
from cloudlayer.testing.faults import Faults
from cloudlayer.testing.skips import lacks

FLAGS = (
    *("on_demand", "spot", "reserved", "idempotent_create", "batch_create", "user_data", "disks", "public_address"),
    *("open_ports", "stop_start", "reboot", "resize", "console_log", "images", "labels", "prices", "expiry"),
    *("autoscaling", "group_zones", "group_machine_types", "group_target_tracking", "group_step", "group_step_metric"),
    *("group_scheduled", "group_balancer", "group_replace"),
    *("load_balancing", "balancer_tcp", "balancer_http", "balancer_https", "balancer_instances", "balancer_addresses"),
    *("balancer_groups", "balancer_health", "balancer_http_check", "balancer_public"),
    *("volumes", "volume_types", "volume_speeds", "volume_grow", "volume_grow_attached", "volume_snapshots"),
    *("snapshots_outlive_volumes", "shares", "share_nfs", "share_smb"),
)
"""What every provider declares, whether it is there or not."""

INTERFACES = {"autoscaling": "autoscaling", "load_balancing": "load_balancing", "volumes": "storage"}
"""Capabilities that are whole interfaces, and where a provider has them."""


class ProviderConformance(Promises):
    """Inherit, give the fixture `provider`, and where faults can be brought about the fixture `faults`."""

    @pytest.mark.parametrize("flag", FLAGS)
    def test_each_flag_is_declared(self, provider: Provider, flag: str, request: pytest.FixtureRequest) -> None:
        """With a reason where it is not supported, and with none where it is."""
        assert provider.capabilities.provider == provider.name
        assert flag in provider.capabilities.items
        capability = provider.capabilities[flag]
        assert capability.supported or len(capability.reason) > len("no")
        record_capability(request.node, flag, capability)

    def test_an_engine_is_declared_with_what_it_can_do(self, provider: Provider, request: pytest.FixtureRequest) -> None:
        """Or with the reason why it cannot."""
        engines = {flag: found for flag, found in provider.capabilities.items.items() if flag.startswith("engine:")}
        assert engines
        for flag, capability in engines.items():
            assert capability.supported or capability.reason
            record_capability(request.node, flag, capability)

    def test_it_is_a_provider_of_one_region(self, provider: Provider) -> None:
        """With all that the contract names; an interface that is missing is there to say so."""
        assert [name for name in vars(Provider) if not name.startswith("_") and not hasattr(type(provider), name)] == []
        assert provider.name and provider.region
        assert {(offer.provider, offer.region) for offer in provider.compute.offers()} == {(provider.name, provider.region)}

    @pytest.mark.parametrize(("flag", "interface"), INTERFACES.items())
    def test_an_interface_that_is_missing_is_unsupported(self, provider: Provider, flag: str, interface: str) -> None:
        """With the declared reason, on access."""
        reason = lacks(provider, flag)
        with pytest.raises(Unsupported) as caught:
            getattr(provider, interface)
        assert reason in caught.value.reason

    def test_an_engine_that_is_missing_is_unsupported(
        self, provider: Provider, compute: Compute, base_spec: InstanceSpec, run: dict[str, str], token: str
    ) -> None:
        """With the declared reason."""
        made = compute.create(labelled(base_spec, run), token=token)
        for flag, capability in provider.capabilities.items.items():
            if flag.startswith("engine:") and not capability:
                with pytest.raises(Unsupported) as caught:
                    provider.engine(flag.removeprefix("engine:"), made)
                assert capability.reason in caught.value.reason

    def test_check_finds_nothing_wrong(self, provider: Provider) -> None:
        """Where all the rest of this suite passes."""
        assert provider.check() == []

    def test_check_tells_what_is_wrong(self, provider: Provider, faults: Faults) -> None:
        """A line each, and is no error itself."""
        faults.fail_auth()
        found = provider.check()
        faults.clear()
        assert found
        assert all(line.strip() and "\n" not in line for line in found)

    def test_quotas_are_limits_with_their_use(self, provider: Provider) -> None:
        """Each by its own name, and with a mend where it is told how much is used."""
        quotas = provider.quotas()
        assert len({quota.name for quota in quotas}) == len(quotas)
        for quota in quotas:
            assert quota.name
            assert quota.limit >= 0
            assert quota.used is None or quota.used >= 0

    @pytest.mark.parametrize("fault", ["throttle", "break_calls", "fail_auth"])
    def test_leftovers_that_cannot_be_asked_for_are_an_error(
        self, provider: Provider, faults: Faults, run: dict[str, str], fault: str
    ) -> None:
        """And not none."""
        faults.leave_pieces(run)
        getattr(faults, fault)()
        with pytest.raises({"throttle": Throttled, "break_calls": TransientError, "fail_auth": AuthError}[fault]):
            provider.leftovers(run)

    def test_leftovers_are_told_and_deleted(self, provider: Provider, faults: Faults, run: dict[str, str]) -> None:
        """Those of one's own labels, each once; deleting one twice is no error."""
        planted = faults.leave_pieces(run)
        found = provider.leftovers(run)
        assert len(found) == len({(leftover.kind, leftover.id) for leftover in found}) == planted > 0
        assert sum(faults.holdings(run).values()) == planted
        for leftover in found:
            assert (leftover.provider, leftover.region) == (provider.name, provider.region)
            assert leftover.id and leftover.kind
            assert leftover.labels.items() >= run.items()
        for leftover in [*found, *found]:
            provider.delete_leftover(leftover)
        assert provider.leftovers(run) == []
        assert faults.holdings(run) == {}

    def test_leftovers_of_others_are_not_told(self, provider: Provider, faults: Faults, run: dict[str, str]) -> None:
        """Whatever else they have in common."""
        mine, theirs = {**run, "side": "mine"}, {**run, "side": "theirs"}
        faults.leave_pieces(theirs)
        planted = faults.leave_pieces(mine)
        found = provider.leftovers(mine)
        assert len(found) == planted
        assert all(leftover.labels["side"] == "mine" for leftover in found)

    def test_leftovers_are_whole_whatever_the_pages(self, provider: Provider, faults: Faults, run: dict[str, str]) -> None:
        """Each once."""
        planted = sum(faults.leave_pieces({**run, "number": str(number)}) for number in range(3))
        faults.smallest_pages()
        assert len(provider.leftovers(run)) == planted

    def test_what_is_in_use_is_no_leftover(
        self, provider: Provider, compute: Compute, base_spec: InstanceSpec, run: dict[str, str], token: str
    ) -> None:
        """The pieces of an instance that is there, those of its firewall too."""
        spec = labelled(base_spec, run)
        if provider.capabilities["open_ports"]:
            spec = changed(spec, open_ports=[{"port": 443, "source": "192.0.2.0/24"}])
        made = compute.wait(compute.create(spec, token=token), "running", timeout=self.patience)
        assert provider.leftovers(run) == []
        compute.delete([made.id])
        compute.wait(made, "deleted", timeout=self.patience)

    def test_a_deleted_instance_leaves_nothing(
        self,
        provider: Provider,
        compute: Compute,
        base_spec: InstanceSpec,
        run: dict[str, str],
        faults: Faults,
    ) -> None:
        """But what is told as a leftover, for a cloud that lets go of some pieces only after it."""
        asked: dict[str, Any] = {"open_ports": [{"port": 443, "source": "192.0.2.0/24"}], "public_address": True}
        fields = {flag: value for flag, value in asked.items() if provider.capabilities[flag]}
        spec = changed(labelled(base_spec, run), **fields)
        made = compute.wait(compute.create(spec, token=str(uuid4())), "running", timeout=self.patience)
        assert faults.holdings(run)
        compute.delete([made.id])
        compute.wait(made, "deleted", timeout=self.patience)
        for leftover in provider.leftovers(run):
            provider.delete_leftover(leftover)
        assert faults.holdings(run) == {}
