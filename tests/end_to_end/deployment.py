"""A fleet as its user has it: the installed command in processes of its own, the PyPI client, and a count of what is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import Algorithmia
import psutil
import requests

COMMAND = Path(sys.executable).with_name("cloudlayer")
KEY = "the-key-of-these-tests"
HIDDEN = "never-to-be-seen"
CLOUD_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS")
_CGROUPS = Path("/sys/fs/cgroup")


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of `condition`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"after {seconds:g} s still not: {what}"
        time.sleep(0.05)
    return value


def runs(pid: int) -> bool:
    """Whether a process is there and not only its remains, which the first process of this host has yet to reap."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Deployment:
    """One home, one state folder of the local provider, one port. `up` runs in a process of its own, as often as asked for."""

    def __init__(self, key: str = KEY) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="e-", dir="/tmp"))
        # Functions pass through to their machine's folder as users of their own.
        self.folder.chmod(0o711)
        self.key = key
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDLAYER_", "AWS_"))}
        self.environment = (
            kept
            | dict.fromkeys(CLOUD_KEYS, HIDDEN)
            | {
                "CLOUDLAYER_HOME": str(self.folder / "h"),
                "CLOUDLAYER_LOCAL_STATE": str(self.folder / "l"),
                "CLOUDLAYER_API_KEY": key,
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        )
        self.ups: list[subprocess.Popen[bytes]] = []
        self._traces: set[Path] = set()

    # The command line

    def run(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`cloudlayer ARGUMENTS`, to its end."""
        command = [str(COMMAND), *map(str, arguments)]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=90, check=False, stdin=subprocess.DEVNULL
        )
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.said()}"
        return done

    def document(self, *arguments: str | Path) -> Any:
        """What `cloudlayer ARGUMENTS --json` prints."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def up(self, manifest: Path, *, ready: bool = True) -> subprocess.Popen[bytes]:
        """`cloudlayer up`, in the background; when this returns it serves, unless it is not waited for."""
        command = [str(COMMAND), "up", str(manifest), "--yes", "--port", str(self.port)]
        with (self.folder / f"up-{len(self.ups)}.txt").open("wb") as output:
            up = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.ups.append(up)
        if ready:
            until(lambda: self.url in self.said() or up.poll() is not None, 90, f"up says that it serves\n{self.said()}")
            assert up.poll() is None, self.said()
        return up

    def said(self) -> str:
        """All that the last `up` wrote."""
        return (self.folder / f"up-{len(self.ups) - 1}.txt").read_text() if self.ups else ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the last `up` as a user does."""
        self.remember()
        self.ups[-1].send_signal(number)
        self.ups[-1].wait(30)

    def down(self) -> None:
        """`cloudlayer down`, of the only fleet there is."""
        self.remember()
        self.run("down", "--yes")

    # Calls

    def client(self) -> Any:
        """The PyPI client, as it is."""
        return Algorithmia.client(self.key, self.url)

    def call(self, function: str, input: Any = None) -> Any:
        """The result of one call."""
        return self.client().algo(function).pipe(input).result

    def post(self, function: str, key: str | None = None, **options: Any) -> requests.Response:
        """One call over plain HTTP."""
        headers = {"Authorization": self.key if key is None else key, **options.pop("headers", {})}
        return requests.post(f"{self.url}/v1/algo/{function}", headers=headers, timeout=60, **options)

    def healthy(self) -> bool:
        """Whether the gateway serves."""
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    # What there is

    def replicas(self, function: str | None = None) -> list[dict[str, Any]]:
        """What `cloudlayer ps` lists."""
        return [one for one in self.document("ps") if function in (None, one["function"])]

    def pids(self, function: str | None = None) -> set[int]:
        """The processes of the replicas, as `cloudlayer ps` tells them."""
        return {one["pid"] for one in self.replicas(function) if one["pid"] is not None}

    def part(self, module: str) -> psutil.Process:
        """The one process that runs `python -m MODULE` for the last `up`."""
        return until(lambda: self._parts(module), 10, f"one process runs {module}")[0]

    def _parts(self, module: str) -> list[psutil.Process]:
        found = [process for process in self.processes() if module in _arguments(process)]
        return found if len(found) == 1 else []

    def processes(self) -> list[psutil.Process]:
        """Every live process that has this deployment's folder in its environment, its arguments or as its working folder."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            told = [*process.cmdline(), *process.environ().values(), process.cwd()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False
        return any(str(self.folder) in text for text in told)

    def remember(self) -> None:
        """Note the control groups and the sockets of what runs, for `traces` to tell what of them is there later."""
        for process in self.processes():
            self._traces |= _groups(process.pid)
            arguments = _arguments(process)
            flags = [index for index, argument in enumerate(arguments) if argument in ("--controller", "--socket")]
            self._traces |= {Path(arguments[index + 1]) for index in flags}

    def traces(self) -> list[Path]:
        """The control groups and sockets noted, and the folders that hold them, as far as they exist."""
        return [path for path in sorted({*self._traces, *(path.parent for path in self._traces)}) if path.exists()]

    def machines(self) -> list[str]:
        """The machines that the local provider has, whatever the store says."""
        folder = self.folder / "l" / "machines"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def assert_nothing_runs(self) -> None:
        """No process, and no control group of one, is there; at the latest in a moment."""
        until(lambda: not self.processes(), 5, f"no process is left: {[_arguments(each) for each in self.processes()]}")
        assert [path for path in self.traces() if path.is_relative_to(_CGROUPS)] == []

    def assert_nothing_is_left(self) -> None:
        """After `down`: nothing runs, and neither a machine nor a socket is there, nor a folder that was made for one."""
        self.assert_nothing_runs()
        assert self.machines() == []
        assert self.traces() == []

    def close(self) -> None:
        """End everything, whatever a test left, and remove it."""
        if (self.folder / "h").exists():
            self.remember()
            for name in self._fleets():
                self.run("down", "--fleet", name, "--yes", check=False)
        for process in self.processes():
            process.kill()
        for up in self.ups:
            up.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _fleets(self) -> list[str]:
        folder = self.folder / "h" / "fleets"
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _groups(pid: int) -> set[Path]:
    """The control groups of ours that a process is in."""
    try:
        lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    except OSError:
        return set()
    return {_CGROUPS / controllers / path.lstrip("/") for _, controllers, path in lines if path.startswith("/cloudlayer/")}


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def manifest(folder: Path, name: str, *functions: str, code: str = "def apply(input):\n    return input\n") -> Path:
    """A fleet on this host in `folder`, each of `functions` as the lines of its table; their source is `code`."""
    (folder / "source").mkdir(parents=True, exist_ok=True)
    (folder / "source" / "function.py").write_text(code)
    resources = 'source = "source"\nresources = { cpu = 0.3, memory = "64MiB", disk = "64MiB" }'
    tables = [f"[[function]]\n{resources}\n{lines}" for lines in functions]
    path = folder / "fleet.toml"
    path.write_text("\n".join([f'[fleet]\nname = "{name}"\nproviders = ["local"]', *tables]))
    return path
