"""Libcloud's Compute Engine driver through the bridge, at a fake whose requests and answers are checked by Google's schema."""

import json
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests
from libcloud.compute.drivers.gce import GCEConnection

from cloudlayer import InstanceSpec, labels
from cloudlayer.errors import CapacityError, Conflict, NotFound, QuotaError, TransientError
from cloudlayer.providers.libcloud.options import read
from cloudlayer.providers.libcloud.provider import LibcloudProvider
from cloudlayer.resources import VolumeSpec
from cloudlayer.testing import SteppedClock
from cloudlayer.units import GIB
from tests.fakes.gce.server import FakeGce

ZONE = "us-central1-a"
SPEC = InstanceSpec(name="one", machine_type="n1-standard-1", image="debian-12", labels={"team": "nlp"})


@pytest.fixture
def gce(monkeypatch):
    fake = FakeGce()
    at, connect = urlsplit(fake.url), GCEConnection.connect

    def here(self, *args, **kwargs):
        """Libcloud's driver takes no host of ours."""
        self.host, self.port, self.secure = at.hostname, at.port, 0
        return connect(self)

    monkeypatch.setattr(GCEConnection, "connect", here)
    monkeypatch.setattr(GCEConnection, "poll_interval", 0.01)
    yield fake
    assert fake.unsound == []
    fake.close()


@pytest.fixture
def provider(gce, tmp_path):
    token = tmp_path / "token"
    token.write_text(json.dumps({"access_token": "t", "token_type": "Bearer", "expire_time": "2099-01-01T00:00:00Z"}))
    own(gce, f"zones/{ZONE}/disks", name="seed", sizeGb="10")
    own(gce, "global/images", name="debian-12", sourceDisk=f"projects/proj/zones/{ZONE}/disks/seed")
    place = {"user_id": "me", "key": "hidden-secret", "project": "proj", "auth_type": "IA", "credential_file": str(token)}
    return LibcloudProvider(ZONE, read({"driver": "gce", **place}), clock=SteppedClock())


@pytest.fixture
def token():
    return str(uuid4())


def own(gce, path, **document):
    """Make something of the project's own, past every driver."""
    url = f"{gce.url}/compute/v1/projects/proj/{path}"
    assert requests.post(url, json=document, headers={"Authorization": "Bearer t"}, timeout=10).ok


def test_an_instance_is_made_once_with_its_labels_from_the_start(gce, provider, token):
    made = provider.compute.create(SPEC, token=token)
    assert provider.compute.create(SPEC, token=token).id == made.id
    (found,) = gce.things("instances")
    assert found["labels"].items() >= {"team": "nlp", labels.TOKEN: token}.items()
    assert (made.name, made.zone, made.machine_type) == ("one", ZONE, "n1-standard-1")
    assert [one.id for one in provider.compute.list({"team": "nlp"})] == [made.id]


def test_an_instance_is_stopped_started_and_deleted_with_its_disk(gce, provider, token):
    compute = provider.compute
    made = compute.wait(compute.create(SPEC, token=token), "running")
    compute.stop(made.id)
    compute.wait(made, "stopped")
    compute.start(made.id)
    compute.wait(made, "running")
    compute.reboot(made.id)
    compute.delete([made.id])
    compute.wait(made, "deleted")
    assert (gce.things("instances"), [disk["name"] for disk in gce.things("disks")]) == ([], ["seed"])
    with pytest.raises(NotFound):
        compute.get(made.id)
    with pytest.raises(Conflict):
        compute.create(SPEC, token=token)


def test_a_lost_answer_is_looked_for(gce, provider, token):
    gce.fault(method="compute.instances.insert", lost_response=True, times=1)
    made = provider.compute.create(SPEC, token=token)
    assert gce.launched == 1
    assert [one.id for one in provider.compute.list({labels.TOKEN: token})] == [made.id]


def test_a_lack_of_room_and_a_quota_are_told_by_the_clouds_code(gce, provider, token):
    gce.options.room = 0
    (answer,) = provider.compute.create_batch([SPEC], token=token)
    assert type(answer) is CapacityError
    assert answer.code.startswith("ZONE_RESOURCE_POOL_EXHAUSTED")
    gce.options.room = None
    gce.options.late = {"compute.instances.insert": "QUOTA_EXCEEDED"}
    (answer,) = provider.compute.create_batch([SPEC], token=token)
    assert type(answer) is QuotaError
    gce.options.late = {}
    assert provider.compute.create(SPEC, token=token).name == "one"


def test_a_broken_connection_is_passing(gce, provider, token):
    provider.compute.offers()
    gce.fault(refuse=True)
    with pytest.raises(TransientError):
        provider.compute.list()
    gce.rules.clear()
    assert provider.compute.list() == []


def test_a_volume_is_attached_copied_and_detached(gce, provider, token):
    compute, storage = provider.compute, provider.storage
    machine = compute.wait(compute.create(SPEC, token=token), "running")
    made = storage.create(VolumeSpec(name="data", size=GIB), token=token)
    assert (made.size, made.name, made.zone) == (10 * GIB, "data", ZONE)
    storage.attach(made.id, machine.id)
    assert storage.wait(made, "attached").attached_to == machine.id
    with pytest.raises(Conflict):
        storage.delete(made.id)
    copy = storage.wait_snapshot(storage.snapshot(made.id, token=token, name="copy"), "ready")
    assert (copy.volume, copy.name) == (made.id, "copy")
    storage.detach(made.id)
    storage.wait(made, "available")
    storage.delete(made.id)
    again = storage.create(VolumeSpec(name="again", size=20 * GIB, snapshot=copy.id), token=str(uuid4()))
    assert again.size == 20 * GIB
    storage.delete_snapshot(copy.id)
    assert list(storage.snapshots()) == []
