"""Whose a machine is, is decided on the machine; what is given back is clean; what cannot be seen is not guessed."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from cloudlayer import InstanceSpec
from cloudlayer.errors import CapacityError, Conflict, TransientError
from cloudlayer.interfaces import Deadline
from cloudlayer.labels import FLEET, OWNER
from cloudlayer.providers.ssh.provider import SshProvider
from cloudlayer.runtime.gpu.multi_process import EARLIER, FOLDER, SHARED
from tests.conformance.ssh.boxes import CLAIM, inventory

pytestmark = pytest.mark.hosts

SPEC = InstanceSpec(cpu=0.5, labels={OWNER: "me", FLEET: "fleet"})


@pytest.fixture
def boxes(hosts):
    return hosts(2)


@pytest.fixture
def homes(boxes, tmp_path):
    """Makes providers of the same machines that share nothing on this host; what they claimed is given back."""
    path, made = inventory(tmp_path / "boxes.toml", boxes), []

    def home(**more):
        if more:
            inventory(path, boxes, **more)
        made.append(SshProvider(path, tmp_path / f"state{len(made)}"))
        return made[-1]

    yield home
    for provider in made:
        provider.compute.delete([one.id for one in provider.compute.list()])


def claimed(provider, count=1, token=None):
    return provider.compute.create_batch([SPEC] * count, token=token or str(uuid4()))


def test_two_homes_never_get_the_same_machine(homes, boxes):
    first, second = homes(), homes()
    barrier = Barrier(2)

    def claim(provider):
        barrier.wait(10)
        return claimed(provider, count=2)

    with ThreadPoolExecutor(2) as threads:
        answers = [answer for each in threads.map(claim, [first, second]) for answer in each]
    machines = [answer.machine_type for answer in answers if not isinstance(answer, CapacityError)]
    assert sorted(machines) == [box.name for box in boxes]
    assert sum(isinstance(answer, CapacityError) for answer in answers) == 2
    assert [offer.available for offer in homes().compute.offers()] == [0, 0]


def test_a_home_that_lost_its_records_finds_its_claims_on_the_machines(homes):
    token = str(uuid4())
    (made,) = claimed(homes(), token=token)
    again = homes()
    assert [one.id for one in again.compute.list(SPEC.labels)] == [made.id]
    (adopted,) = claimed(again, token=token)
    assert (adopted.id, adopted.labels, adopted.created_at) == (made.id, made.labels, made.created_at)


def test_what_is_given_back_is_clean_and_what_others_run_there_is_let_be(homes, boxes):
    provider = homes()
    (made,) = claimed(provider)
    box = next(box for box in boxes if box.name == made.machine_type)
    ours = "--label cloudlayer-owner=me"
    run = "--entrypoint sleep cloudlayer/base:local 300"
    box.ssh(f"docker network create {ours} ours && docker volume create {ours} ours && docker volume create theirs")
    box.ssh(f"docker run -d {ours} --network ours -v ours:/data {run}")
    theirs = box.ssh(f"docker run -d --label cloudlayer-owner=another {run}").strip()
    box.ssh("mkdir -p /run/cloudlayer/0a1b2c3d4e5f/g /run/cloudlayer/0a1b2c3d4e5f-own")
    try:
        provider.compute.delete([made.id])
        assert box.ssh("docker ps -aq --no-trunc").split() == [theirs]
        assert "ours" not in box.ssh("docker network ls --format '{{.Name}}'; docker volume ls -q").split()
        assert box.ssh("ls /run/cloudlayer; ls /var/lib/cloudlayer").split() == ["0a1b2c3d4e5f-own", "lock"]
        assert provider.compute.get(made.id).state == "deleted"
    finally:
        box.ssh(f"docker rm -f {theirs}; docker volume rm theirs; rmdir /run/cloudlayer/0a1b2c3d4e5f-own /run/cloudlayer")


def test_what_shares_gpus_ends_when_a_machine_is_given_back(homes, boxes):
    provider = homes()
    (made,) = claimed(provider)
    box = next(box for box in boxes if box.name == made.machine_type)
    daemon = "/usr/local/bin/nvidia-cuda-mps-control"
    box.ssh(f"printf '#!/bin/sh\\ncat >>/tmp/told\\nenv >>/tmp/told' >{daemon} && chmod +x {daemon}")
    box.ssh(f"mkdir {EARLIER} {FOLDER} {SHARED} && mount -t tmpfs tmpfs {SHARED} && mount -t tmpfs tmpfs {SHARED}")
    box.ssh(f"echo secret >{SHARED}/left; mkdir -p /var/lib/cloudlayer/models/files")
    try:
        provider.compute.delete([made.id])
        told = box.ssh("cat /tmp/told").split()
        assert told.count("quit") == 2
        assert {f"CUDA_MPS_PIPE_DIRECTORY={folder}" for folder in (EARLIER, FOLDER)} <= set(told)
        left = box.ssh("ls /run /var/lib/cloudlayer; cat /proc/mounts")
        assert not [word for word in ("sharing", "cloudlayer-mps", "models") if word in left]
    finally:
        box.ssh(f"umount {SHARED} {SHARED} 2>/dev/null; rm -rf {daemon} /tmp/told {EARLIER} {FOLDER} {SHARED}")


def test_a_machine_that_cannot_keep_a_claim_is_passed_over(homes, boxes):
    boxes[0].ssh("rm -rf /var/lib/cloudlayer && touch /var/lib/cloudlayer")
    try:
        (made,) = claimed(homes())
        assert made.machine_type == boxes[1].name
    finally:
        boxes[0].ssh("rm -f /var/lib/cloudlayer")


def test_a_user_with_sudo_and_docker_is_enough(homes, boxes):
    provider = homes(user="operator")
    assert provider.check() == []
    made = claimed(provider, count=2)
    assert [box.ssh(f"stat -c %U {CLAIM}").strip() for box in boxes] == ["root", "root"]
    provider.compute.delete([one.id for one in made])
    assert [offer.available for offer in provider.compute.offers()] == [1, 1]


@pytest.mark.parametrize("how", ["partition", "freeze"])
def test_a_machine_that_is_cut_off_stays_as_it_is_known_and_its_delete_is_tried_again(homes, hosts, how):
    provider = homes()
    cut, other = claimed(provider, count=2)
    hosts.fail(cut.machine_type, how)
    started = time.monotonic()
    with pytest.raises(TransientError, match=cut.machine_type):
        provider.compute.delete([cut.id], deadline=Deadline.after(4.0))
    assert time.monotonic() - started < 8
    offers = {offer.machine_type.name: offer.available for offer in provider.compute.offers()}
    assert offers == {cut.machine_type: 0, other.machine_type: 0}
    seen = provider.compute.get(cut.id)
    assert (seen.state, "not seen at" in seen.reason) == ("running", True)
    assert {one.id for one in provider.compute.list()} == {cut.id, other.id}
    (line,) = provider.check()
    assert cut.machine_type in line
    hosts.heal(cut.machine_type)
    provider.compute.delete([cut.id])
    assert provider.compute.get(cut.id).state == "deleted"


def test_a_claim_goes_to_another_machine_where_the_first_is_dead(homes, hosts):
    provider = homes()
    hosts.fail("host1", "kill")
    (made,) = claimed(provider)
    assert made.machine_type == "host2"
    assert isinstance(claimed(provider)[0], CapacityError)


def test_a_token_is_spent_once_what_it_claimed_is_given_back(homes):
    provider, token = homes(), str(uuid4())
    (made,) = claimed(provider, token=token)
    provider.compute.delete([made.id])
    with pytest.raises(Conflict):
        claimed(provider, token=token)
