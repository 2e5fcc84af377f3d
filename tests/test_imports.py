"""What is loaded when: `import cloudlayer` and `cloudlayer --help` are quick, and load no SDK."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

HEAVY = {
    "SQLAlchemy": "sqlalchemy",
    "alembic": "alembic",
    "aiohttp": "aiohttp",
    "boto3": "boto3",
    "botocore": "botocore",
    "docker": "docker",
    "numpy": "numpy",
    "nvidia-ml-py": "pynvml",
    "prometheus-client": "prometheus_client",
    "pydantic": "pydantic",
    "requests": "requests",
    "tenacity": "tenacity",
}
HELP = "from cloudlayer.cli.main import run; run(['--help'])"
HELP_CPU_SECONDS = 0.3


@cache
def modules_after(code):
    report = "import sys; print('loaded:', *sys.modules)"
    child = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, timeout=60)
    return {name.partition(".")[0] for name in child.stdout.rpartition("loaded:")[2].split()}


@pytest.mark.parametrize("code", ["import cloudlayer", HELP], ids=["import", "help"])
@pytest.mark.parametrize("package", HEAVY)
def test_nothing_heavy_is_loaded(package, code):
    assert HEAVY[package] not in modules_after(code)


@pytest.mark.parametrize("registry", ["cloudlayer.providers.registry", "cloudlayer.runtime.registry"])
def test_a_registry_loads_no_plug_in(registry):
    names = "provider_names" if "providers" in registry else "engine_names"
    loaded = modules_after(f"from {registry} import {names}; assert {names}()")
    assert not loaded & {"boto3", "docker", "aiohttp", "sqlalchemy", "numpy"}


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
