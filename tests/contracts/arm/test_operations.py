"""Long-running operations of the fake Azure: how they are accepted, how they end, and what is lost on the way."""

import pytest
import requests

from tests.contracts.arm import bodies
from tests.contracts.arm.conftest import Refused

MACHINE = bodies.path("virtualMachines", "machine", "Compute")


def create(sdk, **more):
    return sdk.compute.virtual_machines.begin_create_or_update("group", "machine", bodies.machine(**more))


def test_an_operation_is_never_over_in_the_answer_that_began_it(arm, networked, ask):
    answer = ask("PUT", MACHINE, bodies.machine())
    assert answer.status_code == 201 and answer.json()["properties"]["provisioningState"] == "Creating"
    poll = ask("GET", answer.headers["Azure-AsyncOperation"])
    assert poll.json()["status"] == "Succeeded" and ask("GET", MACHINE).json()["properties"]["provisioningState"] == "Succeeded"


def test_an_operation_takes_its_time(arm, networked, ask, clock):
    arm.options.delay, arm.options.retry_after = 30, 7
    answer = ask("PUT", MACHINE, bodies.machine())
    polls = answer.headers["Azure-AsyncOperation"], answer.headers["Location"]
    assert answer.headers["Retry-After"] == "7"
    clock.now += 29
    assert ask("GET", polls[0]).json()["status"] == "InProgress"
    pending = ask("GET", polls[1])
    assert pending.status_code == 202 and pending.headers["Location"].startswith(arm.url)
    clock.now += 1
    assert ask("GET", polls[0]).json()["status"] == "Succeeded" and ask("GET", polls[1]).json()["id"] == MACHINE


def test_what_is_being_deleted_is_told_as_such_and_is_no_thing_any_more(arm, running, ask, clock):
    arm.options.delay = 10
    assert ask("DELETE", MACHINE).status_code == 202
    assert ask("GET", MACHINE).json()["properties"]["provisioningState"] == "Deleting"
    assert arm.things("virtualMachines") == [] and len(arm.things("disks")) == 1
    assert ask("DELETE", MACHINE).status_code == 202
    clock.now += 10
    assert ask("GET", MACHINE).status_code == 404 and ask("DELETE", MACHINE).status_code == 204


@pytest.mark.parametrize(
    ("zones", "tight", "code"),
    [
        ((), False, "AllocationFailed"),
        (("1",), False, "ZonalAllocationFailed"),
        ((), True, "OverconstrainedAllocationRequest"),
        (("1",), True, "OverconstrainedZonalAllocationRequest"),
    ],
)
def test_a_lack_of_room_comes_late_and_leaves_a_failed_machine(arm, networked, ask, zones, tight, code):
    arm.options.room, arm.options.overconstrained = 0, tight
    with Refused(code):
        create(networked, zones=zones).result()
    (machine,) = arm.things("virtualMachines")
    assert machine["properties"]["provisioningState"] == "Failed" and arm.launched == 0 and not arm.things("disks")
    view = networked.compute.virtual_machines.instance_view("group", "machine")
    assert [status.code for status in view.statuses] == [f"ProvisioningState/failed/{code}"]


def test_a_machine_that_found_no_room_may_be_asked_for_again(arm, networked):
    arm.options.room = 0
    with Refused("AllocationFailed"):
        create(networked).result()
    arm.options.room = 1
    assert create(networked).result().provisioning_state == "Succeeded" and (arm.launched, arm.options.room) == (1, 0)


def test_a_deallocated_machine_needs_room_to_start(arm, running):
    running.compute.virtual_machines.begin_deallocate("group", "machine").result()
    arm.options.room = 0
    with Refused("AllocationFailed"):
        running.compute.virtual_machines.begin_start("group", "machine").result()
    codes = [status.code for status in running.compute.virtual_machines.instance_view("group", "machine").statuses]
    assert codes == ["ProvisioningState/failed/AllocationFailed", "PowerState/deallocated"]


def test_a_machine_may_fail_to_come_up(arm, networked):
    arm.options.failing = "OSProvisioningTimedOut"
    with Refused("OSProvisioningTimedOut"):
        create(networked).result()
    assert arm.launched == 1 and len(arm.things("disks")) == 1


def test_what_an_operation_was_to_make_is_not_there_when_it_fails_late(arm, sdk):
    arm.options.late = {"Disks_*": "InternalOperationError"}
    with Refused("InternalOperationError"):
        sdk.disks.disks.begin_create_or_update("group", "data", bodies.disk()).result()
    assert arm.things("disks") == []


def test_what_an_operation_was_to_change_is_as_before_when_it_fails_late(arm, sdk):
    sdk.disks.disks.begin_create_or_update("group", "data", bodies.disk(size=10)).result()
    arm.options.late = {"Disks_Update": "InternalOperationError"}
    with Refused("InternalOperationError"):
        sdk.disks.disks.begin_update("group", "data", {"properties": {"diskSizeGB": 20}}).result()
    assert sdk.disks.disks.get("group", "data").disk_size_gb == 10


def test_a_deletion_takes_the_place_of_a_creation(arm, networked, clock):
    arm.options.delay = 10
    creation = create(networked)
    networked.compute.virtual_machines.begin_delete("group", "machine", polling=False)
    with Refused("OperationPreempted"):
        creation.result()
    clock.now += 10
    assert arm.things("virtualMachines") == [] and arm.launched == 0


def test_two_changes_of_one_thing_do_not_meet(arm, running, clock):
    arm.options.delay = 10
    running.compute.virtual_machines.begin_update("group", "machine", {"tags": {}}, polling=False)
    with Refused("Conflict", 409):
        running.compute.virtual_machines.begin_deallocate("group", "machine")


def test_throttling_tells_when_to_come_again(arm, sdk, ask):
    arm.fault(method="VirtualMachines_*", code="TooManyRequests", retry_after=3, times=1)
    arm.fault(method="VirtualMachines_*", code="OperationNotAllowed", status=429, retry_after=4, times=1)
    for seconds, code in (("3", "TooManyRequests"), ("4", "OperationNotAllowed")):
        answer = ask("GET", MACHINE)
        assert (answer.status_code, answer.headers["Retry-After"], answer.json()["error"]["code"]) == (429, seconds, code)
    assert ask("GET", MACHINE).status_code == 404 and arm.count("VirtualMachines_Get") == 3


def test_a_call_whose_answer_is_lost_has_had_its_effect(arm, networked, ask):
    arm.fault(method="VirtualMachines_CreateOrUpdate", lost_response=True, times=1)
    with pytest.raises(requests.ConnectionError):
        ask("PUT", MACHINE, bodies.machine())
    assert len(arm.things("virtualMachines")) == 1 and ask("PUT", MACHINE, bodies.machine()).status_code == 200
    assert arm.launched == 1


def test_a_call_that_is_dropped_has_none(arm, networked, ask):
    arm.fault(method="VirtualMachines_CreateOrUpdate", refuse=True, times=1)
    with pytest.raises(requests.ConnectionError):
        ask("PUT", MACHINE, bodies.machine())
    assert arm.things("virtualMachines") == []


def test_lists_come_in_pages(arm, sdk):
    for number in range(3):
        sdk.disks.disks.begin_create_or_update("group", f"data{number}", bodies.disk()).result()
    arm.options.page = 1
    assert [disk.name for disk in sdk.disks.disks.list()] == ["data0", "data1", "data2"]
    assert arm.count("Disks_List") == 3


def test_a_page_goes_on_where_the_last_one_ended_whatever_is_deleted_meanwhile(arm, sdk, ask):
    for number in range(4):
        sdk.disks.disks.begin_create_or_update("group", f"data{number}", bodies.disk()).result()
    arm.options.page = 2
    pages = sdk.disks.disks.list().by_page()
    assert [disk.name for disk in next(pages)] == ["data0", "data1"]
    sdk.disks.disks.begin_delete("group", "data1").result()
    assert [disk.name for disk in next(pages)] == ["data2", "data3"]


def test_every_answer_has_the_id_of_its_request(arm, ask):
    answers = [ask("GET", MACHINE), ask("GET", "/subscriptions/none"), ask("GET", bodies.GROUP, version="2021-04-01")]
    arm.fault(code="ServerBusy")
    answers.append(ask("GET", MACHINE))
    assert len({answer.headers["x-ms-request-id"] for answer in answers}) == 4


def test_names_count_without_case(running, ask):
    answer = ask("GET", MACHINE.upper())
    assert answer.status_code == 200 and answer.json()["id"] == MACHINE


def test_an_answer_of_the_fakes_own_that_is_not_sound_is_told(arm, running, ask):
    arm.resources.get(MACHINE).document["surprise"] = True
    ask("GET", MACHINE)
    assert arm.unsound == ["VirtualMachines_Get 200 body.surprise: unknown property"]
    arm.unsound.clear()
