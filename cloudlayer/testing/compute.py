"""All that a Compute promises, in one class to inherit from."""

from cloudlayer.testing.capabilities import CapabilityPromises
from cloudlayer.testing.creation import CreationPromises
from cloudlayer.testing.failures import FailurePromises
from cloudlayer.testing.lifecycle import LifecyclePromises
from cloudlayer.testing.offers import OfferPromises


class ComputeConformance(CreationPromises, LifecyclePromises, OfferPromises, FailurePromises, CapabilityPromises):
    """Inherit, give the fixture `provider`, and where faults can be brought about the fixture `faults`."""
