"""The conformance suite: what a provider promises, as tests that its author inherits.

    class TestMine(ComputeConformance):
        @pytest.fixture
        def provider(self):
            return connect("mine")

Needs pytest. `base` tells which fixtures there are, `faults` how a provider's faults are brought about.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"cloudlayer.testing.{name}" for name in ("base", "capabilities", "creation", "failures", "lifecycle", "offers"))
)

from cloudlayer.testing.clock import SteppedClock  # noqa: E402  (asserts are rewritten in what is imported after)
from cloudlayer.testing.compute import ComputeConformance  # noqa: E402
from cloudlayer.testing.faults import Faults  # noqa: E402

__all__ = ["ComputeConformance", "Faults", "SteppedClock"]
