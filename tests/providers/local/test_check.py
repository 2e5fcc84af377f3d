"""What is wrong with this host is told in a line with its mend, and nothing is told that is not wrong."""

import socket

import pytest

from cloudlayer.providers.local.host import GpuDevice, HostFigures
from cloudlayer.providers.local.provider import LocalProvider
from cloudlayer.units import GIB

PLAIN = HostFigures(millicores=2000, memory=4 * GIB, disk=8 * GIB)
WITH_GPU = HostFigures(millicores=2000, memory=4 * GIB, disk=8 * GIB, devices=(GpuDevice(0, "GPU-a", "L4", 24 * GIB),))


@pytest.fixture(autouse=True)
def well(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr("cloudlayer.runtime.process.cgroups.detect", lambda: True)
    monkeypatch.setattr("cloudlayer.providers.local.provider._NVIDIA_DEVICE", tmp_path / "nvidia0")


def lines(tmp_path, figures=PLAIN):
    return LocalProvider(tmp_path / "state", lambda: figures).check()


def test_a_host_that_lacks_nothing_is_told_nothing_of(tmp_path):
    assert lines(tmp_path) == []


def test_without_control_groups_limits_do_not_hold(tmp_path, monkeypatch):
    monkeypatch.setattr("cloudlayer.runtime.process.cgroups.detect", lambda: False)
    (line,) = lines(tmp_path)
    assert "control groups" in line and "run as root" in line


def test_a_gpu_that_nvml_does_not_show_is_told_of(tmp_path):
    (tmp_path / "nvidia0").write_text("")
    (line,) = lines(tmp_path)
    assert "nvidia-ml-py" in line
    assert lines(tmp_path, WITH_GPU) == []


def test_an_engine_that_does_not_answer_at_its_socket_is_told_of(tmp_path):
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "docker.sock"))
        (line,) = lines(tmp_path)
    assert "docker.sock" in line and "start it" in line


def test_a_docker_engine_that_listens_can_be_used(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        listening.listen()
        provider = LocalProvider(tmp_path / "state", lambda: PLAIN)
        assert provider.check() == []
        assert "docker" in provider.capabilities.engines()


def test_without_a_socket_there_is_no_docker_and_a_reason(tmp_path):
    capability = LocalProvider(tmp_path / "state", lambda: PLAIN).capabilities["engine:docker"]
    assert not capability
    assert "DOCKER_HOST" in capability.reason


@pytest.mark.parametrize("elsewhere", ["tcp://192.0.2.1:2375", "ssh://somebody@192.0.2.1"])
def test_a_docker_engine_elsewhere_is_none_of_this_host(tmp_path, monkeypatch, elsewhere):
    monkeypatch.setenv("DOCKER_HOST", elsewhere)
    capability = LocalProvider(tmp_path / "state", lambda: PLAIN).capabilities["engine:docker"]
    assert not capability
    assert elsewhere in capability.reason and "unix://" in capability.reason


def test_the_process_engine_is_always_there(tmp_path):
    assert "process" in LocalProvider(tmp_path / "state", lambda: PLAIN).capabilities.engines()
