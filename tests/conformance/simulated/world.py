"""A world to hold the suite against, and the suite's faults, brought about in it."""

import pytest

from cloudlayer.providers.simulated import Fault, World, pieces
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.providers.simulated.provider import SimulatedProvider
from cloudlayer.testing import Faults

CREATES = {
    "instance": "create",
    "group": "group.create",
    "balancer": "balancer.create",
    "volume": "volume.create",
    "snapshot": "snapshot.create",
    "share": "share.create",
}
QUOTAS = {"instance": "instances", "group": "groups", "balancer": "balancers", "volume": "volumes", "share": "shares"}


class WorldFaults(Faults):
    def __init__(self, world):
        self._world = world
        self._limited = set()

    def clear(self):
        self._world.heal()
        for name in self._limited:
            self._world.set_quota(name, None)

    def launched(self):
        return len(self._world.instances())

    def holdings(self, labels):
        return self._world.holdings(labels)

    def leave_pieces(self, labels):
        return self._world.leave_pieces(labels)

    def outlast_creates(self):
        self._world.advance(pieces.UNDER_WAY_SECONDS)

    def lack_capacity(self, after=0):
        self._world.inject(Fault("no_capacity", times=None, after=after))

    def exceed_quota(self, kind="instance"):
        if kind == "snapshot":
            self._world.inject(Fault("refused", call=CREATES[kind], times=None, error="quota"))
            return
        self._limited.add(QUOTAS[kind])
        self._world.set_quota(QUOTAS[kind], 0)

    def throttle(self, times=None):
        self._world.inject(Fault("refused", times=times, error="throttled"))

    def break_calls(self, times=None):
        self._world.inject(Fault("refused", times=times))

    def break_off(self, after):
        self._world.inject(Fault("refused", times=None, after=after))

    def lose_answer(self, kind="instance"):
        self._world.inject(Fault("lost", call=CREATES[kind]))

    def fail_auth(self):
        self._world.inject(Fault("refused", times=None, error="auth"))

    def deny(self, kind="instance"):
        self._world.inject(Fault("refused", call=CREATES[kind], times=None, error="denied"))

    def answer_unknown(self, kind="instance"):
        self._world.inject(Fault("refused", call=CREATES[kind], times=None, error="unknown"))

    def fail_instances(self):
        self._world.inject(Fault("failed_boot", times=None))

    def smallest_pages(self):
        self._world.set(page_size=1)


class OnAWorld:
    """What every suite against a world has in common."""

    proof = "simulated"
    page = 1

    @pytest.fixture
    def world(self):
        return World()

    @pytest.fixture
    def provider(self, world):
        return world.connect()

    @pytest.fixture
    def faults(self, world):
        return WorldFaults(world)


class Certified:
    """A balancer's certificate, which this cloud takes on trust."""

    @pytest.fixture
    def certificate(self):
        return "certificate-1"


class WithoutNativeTokens:
    """A cloud that binds no token, and shows its lists one by one."""

    @pytest.fixture
    def world(self):
        return World(native_tokens=False, page_size=1)


LAG = 30.0


class SettledWorld(SimulatedProvider):
    """A region of a world that is looked at only when what was done can be seen."""

    def __init__(self, world: World) -> None:
        super().__init__("sim-east", world)
        self._compute = _SettledCompute(self.capabilities, "sim-east", world)


class _SettledCompute(SimulatedCompute):
    def get(self, id, *, deadline=None):
        self._simulation.advance(LAG)
        return super().get(id, deadline=deadline)

    def list(self, labels=None, *, deadline=None):
        self._simulation.advance(LAG)
        return super().list(labels, deadline=deadline)
