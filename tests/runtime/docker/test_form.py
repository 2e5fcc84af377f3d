"""What a container is made from, and what is said where no engine can be had. No engine is needed."""

import socket

import docker
import pytest

from cloudlayer.errors import EngineError, Unsupported
from cloudlayer.interfaces import MachineContext, ReplicaSpec
from cloudlayer.runtime.docker.containers import Given, creation
from cloudlayer.runtime.docker.images import Image
from cloudlayer.runtime.docker.records import Records
from cloudlayer.runtime.gpu import multi_process
from cloudlayer.runtime.registry import connect_engine


@pytest.fixture
def client():
    """The SDK, which talks to nobody as long as it is told the version."""
    made = docker.APIClient(base_url="unix:///nowhere", version="1.41")
    yield made
    made.close()


def spec(**fields):
    return ReplicaSpec(
        **{"id": "one", "function": "a/B", "version": "1.0.0", "cpu": 1.0, "memory": 2**27, "image": "x:1", **fields}
    )


def form(client, **fields):
    return creation(client, spec(**fields), Image("x:1", ""), "machine", Given("network"))


def test_gpus_are_handed_in_by_their_index(client):
    (request,) = form(client, devices=(1, 3))["host_config"]["DeviceRequests"]
    assert request["DeviceIDs"] == ["1", "3"]
    assert request["Capabilities"] == [["gpu"]]
    assert not form(client)["host_config"].get("DeviceRequests")


def test_a_share_of_memory_is_watched_and_shares_nothing_else_with_its_neighbours(client):
    made = form(client, devices=(1, 3), gpu_memory=2**30)
    assert (made["labels"]["cloudlayer-gpu-devices"], made["labels"]["cloudlayer-gpu-memory"]) == ("1,3", str(2**30))
    assert not made["host_config"].get("IpcMode")
    assert "CUDA_MPS_PIPE_DIRECTORY" not in made["environment"]


def test_a_share_of_compute_makes_it_a_client_of_the_service_for_sharing(client):
    made = form(client, devices=(0,), gpu_memory=2**30, gpu_compute=250)
    assert made["environment"]["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "25"
    assert made["environment"]["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] == "0=1024M"
    assert {mount["Target"] for mount in made["host_config"]["Mounts"]} == {
        made["environment"]["CUDA_MPS_PIPE_DIRECTORY"],
        "/dev/shm",
    }


def test_not_even_those_who_share_compute_see_the_memory_that_the_machines_processes_share(client):
    made = form(client, devices=(0,), gpu_memory=2**30, gpu_compute=250)
    assert not made["host_config"].get("IpcMode")
    assert all(mount["Source"].startswith(multi_process.FOLDER) for mount in made["host_config"]["Mounts"])


def test_a_mig_instance_is_handed_in_by_its_uuid_in_place_of_its_device(client):
    asked = spec(devices=(1,), gpu_profile="1g.10gb", slices=(2,))
    made = creation(client, asked, Image("x:1", ""), "machine", Given("network", instances=("MIG-7",)))
    (request,) = made["host_config"]["DeviceRequests"]
    assert request["DeviceIDs"] == ["MIG-7"]
    assert made["labels"]["cloudlayer-gpu-devices"] == "1"


def test_all_who_share_compute_are_the_one_user_that_the_service_serves(client):
    image = Image("x:1", "1000:1000")
    assert creation(client, spec(), image, "machine", Given("network"))["user"] == "1000:1000"
    assert creation(client, spec(devices=(0,), gpu_memory=2**30), image, "machine", Given("network"))["user"] == "1000:1000"
    sharing = spec(devices=(0,), gpu_memory=2**30, gpu_compute=250)
    assert creation(client, sharing, image, "machine", Given("network"))["user"] == "65534:65534"


def test_the_controllers_environment_is_not_in_it(client, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    assert "s3cret" not in str(form(client, environment={"A": "b"}))


def test_what_cloudlayer_sets_cannot_be_overridden(client):
    assert form(client, environment={"PORT": "1"})["environment"]["PORT"] == "8080"


def test_tiny_amounts_become_the_least_that_docker_takes(client):
    limits = form(client, cpu=0.001, memory=1)["host_config"]
    assert limits["NanoCpus"] == 10_000_000
    assert limits["Memory"] == 6 * 1024**2


def test_the_folder_of_the_gateways_socket_is_handed_in_read_only(client, tmp_path):
    made = form(client, gateway_socket=tmp_path / "gateway.sock")
    (mount,) = made["host_config"]["Mounts"]
    assert (mount["Source"], mount["Target"], mount["ReadOnly"]) == (str(tmp_path), "/run/cloudlayer", True)
    assert made["environment"]["CLOUDLAYER_GATEWAY_SOCKET"] == "/run/cloudlayer/gateway.sock"


def test_a_folder_that_holds_more_than_the_gateways_socket_is_never_handed_in(client, tmp_path):
    (tmp_path / "store.db").write_text("")
    with pytest.raises(EngineError, match="give it a folder of its own"):
        form(client, gateway_socket=tmp_path / "gateway.sock")
    with pytest.raises(EngineError, match="cannot be read"):
        form(client, gateway_socket=tmp_path / "absent" / "gateway.sock")


@pytest.mark.parametrize("id", ["", "../x", "a/b", "x" * 200, "-x"])
def test_an_id_that_names_no_container_is_refused(tmp_path, id):
    with pytest.raises(EngineError, match="cannot name a container"), Records(tmp_path).hold(id, lambda _: None):
        pass


@pytest.fixture
def machine(tmp_path):
    return MachineContext("machine", tmp_path / "machine", tmp_path / "cache")


def test_without_an_engine_it_says_what_to_do(machine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such")
    with pytest.raises(Unsupported, match="no Docker Engine answers at unix:///no/such: install and start Docker"):
        connect_engine("docker", machine)


def test_a_socket_at_which_nobody_listens_is_no_engine(machine, monkeypatch, tmp_path):
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(Unsupported, match="is it running"):
            connect_engine("docker", machine)


def test_an_engine_of_another_host_is_refused(machine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
    with pytest.raises(Unsupported, match="name a socket of this host"):
        connect_engine("docker", machine)
