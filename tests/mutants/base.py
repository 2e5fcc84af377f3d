"""Mutants: simulated clouds that break one promise each, so that the suite can be seen to find them."""

from dataclasses import dataclass

from cloudlayer.interfaces import Capabilities, Capability
from cloudlayer.providers.simulated import World
from cloudlayer.providers.simulated.autoscaling import SimulatedAutoscaling
from cloudlayer.providers.simulated.calls import Calls
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.providers.simulated.load_balancing import SimulatedLoadBalancing
from cloudlayer.providers.simulated.provider import SimulatedProvider
from cloudlayer.providers.simulated.storage import SimulatedStorage
from cloudlayer.testing import (
    AutoscalingConformance,
    ComputeConformance,
    LoadBalancingConformance,
    ProviderConformance,
    ShareConformance,
    StorageConformance,
)


class SimulatedShares(SimulatedStorage):
    """A Storage whose calls for shares go by the verbs of the other interfaces, so that one mutant breaks them alike."""

    def create(self, spec, *, token, deadline=None):
        return super().create_share(spec, token=token, deadline=deadline)

    def get(self, id, *, deadline=None):
        return super().get_share(id, deadline=deadline)

    def list(self, labels=None, *, deadline=None):
        return super().shares(labels, deadline=deadline)

    def delete(self, id, *, deadline=None):
        super().delete_share(id, deadline=deadline)

    def wait(self, thing, state, *, timeout=600, deadline=None):
        return super().wait_share(thing, state, timeout=timeout, deadline=deadline)

    def create_share(self, spec, *, token, deadline=None):
        return self.create(spec, token=token, deadline=deadline)

    def get_share(self, id, *, deadline=None):
        return self.get(id, deadline=deadline)

    def shares(self, labels=None, *, deadline=None):
        return self.list(labels, deadline=deadline)

    def delete_share(self, id, *, deadline=None):
        self.delete(id, deadline=deadline)

    def wait_share(self, share, state, *, timeout=600, deadline=None):
        return self.wait(share, state, timeout=timeout, deadline=deadline)


REGION = "sim-east"
REASON = "this mutant says that it has none"
SECRET = "hunter2"
SUITES = {
    SimulatedCompute: ComputeConformance,
    SimulatedAutoscaling: AutoscalingConformance,
    SimulatedLoadBalancing: LoadBalancingConformance,
    SimulatedShares: ShareConformance,
    SimulatedStorage: StorageConformance,
    SimulatedProvider: ProviderConformance,
}
"""Which suite a mutant is held against, by what it is a mutant of."""
THINGS = (SimulatedAutoscaling, SimulatedLoadBalancing, SimulatedStorage, SimulatedShares)
PLACES = {
    SimulatedCompute: "_compute",
    SimulatedAutoscaling: "_autoscaling",
    SimulatedLoadBalancing: "_load_balancing",
    SimulatedStorage: "_storage",
}


@dataclass(frozen=True)
class Mutant:
    """A driver or provider that breaks a promise of a suite."""

    suite: type
    promise: str
    kind: type

    @property
    def name(self):
        """Its class's name, which no other mutant has."""
        return self.kind.__name__


MUTANTS = []


def breaks(promise, suite=None):
    """Registers a driver or provider that breaks the promise; the suite is that of the driver where none is given."""

    def register(kind):
        own = suite or next(found for base, found in SUITES.items() if issubclass(kind, base))
        MUTANTS.append(Mutant(own, f"test_{promise}", kind))
        return kind

    return register


def breaks_alike(promise, drivers=THINGS):
    """Registers, for each of these drivers, one with these methods in front of its own; all of them break the promise."""

    def register(methods):
        for driver in drivers:
            breaks(promise)(type(f"{methods.__name__}{driver.__name__.removeprefix('Simulated')}", (methods, driver), {}))
        return methods

    return register


def connect(kind, world: World) -> SimulatedProvider:
    """The provider that is the mutant, or that has it as one of its drivers."""
    if issubclass(kind, SimulatedProvider):
        return kind(REGION, world)
    provider = SimulatedProvider(REGION, world)
    place = next(place for base, place in PLACES.items() if issubclass(kind, base))
    setattr(provider, place, kind(provider.capabilities, REGION, world))
    return provider


class Denying(SimulatedProvider):
    """Declares that something is missing, which its drivers have all the same."""

    denied = ""

    def __init__(self, region, world):
        super().__init__(region, world)
        for driver, place in PLACES.items():
            setattr(self, place, driver(super().capabilities, region, world))

    @property
    def capabilities(self):
        found = super().capabilities
        return Capabilities(found.provider, {**found.items, self.denied: Capability(False, REASON)})


class Blunt(Calls):
    """Calls that are made once, and pieces that stay where they are."""

    def tried(self, attempt, name, deadline):
        return attempt()


class Untidy(Calls):
    """Calls that leave every piece where it is."""

    def discard(self, ids, deadline):
        pass


def calling(calls):
    """Methods that let a driver make its calls in another way."""

    class WithCalls:
        def __init__(self, capabilities, region, simulation):
            super().__init__(capabilities, region, simulation)
            self._calls = calls(simulation, region)

    return WithCalls
