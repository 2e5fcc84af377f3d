"""Pulumi is loaded by those alone who declare with it, and where it is absent we say what to install."""

import subprocess
import sys

import pytest

HELP = "from cloudlayer.cli.main import run; run(['--help'])"
BLOCKED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "PACKAGE":
            raise ModuleNotFoundError("No module named 'PACKAGE'", name="PACKAGE")

sys.meta_path.insert(0, Absent())
"""


def child(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("code", ["import cloudlayer", HELP], ids=["import", "help"])
def test_nobody_else_loads_pulumi(code: str) -> None:
    done = child(f"{code}\nimport sys; print('loaded:', *sys.modules)")

    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.rpartition("loaded:")[2].split()}
    assert "cloudlayer" in loaded
    assert not {"pulumi", "grpc"} & loaded


def test_where_pulumi_is_absent_the_error_says_what_to_install() -> None:
    done = child(BLOCKED.replace("PACKAGE", "pulumi") + "import cloudlayer.infra")

    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: cloudlayer.infra needs Pulumi: pip install 'cloudlayer[pulumi]'"
    )


def test_another_package_that_is_missing_is_told_as_it_is() -> None:
    pytest.importorskip("pulumi")
    done = child(BLOCKED.replace("PACKAGE", "grpc") + "import cloudlayer.infra")

    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'grpc'"


def test_declaring_loads_neither_a_clouds_package_nor_what_fleets_alone_need() -> None:
    pytest.importorskip("pulumi")
    done = child("import cloudlayer.infra\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})")

    assert done.returncode == 0, done.stderr
    assert not {"aiohttp", "alembic", "azure", "boto3", "numpy", "openstack", "sqlalchemy"} & set(done.stdout.split())
