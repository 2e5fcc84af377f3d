"""What tests need beside this machine. A test marked with a name of NEEDS skips, with the reason, where that is absent.

CLOUDLAYER_REQUIRE=docker,… turns such skips into failures.
"""

import os
import shutil
from functools import cache

import pytest

from tests import hosts as real_hosts
from tests.hosts import host_set, hosts  # noqa: F401

BASE_IMAGE = "cloudlayer/base:local"


def _docker() -> str:
    try:
        import docker
    except ImportError:
        return "the package docker is not installed: pip install 'cloudlayer[fleet]'"
    try:
        client = docker.APIClient(base_url=os.environ.get("DOCKER_HOST") or None, version="auto", timeout=10)
    except docker.errors.DockerException:
        return 'no Docker Engine answers: eval "$(dev/docker/engine-up.sh)"'
    try:
        client.inspect_image(BASE_IMAGE)
    except docker.errors.APIError:
        return f"the engine has no image {BASE_IMAGE}: dev/docker/base-image.sh"
    finally:
        client.close()
    return ""


def _openstack() -> str:
    try:
        import openstack  # noqa: F401
    except ImportError:
        return "the package openstacksdk is not installed: pip install 'cloudlayer[openstack]'"
    from tests.fakes.openstack.cloud import missing

    return missing()


def _objects() -> str:
    try:
        from tests.storage.servers_others import missing
    except ImportError as error:
        return f"the package {error.name} is not installed: pip install 'cloudlayer[objects,test]'"
    return "; ".join(filter(None, map(missing, ("azurite", "hdfs", "sshd", "swift"))))


def _recordings() -> str:
    try:
        import azure.mgmt.compute  # noqa: F401
        import yaml  # noqa: F401
    except ImportError as error:
        return f"the package {error.name} is not installed: pip install 'cloudlayer[azure,test]'"
    from tests.fakes.arm.recorded.cassettes import missing

    return missing()


def _registry() -> str:
    if shutil.which("docker-registry") is None:
        return "the program docker-registry is not installed: apt-get install docker-registry"
    return ""


def _boot() -> str:
    lacking = [name for name in ("systemd-nspawn", "debootstrap", "ssh") if shutil.which(name) is None]
    if lacking:
        return f"{', '.join(lacking)}: not installed: apt-get install systemd-container debootstrap openssh-client"
    return "" if os.geteuid() == 0 else "its file tree is made as root"


def _gpu() -> str:
    if shutil.which("nvidia-smi") is None:
        return "no NVIDIA driver is installed here"
    return ""


NEEDS = {
    "boot": _boot,
    "docker": _docker,
    "gpu": _gpu,
    "hosts": real_hosts.missing,
    "objects": _objects,
    "openstack": _openstack,
    "recordings": _recordings,
    "registry": _registry,
}


@cache
def missing(name):
    """Why what is called `name` cannot be used here; empty if it can."""
    return NEEDS[name]()


def required():
    """The names that must be there."""
    return {name.strip() for name in os.environ.get("CLOUDLAYER_REQUIRE", "").split(",") if name.strip()}


def pytest_configure():
    if unknown := required() - NEEDS.keys():
        raise pytest.UsageError(f"CLOUDLAYER_REQUIRE: no test needs {', '.join(sorted(unknown))}; known: {', '.join(NEEDS)}")


def pytest_collection_modifyitems(items):
    """OpenStack's services share the machine with the tests: what takes a minute there may take four on a slow one."""
    for item in items:
        if item.get_closest_marker("openstack"):
            item.add_marker(pytest.mark.timeout(600))


def pytest_runtest_setup(item):
    for name in NEEDS:
        if item.get_closest_marker(name) is None:
            continue
        if reason := missing(name):
            if name in required():
                pytest.fail(f"CLOUDLAYER_REQUIRE has {name}, but {reason}", pytrace=False)
            pytest.skip(reason)
