"""Launches on EC2: few calls, no second launch, no retry of what is an answer."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import (
    Avoid,
    AvoidScope,
    CapacityError,
    Conflict,
    InvalidSpec,
    RejectedSpec,
    Throttled,
    TransientError,
)
from cloudlayer.resources import InstanceState

SPEC = InstanceSpec(machine_type="m7i.large", image="ubuntu-22.04", zone="us-east-1b", labels={"team": "a"})


@pytest.fixture
def token():
    return str(uuid4())


def with_fields(**fields):
    return InstanceSpec.model_validate({**SPEC.model_dump(), **fields})


def outcomes(aws):
    return [call.outcome for call in aws.calls if call.action == "RunInstances"]


def test_a_hundred_instances_take_a_handful_of_calls(aws, compute, token):
    made = compute.create_batch([SPEC] * 100, token=token)
    assert len({instance.id for instance in made}) == aws.launched == 100
    assert aws.count("RunInstances") == 1
    assert len(aws.calls) <= 5


def test_specs_that_differ_in_their_names_are_looked_up_once(aws, compute, token):
    compute.create_batch([with_fields(name=f"n{number}") for number in range(10)], token=token)
    assert aws.count("RunInstances") == 10
    assert len(aws.calls) <= 14


def test_a_larger_batch_is_split(aws, compute, token):
    made = compute.create_batch([SPEC] * 201, token=token)
    assert len({instance.id for instance in made}) == 201
    assert aws.count("RunInstances") == 3
    assert [item.id for item in compute.create_batch([SPEC] * 201, token=token)] == [item.id for item in made]
    assert aws.launched == 201


def test_a_hundred_instances_are_deleted_in_a_handful_of_calls(aws, compute, token):
    made = [instance.id for instance in compute.create_batch([SPEC] * 100, token=token)]
    before = len(aws.calls)
    compute.delete(made)
    assert all(instance.state.gone for instance in compute.list())
    assert len(aws.calls) - before <= 3


def test_a_lack_of_capacity_is_asked_for_once_though_it_comes_as_a_server_error(aws, compute, token):
    aws.fault(action="RunInstances", code="InsufficientInstanceCapacity")
    with pytest.raises(CapacityError) as caught:
        compute.create(SPEC, token=token)
    assert [call.status for call in aws.calls if call.action == "RunInstances"] == [500]
    error = caught.value
    assert (error.code, error.scope, error.request_id) == (
        "InsufficientInstanceCapacity",
        AvoidScope.ZONE,
        "00000000-0000-4000-8000-000000000000",
    )
    assert error.avoid == Avoid(300, "aws", "us-east-1", "us-east-1b", "m7i.large", "on_demand")


def test_a_lack_without_a_zone_reaches_the_region(aws, compute, token):
    aws.fault(action="RunInstances", code="InsufficientInstanceCapacity")
    (error,) = compute.create_batch([with_fields(zone=None)], token=token)
    assert error.scope is AvoidScope.REGION
    assert error.avoid == Avoid(300, "aws", "us-east-1", None, "m7i.large", "on_demand")


def test_one_launch_that_finds_no_room_spoils_no_other(aws, compute, token):
    aws.fault(action="RunInstances", match={"InstanceType": "g5.*"}, code="InsufficientInstanceCapacity")
    gpu = with_fields(machine_type="g5.xlarge")
    first, lacking, last = compute.create_batch([SPEC, gpu, SPEC], token=token)
    assert (first.machine_type, last.machine_type, type(lacking)) == ("m7i.large", "m7i.large", CapacityError)


def test_room_for_some_gives_those_and_a_lack_for_the_rest(aws, compute, token):
    aws.options.room = 2
    made = compute.create_batch([SPEC] * 3, token=token)
    assert [type(answer).__name__ for answer in made] == ["Instance", "Instance", "CapacityError"]
    assert made[2].avoid == Avoid(300, "aws", "us-east-1", "us-east-1b", "m7i.large", "on_demand")
    aws.options.room = None
    again = compute.create_batch([SPEC] * 3, token=token)
    assert [answer.id for answer in again[:2]] == [answer.id for answer in made[:2]]
    assert type(again[2]) is CapacityError
    assert aws.launched == 2


def test_an_answer_lost_after_the_launch_is_asked_for_again_and_launches_once(aws, compute, token):
    aws.fault(action="RunInstances", lost_response=True, times=1)
    made = compute.create_batch([SPEC] * 3, token=token)
    assert outcomes(aws) == ["executed, response lost", "replayed by ClientToken"]
    assert sorted(item.id for item in made) == sorted(item.id for item in compute.list())
    assert aws.launched == 3


def test_an_answer_that_stays_lost_is_adopted_by_the_next_try(aws, compute, token):
    aws.fault(action="RunInstances", lost_response=True)
    with pytest.raises(TransientError):
        compute.create(SPEC, token=token)
    aws.rules.clear()
    assert [compute.create(SPEC, token=token).id] == [item.id for item in compute.list()]
    assert aws.launched == 1


def test_other_parameters_are_refused_by_ec2_itself_where_lists_do_not_show_the_launch_yet(aws, compute, token):
    aws.options.hidden = 3600
    compute.create(SPEC, token=token)
    for others in ([with_fields(labels={"team": "b"})], [SPEC, SPEC]):
        with pytest.raises(Conflict) as caught:
            compute.create_batch(others, token=token)
        assert caught.value.code == "IdempotentParameterMismatch"
    assert "IdempotentParameterMismatch" in outcomes(aws)
    assert aws.launched == 1


def test_a_token_of_which_a_later_launch_alone_found_room_is_used(aws, compute, token):
    aws.fault(action="RunInstances", match={"InstanceType": "g5.*"}, code="InsufficientInstanceCapacity")
    compute.create_batch([with_fields(machine_type="g5.xlarge"), SPEC], token=token)
    with pytest.raises(Conflict):
        compute.create(with_fields(name="other"), token=token)
    assert aws.launched == 1


def test_deleted_instances_are_not_replaced_where_lists_do_not_show_them_any_more(aws, compute, token):
    made = compute.create(SPEC, token=token)
    compute.delete([made.id])
    aws.options.hidden = 3600
    with pytest.raises(Conflict) as caught:
        compute.create(SPEC, token=token)
    assert caught.value.code == "IdempotentInstanceTerminated"
    assert aws.launched == 1


def test_a_launch_is_adopted_by_its_tags_when_ec2_has_forgotten_the_token(aws, compute, token):
    specs = [with_fields(name=name) for name in ("b", "a", "b")]
    made = [item.id for item in compute.create_batch(specs, token=token)]
    aws.tokens.forget()
    assert [item.id for item in compute.create_batch(specs, token=token)] == made
    assert aws.launched == 3


def test_a_partial_launch_of_long_ago_is_not_completed(aws, cloud, token):
    aws.options.room = 2
    cloud.compute.create_batch([SPEC] * 3, token=token)
    aws.options.room = None
    aws.tokens.forget()
    cloud.compute.clock.sleep(601)
    answers = cloud.compute.create_batch([SPEC] * 3, token=token)
    assert [type(answer).__name__ for answer in answers] == ["Instance", "Instance", "CapacityError"]
    assert aws.launched == 2


def test_a_new_image_between_two_tries_changes_nothing(aws, compute, ec2, token):
    owned = with_fields(image="our-own-image")
    made = compute.create(owned, token=token)
    ec2.create_image(InstanceId=made.id, Name="our-own-image")
    assert compute.create(owned, token=token).id == made.id


def test_throttling_tells_how_long_to_wait(aws, compute, token):
    aws.fault(code="RequestLimitExceeded", retry_after=7)
    with pytest.raises(Throttled) as caught:
        compute.create(SPEC, token=token)
    assert caught.value.retry_after == 7
    assert 1 < len(aws.calls) < 10


def test_a_new_instance_that_is_not_found_yet_is_waited_for(aws, compute, token):
    aws.options.hidden = 0.05
    made = compute.create(SPEC, token=token)
    assert compute.wait(made, "running").state is InstanceState.RUNNING


def test_a_pending_instance_is_waited_for(aws, compute, token):
    aws.options.pending = 0.5
    made = compute.create(SPEC, token=token)
    assert (made.state, compute.get(made.id).state) == (InstanceState.PENDING, InstanceState.PENDING)
    assert compute.wait(made, "running").state is InstanceState.RUNNING


@pytest.mark.parametrize(
    ("reason", "error"), [("Server.InsufficientInstanceCapacity", CapacityError), ("Server.InternalError", Conflict)]
)
def test_an_instance_that_ends_on_its_way_says_why(aws, compute, token, reason, error):
    aws.options.failing = reason
    made = compute.create(SPEC, token=token)
    with pytest.raises(error, match="the launch failed"):
        compute.wait(made, "running")


def test_volumes_carry_the_labels(compute, ec2, token):
    compute.create(with_fields(disks=[{"size": "4GiB"}]), token=token)
    (volume,) = ec2.describe_volumes()["Volumes"]
    tags = {tag["Key"]: tag["Value"] for tag in volume["Tags"]}
    assert tags.items() >= {"team": "a", labels.TOKEN: token}.items()


def test_a_boot_disk_takes_the_place_of_the_images_own(compute, ec2, token):
    made = compute.create(with_fields(image="debian-12", disks=[{"size": "50GiB", "boot": True}]), token=token)
    (disk,) = ec2.describe_instances(InstanceIds=[made.id])["Reservations"][0]["Instances"][0]["BlockDeviceMappings"]
    assert disk["DeviceName"] == "/dev/xvda"
    assert ec2.describe_volumes(VolumeIds=[disk["Ebs"]["VolumeId"]])["Volumes"][0]["Size"] == 50


def test_figures_are_enough(compute, token):
    spec = InstanceSpec(gpu="a10g", gpu_count=4, gpu_memory="20GiB", image="ami-0d02")
    assert compute.create(spec, token=token).machine_type == "g5.12xlarge"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"machine_type": None}, "machine_type: missing"),
        ({"machine_type": None, "gpu": "H9000"}, "no machine type on offer here has gpu H9000"),
        ({"architecture": "arm64"}, "architecture: m7i.large is x86_64, not arm64"),
        ({"image": "no-such-image"}, 'image: nothing is called "no-such-image" for x86_64'),
        ({"image": "ssm:/not/there"}, 'image: nothing is called "ssm:/not/there"'),
        ({"labels": {labels.TOKEN: "x"}}, "is set by cloudlayer itself"),
        ({"labels": {"Name": "x"}}, "labels.Name: "),
        ({"labels": {"aws:mine": "x"}}, "labels.aws:mine: "),
    ],
)
def test_a_wrong_spec_launches_nothing_not_even_its_neighbours(aws, compute, token, fields, line):
    with pytest.raises(InvalidSpec, match=line):
        compute.create_batch([SPEC, with_fields(**fields)], token=token)
    assert aws.launched == 0


def test_a_token_that_is_no_uuid_is_refused(aws, compute):
    with pytest.raises(InvalidSpec, match="uuid4"):
        compute.create(SPEC, token="attempt-1")
    assert aws.calls == []


def test_what_ec2_refuses_is_a_rejected_spec(aws, compute, token):
    with pytest.raises(RejectedSpec) as caught:
        compute.create(with_fields(overrides={"key_name": "not-there"}), token=token)
    assert caught.value.code == "InvalidKeyPair.NotFound"
