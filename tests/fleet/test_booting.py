"""What the manifest says of machines is bought with them, the same whenever a create is repeated."""

from dataclasses import replace

import pytest

from cloudlayer.errors import InvalidSpec, NotFound
from cloudlayer.fleet import booting
from cloudlayer.fleet.expiring import OFTEN, Refresher
from cloudlayer.fleet.keys import Keys
from cloudlayer.fleet.store import MachineRow, MachineState
from cloudlayer.functions.manifest import FleetSection
from cloudlayer.interfaces import Access, Capabilities, Capability
from cloudlayer.resources import Accelerator, InstanceSpec, MachineType, Offer
from cloudlayer.runtime.bootstrap import STAY
from cloudlayer.specs import checked
from cloudlayer.testing import SteppedClock
from cloudlayer.units import GIB
from tests.fleet.boxes import paper_clouds
from tests.fleet.controllers import Inline

PLAIN = Offer("aws", "us-east-1", "us-east-1a", MachineType("plain", cpu=4, memory=16 * GIB), "on_demand", None)
CARD = (Accelerator("H100", 80 * GIB),)
WITH_GPU = Offer("aws", "us-east-1", "us-east-1a", MachineType("gpu", 8, 64 * GIB, accelerators=CARD), "on_demand", None)
JUMP = {"address": "bastion.example.org", "user": "ops", "host_keys": ["ssh-ed25519 AAAA"]}


class Cloud:
    """A provider that can do what is named."""

    keeps_machines = True

    def __init__(self, *can):
        self.capabilities = Capabilities("aws", dict.fromkeys(can, Capability(True)))


def section(**said):
    return checked(FleetSection, {"name": "fleet", "providers": ["aws"], **said}, "")


def row(offer=PLAIN, **said):
    spec = {"disk": 0, **booting.settings(section(**said), offer)}
    return MachineRow("fleet", "m1", "batch", 0, "aws:us-east-1", offer, spec, MachineState.PENDING, "i-1", "192.0.2.1")


def completed(machine, keys, *can):
    return booting.completed(InstanceSpec(machine_type="plain"), machine, Cloud(*can), keys)


def test_a_repeated_create_asks_for_the_very_same(tmp_path):
    machine = row(expiry="2h", access={"networks": ["10.0.0.0/8"]})
    first = completed(machine, Keys(tmp_path), "open_ports", "public_address", "expiry")
    assert first == completed(machine, Keys(tmp_path), "open_ports", "public_address", "expiry")
    assert (first.public_address, first.delete_on_shutdown) == (True, True)
    assert [(rule.port, rule.source) for rule in first.open_ports] == [(22, "0.0.0.0/0")]


def test_what_a_driver_has_no_say_in_is_not_asked_of_it(tmp_path):
    spec = completed(row(expiry="2h"), Keys(tmp_path))
    assert (spec.public_address, spec.open_ports, spec.delete_on_shutdown) == (False, (), False)
    assert "cloudlayer-expiry.timer" in spec.user_data, "the machine shuts itself down all the same"


def test_images_and_overrides_are_those_of_the_offers_provider(tmp_path):
    images = {"plain": {"aws": "ami-1"}, "gpu": {"aws:us-east-1": "ami-2", "aws": "ami-3"}}
    said = {"images": images, "overrides": {"aws": {"subnet_id": "subnet-1"}, "gcp": {"network": "mine"}}}
    spec = completed(row(**said), Keys(tmp_path))
    assert (spec.image, spec.overrides) == ("ami-1", {"subnet_id": "subnet-1"})
    assert completed(row(WITH_GPU, **said), Keys(tmp_path)).image == "ami-2"
    assert completed(row(), Keys(tmp_path)).image is None


def test_machines_without_a_public_address_are_reached_by_the_hosts_on_the_way(tmp_path):
    machine = row(access={"public": False, "jump": [JUMP]})
    assert not completed(machine, Keys(tmp_path), "public_address").public_address
    assert booting.jumps(machine) == (Access("bastion.example.org", 22, "ops", None, ("ssh-ed25519 AAAA",)),)


@pytest.mark.parametrize(
    "said",
    [
        {"access": {"jump": [{**JUMP, "host_keys": []}]}},
        {"access": {"jump": [{**JUMP, "host_keys": ["not a key"]}]}},
        {"access": {"jump": [{**JUMP, "address": "-oProxyCommand=x"}]}},
        {"access": {"jump": [{**JUMP, "address": "me@bastion"}]}},
        {"access": {"jump": [{**JUMP, "user": "two words"}]}},
        {"access": {"networks": ["10.0.0.0/99"]}},
        {"access": {"pubilc": False}},
        {"expiry": "30s"},
    ],
)
def test_what_is_written_wrongly_is_told(said):
    with pytest.raises(InvalidSpec):
        section(**said)


def test_only_clouds_whose_bare_machines_take_user_data_are_set_up():
    assert booting.boots(Cloud("user_data", "engine:docker"))
    assert not booting.boots(Cloud("engine:docker"))
    assert not booting.boots(Cloud("user_data"))


def test_a_machine_that_would_end_itself_is_asked_for_often_enough(tmp_path):
    clouds = paper_clouds(lambda _: None, SteppedClock(), tmp_path)
    refresher, machine = Refresher(clouds, Inline()), row(expiry="2h")
    for now in (0.0, 1.0, 7200 / OFTEN, 7200 / OFTEN + 1):
        refresher.refresh([machine], now)
    assert clouds.reach.host(machine).commands == [list(STAY)] * 2
    refresher.refresh([row()], 99999.0)
    assert len(clouds.reach.host(machine).commands) == 2


def test_one_that_cannot_be_asked_for_keeps_nobody_from_asking_for_the_others(tmp_path, monkeypatch):
    clouds = paper_clouds(lambda _: None, SteppedClock(), tmp_path)
    machine, gone = row(expiry="2h"), replace(row(expiry="2h"), id="gone")
    found = clouds.reach.host(machine)

    def host(asked):
        if asked is gone:
            raise NotFound("it is there no more")
        return found

    monkeypatch.setattr(clouds.reach, "host", host)
    Refresher(clouds, Inline()).refresh([gone, machine], 0.0)
    assert found.commands == [list(STAY)]
