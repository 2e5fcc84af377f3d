"""A lack of room or of quota, which Azure tells late, is an answer that leaves nothing."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import AvoidScope, CapacityError, QuotaError, RejectedSpec, TransientError, UnknownCloudError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.marks import YOUNG
from cloudlayer.resources import InstanceState

SPEC = InstanceSpec(
    machine_type="Standard_D2s_v5",
    image="ubuntu-22.04",
    public_address=True,
    open_ports=[{"port": 443, "source": "192.0.2.0/24"}],
)
KINDS = ("virtualMachines", "networkInterfaces", "publicIPAddresses", "networkSecurityGroups", "disks", "sshPublicKeys")
MACHINES = "VirtualMachines_CreateOrUpdate"


@pytest.fixture(autouse=True)
def slowly(arm):
    arm.options.delay = 3.0


def held(arm):
    arm.settle()
    return {kind: len(arm.things(kind)) for kind in KINDS if arm.things(kind)}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AllocationFailed", CapacityError),
        ("ZonalAllocationFailed", CapacityError),
        ("OverconstrainedZonalAllocationRequest", CapacityError),
        ("SkuNotAvailable", CapacityError),
        ("OperationNotAllowed", QuotaError),
        ("QuotaExceeded", QuotaError),
        ("InvalidParameter", RejectedSpec),
    ],
)
def test_what_is_accepted_and_fails_later_is_an_answer_and_leaves_nothing(arm, compute, code, error):
    arm.options.late = {MACHINES: code}
    (answer,) = compute.create_batch([SPEC], token=str(uuid4()))
    assert (type(answer), answer.code) == (error, code)
    assert held(arm) == {}


@pytest.mark.parametrize("code", ["OperationNotAllowed", "SkuNotAvailable", "PublicIPCountLimitReached"])
def test_what_is_refused_at_once_leaves_nothing_either(arm, compute, code):
    arm.fault(method=MACHINES, code=code, status=409)
    (answer,) = compute.create_batch([SPEC], token=str(uuid4()))
    assert isinstance(answer, CapacityError | QuotaError)
    assert held(arm) == {}


def test_an_interface_that_azure_keeps_for_the_refused_machine_keeps_no_address(arm, cloud, clock):
    arm.fault(method=MACHINES, code="QuotaExceeded", status=409)
    arm.fault(method="NetworkInterfaces_Delete", code="NicReservedForAnotherVm", status=400)
    with pytest.raises(QuotaError):
        cloud.compute.create(SPEC, token=str(uuid4()))
    assert held(arm) == {"networkInterfaces": 1}
    arm.rules.clear()
    clock.sleep(YOUNG)
    (left,) = cloud.leftovers({})
    cloud.delete_leftover(left)
    assert held(arm) == {}


def test_no_room_in_a_zone_says_which_zone_to_avoid(arm, compute):
    arm.options.room = 0
    (answer,) = compute.create_batch([SPEC.model_copy(update={"zone": "2"})], token=str(uuid4()))
    assert (answer.code, answer.scope, answer.avoid.zone) == ("ZonalAllocationFailed", AvoidScope.ZONE, "2")
    assert answer.avoid.machine_type == "Standard_D2s_v5"


def test_a_quota_of_the_subscription_is_one(arm, compute):
    arm.options.quotas = {"cores": 3}
    answers = compute.create_batch([SPEC, SPEC], token=str(uuid4()))
    assert sorted(type(answer).__name__ for answer in answers) == ["Instance", "QuotaError"]


def test_a_quota_of_spot_machines_is_one_too(arm, compute):
    arm.options.quotas = {"lowPriorityCores": 1}
    (answer,) = compute.create_batch([SPEC.model_copy(update={"purchase": "spot"})], token=str(uuid4()))
    assert (type(answer), answer.avoid.purchase) == (QuotaError, "spot")


def test_a_public_address_that_may_not_be_had_is_an_answer(arm, compute):
    arm.fault(method="PublicIPAddresses_CreateOrUpdate", code="PublicIPCountLimitReached", status=400)
    (answer,) = compute.create_batch([SPEC], token=str(uuid4()))
    assert (type(answer), answer.name) == (QuotaError, "public addresses")
    assert held(arm) == {}


def test_a_late_code_that_nobody_knows_is_no_lack_of_capacity(arm, compute):
    arm.options.late = {MACHINES: "NeverHeardOf"}
    made = compute.create(SPEC, token=str(uuid4()))
    assert made.state is InstanceState.FAILED
    assert "NeverHeardOf" in made.reason


def test_an_unknown_refusal_is_raised_and_leaves_nothing(arm, compute):
    arm.fault(method=MACHINES, code="NeverHeardOf", status=409)
    with pytest.raises(UnknownCloudError):
        compute.create(SPEC, token=str(uuid4()))
    arm.rules.clear()
    assert {kind for kind in held(arm) if kind != "sshPublicKeys"} == set()


def test_a_broken_off_create_answers_for_the_machine_that_has_failed_since(arm, compute):
    token = str(uuid4())
    arm.options.room = 0
    arm.fault(method="Operations_Get", refuse=True)
    with pytest.raises(TransientError):
        compute.create(SPEC, token=token)
    arm.rules.clear()
    (answer,) = compute.create_batch([SPEC], token=token)
    assert type(answer) is CapacityError
    assert held(arm) == {}


def test_a_machine_that_takes_too_long_is_pending_and_its_failure_shows_later(arm, compute, clock):
    spec = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04")
    compute.create(spec, token=str(uuid4()))  # the network is there from now on
    arm.options.delay = 4.0
    arm.options.room = 0
    made = compute.create(spec, token=str(uuid4()), deadline=Deadline.after(9.0, clock))
    assert made.state is InstanceState.PENDING
    with pytest.raises(CapacityError) as caught:
        compute.wait(made, "running")
    assert made.id in str(caught.value)


def test_a_machine_that_another_caller_has_made_is_taken_and_not_deleted_for_a_refusal(arm, compute):
    token = str(uuid4())
    arm.fault(method="Operations_Get", path="*Microsoft.Compute*", refuse=True)
    with pytest.raises(TransientError):
        compute.create(SPEC, token=token)
    arm.rules.clear()
    arm.fault(method="VirtualMachines_Get", code="ResourceNotFound", status=404, times=1)
    arm.fault(method=MACHINES, code="OperationNotAllowed", status=409)
    made = compute.create(SPEC, token=token)
    assert [machine["name"] for machine in arm.things("virtualMachines")] == [made.id]
    assert arm.launched == 1
