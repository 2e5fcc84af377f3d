"""A machine with simulated GPUs: the driver's commands, as programs on the path of its host, over one state in a file."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cloudlayer.errors import EngineError
from cloudlayer.runtime.gpu import multi_process

DRIVER = Path(__file__).with_name("simulated_driver.py")
COMMANDS = ("nvidia-smi", "cuda-checkpoint", "nvidia-cuda-mps-control")


class SimulatedHost:
    """Runs commands on this machine, where the driver's are the simulated ones; `state` is what they work on."""

    name = "box"
    is_here = True
    connected = True

    def __init__(self, folder, absent=()):
        self.path = folder / "gpus.json"
        self.write({"gpus": [], "processes": [], "driver": "560.35.03", "served_as": None})
        programs = folder / "bin"
        programs.mkdir()
        for command in COMMANDS:
            if command not in absent:
                program = programs / command
                program.write_text(f'#!/bin/sh\nexec {sys.executable} {DRIVER} {self.path} {command} "$@"\n')
                program.chmod(program.stat().st_mode | stat.S_IXUSR)
        (programs / "install").write_text("#!/bin/sh\nexit 0\n")
        (programs / "setpriv").write_text(
            '#!/bin/sh\nwhile [ "${1#--}" != "$1" ]; do case $1 in --re*) shift;; esac; shift; done\nexec "$@"\n'
        )
        for program in ("mountpoint", "mount"):
            (programs / program).write_text("#!/bin/sh\nexit 0\n")
        (programs / "unshare").write_text('#!/bin/sh\nshift\nexec "$@"\n')
        for program in ("install", "setpriv", "mountpoint", "mount", "unshare"):
            (programs / program).chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}

    def read(self):
        return json.loads(self.path.read_text())

    def write(self, state):
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(state))
        part.replace(self.path)

    def change(self, **fields):
        self.write({**self.read(), **fields})

    def run(self, command, *, input=b"", root=False, deadline=None):
        done = subprocess.run(command, input=input, capture_output=True, env=self._environment, timeout=20, check=False)
        if done.returncode:
            raise EngineError(f"{command[0]} failed: {done.stderr.decode().strip()}")
        return done.stdout


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(multi_process, "FOLDER", str(tmp_path / "sharing"))
    return SimulatedHost(tmp_path)
