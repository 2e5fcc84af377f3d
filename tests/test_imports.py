"""What is loaded when: `import cloudlayer` and `cloudlayer --help` are quick, and load no SDK."""

import json
import os
import subprocess
import sys
from configparser import ConfigParser
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEAVY = {
    "SQLAlchemy": "sqlalchemy",
    "alembic": "alembic",
    "aiohttp": "aiohttp",
    "apache-libcloud": "libcloud",
    "azure-core, azure-identity, azure-mgmt-…": "azure",
    "boto3": "boto3",
    "botocore": "botocore",
    "docker": "docker",
    "google-api-core": "google.api_core",
    "google-auth": "google.auth",
    "google-cloud-compute": "google.cloud",
    "highspy": "highspy",
    "keystoneauth1": "keystoneauth1",
    "numpy": "numpy",
    "nvidia-ml-py": "pynvml",
    "openstacksdk": "openstack",
    "prometheus-client": "prometheus_client",
    "pydantic": "pydantic",
    "requests": "requests",
    "tenacity": "tenacity",
}
SDKS = {
    "aws": {"boto3", "botocore"},
    "azure": {"azure"},
    "gcp": {"google.api_core", "google.auth", "google.cloud"},
    "libcloud": {"libcloud"},
    "openstack": {"keystoneauth1", "openstack"},
}
"""Of each cloud, what is slow to import and needed by its own driver alone."""
CONNECT = {
    "aws": 'connect("aws", region="us-east-1", access_key_id="AKIATEST", secret_access_key="hidden")',
    "azure": 'connect("azure", region="westeurope", subscription="s", resource_group="g", endpoint="http://127.0.0.1:9")',
    "gcp": 'connect("gcp", region="us-central1", project="p", endpoint="http://127.0.0.1:9")',
    "libcloud": 'connect("libcloud:dummy", key="k")',
    "local": 'connect("local")',
    "openstack": 'connect("openstack", cloud="one")',
    "simulated": 'connect("simulated")',
}
"""How each cloud is connected without a network."""
HELP = "from cloudlayer.cli.main import run; run(['--help'])"
HELP_CPU_SECONDS = 0.3


@cache
def modules_after(code):
    report = "import sys; print('loaded:', *sys.modules)"
    child = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False, timeout=60)
    assert child.returncode == 0, child.stderr
    return set(child.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("code", ["import cloudlayer", HELP], ids=["import", "help"])
@pytest.mark.parametrize("package", HEAVY)
def test_nothing_heavy_is_loaded(package, code):
    assert HEAVY[package] not in modules_after(code)


@pytest.mark.parametrize("registry", ["cloudlayer.providers.registry", "cloudlayer.runtime.registry"])
def test_a_registry_loads_no_plug_in(registry):
    names = "provider_names" if "providers" in registry else "engine_names"
    loaded = modules_after(f"from {registry} import {names}; assert {names}()")
    assert not loaded & {"boto3", "docker", "aiohttp", "sqlalchemy", "numpy"}.union(*SDKS.values())


@pytest.mark.parametrize("cloud", SDKS)
def test_a_clouds_package_loads_no_sdk_before_it_is_connected(cloud):
    assert not modules_after(f"import cloudlayer.providers.{cloud}") & set().union(*SDKS.values())


@pytest.fixture
def nobodys_settings(monkeypatch, tmp_path):
    """An OpenStack that does not answer, and a state of this host's own."""
    auth = {"auth_url": "http://127.0.0.1:9/v3", "username": "u", "password": "p", "project_name": "p"}
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"one": {"auth": auth, "region_name": "here"}}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    monkeypatch.setenv("CLOUDLAYER_LOCAL_STATE", str(tmp_path / "local"))
    monkeypatch.setenv("CLOUDLAYER_CONFIG", os.devnull)


@pytest.mark.parametrize("cloud", CONNECT)
def test_connecting_one_cloud_pays_for_its_own_sdk_alone(cloud, nobodys_settings):
    loaded = modules_after(f"from cloudlayer import connect; {CONNECT[cloud]}")
    assert loaded >= SDKS.get(cloud, set())
    for other in SDKS.keys() - {cloud}:
        assert not loaded & SDKS[other], f"{cloud} loads what {other} needs"


def test_the_nouns_can_be_had_from_the_top():
    assert "pydantic" in modules_after("import cloudlayer; cloudlayer.InstanceSpec")


def test_help_takes_little_processor_time():
    command = [Path(sys.executable).with_name("cloudlayer"), "--help"]
    assert min(child_cpu_seconds(command) for _ in range(5)) < HELP_CPU_SECONDS


def child_cpu_seconds(command):
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=60)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


PARTS = {
    "fleet": ("cli", "fleet", "functions", "gateway", "runtime", "scheduler", "providers.local", "providers.simulated"),
    **{cloud: (f"providers.{cloud}",) for cloud in SDKS},
    "objects": ("storage",),
    "pulumi": ("infra",),
}
"""What is there with each extra."""
BLOCKED = """
import importlib, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
for part in parts:
    package = importlib.import_module(f"cloudlayer.{part}")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # Who declares a whole fleet needs the extra for fleets too, and is told so.
        if not module.name.endswith("__main__") and module.name != "cloudlayer.infra.serving":
            importlib.import_module(module.name)
"""


def distributions(requirements):
    """The names of what these requirements install, with all that they require in turn."""
    found, left = set(), [Requirement(text) for text in requirements]
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        applies = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if name not in found and applies:
            found.add(name)
            left += map(Requirement, requires(name) or ())
    return found


@pytest.mark.parametrize("extra", PARTS)
def test_a_part_needs_no_package_but_those_of_its_extra(extra):
    config = ConfigParser()
    config.read(Path(__file__).parents[1] / "setup.cfg")
    wanted = config["options"]["install_requires"] + config["options.extras_require"][extra]
    there = distributions(line for line in wanted.splitlines() if line and not line.startswith("#"))
    modules = {name: of for name, of in packages_distributions().items() if name not in sys.stdlib_module_names}
    blocked = {name for name, of in modules.items() if name != "cloudlayer" and not there & set(map(canonicalize_name, of))}
    assert {"pytest", "mypy"} <= blocked
    modules_after(f"blocked, parts = {blocked!r}, {PARTS[extra]!r}\n{BLOCKED}")
