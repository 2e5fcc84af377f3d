"""A stack: a program, its configuration and its state; and the runs that Pulumi's commands of the same names are."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import program as program_module
from .monitor import STACK, Engine, Invoke, Monitor, serving, urn_of
from .plugin import Plugin
from .refreshing import refresh
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
    A run that takes longer than `timeout` seconds is failed, its program killed.
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
        snapshot, result = Snapshot(self.folder), Result()
        with self._running(snapshot, result) as plugin, serving(None, Engine(result, self._settings())):
            refresh(snapshot, plugin, result)
        return result

    def destroy(self) -> Result:
        """Delete every resource of the state; the program is not run."""
        snapshot, result = Snapshot(self.folder), Result()
        with self._running(snapshot, result) as plugin:
            Deployment(snapshot, plugin, result, preview=False).deletions.run(snapshot.states)
        return result

    def kill_plugin(self) -> None:
        """SIGKILL the plug-in of the run that another thread is in."""
        if self._plugin is not None:
            self._plugin.kill()
