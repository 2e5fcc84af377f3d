"""The suite's faults, brought about in a world."""

from cloudlayer.providers.simulated import Fault, World
from cloudlayer.providers.simulated.compute import SimulatedCompute
from cloudlayer.providers.simulated.provider import SimulatedProvider
from cloudlayer.testing import Faults


class WorldFaults(Faults):
    def __init__(self, world: World) -> None:
        self._world = world

    def clear(self) -> None:
        self._world.heal()
        self._world.set_quota("instances", None)

    def launched(self) -> int:
        return len(self._world.instances())

    def lack_capacity(self, after: int = 0) -> None:
        self._world.inject(Fault("no_capacity", times=None, after=after))

    def exceed_quota(self) -> None:
        self._world.set_quota("instances", 0)

    def throttle(self, times: int | None = None) -> None:
        self._world.inject(Fault("refused", times=times, error="throttled"))

    def break_calls(self, times: int | None = None) -> None:
        self._world.inject(Fault("refused", times=times))

    def lose_answer(self) -> None:
        self._world.inject(Fault("lost", call="create"))

    def fail_auth(self) -> None:
        self._world.inject(Fault("refused", times=None, error="auth"))

    def deny(self) -> None:
        self._world.inject(Fault("refused", call="create", times=None, error="denied"))

    def answer_unknown(self) -> None:
        self._world.inject(Fault("refused", call="create", times=None, error="unknown"))

    def fail_instances(self) -> None:
        self._world.inject(Fault("failed_boot", times=None))

    def smallest_pages(self) -> None:
        self._world.set(page_size=1)


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
