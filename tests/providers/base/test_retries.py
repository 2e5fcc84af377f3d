import pytest

from cloudlayer.errors import AuthError, CapacityError, Throttled, TransientError, UnknownCloudError
from cloudlayer.errors import AvoidScope as Scope
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.base.retries import CALL_SECONDS, Retries


class StillClock:
    """Time that passes only in sleeps, each of which is noted."""

    def __init__(self):
        self.time = 0.0
        self.slept = []

    def now(self):
        return self.time

    monotonic = now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += seconds


class Failing:
    """A call that fails with each of the errors, and then goes through."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def clock():
    return StillClock()


@pytest.mark.parametrize("error", [Throttled("slower"), TransientError("broken")])
def test_passing_faults_are_tried_again(clock, error):
    call = Failing(error, error)
    assert Retries(clock=clock).run(call, doing="trying") == "done"
    assert (call.calls, len(clock.slept)) == (3, 2)


@pytest.mark.parametrize(
    "error",
    [CapacityError("none left", scope=Scope.ZONE), AuthError("wrong key"), UnknownCloudError("what"), ValueError("bug")],
)
def test_any_other_error_is_an_answer(clock, error):
    call = Failing(error)
    with pytest.raises(type(error)):
        Retries(clock=clock).run(call, doing="trying")
    assert (call.calls, clock.slept) == (1, [])


def test_the_last_error_is_told_when_tries_are_used_up(clock):
    call = Failing(*(TransientError(str(number)) for number in range(9)))
    with pytest.raises(TransientError, match="2"):
        Retries(attempts=3, clock=clock).run(call, doing="trying")
    assert call.calls == 3


def test_what_the_cloud_asks_for_is_the_least_pause(clock):
    Retries(clock=clock).run(Failing(Throttled("slower", retry_after=40.0)), doing="trying")
    assert clock.slept[0] >= 40


def test_pauses_stay_within_their_longest(clock):
    Retries(attempts=8, longest=4, clock=clock).run(Failing(*[TransientError("x")] * 7), doing="trying")
    assert max(clock.slept) <= 4


def test_a_pause_that_outlasts_the_deadline_is_not_begun(clock):
    call = Failing(Throttled("slower", retry_after=40.0))
    with pytest.raises(Throttled):
        Retries(clock=clock).run(call, doing="trying", deadline=Deadline.after(30, clock))
    assert clock.slept == []


def test_a_call_without_a_deadline_ends_by_itself(clock):
    with pytest.raises(Throttled):
        Retries(attempts=99, clock=clock).run(Failing(*[Throttled("slower", retry_after=20.0)] * 99), doing="trying")
    assert clock.time <= CALL_SECONDS < 120


def test_no_time_left_means_no_call(clock):
    call = Failing()
    with pytest.raises(TransientError, match="out of time while buying a machine"):
        Retries(clock=clock).run(call, doing="buying a machine", deadline=Deadline.after(0, clock))
    assert call.calls == 0


def test_a_cancelled_call_is_not_tried_again(clock):
    deadline = Deadline.after(60, clock)

    def call():
        deadline.cancelled.set()
        raise TransientError("broken")

    with pytest.raises(TransientError, match="broken"):
        Retries(clock=clock).run(call, doing="trying", deadline=deadline)
    assert clock.slept == []
