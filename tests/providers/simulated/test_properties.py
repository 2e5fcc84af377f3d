"""Whatever is done to a world, and in whatever order, what it promises holds."""

from collections import Counter
from contextlib import suppress
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cloudlayer.errors import CloudError, InvalidSpec
from cloudlayer.interfaces import ReplicaSpec
from cloudlayer.labels import TOKEN
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import InstanceSpec, InstanceState
from cloudlayer.units import GIB

QUOTA, CAPACITY = 6, 2
tokens = st.integers(0, 5).map(lambda number: str(UUID(int=number)))
which = st.integers(0, 30)


class AnyWorld(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world = World(attempts=1, interruptions_per_hour=1)
        self.world.set_quota("instances", QUOTA)
        self.world.set_capacity("sim-east-a", "cpu-2", CAPACITY)
        self.provider = self.world.connect()
        self.gone, self.moment, self.ended = set(), 0.0, set()

    def picked(self, number):
        made = self.world.instances()
        return made[number % len(made)] if made else None

    @rule(token=tokens, number=st.integers(1, 3), purchase=st.sampled_from(["on_demand", "spot"]))
    def create(self, token, number, purchase):
        spec = InstanceSpec(machine_type="cpu-2", zone="sim-east-a", purchase=purchase)
        with suppress(CloudError):
            self.provider.compute.create_batch([spec] * number, token=token)

    @rule(number=which, call=st.sampled_from(["start", "stop", "reboot", "delete"]))
    def change(self, number, call):
        instance = self.picked(number)
        if instance is not None:
            with suppress(CloudError):
                getattr(self.provider.compute, call)([instance.id] if call == "delete" else instance.id)

    @rule(number=which, after=st.sampled_from([0.0, 30.0]))
    def interrupt(self, number, after):
        instance = self.picked(number)
        if instance is not None:
            with suppress(InvalidSpec):
                self.world.interrupt(instance.id, after=after)

    @rule(number=which, replica=tokens, call=st.sampled_from(["start", "stop"]))
    def run(self, number, replica, call):
        instance = self.picked(number)
        if instance is None:
            return
        engine = self.provider.engine("simulated", instance)
        with suppress(CloudError):
            if call == "start":
                engine.start(ReplicaSpec(id=replica, function="a/B", version="1.0.0", cpu=1, memory=GIB))
            elif not instance.state.gone:
                engine.stop(replica)
                self.ended.add((instance.id, replica))

    @rule(call=st.sampled_from(["create", "delete", "engine.*"]), effect=st.sampled_from(["lost", "refused"]))
    def fail(self, call, effect):
        self.world.inject(Fault(effect, call=call))

    @rule(seconds=st.sampled_from([1.0, 20.0, 3600.0]))
    def advance(self, seconds):
        self.world.advance(seconds)

    @invariant()
    def limits_hold(self):
        live = self.world.instances(live=True)
        assert len(live) <= QUOTA
        assert sum(found.purchase == "on_demand" for found in live) <= CAPACITY

    @invariant()
    def what_is_gone_stays_gone(self):
        now_gone = {found.id for found in self.world.instances() if found.state.gone}
        assert self.gone <= now_gone
        self.gone = now_gone

    @invariant()
    def a_token_launches_each_of_its_specs_once(self):
        assert all(number <= 3 for number in Counter(found.labels[TOKEN] for found in self.world.instances()).values())

    @invariant()
    def replicas_are_on_machines_that_run(self):
        running = {found.id for found in self.world.instances() if found.state is InstanceState.RUNNING}
        assert {found.machine for found in self.world.replicas()} <= running

    @invariant()
    def what_was_stopped_is_not_there(self):
        assert not self.ended & {(found.machine, found.id) for found in self.world.replicas()}

    @invariant()
    def time_goes_forward(self):
        assert self.world.clock.now() >= self.moment
        self.moment = self.world.clock.now()


AnyWorld.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyWorld = AnyWorld.TestCase
