"""What an error promises, of groups, balancers, volumes and shares alike: the exact class, who said it, and with which code."""

from __future__ import annotations

from typing import Any

import pytest

from cloudlayer.errors import AuthError, CloudError, PermissionDenied, QuotaError, Throttled, TransientError, UnknownCloudError
from cloudlayer.interfaces import Provider
from cloudlayer.testing.faults import Faults
from cloudlayer.testing.things.base import ThingPromises, Things, ids

OF_A_KIND = {"exceed_quota": QuotaError, "deny": PermissionDenied, "answer_unknown": UnknownCloudError}
OF_ANY_CALL = {"throttle": Throttled, "break_calls": TransientError, "fail_auth": AuthError}
ERRORS: dict[str, type[CloudError]] = {**OF_A_KIND, **OF_ANY_CALL}
"""Faults by name, and the one class that each of them may become."""


class FailingPromises(ThingPromises):
    """No error is taken for another, least of all for a lack of capacity."""

    @pytest.mark.parametrize("fault", ERRORS)
    def test_a_fault_gives_its_exact_error(
        self, provider: Provider, things: Things, spec: Any, token: str, faults: Faults, fault: str
    ) -> None:
        """With provider and code, and nothing made."""
        self._bring_about(faults, fault)
        with pytest.raises(CloudError) as caught:
            things.create(spec, token=token)
        assert type(caught.value) is ERRORS[fault]
        assert caught.value.provider == provider.name
        assert caught.value.code
        assert not isinstance(caught.value, QuotaError) or caught.value.name
        faults.clear()
        assert ids(things, spec.labels) == []

    def test_a_token_whose_create_was_refused_may_be_used_later(
        self, things: Things, spec: Any, token: str, faults: Faults
    ) -> None:
        """Nothing was made under it, so it is not used."""
        faults.exceed_quota(self.kind)
        with pytest.raises(QuotaError):
            things.create(spec, token=token)
        faults.clear()
        made = things.create(spec, token=token)
        assert ids(things, spec.labels) == [made.id]

    @pytest.mark.parametrize("fault", ["throttle", "break_calls"])
    def test_a_passing_fault_is_tried_again(self, things: Things, spec: Any, token: str, faults: Faults, fault: str) -> None:
        """And nobody notices."""
        getattr(faults, fault)(times=1)
        made = self.made(things, spec, token)
        getattr(faults, fault)(times=1)
        assert ids(things, spec.labels) == [made.id]
        getattr(faults, fault)(times=1)
        things.delete(made.id)

    @pytest.mark.parametrize("fault", OF_ANY_CALL)
    def test_a_list_that_fails_is_an_error_and_not_empty(
        self, things: Things, run: dict[str, str], faults: Faults, absent_id: str, fault: str
    ) -> None:
        """Nor is a get a NotFound, nor a delete of what may be there done."""
        getattr(faults, fault)()
        for call in (lambda: things.list(run), lambda: things.get(absent_id), lambda: things.delete(absent_id)):
            with pytest.raises(ERRORS[fault]):
                call()

    def _bring_about(self, faults: Faults, fault: str) -> None:
        if fault in OF_A_KIND:
            getattr(faults, fault)(self.kind)
        else:
            getattr(faults, fault)()
