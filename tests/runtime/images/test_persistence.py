"""What a delivery does about cuts and full disks, on machines that fail as they are told to."""

import contextlib
from types import SimpleNamespace

import pytest

from cloudlayer.errors import EngineError, TransientError
from cloudlayer.interfaces import Deadline, MachineContext, ReplicaSpec
from cloudlayer.runtime.docker import delivery
from cloudlayer.runtime.docker.delivery import Delivery

FULL = EngineError("write /var/lib/docker/tmp/x: no space left on device")
CUT = TransientError("the connection broke", code="unreachable")


class Host:
    """A machine that is connected once it was asked whether it is for as often as `looks` has it."""

    def __init__(self, name):
        self.name, self.looks = name, [True]

    @property
    def connected(self):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


class Builder:
    """An engine that has an image once it was built; each of `failures` is raised in its turn."""

    def __init__(self, name):
        self.daemon = SimpleNamespace(host=Host(name), check=lambda doing: None)
        self.there = False

    def look(self, reference):
        return {"Id": reference} if self.there else None

    def lock(self, what, doing):
        return contextlib.nullcontext()


class Supply:
    registry = None

    def __init__(self, failures):
        self.failures = list(failures)
        self.builder = None
        self.tries = 0

    def here(self):
        return self.builder

    def name(self, spec, own):
        return "cloudlayer/function:x"

    def built(self, spec, reference, builder, deadline):
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        builder.there = True

    def forget(self, builder):
        pass


class Pruning:
    """Makes room, if it `can`; `asked` has the marks at which it was asked to."""

    def __init__(self, can=True):
        self.can, self.asked = can, []

    def used(self, reference):
        pass

    def make_room(self, check, *, at_any_mark=False):
        self.asked.append(at_any_mark)
        return self.can


@pytest.fixture
def deliver(monkeypatch, tmp_path):
    """`deliver(failures, pruning)`: a delivery to m1, which builds for itself."""
    monkeypatch.setattr(delivery, "_PAUSE", 0.0)
    monkeypatch.setattr(delivery, "_POLL", 0.0)
    let_go = []
    monkeypatch.setattr(delivery, "let_go", let_go.append)

    def make(failures=(), pruning=None):
        supply, own = Supply(failures), Builder("m1")
        monkeypatch.setattr(delivery, "supply_of", lambda cache: supply)
        machine = MachineContext("m1", tmp_path / "m1", tmp_path / "cache")
        made = Delivery(machine, own.daemon.host, own, pruning or Pruning())
        made.supply, made.let_go = supply, let_go
        return made

    return make


@pytest.fixture
def spec(tmp_path):
    return ReplicaSpec("id", "a/B", "1", 1.0, 1, source=tmp_path)


def test_what_was_cut_off_is_brought_again(deliver, spec):
    made = deliver([CUT, CUT])
    assert made.ensure(spec, Deadline.after(10)) == "cloudlayer/function:x"
    assert made.supply.tries == 3


def test_a_connection_that_is_lost_is_waited_for(deliver, spec):
    made = deliver([CUT])
    made._host.looks = [False, False, True]
    made.ensure(spec, Deadline.after(10))
    assert made._host.looks == [True]


def test_after_some_tries_it_is_left_for_later(deliver, spec):
    with pytest.raises(TransientError, match="the connection broke"):
        deliver([CUT] * 9).ensure(spec, Deadline.after(10))


@pytest.mark.parametrize("code", ["deadline", "cancelled"])
def test_time_that_is_up_is_not_tried_again(deliver, spec, code):
    made = deliver([TransientError("out of time", code=code)])
    with pytest.raises(TransientError):
        made.ensure(spec, Deadline.after(10))
    assert made.supply.tries == 1


def test_on_a_full_disk_unused_images_make_room(deliver, spec):
    made = deliver([FULL])
    made.ensure(spec, None)
    assert made._pruning.asked == [False, True]


@pytest.mark.parametrize(("failures", "can"), [([FULL], False), ([FULL, FULL], True)])
def test_a_disk_that_stays_full_is_told_by_the_machine_s_name(deliver, spec, failures, can):
    with pytest.raises(TransientError, match="no space on m1"):
        deliver(failures, Pruning(can)).ensure(spec, None)


def test_a_full_disk_of_the_builder_is_not_blamed_on_the_machine(deliver, spec):
    made = deliver([FULL])
    made.supply.builder = Builder("this host")
    with pytest.raises(TransientError, match="no space on this host"):
        made.ensure(spec, None)
    assert made._pruning.asked == [False]


def test_an_error_that_would_be_the_same_again_is_raised_at_once(deliver, spec):
    made = deliver([EngineError("no such package")] * 2)
    with pytest.raises(EngineError, match="no such package"):
        made.ensure(spec, None)
    assert made.supply.tries == 1


def test_it_may_be_closed_twice(deliver):
    made = deliver()
    made.close()
    made.close()
    assert len(made.let_go) == 1
