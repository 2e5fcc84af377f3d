"""The command line, run as a script runs it, and providers installed as plug-ins for one test."""

import json
import os
import sys
from dataclasses import dataclass

import pytest

from cloudlayer.cli.main import run
from cloudlayer.providers.simulated import World
from tests.cli.stand_ins import Fleets


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture
def cli(capfd, monkeypatch, tmp_path):
    """Run a command line: its exit code, standard output and standard error."""
    monkeypatch.setenv("CLOUDLAYER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLOUDLAYER_LOCAL_STATE", str(tmp_path / "local"))
    monkeypatch.setenv("CLOUDLAYER_CONFIG", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # no waiting for an address that does not answer
    for name in ("CLOUDLAYER_API_KEY", "CLOUDLAYER_URL", "CLOUDLAYER_PORT"):
        monkeypatch.delenv(name, raising=False)

    def cli(*arguments):
        code = run(arguments)
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return cli


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Install a provider, whose `connect` has the given body, as another distribution would; `more` is beside it."""

    def plug_in(name, body, more=""):
        module = f"plug_in_{name}"
        folder = tmp_path / module
        metadata = folder / f"{module}-1.dist-info"
        metadata.mkdir(parents=True)
        lines = "\n    ".join(body.splitlines())
        (folder / f"{module}.py").write_text(f"{more}\n\ndef connect(region, options):\n    {lines}\n")
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
        (metadata / "entry_points.txt").write_text(f"[cloudlayer.providers]\n{name} = {module}:connect\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return plug_in


@pytest.fixture
def cloud(cli, tmp_path, monkeypatch):
    """The simulated cloud that the commands reach as "simulated"; its things come and go in a moment."""
    monkeypatch.setenv("CLOUDLAYER_SIMULATED", str(tmp_path / "world.json"))
    quick = dict.fromkeys(("boot_seconds", "stop_seconds", "delete_seconds", "balancer_seconds", "volume_seconds"), 0.1)
    return World(tmp_path / "world.json", clock="real", **quick)


@pytest.fixture
def fleets(monkeypatch, tmp_path):
    """The fleets that the commands see."""
    fleets = Fleets(tmp_path / "home")
    monkeypatch.setattr("cloudlayer.fleet.service.Fleets", lambda: fleets)
    return fleets


@pytest.fixture
def manifest(tmp_path):
    """A manifest of one function."""
    (tmp_path / "echo").mkdir()
    path = tmp_path / "fleet.toml"
    path.write_text(
        '[fleet]\nname = "seefood"\nproviders = ["simulated"]\n'
        '[[function]]\nname = "nlp/Echo"\nversion = "1.0.0"\nsource = "echo"\nscale = { min = 1 }\n'
    )
    return str(path)
