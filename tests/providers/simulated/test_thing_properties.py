"""Whatever is done to groups, balancers, volumes and shares, and in whatever order, what a world promises of them holds."""

from contextlib import suppress
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cloudlayer.errors import CloudError
from cloudlayer.labels import TOKEN
from cloudlayer.providers.simulated import Fault, World
from cloudlayer.resources import (
    InstanceSpec,
    InstanceState,
    LoadBalancerSpec,
    ScalingGroupSpec,
    ScalingGroupState,
    ShareSpec,
    TargetSpec,
    VolumeSpec,
)
from cloudlayer.units import GIB

QUOTA, CAPACITY = 8, 3
GONE = ("deleting", "deleted")
LISTENER = {"port": 80, "protocol": "tcp", "target_port": 80}
STEPS = [
    {"kind": "step", "name": "up", "change": 2, "metric": "cpu_percent", "threshold": 70},
    {"kind": "step", "name": "down", "change": -1},
]
tokens = st.integers(0, 3).map(lambda number: str(UUID(int=number)))
which = st.integers(0, 9)
machine_types = st.sampled_from(["cpu-2", "cpu-4"])


def group_spec(machine_type, most):
    return ScalingGroupSpec.model_validate(
        {"name": "web", "template": {"machine_type": machine_type}, "max": most, "desired": 1, "policies": STEPS}
    )


class AnyThings(RuleBasedStateMachine):
    native_tokens = True

    def __init__(self):
        super().__init__()
        self.world = World(attempts=1, native_tokens=self.native_tokens)
        self.world.set_quota("instances", QUOTA)
        self.world.set_capacity("sim-east-a", "cpu-2", CAPACITY)
        self.provider = self.world.connect()
        self.sizes, self.deleted = {}, set()

    def picked(self, things, number):
        return things[number % len(things)] if things else None

    @rule(token=tokens, machine_type=machine_types, most=st.integers(1, 5))
    def create_group(self, token, machine_type, most):
        with suppress(CloudError):
            self.provider.autoscaling.create(group_spec(machine_type, most), token=token)

    @rule(number=which, machine_type=machine_types, most=st.integers(1, 5))
    def update_group(self, number, machine_type, most):
        group = self.picked(self.world.groups(), number)
        if group is not None:
            with suppress(CloudError):
                self.provider.autoscaling.update(group.id, group_spec(machine_type, most))

    @rule(number=which, size=st.integers(0, 6), policy=st.sampled_from(["up", "down"]), load=st.sampled_from([50, 90]))
    def resize_group(self, number, size, policy, load):
        group = self.picked([group for group in self.world.groups() if group.state not in GONE], number)
        if group is None:
            return
        with suppress(CloudError):
            self.provider.autoscaling.set_desired(group.id, size)
        with suppress(CloudError):
            self.provider.autoscaling.execute(group.id, policy)
        self.world.set_metric(group.id, "cpu_percent", load)

    @rule(token=tokens, number=which)
    def create_balancer(self, token, number):
        group = self.picked(self.world.groups(), number)
        targets = [] if group is None else [TargetSpec(group=group.id)]
        with suppress(CloudError):
            spec = LoadBalancerSpec(name="front", listeners=[LISTENER], targets=targets)
            self.provider.load_balancing.create(spec, token=token)

    @rule(token=tokens)
    def create_instance(self, token):
        with suppress(CloudError):
            self.provider.compute.create(InstanceSpec(machine_type="cpu-2", zone="sim-east-a"), token=token)

    @rule(number=which, call=st.sampled_from(["stop", "delete"]))
    def harm_instance(self, number, call):
        instance = self.picked(self.world.instances(live=True), number)
        if instance is not None:
            with suppress(CloudError):
                getattr(self.provider.compute, call)([instance.id] if call == "delete" else instance.id)

    @rule(token=tokens, size=st.integers(1, 9))
    def create_volume(self, token, size):
        with suppress(CloudError):
            self.provider.storage.create(VolumeSpec(size=size * GIB), token=token)

    @rule(number=which, other=which, size=st.integers(1, 20), call=st.sampled_from(["attach", "detach", "grow", "delete"]))
    def change_volume(self, number, other, size, call):
        volume, instance = self.picked(self.world.volumes(), number), self.picked(self.world.instances(), other)
        if volume is None or (call == "attach" and instance is None):
            return
        arguments = {"attach": [getattr(instance, "id", "")], "grow": [size * GIB]}.get(call, [])
        with suppress(CloudError):
            getattr(self.provider.storage, call)(volume.id, *arguments)
        if call == "delete":
            self.deleted.add(volume.id)

    @rule(token=tokens, size=st.integers(1, 9), protocol=st.sampled_from(["nfs", "smb"]))
    def create_share(self, token, size, protocol):
        with suppress(CloudError):
            self.provider.storage.create_share(ShareSpec(size=size * GIB, protocol=protocol), token=token)

    @rule(number=which, kind=st.sampled_from(["group", "balancer", "share"]))
    def delete_thing(self, number, kind):
        things, delete = {
            "group": (self.world.groups(), self.provider.autoscaling.delete),
            "balancer": (self.world.balancers(), self.provider.load_balancing.delete),
            "share": (self.world.shares(), self.provider.storage.delete_share),
        }[kind]
        thing = self.picked(things, number)
        if thing is not None:
            with suppress(CloudError):
                delete(thing.id)

    @rule(
        call=st.sampled_from(["group.*", "balancer.*", "share*", "*.create", "*.delete"]),
        effect=st.sampled_from(["lost", "refused"]),
    )
    def fail(self, call, effect):
        self.world.inject(Fault(effect, call=call))

    @rule(effect=st.sampled_from(["failed_boot", "no_capacity"]))
    def fail_members(self, effect):
        self.world.inject(Fault(effect))

    @rule(seconds=st.sampled_from([1.0, 20.0, 3600.0]))
    def advance(self, seconds):
        self.world.advance(seconds)

    @invariant()
    def limits_hold(self):
        live = self.world.instances(live=True)
        assert len(live) <= QUOTA
        assert sum((found.zone, found.machine_type) == ("sim-east-a", "cpu-2") for found in live) <= CAPACITY

    @invariant()
    def groups_stay_within_their_bounds(self):
        for group in self.world.groups():
            assert group.min <= group.desired <= group.max
            assert len(group.members) <= group.max

    @invariant()
    def an_active_group_has_what_is_desired(self):
        for group in self.world.groups():
            if group.state is ScalingGroupState.ACTIVE:
                assert [member.state for member in group.members] == [InstanceState.RUNNING] * group.desired

    @invariant()
    def no_member_is_forgotten(self):
        members = {member.instance for group in self.world.groups() for member in group.members}
        document, _ = self.world.look()
        live = {instance.id for instance in self.world.instances(live=True)}
        assert members == {known for known in live if "group" in document["instances"][known]}

    @invariant()
    def a_token_makes_one_thing_of_a_kind(self):
        for things in (self.world.groups(), self.world.balancers(), self.world.volumes(), self.world.shares()):
            tokens_used = [thing.labels[TOKEN] for thing in things if thing.state not in GONE]
            assert len(tokens_used) == len(set(tokens_used))

    @invariant()
    def nothing_lives_without_its_pieces(self):
        document, _ = self.world.look()
        things = [*self.world.groups(), *self.world.balancers(), *self.world.shares()]
        live = {thing.id for thing in things if thing.state not in GONE}
        for known, record in [*document["groups"].items(), *document["balancers"].items(), *document["shares"].items()]:
            assert known not in live or set(record["pieces"]) <= set(document["pieces"])

    @invariant()
    def volumes_are_lost_by_nobody(self):
        for volume in self.world.volumes():
            assert volume.state not in GONE or volume.id in self.deleted
            assert self.sizes.get(volume.id, 0) <= volume.size
            self.sizes[volume.id] = volume.size

    @invariant()
    def volumes_are_attached_to_what_is_there(self):
        there = {found.id: found.zone for found in self.world.instances() if found.state is not InstanceState.DELETED}
        for volume in self.world.volumes():
            assert (volume.state == "attached") <= (volume.attached_to is not None)
            assert volume.attached_to is None or there[volume.attached_to] == volume.zone


class AnyThingsWithoutNativeTokens(AnyThings):
    native_tokens = False


AnyThings.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
AnyThingsWithoutNativeTokens.TestCase.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
TestAnyThings = AnyThings.TestCase
TestAnyThingsWithoutNativeTokens = AnyThingsWithoutNativeTokens.TestCase
