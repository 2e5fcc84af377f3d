"""Mutants: simulated clouds that break one promise each, so that the suite can be seen to find them."""

from cloudlayer.interfaces import Capabilities, Capability
from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.simulated import World, cloud
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.providers.simulated.provider import SimulatedProvider

REGION = "sim-east"
REASON = "this mutant says that it has none"
MUTANTS = []


def breaks(promise):
    """Registers a driver or provider that breaks the promise."""

    def register(mutant):
        MUTANTS.append((f"test_{promise}", mutant))
        return mutant

    return register


def connect(mutant, world: World) -> SimulatedProvider:
    if issubclass(mutant, SimulatedProvider):
        return mutant(REGION, world)
    provider = SimulatedProvider(REGION, world)
    provider._compute = mutant(provider.capabilities, REGION, world)
    return provider


class Denying(SimulatedProvider):
    """Declares that something is missing, which its driver has all the same."""

    denied = ""

    def __init__(self, region, world):
        super().__init__(region, world)
        self._compute = SimulatedCompute(super().capabilities, region, world)

    @property
    def capabilities(self):
        found = super().capabilities
        return Capabilities(found.provider, {**found.items, self.denied: Capability(False, REASON)})


class Blind(SimulatedCompute):
    """Launches on every call: neither the cloud nor the driver looks at the token."""

    def create_batch(self, specs, *, token, deadline=None):
        def operation(document, now):
            return cloud.launch_missing(document, now, REGION, specs, token=token, ids=[None] * len(specs))

        return self._call("create", token, operation, deadline)


class AnotherDigest(SimulatedCompute):
    """Takes specs for the same that are not."""

    def digest(self, specs):
        return fingerprint(specs)

    def create_batch(self, specs, *, token, deadline=None):
        if not specs:
            return []

        def operation(document, now):
            return cloud.launch(document, now, REGION, specs, token=token, digest=self.digest(specs))

        return self._call("create", token, operation, deadline)
