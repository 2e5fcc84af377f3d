"""What a capability promises: one that is there works, one that is not gives its reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Compute, Provider
from cloudlayer.resources import InstanceSpec
from cloudlayer.testing.base import changed
from cloudlayer.testing.compute.base import InstancePromises
from cloudlayer.testing.evidence import proves
from cloudlayer.testing.skips import lacks, need, skip
from cloudlayer.units import GIB

SPECS: dict[str, dict[str, object]] = {
    "on_demand": {"purchase": "on_demand"},
    "spot": {"purchase": "spot"},
    "reserved": {"purchase": "reserved"},
    "user_data": {"user_data": "#!/bin/sh\ntrue\n"},
    "disks": {"disks": [{"size": 4 * GIB}]},
    "public_address": {"public_address": True},
    "open_ports": {"open_ports": [{"port": 443, "source": "192.0.2.0/24"}]},
    "expiry": {"delete_on_shutdown": True},
}
"""What a spec asks for that needs the capability."""

CALLS: dict[str, tuple[str, Callable[[Compute, str], object]]] = {
    "start": ("stop_start", lambda compute, made: compute.start(made)),
    "stop": ("stop_start", lambda compute, made: compute.stop(made)),
    "reboot": ("reboot", lambda compute, made: compute.reboot(made)),
    "resize": ("resize", lambda compute, made: compute.resize(made, compute.offers()[0].machine_type.name)),
    "console_log": ("console_log", lambda compute, made: compute.console_log(made)),
    "images": ("images", lambda compute, made: compute.images()),
}
"""Calls, and the capability that each needs."""


class CapabilityPromises(InstancePromises):
    """One test a flag."""

    @pytest.mark.parametrize("flag", SPECS)
    def test_a_spec_that_asks_for_what_is_missing_is_unsupported(
        self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str, flag: str
    ) -> None:
        """With the declared reason, and before any launch."""
        reason = lacks(provider, flag)
        with pytest.raises(Unsupported) as caught:
            compute.create(changed(spec, **SPECS[flag]), token=token)
        assert reason in caught.value.reason
        assert compute.list(spec.labels) == []

    @pytest.mark.parametrize("call", CALLS)
    def test_a_call_that_is_missing_is_unsupported(
        self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str, call: str
    ) -> None:
        """With the declared reason."""
        flag, attempt = CALLS[call]
        reason = lacks(provider, flag)
        made = compute.wait(compute.create(spec, token=token), "running", timeout=self.patience)
        with pytest.raises(Unsupported) as caught:
            attempt(compute, made.id)
        assert reason in caught.value.reason

    @proves("{flag}")
    @pytest.mark.parametrize("flag", ["user_data", "disks", "open_ports", "expiry"])
    def test_a_spec_that_asks_for_what_is_there_is_created(
        self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str, flag: str
    ) -> None:
        """And runs, and is deleted."""
        need(provider, flag)
        made = compute.create(changed(spec, **SPECS[flag]), token=token)
        compute.wait(made, "running", timeout=self.patience)
        compute.delete([made.id])
        compute.wait(made, "deleted", timeout=self.patience)

    @proves("{flag}")
    @pytest.mark.parametrize("flag", ["on_demand", "spot", "reserved"])
    def test_an_instance_is_bought_as_asked(
        self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str, flag: str
    ) -> None:
        """And says so."""
        need(provider, flag)
        offer = next((offer for offer in compute.offers() if offer.purchase == flag and offer.available != 0), None)
        if offer is None:
            skip("fixture", flag, "nothing is on offer")
        fields = {"machine_type": offer.machine_type.name, "zone": offer.zone, "reservation": offer.reservation}
        wanted = changed(spec, purchase=flag, cpu=None, memory=None, **fields)
        made = compute.create(wanted, token=token)
        assert made.purchase == compute.get(made.id).purchase == flag
        assert (made.machine_type, made.zone) == (offer.machine_type.name, offer.zone)

    @proves("public_address")
    def test_public_address_is_given_where_asked_for(
        self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str
    ) -> None:
        """And only there."""
        need(provider, "public_address")
        answers = compute.create_batch([changed(spec, public_address=True), spec], token=token)
        states = [compute.wait(answer.id, "running", timeout=self.patience) for answer in answers if hasattr(answer, "id")]
        assert [bool(instance.public_address) for instance in states] == [True, False]

    @proves("stop_start")
    def test_stop_start_stops_and_starts(self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """Each twice without an error, on the same instance."""
        need(provider, "stop_start")
        made = compute.wait(compute.create(spec, token=token), "running", timeout=self.patience)
        compute.start(made.id)
        compute.stop(made.id)
        compute.wait(made.id, "stopped", timeout=self.patience)
        compute.stop(made.id)
        compute.start(made.id)
        assert compute.wait(made.id, "running", timeout=self.patience).labels == made.labels

    @proves("reboot")
    def test_reboot_keeps_the_instance(self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """It runs after it."""
        need(provider, "reboot")
        made = compute.wait(compute.create(spec, token=token), "running", timeout=self.patience)
        compute.reboot(made.id)
        assert compute.wait(made.id, "running", timeout=self.patience).id == made.id

    @proves("resize")
    def test_resize_changes_the_type_of_a_stopped_instance(
        self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str
    ) -> None:
        """To another one on sale in its zone, of its architecture."""
        need(provider, "resize")
        made = compute.wait(compute.create(spec, token=token), "running", timeout=self.patience)
        kinds = {offer.machine_type for offer in compute.offers() if offer.zone == made.zone}
        before = next(kind for kind in kinds if kind.name == made.machine_type)
        others = sorted(
            (kind.cpu, kind.name) for kind in kinds if kind.architecture == before.architecture and kind.name != before.name
        )
        compute.stop(made.id)
        compute.wait(made.id, "stopped", timeout=self.patience)
        compute.resize(made.id, others[0][1])
        compute.start(made.id)
        assert compute.wait(made.id, "running", timeout=self.patience).machine_type == others[0][1]

    @proves("console_log")
    def test_console_log_is_text(self, provider: Provider, compute: Compute, spec: InstanceSpec, token: str) -> None:
        """Empty where nothing is there yet."""
        need(provider, "console_log")
        made = compute.wait(compute.create(spec, token=token), "running", timeout=self.patience)
        assert isinstance(compute.console_log(made.id), str)

    @proves("images")
    def test_images_lead_from_names_to_ids(self, provider: Provider, compute: Compute) -> None:
        """Newest first; an id leads to itself, an unknown name nowhere."""
        need(provider, "images")
        known = compute.images()
        assert known
        for image in known[:3]:
            assert image.id in {found.id for found in compute.images(image.id)}
            dates = [found.created_at for found in compute.images(image.name) if found.created_at]
            assert dates == sorted(dates, reverse=True)
        assert compute.images("no-such-image") == []

    @proves("prices")
    def test_prices_are_known_for_something(self, provider: Provider, compute: Compute) -> None:
        """At least one offer has one."""
        need(provider, "prices")
        assert any(offer.price is not None for offer in compute.offers())
