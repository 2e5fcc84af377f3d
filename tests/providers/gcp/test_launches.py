"""What becomes of a launch when the cloud has no room, or somebody was there before: a token makes each instance but once."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import (
    AvoidScope,
    CapacityError,
    Conflict,
    PermissionDenied,
    QuotaError,
    RejectedSpec,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.interfaces import Deadline
from cloudlayer.resources import InstanceState

SPEC_OF = {"machine_type": "e2-small", "image": "ubuntu-22.04"}
OPEN = {"open_ports": [{"port": 443, "source": "192.0.2.0/24"}]}
EVERY_ZONE = ["us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f"]


def spec(**fields):
    return InstanceSpec.model_validate({**SPEC_OF, **fields})


def only(gce, kind="instances"):
    (thing,) = gce.things(kind)
    return thing


def inserts(gce):
    return [call.path.split("/")[6] for call in gce.calls if call.method == "compute.instances.insert"]


def test_a_zone_without_room_is_followed_by_the_next(compute, gce):
    gce.fault(method="compute.instances.insert", path="*us-central1-a*", code="insufficientCapacity", status=503)
    assert compute.create(spec(), token=str(uuid4())).zone == "us-central1-b"


def test_a_lack_of_every_zone_is_one_of_the_region(compute, gce):
    gce.options.room = 0
    with pytest.raises(CapacityError) as caught:
        compute.create(spec(), token=str(uuid4()))
    assert inserts(gce) == EVERY_ZONE
    assert (caught.value.scope, caught.value.code) == (AvoidScope.REGION, "ZONE_RESOURCE_POOL_EXHAUSTED")
    assert (caught.value.avoid.zone, caught.value.avoid.machine_type) == (None, "e2-small")


def test_a_zone_that_is_asked_for_is_the_only_one_that_is_tried(compute, gce):
    gce.options.room = 0
    with pytest.raises(CapacityError) as caught:
        compute.create(spec(zone="us-central1-c"), token=str(uuid4()))
    assert inserts(gce) == ["us-central1-c"]
    assert (caught.value.scope, caught.value.avoid.zone) == (AvoidScope.ZONE, "us-central1-c")


def test_an_insert_that_failed_is_asked_for_anew_the_next_time(compute, gce):
    token = str(uuid4())
    gce.options.room = 0
    for _ in range(2):
        with pytest.raises(CapacityError):
            compute.create(spec(zone="us-central1-a"), token=token)
    gce.options.room = None
    made = compute.create(spec(zone="us-central1-a"), token=token)
    asked = [call.query["requestId"] for call in gce.calls if call.method == "compute.instances.insert"]
    assert len(set(asked)) == len(asked) == 3
    assert [thing["name"] for thing in gce.things("instances")] == [made.id.partition("/")[2]]


def test_a_quota_that_shows_at_the_end_of_an_insert_is_an_answer(compute, gce):
    gce.options.late = {"compute.instances.insert": "QUOTA_EXCEEDED"}
    answers = compute.create_batch([spec(), spec()], token=str(uuid4()))
    assert [type(answer) for answer in answers] == [QuotaError, QuotaError]
    assert inserts(gce) == [EVERY_ZONE[0]] * 2


def test_an_insert_that_another_call_began_is_followed_and_not_asked_for_again(compute, gce, clock):
    token = str(uuid4())
    gce.options.delay = 60.0
    with pytest.raises(TransientError):
        compute.create(spec(), token=token, deadline=Deadline.after(5, clock))
    made = compute.create(spec(), token=token)
    assert made.state is InstanceState.RUNNING
    assert (inserts(gce), gce.launched) == ([EVERY_ZONE[0]], 1)


def test_an_insert_that_another_call_began_and_that_fails_goes_on_in_the_next_zone(compute, gce, clock):
    token = str(uuid4())
    gce.options.delay, gce.options.room = 30.0, 0
    with pytest.raises(TransientError):
        compute.create(spec(), token=token, deadline=Deadline.after(5, clock))
    gce.options.room = None
    made = compute.create(spec(), token=token)
    assert (inserts(gce), made.zone) == (EVERY_ZONE[:2], EVERY_ZONE[1])


def test_of_twins_in_two_zones_the_older_one_stays(compute, gce):
    token = str(uuid4())
    made = compute.create(spec(zone=EVERY_ZONE[0]), token=token)
    twin = dict(only(gce), zone=None)
    body = {key: twin[key] for key in ("name", "labels", "networkInterfaces")} | {
        "machineType": f"zones/{EVERY_ZONE[1]}/machineTypes/e2-small",
        "disks": [{"boot": True, "initializeParams": {"sourceImage": made.image}, "autoDelete": True}],
        "networkInterfaces": [{"network": "global/networks/default"}],
    }
    session = compute._client.access.session()
    session.post(f"{gce.url}/compute/v1/projects/proj/zones/{EVERY_ZONE[1]}/instances", json=body).raise_for_status()
    assert compute.create(spec(zone=EVERY_ZONE[0]), token=token).id == made.id
    compute.wait(f"{EVERY_ZONE[1]}/{twin['name']}", "deleted")
    assert [thing["name"] for thing in gce.things("instances")] == [twin["name"]]


def test_a_list_that_is_a_moment_behind_hides_no_instance(compute, gce, monkeypatch):
    attempts, token = compute._creating._attempts, str(uuid4())
    with monkeypatch.context() as behind:
        behind.setattr(attempts, "alive", lambda token, deadline: [])
        made = compute.create(spec(), token=token)
        assert compute.create(spec(), token=token).id == made.id
    assert gce.launched == 1


def test_a_used_up_token_is_one_for_other_specs_too(compute, gce):
    token = str(uuid4())
    made = compute.create(spec(name="one"), token=token)
    compute.delete([made.id])
    compute.wait(made, "deleted")
    for other in (spec(name="one"), spec(name="two"), spec(name="one", labels={"a": "b"})):
        with pytest.raises(Conflict):
            compute.create(other, token=token)
    assert gce.launched == 1


def test_a_large_batch_is_made_some_at_once(compute, gce):
    gce.options.delay = 20.0
    specs = [spec(name=f"n{number}") for number in range(30)]
    made = compute.create_batch(specs, token=str(uuid4()))
    assert [instance.name for instance in made] == [one.name for one in specs]
    assert gce.launched == 30


def test_callers_at_the_same_time_make_one(another, gce):
    token, clouds = str(uuid4()), [another() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda cloud: cloud.compute.create(spec(**OPEN), token=token).id, clouds))
    assert len(set(made)) == gce.launched == 1
    assert len(gce.things("firewalls")) == 1


def test_an_instance_that_ends_before_it_runs_has_failed_with_the_clouds_reason(compute, gce):
    gce.options.failing = "INTERNAL_ERROR"
    made = compute.create(spec(name="doomed", labels={"a": "b"}), token=str(uuid4()))
    assert (made.state, made.name, made.machine_type) == (InstanceState.FAILED, "doomed", "e2-small")
    assert made.labels["a"] == "b"
    assert compute.get(made.id).reason.startswith("INTERNAL_ERROR: ")


@pytest.mark.parametrize("code", ["PERMISSIONS_ERROR", "NEVER_HEARD_OF"])
def test_an_insert_that_ends_with_what_is_no_answer_is_an_error_of_the_whole_call(compute, gce, code):
    gce.options.late = {"compute.instances.insert": code}
    with pytest.raises((PermissionDenied, UnknownCloudError)) as caught:
        compute.create_batch([spec(**OPEN), spec()], token=str(uuid4()))
    assert caught.value.code == code
    assert gce.things("firewalls") == []


def test_an_image_that_is_not_there_is_an_answer_for_its_spec_alone(compute):
    nowhere = "projects/debian-cloud/global/images/debian-1"
    good, bad = compute.create_batch([spec(), spec(image=nowhere)], token=str(uuid4()))
    assert good.state is InstanceState.RUNNING
    assert type(bad) is RejectedSpec
