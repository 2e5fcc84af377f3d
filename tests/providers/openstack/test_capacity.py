"""What runs out, really: the hosts with a GPU."""

from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import CapacityError
from cloudlayer.resources import Instance

pytestmark = pytest.mark.openstack

GPUS = 8


@pytest.fixture
def run(cloud):
    label = {"test-run": uuid4().hex}
    yield label
    made = cloud.compute.list(label)
    cloud.compute.delete([instance.id for instance in made])
    for instance in made:
        cloud.compute.wait(instance, "deleted", timeout=60)


def test_a_flavor_with_a_gpu_runs_out_at_the_ninth(all_gpus, compute, run):
    spec = InstanceSpec(gpu="A100", image="tiny", labels=run)
    answers = compute.create_batch([spec] * (GPUS + 1), token=str(uuid4()))
    made = [answer for answer in answers if isinstance(answer, Instance)]
    lacks = [answer for answer in answers if not isinstance(answer, Instance)]
    assert {instance.machine_type for instance in made} == {"g1.a100"}
    assert (len({instance.id for instance in made}), len(lacks)) == (GPUS, 1), lacks
    assert isinstance(lacks[0], CapacityError)
    assert lacks[0].avoid.machine_type == "g1.a100"
    assert len(compute.list(run)) == GPUS
