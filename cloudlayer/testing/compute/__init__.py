"""All that a Compute promises, in one class to inherit from."""

from cloudlayer.testing.compute.capabilities import CapabilityPromises
from cloudlayer.testing.compute.creation import CreationPromises
from cloudlayer.testing.compute.failures import FailurePromises
from cloudlayer.testing.compute.lifecycle import LifecyclePromises
from cloudlayer.testing.compute.offers import OfferPromises
from cloudlayer.testing.compute.recovery import RecoveryPromises


class ComputeConformance(
    CreationPromises, RecoveryPromises, LifecyclePromises, OfferPromises, FailurePromises, CapabilityPromises
):
    """Inherit, give the fixture `provider`, and where faults can be brought about the fixture `faults`."""
