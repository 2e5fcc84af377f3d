"""What an error promises: the exact class, who said it, with which code, and what to avoid."""

from __future__ import annotations

import pytest

from cloudlayer.errors import (
    AuthError,
    AvoidScope,
    CapacityError,
    CloudError,
    PermissionDenied,
    QuotaError,
    Throttled,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.interfaces import Compute, Provider
from cloudlayer.resources import InstanceSpec
from cloudlayer.testing.compute.base import InstancePromises
from cloudlayer.testing.faults import Faults

LAUNCH_FAULTS: dict[str, type[CloudError]] = {
    "lack_capacity": CapacityError,
    "exceed_quota": QuotaError,
    "throttle": Throttled,
    "break_calls": TransientError,
    "fail_auth": AuthError,
    "deny": PermissionDenied,
    "answer_unknown": UnknownCloudError,
}
"""Faults by name, and the one class that each of them may become."""


class FailurePromises(InstancePromises):
    """No error is taken for another, least of all for a lack of capacity."""

    @pytest.mark.parametrize("fault", LAUNCH_FAULTS)
    def test_a_fault_gives_its_exact_error(
        self, provider: Provider, spec: InstanceSpec, token: str, faults: Faults, fault: str
    ) -> None:
        """With provider and code, and nothing launched."""
        getattr(faults, fault)()
        with pytest.raises(CloudError) as caught:
            provider.compute.create(spec, token=token)
        assert type(caught.value) is LAUNCH_FAULTS[fault]
        assert caught.value.provider == provider.name
        assert caught.value.code
        faults.clear()
        assert provider.compute.list(spec.labels) == []

    @pytest.mark.parametrize("fault", ["lack_capacity", "exceed_quota"])
    def test_a_lack_is_an_answer_that_says_what_to_avoid(
        self, provider: Provider, spec: InstanceSpec, token: str, faults: Faults, fault: str
    ) -> None:
        """For each spec that it hit, with the provider and for how long."""
        getattr(faults, fault)()
        answers = provider.compute.create_batch([spec, spec], token=token)
        assert len(answers) == 2
        for answer in answers:
            assert type(answer) is LAUNCH_FAULTS[fault]
            assert answer.avoid is not None
            assert answer.avoid.provider == provider.name
            assert answer.avoid.seconds > 0
            if isinstance(answer, CapacityError):
                assert isinstance(answer.scope, AvoidScope)
                assert answer.avoid.region in (None, provider.region)
            if isinstance(answer, QuotaError):
                assert answer.name

    @pytest.mark.parametrize("fault", ["throttle", "break_calls", "fail_auth", "deny", "answer_unknown"])
    def test_a_fault_of_the_whole_call_is_raised_for_a_batch(
        self, compute: Compute, spec: InstanceSpec, token: str, faults: Faults, fault: str
    ) -> None:
        """It is no answer of one spec."""
        getattr(faults, fault)()
        with pytest.raises(LAUNCH_FAULTS[fault]):
            compute.create_batch([spec, spec], token=token)

    @pytest.mark.parametrize("fault", ["throttle", "break_calls"])
    def test_a_passing_fault_is_tried_again(
        self, compute: Compute, spec: InstanceSpec, token: str, faults: Faults, fault: str
    ) -> None:
        """And nobody notices."""
        getattr(faults, fault)(times=1)
        made = compute.create(spec, token=token)
        getattr(faults, fault)(times=1)
        assert [instance.id for instance in compute.list(spec.labels)] == [made.id]
        getattr(faults, fault)(times=1)
        compute.delete([made.id])

    @pytest.mark.parametrize("fault", ["throttle", "break_calls", "fail_auth"])
    def test_a_list_that_fails_is_an_error_and_not_empty(
        self, compute: Compute, run: dict[str, str], faults: Faults, fault: str
    ) -> None:
        """Nor is a get a NotFound."""
        getattr(faults, fault)()
        with pytest.raises(LAUNCH_FAULTS[fault]):
            compute.list(run)
        with pytest.raises(LAUNCH_FAULTS[fault]):
            compute.get("i-00000000000000000")

    def test_a_token_whose_launch_failed_may_launch_later(
        self, compute: Compute, spec: InstanceSpec, token: str, faults: Faults
    ) -> None:
        """Nothing was launched under it, so it is not used."""
        faults.lack_capacity()
        with pytest.raises(CapacityError):
            compute.create(spec, token=token)
        faults.clear()
        made = compute.create(spec, token=token)
        assert [instance.id for instance in compute.list(spec.labels)] == [made.id]
