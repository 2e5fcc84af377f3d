"""A stack: a program, its configuration and its state; and the runs that Pulumi's commands of the same names are."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import program as program_module
from .deletions import Deletions
from .monitor import STACK, Engine, Invoke, Monitor, Services, urn_of
from .plugin import Plugin
from .refreshing import read_all
from .results import Result
from .state import Snapshot, State
from .steps import Deployment
from .values import Secret

PLUGIN = (sys.executable, "-u", "-m", "pulumi.dynamic")


class Stack:
    """One stack of a project, whose state lies in `folder`.

    `program` is a Python file; its folder is the working directory of the program and of the plug-in, and importable by both.
    `environment` goes to both on top of this process's own. `config` and `secrets` have keys "project:key" and text values.
    `invokes` fakes functions of other providers by their token. `plugin` is the command of the plug-in process.
    A program that takes longer than `timeout` seconds is killed, a call to the plug-in given up; either fails the run.
    """

    def __init__(
        self,
        folder: str | Path,
        program: str | Path,
        *,
        project: str = "project",
        name: str = "dev",
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        invokes: Mapping[str, Invoke] | None = None,
        plugin: Sequence[str] = PLUGIN,
        timeout: float = 60,
    ) -> None:
        self.folder, self.program = Path(folder), Path(program).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.project, self.name, self.timeout = project, name, timeout
        self.config = dict(config or {})
        self.secrets = dict(secrets or {})
        self.environment = dict(environment or {})
        self.invokes = dict(invokes or {})
        self._command = tuple(plugin)
        self._plugin: Plugin | None = None

    @property
    def states(self) -> list[State]:
        """Everything in the state file, components and remains of replacements too, oldest first."""
        return Snapshot(self.folder).states

    @property
    def resources(self) -> dict[str, State]:
        """The custom resources that are there, by name."""
        return {state.name: state for state in self.states if state.custom and state.alive}

    def urn(self, type: str, name: str) -> str:
        """URN of a resource without a component around it."""
        return urn_of(self.project, self.name, type, name)

    def preview(self, *, refresh: bool = False, replace: Iterable[str] = ()) -> Result:
        """What `up` would do; changes nothing, and calls check, diff and (with `refresh`) read only."""
        return self._deploy(preview=True, refreshing=refresh, replacing=replace)

    def up(self, *, refresh: bool = False, replace: Iterable[str] = ()) -> Result:
        """Run the program and make the world what it says. `replace` are URNs to be replaced in any case."""
        return self._deploy(preview=False, refreshing=refresh, replacing=replace)

    def refresh(self) -> Result:
        """Read every resource; the state becomes what is there."""
        snapshot = Snapshot(self.folder)
        with self._running(snapshot) as run:
            read_all(snapshot, run.plugin, run.result)
        return run.result

    def destroy(self) -> Result:
        """Delete every resource of the state; the program is not run."""
        snapshot = Snapshot(self.folder)
        with self._running(snapshot) as run:
            Deletions(snapshot, run.plugin, run.result, preview=False).run(snapshot.states)
        return run.result

    def kill_plugin(self) -> None:
        """SIGKILL the plug-in of the run that another thread is in."""
        if self._plugin is not None:
            self._plugin.kill()

    def _deploy(self, *, preview: bool, refreshing: bool, replacing: Iterable[str]) -> Result:
        saved = Snapshot(self.folder)
        snapshot = saved.copy() if preview else saved
        with self._running(snapshot) as run:
            if refreshing:
                read_all(snapshot, run.plugin, run.result)
            if run.result.ok:
                self._run_program(
                    run, Deployment(snapshot, run.plugin, run.result, preview=preview, replacing=frozenset(replacing))
                )
        return run.result

    def _run_program(self, run: "Run", deployment: Deployment) -> None:
        run.services.start(Monitor(deployment, self.project, self.name, self.invokes), Engine(run.result))
        code = self._program_ends(run, preview=deployment.preview)
        deployment.settle(self.timeout)
        if run.result.ok and code:
            root = urn_of(self.project, self.name, STACK, f"{self.project}-{self.name}")
            run.result.fail(root, f"the program ended with {code}: " + _last_error(run.result))
        if run.result.ok:
            gone = [state for state in deployment.snapshot.states if state.delete or state.urn not in deployment.registered]
            deployment.deletions.run(gone)

    def _program_ends(self, run: "Run", *, preview: bool) -> int:
        """Run the program in a process of its own; its exit status, negative for a signal."""
        mode = "true" if preview else "false"
        command = [
            sys.executable,
            "-u",
            program_module.__file__,
            run.services.address,
            self.project,
            self.name,
            mode,
            str(self.program),
        ]
        process = subprocess.Popen(
            command,
            cwd=self.program.parent,
            env=self._environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        overdue = threading.Timer(self.timeout, process.kill)
        overdue.start()
        with process, _called_off(overdue):
            for line in process.stdout or ():
                run.result.say("info", "", line.rstrip("\n"))
            return process.wait()

    def _environment(self) -> dict[str, str]:
        config = {
            "PULUMI_CONFIG": json.dumps(self.config | self.secrets),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(sorted(self.secrets)),
        }
        return {**os.environ, **self.environment, **config, "PULUMI_PROJECT": self.project}

    @contextmanager
    def _running(self, snapshot: Snapshot) -> Iterator["Run"]:
        result = Result(hidden=tuple(secret for secret in self.secrets.values() if len(secret) > 2))
        services = Services()
        environment = {**os.environ, **self.environment, "PULUMI_PROJECT": self.project}
        settings = self.config | {key: Secret(value) for key, value in self.secrets.items()}
        command = [*self._command, services.address]
        self._plugin = Plugin(
            command, self.program.parent, environment, settings, lambda line: result.say("info", "", line), self.timeout
        )
        _report_pending(snapshot, result)
        try:
            yield Run(self._plugin, result, services)
        finally:
            self._plugin.close()
            self._plugin = None
            services.close()


@dataclass(frozen=True)
class Run:
    """What lives as long as one run."""

    plugin: Plugin
    result: Result
    services: Services


@contextmanager
def _called_off(timer: threading.Timer) -> Iterator[None]:
    """Call the timer off when the body is done."""
    try:
        yield
    finally:
        timer.cancel()


def _last_error(result: Result) -> str:
    return next((message.text for message in reversed(result.messages) if message.severity in ("error", "info")), "")


def _report_pending(snapshot: Snapshot, result: Result) -> None:
    pending = snapshot.take_pending()
    if pending:
        listed = "".join(f"  * {entry['urn']}, interrupted while {entry['operation']}\n" for entry in pending)
        text = f"Attempting to deploy or update resources with {len(pending)} pending operations from previous deployment.\n"
        result.say("warning", "", text + listed)
