"""The conformance suite: what a provider promises, as tests that its author inherits.

    class TestMine(ComputeConformance):
        @pytest.fixture
        def provider(self):
            return connect("mine")

One class an interface: ComputeConformance, AutoscalingConformance, LoadBalancingConformance, StorageConformance, with
ShareConformance for Storage's shares, and ProviderConformance for what they have in common. Needs pytest. `base` and each
interface's own `base` tell which fixtures there are, `faults` how a provider's faults are brought about, `skips` how a promise
that does not apply says so. `python -m cloudlayer.testing.matrix` makes a table of what the suite found.

What a store of objects by URI promises stands in `cloudlayer.testing.objects`, which needs the extra `objects`.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"cloudlayer.testing.{name}" for name in ("base", "things", "compute", "autoscaling", "load_balancing", "storage")),
    *(f"cloudlayer.testing.{name}" for name in ("provider", "objects")),
)

from cloudlayer.testing.autoscaling import AutoscalingConformance  # noqa: E402  (asserts are rewritten in what comes after)
from cloudlayer.testing.clock import SteppedClock  # noqa: E402
from cloudlayer.testing.compute import ComputeConformance  # noqa: E402
from cloudlayer.testing.faults import Faults, Kind  # noqa: E402
from cloudlayer.testing.load_balancing import LoadBalancingConformance  # noqa: E402
from cloudlayer.testing.provider import ProviderConformance  # noqa: E402
from cloudlayer.testing.storage import ShareConformance, StorageConformance  # noqa: E402

__all__ = [
    "AutoscalingConformance",
    "ComputeConformance",
    "Faults",
    "Kind",
    "LoadBalancingConformance",
    "ProviderConformance",
    "ShareConformance",
    "SteppedClock",
    "StorageConformance",
]
