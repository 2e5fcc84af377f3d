"""Finding and deleting instances."""

from uuid import uuid4

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from cloudlayer import InstanceSpec
from cloudlayer.errors import NotFound


def make(compute, **labels):
    return compute.create(InstanceSpec(machine_type="m7i.large", image="ami-0a01", labels=labels), token=str(uuid4()))


@pytest.mark.parametrize("id", ["i-0123456789abcdef0", "i-1", "not an id"])
def test_an_id_that_ec2_does_not_know_is_not_found(compute, id):
    with pytest.raises(NotFound) as caught:
        compute.get(id)
    assert caught.value.code.startswith("InvalidInstanceID.")


def test_a_wildcard_in_a_label_is_a_character_like_any_other(aws, compute, ec2):
    plain, odd = make(compute, team="abc"), make(compute, team="abd")
    ec2.create_tags(Resources=[odd.id], Tags=[{"Key": "team", "Value": "a*"}])
    assert [item.id for item in compute.list({"team": "a*"})] == [odd.id]
    assert aws.calls[-1].parameters["Filter.1.Value.1"] == r"a\*"
    assert compute.list({"team": "a?c"}) == []
    assert [item.id for item in compute.list({"team": "abc"})] == [plain.id]


def test_one_wrong_id_spoils_no_delete_of_many(aws, compute):
    made = [make(compute).id for _ in range(5)]
    compute.delete([made[0], "i-0123456789abcdef0", *made[1:3], "not an id", *made[3:]])
    assert all(item.state.gone for item in compute.list())


def test_what_lists_do_not_show_yet_is_deleted_all_the_same(aws, compute):
    made = make(compute)
    look = aws.options
    look.hidden = 3600
    compute.delete([made.id])
    look.hidden = 0
    assert compute.get(made.id).state.gone


def test_instances_of_others_are_listed_as_they_are(compute, ec2):
    ec2.run_instances(ImageId="ami-0a01", InstanceType="m7i.large", MinCount=1, MaxCount=1)
    (found,) = compute.list()
    assert (found.name, found.labels, found.purchase, found.image) == (None, {}, "on_demand", "ami-0a01")
    assert found.native["InstanceId"] == found.id
    assert found.private_address
    assert found.created_at


def test_fifteen_hundred_machines_are_listed_in_two_calls(aws, compute):
    backend = ec2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
    tags = {"instance": {"team": "many"}}
    made = backend.run_instances(
        "ami-0a01", 1500, None, [], instance_type="m7i.large", tags=tags, is_instance_type_default=False
    )
    assert sorted(item.id for item in compute.list({"team": "many"})) == sorted(item.id for item in made.instances)
    assert [call.action for call in aws.calls] == ["DescribeInstances"] * 2
