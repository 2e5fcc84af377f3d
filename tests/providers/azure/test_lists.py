"""Lists: whole under faults, of this location alone, and of as many calls whatever the number of machines."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import NotFound
from cloudlayer.providers.azure.options import Options
from cloudlayer.providers.azure.provider import AzureProvider
from cloudlayer.resources import InstanceState

SPEC = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04", labels={"team": "blue"})


def test_a_page_that_is_refused_in_passing_is_read_again(arm, compute):
    made = {instance.id for instance in compute.create_batch([SPEC] * 3, token=str(uuid4()))}
    arm.options.page = 1
    arm.fault(method="VirtualMachines_List", after=1, times=1, code="TooManyRequests", status=429, retry_after=1)
    arm.fault(method="VirtualMachines_List", after=1, times=1, refuse=True)
    assert {instance.id for instance in compute.list({"team": "blue"})} == made


def test_a_list_takes_five_calls_however_many_machines_there_are(arm, compute):
    compute.create_batch([SPEC] * 5, token=str(uuid4()))
    arm.calls.clear()
    found = compute.list({"team": "blue"})
    assert {instance.state for instance in found} == {InstanceState.RUNNING}
    assert all(instance.private_address for instance in found)
    assert len(arm.calls) == 5


def test_a_machine_of_another_location_is_not_there(arm, compute, clock, options):
    elsewhere = AzureProvider("westeurope", Options(**options), clock=clock).compute
    made = elsewhere.create(SPEC, token=str(uuid4()))
    assert compute.list() == []
    with pytest.raises(NotFound):
        compute.get(made.id)
    compute.delete([made.id])
    assert elsewhere.get(made.id).state is InstanceState.RUNNING


def test_a_start_for_which_there_is_no_room_leaves_it_stopped_with_the_reason(arm, compute):
    made = compute.create(SPEC, token=str(uuid4()))
    compute.stop(made.id)
    arm.options.room = 0
    compute.start(made.id)
    found = compute.get(made.id)
    assert found.state is InstanceState.STOPPED
    assert found.reason.startswith("ZonalAllocationFailed")
