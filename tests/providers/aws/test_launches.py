"""How a batch becomes launches, and what each asks EC2 for."""

import re
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import InvalidSpec
from cloudlayer.providers.aws.compute.launches import LARGEST, Choice, parameters, plan_launches

TOKEN = str(uuid4())
SPECS = st.lists(st.sampled_from("abc").map(lambda name: InstanceSpec(name=name)), max_size=300)
CHOICE = Choice("m7i.large", "ami-1", "/dev/xvda")


def asked(groups=(), **fields):
    """The parameters of RunInstances for one spec."""
    (launch,) = plan_launches([InstanceSpec.model_validate(fields)], TOKEN)
    return parameters(launch, CHOICE, groups)


@given(SPECS)
def test_every_place_is_launched_once_with_its_own_spec(specs):
    launches = plan_launches(specs, TOKEN)
    assert sorted(place for launch in launches for place in launch.places) == list(range(len(specs)))
    assert all(specs[place] == launch.spec for launch in launches for place in launch.places)


@given(SPECS)
def test_equal_specs_share_launches_of_a_sane_size(specs):
    launches = plan_launches(specs, TOKEN)
    assert all(len(launch.places) <= LARGEST for launch in launches)
    assert len(launches) == sum(-(-specs.count(spec) // LARGEST) for spec in {spec.name: spec for spec in specs}.values())


@given(SPECS)
def test_the_same_batch_is_planned_the_same_and_each_launch_has_its_own_token(specs):
    launches = plan_launches(specs, TOKEN)
    assert launches == plan_launches(list(specs), TOKEN)
    assert len({launch.token for launch in launches}) == len(launches)
    assert {launch.token for launch in launches}.isdisjoint(launch.token for launch in plan_launches(specs, str(uuid4())))


def test_a_longer_batch_under_the_same_token_is_told_from_the_shorter():
    spec = InstanceSpec()
    (one,), (two,) = plan_launches([spec], TOKEN), plan_launches([spec, spec], TOKEN)
    assert one.token == two.token  # so that EC2 sees the token again, with other parameters
    assert parameters(one, CHOICE, ()) != parameters(two, CHOICE, ())


def test_a_client_token_fits_in_what_ec2_accepts():
    assert re.fullmatch(r"[0-9a-f-]{36}", asked()["ClientToken"])


def test_metadata_is_closed_to_containers_and_to_the_first_version():
    assert asked()["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"}


@pytest.mark.parametrize(
    ("purchase", "kinds"),
    [
        ("on_demand", ["instance", "volume", "network-interface"]),
        ("spot", ["instance", "volume", "network-interface", "spot-instances-request"]),
    ],
)
def test_the_instance_and_all_its_children_are_tagged(purchase, kinds):
    tags = asked(name="one", labels={"team": "a"}, purchase=purchase)["TagSpecifications"]
    assert [item["ResourceType"] for item in tags] == kinds
    for item in tags:
        values = {tag["Key"]: tag["Value"] for tag in item["Tags"]}
        assert values.items() >= {"Name": "one", "team": "a", labels.TOKEN: TOKEN}.items()


def test_no_address_is_public_unless_asked_for():
    assert asked()["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is False
    assert asked(public_address=True)["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is True


def test_what_is_not_asked_for_is_left_to_ec2():
    assert asked().keys() == {
        *("MinCount", "MaxCount", "ClientToken", "InstanceType", "ImageId"),
        *("NetworkInterfaces", "MetadataOptions", "TagSpecifications"),
    }


def test_spot_is_bought_once_and_ends_when_interrupted():
    options = asked(purchase="spot", overrides={"spot_max_price": 0.25})["InstanceMarketOptions"]
    assert options == {
        "MarketType": "spot",
        "SpotOptions": {
            "SpotInstanceType": "one-time",
            "InstanceInterruptionBehavior": "terminate",
            "MaxPrice": "0.250000",
        },
    }


def test_an_instance_that_ends_itself_is_terminated_by_that():
    assert asked(delete_on_shutdown=True)["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert "InstanceInitiatedShutdownBehavior" not in asked()
    assert "InstanceInitiatedShutdownBehavior" not in asked(delete_on_shutdown=True, purchase="spot"), "it is in any case"


def test_a_reserved_instance_never_falls_back_to_on_demand():
    named = asked(purchase="reserved", reservation="cr-1")["CapacityReservationSpecification"]
    assert named == {"CapacityReservationTarget": {"CapacityReservationId": "cr-1"}}
    anyone = asked(purchase="reserved")["CapacityReservationSpecification"]
    assert anyone == {"CapacityReservationPreference": "capacity-reservations-only"}


def test_disks_are_deleted_with_the_instance():
    disks = asked(disks=[{"size": "100GiB", "boot": True}, {"size": "1.5GiB", "type": "io2"}, {"size": "2GiB"}])
    mappings = disks["BlockDeviceMappings"]
    assert [item["DeviceName"] for item in mappings] == ["/dev/xvda", "/dev/sdf", "/dev/sdg"]
    assert [item["Ebs"]["VolumeSize"] for item in mappings] == [100, 2, 2]
    assert [item["Ebs"]["VolumeType"] for item in mappings] == ["gp3", "io2", "gp3"]
    assert all(item["Ebs"]["DeleteOnTermination"] for item in mappings)


def test_overrides_reach_what_the_spec_has_no_word_for():
    wanted = asked(
        groups=("sg-1",),
        zone="us-east-1a",
        overrides={"subnet_id": "subnet-1", "key_name": "mine", "iam_instance_profile": "role", "placement_group": "close"},
    )
    assert wanted["NetworkInterfaces"][0].items() >= {"SubnetId": "subnet-1", "Groups": ["sg-1"]}.items()
    assert wanted["Placement"] == {"AvailabilityZone": "us-east-1a", "GroupName": "close"}
    assert (wanted["KeyName"], wanted["IamInstanceProfile"]) == ("mine", {"Name": "role"})
    assert asked(overrides={"iam_instance_profile": "arn:aws:iam::1:x"})["IamInstanceProfile"] == {"Arn": "arn:aws:iam::1:x"}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"overrides": {"subnet": "x"}}, "overrides.subnet: unknown key; known here: iam_instance_profile, key_name"),
        ({"overrides": {"key_name": 7}}, "overrides.key_name: "),
        ({"overrides": {"spot_max_price": -1}}, "overrides.spot_max_price: "),
        ({"user_data": "x" * 16385}, "user_data: more than 16 KiB"),
        ({"disks": [{"size": "1GiB"}] * 12}, "disks: at most 11"),
        ({"open_ports": [{"port": 22, "source": "anywhere"}]}, 'open_ports.source: "anywhere" is no range'),
    ],
)
def test_what_ec2_would_refuse_is_told_before_any_call(fields, line):
    with pytest.raises(InvalidSpec, match=re.escape(line)):
        asked(**fields)
