"""What our nouns say about answers that the real Azure gave in 2020, through the whole provider.

The recordings are of other callers, who made things of other versions for other ends: our verbs are driven as far as what was
asked then covers what they ask. Items of lists that nobody recorded are the recorded things themselves.
"""

import re

import pytest

from cloudlayer.errors import NotFound, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.azure.options import Options
from cloudlayer.providers.azure.provider import AzureProvider
from cloudlayer.testing import SteppedClock
from cloudlayer.units import GIB
from tests.fakes.arm.recorded.cassettes import load
from tests.fakes.arm.recorded.replay import Replay
from tests.fakes.rest.server import Answer

pytestmark = pytest.mark.recordings

MACHINES = "compute-17.0.0/test_mgmt_compute_base_async.test_compute_vm"
DISKS = "compute-17.0.0/test_mgmt_compute_disks.test_compute_disks"
COPIES = "compute-17.0.0/test_mgmt_compute_disks.test_compute_shot"
SETS = "compute-17.0.0/test_mgmt_compute_vmss.test_compute_vmss_vm"
BALANCERS = "network-16.0.0/test_cli_mgmt_network_load_balancer.test_network"
AUTOSCALING = "monitor-1.0.1/test_cli_mgmt_monitor.test_autoscale_settings"
NOBODY = "00000000-0000-0000-0000-000000000000"


class Recorded(Replay):
    """A replay in which what was not recorded is not there, and lists that were not recorded hold what was."""

    def execute(self, call):
        answer = super().execute(call)
        if answer.status != 404 or call.verb != "GET":
            return answer
        if len(call.path.rpartition("/providers/")[2].split("/")) % 2 == 0:
            wanted = re.compile(re.escape(call.path.lower()) + r"/[^/]+")
            listed = [path for path in self._things if wanted.fullmatch(path)]
            self._used.update(("GET", path) for path in listed)
            return Answer(200, {"value": [self._things[path] for path in listed]})
        return self.error(call, "ResourceNotFound", f"{call.path} was not found", 404)

    @classmethod
    def of(cls, *names):
        interactions = [interaction for name in names for interaction in load(name)]
        replay = cls(interactions)
        got = [one for one in interactions if one.method == "GET" and one.status == 200 and not one.is_poll]
        replay._things = {one.key[1]: one.answered for one in reversed(got)}
        return replay


@pytest.fixture
def azure(request):
    """Azure as it was recorded in the cassettes of the test's parameter, and the provider on it."""
    replay = Recorded.of(*request.param)
    options = Options(subscription=NOBODY, resource_group="rgname", endpoint=replay.url)
    yield replay, AzureProvider("eastus", options, clock=SteppedClock(step=0.001))
    replay.close()


def exchanges(replay):
    """How many of Azure's own answers were given, those to polls left out."""
    return sum(number for (_, path), number in replay._used.items() if "/providers/" in path and "/operations/" not in path)


def on(*names):
    return pytest.mark.parametrize("azure", [names], indirect=True)


@on(MACHINES)
def test_a_machine_is_read_listed_stopped_started_and_deleted(azure):
    replay, cloud = azure
    (listed,) = cloud.compute.list()
    machine = cloud.compute.get(listed.id)
    assert (machine.provider, machine.region, machine.zone) == ("azure", "eastus", "regional")
    assert machine.machine_type == "Standard_D2_v2"
    assert machine.state == "pending"  # nobody had asked for the view that tells its power
    assert machine.labels == {}
    cloud.compute.reboot(machine.id)
    cloud.compute.stop(machine.id)
    cloud.compute.start(machine.id)
    cloud.compute.delete([machine.id])
    assert exchanges(replay) >= 6


@on(DISKS)
def test_a_disk_is_read_grown_and_deleted(azure):
    replay, cloud = azure
    (listed,) = cloud.storage.list()
    disk = cloud.storage.get(listed.id)
    assert disk == listed
    assert (disk.state, disk.size, disk.type, disk.attached_to) == ("available", 200 * GIB, "Standard_LRS", None)
    assert disk.created_at.year == 2020
    assert cloud.storage.grow(disk.id, 256 * GIB).state == "updating"
    cloud.storage.delete(disk.id)
    assert exchanges(replay) >= 4


@on(COPIES)
def test_a_snapshot_says_what_it_is_of_and_is_deleted(azure):
    replay, cloud = azure
    (copy,) = cloud.storage.snapshots()
    assert cloud.storage.get_snapshot(copy.id) == copy
    assert (copy.state, copy.size) == ("ready", 200 * GIB)
    assert cloud.storage.get(copy.volume).size == copy.size
    cloud.storage.delete_snapshot(copy.id)
    assert exchanges(replay) >= 3


@on(SETS)
def test_a_scale_set_is_read_with_its_member_and_deleted(azure):
    replay, cloud = azure
    (listed,) = cloud.autoscaling.list()
    group = cloud.autoscaling.get(listed.id)
    assert (group.desired, group.balancers, group.labels) == (1, (), {})
    (member,) = group.members
    assert (member.instance, member.zone, member.state, member.healthy) == (f"{group.id}/1", "regional", "running", True)
    assert group.state == "creating"
    assert "autoscale setting" in group.reason
    cloud.autoscaling.delete(group.id)
    assert exchanges(replay) >= 4


@on(SETS, DISKS)
def test_a_member_is_asked_to_attach_a_disk(azure):
    replay, cloud = azure
    (group,), (disk,) = cloud.autoscaling.list(), cloud.storage.list()
    bound = Deadline.after(5, cloud.compute.clock)
    with pytest.raises(TransientError):  # nobody had asked for it then, so that the member never has it
        cloud.storage.attach(disk.id, group.members[0].instance, deadline=bound)
    (written, *_) = [call.body for call in replay.calls if call.verb == "PUT"]
    (data,) = written["properties"]["storageProfile"]["dataDisks"]
    assert (data["lun"], data["createOption"]) == (0, "Attach")
    assert data["managedDisk"]["id"].endswith(f"/disks/{disk.id}")
    assert exchanges(replay) >= 4


@on(AUTOSCALING)
def test_an_autoscale_setting_tells_the_bounds_of_its_set(azure):
    replay, cloud = azure
    (group,) = cloud.autoscaling.list()
    assert (group.id, group.min, group.max) == ("vmss_name", 1, 10)
    assert exchanges(replay) == 2


@on(BALANCERS)
def test_a_balancer_is_read_listed_and_deleted(azure):
    replay, cloud = azure
    (listed,) = cloud.load_balancing.list()
    balancer = cloud.load_balancing.get(listed.id)
    assert balancer.name == "myLoadBalancer"
    assert balancer.state == "active"
    assert [(one.port, one.protocol, one.target_port) for one in balancer.listeners] == [(80, "tcp", 80)]
    assert balancer.address
    assert cloud.load_balancing.health(balancer.id) == []
    cloud.load_balancing.delete(balancer.id)
    assert exchanges(replay) >= 4


@on(MACHINES, BALANCERS, DISKS)
def test_what_was_not_recorded_is_not_there(azure):
    _, cloud = azure
    for call in (cloud.compute.get, cloud.storage.get, cloud.load_balancing.get, cloud.autoscaling.get):
        with pytest.raises(NotFound):
            call("never-recorded")
