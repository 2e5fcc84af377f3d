import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Capabilities, Capability
from cloudlayer.providers.base.capabilities import require_for
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.resources import Instance, InstanceState


class Bare(BaseProvider):
    @property
    def compute(self):
        raise NotImplementedError

    def check(self):
        return []


INSTANCE = Instance("i-1", "bare", "here", "here-a", InstanceState.RUNNING, "small")


@pytest.fixture
def bare():
    names = ["autoscaling", "load_balancing", "volumes", "engine:docker"]
    return Bare("here", Capabilities("bare", {name: Capability(False, f"why no {name}") for name in names}))


@pytest.mark.parametrize(
    ("interface", "capability"),
    [("autoscaling", "autoscaling"), ("load_balancing", "load_balancing"), ("storage", "volumes")],
)
def test_an_interface_that_a_driver_has_not_is_unsupported_with_its_reason(bare, interface, capability):
    with pytest.raises(Unsupported) as caught:
        getattr(bare, interface)
    assert f"why no {capability}" in caught.value.reason
    assert caught.value.provider == "bare"


def test_an_engine_that_a_driver_has_not_is_unsupported_with_its_reason(bare):
    with pytest.raises(Unsupported, match="why no engine:docker"):
        bare.engine("docker", INSTANCE)
    with pytest.raises(Unsupported, match="does not declare engine:process"):
        bare.engine("process", INSTANCE)


def test_no_sdk_means_no_native_client(bare):
    with pytest.raises(Unsupported, match="bare has no SDK"):
        bare.native("ec2")


def test_a_provider_says_what_and_where_it_is(bare):
    assert (bare.name, bare.region, bare.keeps_machines) == ("bare", "here", True)


@pytest.mark.parametrize(
    ("capability", "fields"),
    [
        ("spot", {"purchase": "spot"}),
        ("reserved", {"purchase": "reserved"}),
        ("images", {"image": "ubuntu-22.04"}),
        ("user_data", {"user_data": "#!/bin/sh"}),
        ("disks", {"disks": [{"size": "1GiB"}]}),
        ("public_address", {"public_address": True}),
        ("open_ports", {"open_ports": [{"port": 22, "source": "0.0.0.0/0"}]}),
        ("labels", {"labels": {"a": "b"}}),
    ],
)
def test_a_spec_is_refused_for_a_capability_that_is_missing_and_for_no_other(capability, fields):
    everything = dict.fromkeys(
        ["on_demand", "spot", "reserved", "images", "user_data", "disks", "public_address", "open_ports", "labels"],
        Capability(True),
    )
    spec = InstanceSpec.model_validate(fields)
    require_for([spec], Capabilities("all", everything))
    lacking = Capabilities("most", {**everything, capability: Capability(False, "not here")})
    with pytest.raises(Unsupported, match="not here"):
        require_for([InstanceSpec(), spec], lacking)
