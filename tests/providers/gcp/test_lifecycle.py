"""Instances that run, stop, and are gone."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from google.cloud import compute_v1

from cloudlayer import InstanceSpec
from cloudlayer.errors import CapacityError, Conflict, NotFound
from cloudlayer.providers.gcp.compute.gone import remembered
from cloudlayer.providers.gcp.compute.instances import STATES, read_instance
from cloudlayer.resources import InstanceState
from cloudlayer.units import GIB

TARGET = "https://www.googleapis.com/compute/v1/projects/proj/zones/z/instances/one"


@pytest.fixture
def made(compute):
    return compute.create(InstanceSpec(machine_type="e2-small", image="debian-12"), token=str(uuid4()))


def operation(kind, status="DONE", **fields):
    return compute_v1.Operation({"operation_type": kind, "status": status, "target_link": TARGET, **fields})


def told(*operations):
    client = SimpleNamespace(pages=lambda *args, **fields: iter(operations), region="us-central1")
    return remembered(client, "z", "one", None)


def test_an_instance_that_is_being_deleted_is_told_apart_from_one_that_stops(compute, gce, made):
    gce.options.delay = 60.0
    compute.delete([made.id])
    assert gce.things("instances") == []
    assert compute.get(made.id).state is InstanceState.DELETING
    assert [instance.state for instance in compute.list()] == [InstanceState.DELETING]


def test_an_instance_that_stops_is_stopping(compute, gce, made):
    gce.options.delay = 60.0
    compute.stop(made.id)
    assert compute.get(made.id).state is InstanceState.STOPPING
    compute.stop(made.id)
    with pytest.raises(Conflict):
        compute.start(made.id)


def test_an_instance_with_local_ssds_stops_too(compute):
    disks = [{"size": 375 * GIB, "type": "local-ssd"}]
    spec = InstanceSpec.model_validate({"machine_type": "n2-standard-8", "image": "debian-12", "disks": disks})
    made = compute.create(spec, token=str(uuid4()))
    compute.stop(made.id)
    compute.wait(made.id, "stopped")


def test_one_that_is_being_deleted_is_not_deleted_again(compute, gce, made):
    gce.options.delay = 60.0
    compute.delete([made.id])
    compute.delete([made.id])
    assert gce.count("compute.instances.delete") == 1


def test_one_that_is_deleted_is_reported_as_such(compute, made):
    compute.delete([made.id])
    compute.wait(made.id, "deleted")
    assert compute.get(made.id).state is InstanceState.DELETED


def test_a_start_that_finds_no_room_says_what_to_avoid(compute, gce, made):
    compute.stop(made.id)
    compute.wait(made.id, "stopped")
    gce.options.room = 0
    with pytest.raises(CapacityError) as caught:
        compute.start(made.id)
    assert (caught.value.avoid.zone, caught.value.avoid.machine_type) == (made.zone, "e2-small")


def test_only_what_is_stopped_is_resized(compute, made):
    with pytest.raises(Conflict, match="stop it before"):
        compute.resize(made.id, "e2-medium")


def test_an_instance_is_found_by_its_bare_name_too(compute, made):
    assert compute.get(made.id.partition("/")[2]).id == made.id
    for wrong in ("absent", "a/b/c"):
        with pytest.raises(NotFound):
            compute.get(wrong)


def test_the_console_says_what_the_machine_wrote(compute, made):
    assert made.id.partition("/")[2] in compute.console_log(made.id)


def test_a_spot_instance_that_was_taken_back_says_so():
    instance = told(operation("insert"), operation("compute.instances.preempted"))
    assert (instance.state, instance.reason) == (InstanceState.DELETED, "compute.instances.preempted")


def test_what_came_to_nothing_after_an_earlier_failure_is_told_by_its_last_end():
    error = {"errors": [{"code": "INTERNAL_ERROR", "message": "a fault"}]}
    first = operation("insert", insert_time="2026-01-01T00:00:00.000-08:00")
    second = operation("insert", insert_time="2026-01-01T00:01:00.000-08:00", error=error)
    assert told(first, second).reason == "INTERNAL_ERROR: a fault"
    assert told(operation("insert", status="RUNNING")) is None
    assert told() is None


@pytest.mark.parametrize("status", compute_v1.Instance.Status.__members__)
def test_every_status_of_the_api_is_known(status):
    if not status.startswith("UNDEFINED"):
        assert status in STATES


def test_one_that_stopped_before_it_ever_ran_has_failed():
    found = compute_v1.Instance({"name": "one", "zone": "z", "status": "TERMINATED", "status_message": "no host"})
    instance = read_instance(found, "us-central1")
    assert (instance.state, instance.reason) == (InstanceState.FAILED, "no host")
