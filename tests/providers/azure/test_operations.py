"""Operations that Azure goes on with after its answer are followed to their end, however they are told."""

import threading

import pytest

from cloudlayer.errors import CapacityError, QuotaError, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.operations import Answer, Following
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.retries import Retries


class Paused:
    """A clock that counts its pauses."""

    def __init__(self):
        self.pauses = []

    def now(self):
        return self.monotonic()

    def monotonic(self):
        return sum(self.pauses)

    def sleep(self, seconds):
        self.pauses.append(seconds)


class Script:
    """Answers in order, and what was asked for."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def look(self, url, where, making):
        self.asked.append(url)
        return self.answers.pop(0)


def followed(first, *answers, making="", seconds=1000.0, cancelled=None):
    script, clock = Script(*answers), Paused()
    following = Following(script.look, Retries(clock=clock), Where("azure", "eastus"), making)
    deadline = Deadline(seconds, clock, cancelled or threading.Event())
    return following.end(first, deadline), script.asked, clock.pauses


def status(state, **more):
    return Answer(200, {"status": state, **more.pop("document", {})}, more)


OWN = {"Azure-AsyncOperation": "https://arm/operations/1", "Location": "https://arm/operationResults/1"}
THING = {"name": "thing", "properties": {"provisioningState": "Succeeded"}}


def test_an_answer_that_is_final_is_followed_no_further():
    assert followed(Answer(200, THING, {}))[0] == THING
    assert followed(Answer(204, None, {}))[0] is None


def test_the_operations_own_address_comes_first_and_the_thing_is_read_at_its_end():
    first = Answer(201, {"properties": {"provisioningState": "Creating"}}, OWN, "PUT", "https://arm/thing")
    document, asked, _ = followed(first, status("InProgress"), status("Succeeded"), Answer(200, THING, {}))
    assert document == THING
    assert asked == ["https://arm/operations/1", "https://arm/operations/1", "https://arm/thing"]


def test_a_deletion_ends_with_nothing():
    document, asked, _ = followed(Answer(202, None, OWN, "DELETE", "https://arm/thing"), status("Succeeded"))
    assert (document, asked) == (None, ["https://arm/operations/1"])


def test_a_location_is_asked_until_it_is_not_accepted_any_more():
    first = Answer(202, None, {"Location": "https://arm/results/1"}, "POST", "https://arm/thing")
    document, asked, _ = followed(first, Answer(202, None, {"Location": "https://arm/results/2"}), Answer(200, THING, {}))
    assert document == THING
    assert asked == ["https://arm/results/1", "https://arm/results/2"]


def test_where_nothing_is_told_the_thing_itself_is_asked():
    first = Answer(201, {"properties": {"provisioningState": "Creating"}}, {}, "PUT", "https://arm/thing")
    document, asked, _ = followed(first, Answer(200, THING, {}))
    assert (document, asked) == (THING, ["https://arm/thing"])


def test_the_pause_that_is_asked_for_is_kept():
    first = Answer(202, None, {**OWN, "Retry-After": "7"}, "DELETE")
    pauses = followed(first, status("InProgress", **{"Retry-After": "11"}), status("InProgress"), status("Succeeded"))[2]
    assert pauses == [7.0, 11.0, 2.0]


@pytest.mark.parametrize(("code", "error"), [("ZonalAllocationFailed", CapacityError), ("OperationNotAllowed", QuotaError)])
def test_a_late_failure_is_classed_as_a_refusal_is(code, error):
    failed = status("Failed", document={"error": {"code": code, "message": "Late."}})
    with pytest.raises(error) as caught:
        followed(Answer(201, None, OWN, "PUT"), failed, making="vCPUs")
    assert (caught.value.code, caught.value.message) == (code, "Late.")


def test_a_deadline_ends_it_and_the_operation_goes_on():
    with pytest.raises(TransientError) as caught:
        followed(Answer(202, None, OWN, "DELETE"), *[status("InProgress")] * 10, seconds=5.0)
    assert caught.value.code == "deadline"


def test_it_can_be_cancelled():
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(TransientError) as caught:
        followed(Answer(202, None, OWN, "DELETE"), cancelled=cancelled)
    assert caught.value.code == "cancelled"
