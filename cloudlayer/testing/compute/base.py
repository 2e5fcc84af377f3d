"""The fixtures of Compute's promises."""

from __future__ import annotations

import pytest

from cloudlayer.resources import InstanceSpec
from cloudlayer.testing.base import Promises, labelled


class InstancePromises(Promises):
    """`spec` is what tests create; `absent_id` is an id that no instance has."""

    interface = "compute"

    @pytest.fixture
    def spec(self, base_spec: InstanceSpec, run: dict[str, str]) -> InstanceSpec:
        """`base_spec`, labelled as this test's."""
        return labelled(base_spec, run)

    @pytest.fixture
    def absent_id(self, absent_instance: str) -> str:
        """An id that no instance has."""
        return absent_instance
