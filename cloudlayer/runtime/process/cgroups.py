"""Control groups: memory and processor limits that hold for a replica and all that it starts, and a sure way to end it all.

Version 2 is used where its controllers can be had, else the memory and cpu hierarchies of version 1, else nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path("/sys/fs/cgroup")
_PERIOD: Final = 100_000
_PARENT: Final = "cloudlayer"
_REMOVE_WITHIN: Final = 2.0


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """Where groups can be made: one folder for all (version 2), or one a controller (version 1); empty if nowhere."""

    unified: bool = False
    memory: Path | None = None
    cpu: Path | None = None

    def __bool__(self) -> bool:
        return self.memory is not None or self.cpu is not None

    def group(self, machine: str, name: str) -> Group:
        """The group of that name for a machine, whether it is there or not."""
        folders = tuple(dict.fromkeys(path / _PARENT / machine / name for path in (self.memory, self.cpu) if path))
        return Group(self.unified, folders)

    def names(self, machine: str) -> set[str]:
        """The names of all groups of a machine."""
        parents = [path / _PARENT / machine for path in (self.memory, self.cpu) if path]
        return {entry.name for parent in parents if parent.is_dir() for entry in parent.iterdir() if entry.is_dir()}


@dataclass(frozen=True, slots=True)
class Group:
    """One control group: a folder, or one a hierarchy, or none where no groups can be made."""

    unified: bool
    folders: tuple[Path, ...]

    def create(self, memory: int, cpu: float) -> None:
        """Make it, with limits in bytes and cores."""
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
            if self.unified:
                _delegate(folder.parent.parent)
                _delegate(folder.parent)
        for name, value in self._limits(memory, cpu).items():
            for folder in self.folders:
                if (folder / name).exists():
                    (folder / name).write_text(value)

    def _limits(self, memory: int, cpu: float) -> dict[str, str]:
        quota = max(1000, round(cpu * _PERIOD))
        if self.unified:
            return {"memory.max": str(memory), "memory.swap.max": "0", "cpu.max": f"{quota} {_PERIOD}"}
        return {
            "memory.limit_in_bytes": str(memory),
            "memory.memsw.limit_in_bytes": str(memory),
            "cpu.cfs_period_us": str(_PERIOD),
            "cpu.cfs_quota_us": str(quota),
        }

    def entrances(self) -> list[int]:
        """Open descriptors; a process that writes "0" to each is inside, whatever its own rights are."""
        return [os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for folder in self.folders]

    def processes(self) -> set[int]:
        """The pids inside."""
        found: set[int] = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
        return found - {0}

    def out_of_memory(self) -> bool:
        """Whether the kernel killed something inside for its memory."""
        name = "memory.events" if self.unified else "memory.oom_control"
        for folder in self.folders:
            with contextlib.suppress(OSError):
                for line in (folder / name).read_text().splitlines():
                    key, _, count = line.partition(" ")
                    if key == "oom_kill" and int(count) > 0:
                        return True
        return False

    def kill(self) -> None:
        """SIGKILL to everything inside, once."""
        if self.unified and self.folders:
            with contextlib.suppress(OSError):
                (self.folders[0] / "cgroup.kill").write_text("1")
                return
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def remove(self) -> bool:
        """Kill what is inside and remove the group; False if something in it cannot be ended."""
        until = time.monotonic() + _REMOVE_WITHIN
        while True:
            self.kill()
            if all([_removed(folder) for folder in self.folders]):  # noqa: C419  (each is to be tried)
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.002)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def detect(root: Path = ROOT) -> Hierarchies:
    """The hierarchies in which this process may make groups."""
    if (root / "cgroup.controllers").exists():
        parent = root / _PARENT
        try:
            parent.mkdir(exist_ok=True)
            _delegate(root)
            given = (parent / "cgroup.controllers").read_text().split()
        except OSError:
            return Hierarchies()
        return Hierarchies(True, parent.parent, parent.parent) if {"memory", "cpu"} <= set(given) else Hierarchies()
    return Hierarchies(False, _writable(root, "memory", "memory.limit_in_bytes"), _writable(root, "cpu", "cpu.cfs_quota_us"))


def _delegate(folder: Path) -> None:
    """Let the groups below have memory and cpu limits."""
    control = folder / "cgroup.subtree_control"
    if not {"memory", "cpu"} <= set(control.read_text().split()):
        control.write_text("+memory +cpu")


def _writable(root: Path, controller: str, limit: str) -> Path | None:
    hierarchy = root / controller
    try:
        (hierarchy / _PARENT).mkdir(exist_ok=True)
        return hierarchy if (hierarchy / _PARENT / limit).exists() and os.access(hierarchy / _PARENT / limit, os.W_OK) else None
    except OSError:
        return None
