"""A token launches each place of its batch once, whatever becomes of its machines; its record goes an hour after."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import CapacityError, Conflict, NotFound, TransientError
from cloudlayer.providers.azure.compute import records

SPEC = InstanceSpec(machine_type="Standard_D2s_v5", image="ubuntu-22.04")
HOUR = 3600.0


@pytest.fixture
def token():
    return str(uuid4())


def test_a_spot_machine_that_was_evicted_is_not_launched_again(arm, compute, token):
    spec = SPEC.model_copy(update={"purchase": "spot"})
    made = compute.create(spec, token=token)
    arm.evict(made.id)
    with pytest.raises(NotFound):
        compute.get(made.id)
    with pytest.raises(Conflict) as caught:
        compute.create(spec, token=token)
    assert caught.value.code == "TokenSpent"
    assert arm.launched == 1


def test_an_evicted_machine_of_a_batch_leaves_the_others_theirs(arm, compute, token):
    first, second = compute.create_batch([SPEC.model_copy(update={"purchase": "spot"})] * 2, token=token)
    arm.evict(first.id)
    answers = compute.create_batch([SPEC.model_copy(update={"purchase": "spot"})] * 2, token=token)
    assert isinstance(answers[0], Conflict)
    assert answers[1].id == second.id


def test_another_process_knows_it_too(arm, compute, token, another):
    made = compute.create(SPEC, token=token)
    other = another().compute
    assert other.create(SPEC, token=token).id == made.id
    other.delete([made.id])
    with pytest.raises(Conflict):
        other.create(SPEC, token=token)


def test_processes_that_create_at_once_make_the_same_machines(arm, token, another):
    arm.options.delay = 3.0
    callers = [another().compute for _ in range(3)]
    barrier = Barrier(len(callers))

    def create(compute):
        barrier.wait(30)
        return [instance.id for instance in compute.create_batch([SPEC, SPEC], token=token)]

    with ThreadPoolExecutor(len(callers)) as pool:
        first, *others = pool.map(create, callers)
    assert others == [first, first]
    assert (arm.launched, len(arm.things("virtualMachines")), len(arm.things("networkInterfaces"))) == (2, 2, 2)


def test_other_specs_are_a_conflict_even_where_nothing_lives_of_the_first(compute, token):
    made = compute.create(SPEC, token=token)
    compute.delete([made.id])
    with pytest.raises(Conflict) as caught:
        compute.create(SPEC.model_copy(update={"name": "other"}), token=token)
    assert caught.value.code == "TokenReused"


def test_a_deletion_that_comes_before_the_record_was_whole_is_put_down(arm, compute, token):
    arm.fault(method="SshPublicKeys_Create", after=1, refuse=True)
    with pytest.raises(TransientError):
        compute.create(SPEC, token=token)
    arm.rules.clear()
    (machine,) = arm.things("virtualMachines")
    compute.delete([machine["name"]])
    with pytest.raises(Conflict):
        compute.create(SPEC, token=token)
    assert arm.launched == 1


def test_a_token_under_which_nothing_was_launched_leaves_no_record(arm, compute, token):
    arm.options.room = 0
    with pytest.raises(CapacityError):
        compute.create(SPEC, token=token)
    assert arm.things("sshPublicKeys") == []


def test_a_record_goes_an_hour_after_its_last_machine(arm, compute, token, clock):
    compute.delete([compute.create(SPEC, token=token).id])
    assert len(arm.things("sshPublicKeys")) == 1
    clock.sleep(2 * HOUR)
    compute.delete([compute.create(SPEC, token=str(uuid4())).id])
    assert f"cloudlayer-attempt-{token}" not in {thing["name"] for thing in arm.things("sshPublicKeys")}


def test_a_machine_that_outlives_its_record_is_known_by_its_name(arm, compute, token, clock):
    made = compute.create(SPEC, token=token)
    clock.sleep(2 * HOUR)
    compute.delete([compute.create(SPEC, token=str(uuid4())).id])
    assert f"cloudlayer-attempt-{token}" not in {thing["name"] for thing in arm.things("sshPublicKeys")}
    assert compute.create(SPEC, token=token).id == made.id
    with pytest.raises(Conflict):
        compute.create(SPEC.model_copy(update={"name": "other"}), token=token)
    compute.delete([made.id])
    with pytest.raises(Conflict):
        compute.create(SPEC, token=token)


def test_a_resource_group_that_is_full_of_records_still_makes_and_deletes_machines(arm, compute, token):
    arm.fault(method="SshPublicKeys_Create", code="ResourceQuotaExceeded", status=409)
    made = compute.create(SPEC, token=token)
    assert compute.create(SPEC, token=token).id == made.id
    compute.delete([made.id])
    assert arm.things("virtualMachines") == []


def test_a_record_that_cannot_be_tidied_away_spoils_no_delete(arm, compute, token, clock):
    clock.sleep(HOUR)
    made = compute.create(SPEC, token=token)
    arm.fault(method="SshPublicKeys_ListByResourceGroup", code="AuthorizationFailed", status=403)
    compute.delete([made.id])
    assert arm.things("virtualMachines") == []


def test_records_carry_no_labels_of_the_users(arm, compute, token):
    compute.create(SPEC.model_copy(update={"labels": {"team": "blue"}}), token=token)
    (record,) = arm.things("sshPublicKeys")
    assert "team" not in record["tags"]


@pytest.mark.parametrize("places", [set(), {0}, {0, 1, 2}, {0, 2, 3, 9}, set(range(300)) - {7}])
def test_places_are_written_shortly_and_read_again(places):
    written = records._written(places)
    assert len(written) < 256
    assert records._read(written) == places
