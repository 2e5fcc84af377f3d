import threading

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import AvoidScope as Scope
from cloudlayer.errors import CapacityError, Conflict, InvalidSpec, NotFound, Throttled, TransientError, Unsupported
from cloudlayer.interfaces import Capabilities, Capability, Deadline
from cloudlayer.providers.base.compute import BaseCompute
from cloudlayer.resources import Instance, InstanceState

REASON = "this cloud has no console"


class StillClock:
    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    monotonic = now

    def sleep(self, seconds):
        assert seconds > 0, "a wait that does not let time pass never ends"
        self.time += seconds


class Scripted(BaseCompute):
    """A compute whose one instance is what the script says, look after look; the last line holds."""

    def __init__(self, *script):
        super().__init__(Capabilities("scripted", {"console_log": Capability(False, REASON)}), "here", clock=StillClock())
        self.script = list(script)
        self.looks = 0

    def offers(self, *, deadline=None):
        return []

    def create_batch(self, specs, *, token, deadline=None):
        return [self.script[0] for _ in specs]

    def get(self, id, *, deadline=None):
        self.looks += 1
        line = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(line, Exception):
            raise line
        return line if isinstance(line, Instance) else instance(line)

    def delete(self, ids, *, deadline=None):
        pass

    def list(self, labels=None, *, deadline=None):
        return []


def instance(state, reason=None):
    return Instance("i-1", "scripted", "here", "here-a", InstanceState(state), "small", reason=reason)


def test_wait_looks_until_the_state_is_there():
    compute = Scripted("pending", "pending", "running")
    assert compute.wait("i-1", "running").state is InstanceState.RUNNING
    assert (compute.looks, compute.clock.time) == (3, 4.0)


@pytest.mark.parametrize(
    ("wanted", "state"),
    [("running", "failed"), ("running", "deleted"), ("running", "stopping"), ("stopped", "deleting"), ("failed", "deleted")],
)
def test_a_state_that_cannot_lead_there_ends_the_wait_at_once(wanted, state):
    compute = Scripted(state)
    with pytest.raises(Conflict, match=f"i-1 is {state} and will not be {wanted}"):
        compute.wait("i-1", wanted)
    assert compute.clock.time == 0


def test_the_reason_is_told():
    compute = Scripted(instance("failed", "the disk is broken"))
    with pytest.raises(Conflict, match="the disk is broken"):
        compute.wait("i-1", "running")


def test_a_deadline_ends_the_wait_before_its_own_time():
    compute = Scripted("pending")
    with pytest.raises(TransientError) as caught:
        compute.wait("i-1", "running", timeout=600, deadline=Deadline.after(11, compute.clock))
    assert (caught.value.code, compute.clock.time) == ("deadline", 11)


def test_a_wait_that_is_cancelled_looks_no_more():
    compute = Scripted("pending")
    deadline = Deadline.after(600, compute.clock)
    threading.Timer(0, deadline.cancelled.set).start()
    deadline.cancelled.wait(5)
    with pytest.raises(TransientError) as caught:
        compute.wait("i-1", "running", deadline=deadline)
    assert (caught.value.code, compute.looks) == ("cancelled", 0)


def test_time_that_is_up_ends_the_wait_with_the_state_it_was_in():
    compute = Scripted("pending")
    with pytest.raises(TransientError, match="waiting for i-1 to be running, it is pending"):
        compute.wait("i-1", "running", timeout=31)
    assert compute.clock.time == 31


def test_passing_faults_are_waited_out():
    compute = Scripted(Throttled("slower"), TransientError("broken"), "running")
    assert compute.wait("i-1", "running").state is InstanceState.RUNNING


def test_an_instance_that_is_not_there_is_deleted():
    assert Scripted(NotFound("none")).wait("i-1", "deleted").state is InstanceState.DELETED
    gone = Scripted("deleting", NotFound("none")).wait("i-1", "deleted")
    assert (gone.state, gone.machine_type) == (InstanceState.DELETED, "small")


def test_an_instance_may_take_a_while_to_be_found():
    compute = Scripted(NotFound("not yet"), "running")
    compute.settle = 10
    assert compute.wait("i-1", "running").state is InstanceState.RUNNING
    late = Scripted(NotFound("none"))
    late.settle = 10
    with pytest.raises(NotFound):
        late.wait("i-1", "running")
    assert late.clock.time == 10


def test_an_instance_that_is_not_there_does_not_run():
    with pytest.raises(NotFound):
        Scripted(NotFound("none")).wait("i-1", "running")


def test_an_unknown_state_is_refused_with_those_that_there_are():
    with pytest.raises(InvalidSpec, match="pending, running"):
        Scripted("running").wait("i-1", "flying")


def test_create_raises_the_answer_of_its_batch():
    lacking = CapacityError("none left", scope=Scope.ZONE)
    with pytest.raises(CapacityError):
        Scripted(lacking).create(InstanceSpec(), token="t")
    made = instance("pending")
    assert Scripted(made).create(InstanceSpec(), token="t") is made


def test_what_a_driver_does_not_give_is_unsupported_with_its_reason():
    compute = Scripted("running")
    with pytest.raises(Unsupported, match=REASON):
        compute.console_log("i-1")
    for call in (compute.start, compute.stop, compute.reboot):
        with pytest.raises(Unsupported, match="does not declare"):
            call("i-1")
    with pytest.raises(Unsupported):
        compute.resize("i-1", "large")
    with pytest.raises(Unsupported):
        compute.images()
