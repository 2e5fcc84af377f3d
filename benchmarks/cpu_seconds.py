"""CPU seconds by side, for what runs on this host and on hosts of dev/hosts, by the kernel's accounts of processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Process:
    number: str
    parent: str
    seconds: float
    place: str
    command: str


def cpu_seconds() -> dict[str, float]:
    """What each side has used so far, with those of its children that have ended.

    `controller` is this process and all that it started, `engine` the engine at DOCKER_HOST, `machines` the hosts of the set.
    """
    found = list(_processes())
    tag, socket = os.environ.get("DOCKER_HOSTS_TAG", "cldh"), os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    engines = {one.number for one in found if one.command.startswith("dockerd\0") and f"\0{socket}\0" in one.command}
    controller, engine = _with_children({str(os.getpid())}, found), _with_children(engines, found)
    return {
        "controller": sum(one.seconds for one in found if one.number in controller),
        "engine": sum(one.seconds for one in found if one.number in engine),
        "machines": sum(one.seconds for one in found if f":/{tag}/" in one.place),
    }


def _processes() -> Iterator[_Process]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                seconds = sum(map(int, fields[11:15])) / _TICKS
                yield _Process(
                    path.name, fields[1], seconds, (path / "cgroup").read_text(), (path / "cmdline").read_text(errors="replace")
                )


def _with_children(numbers: set[str], found: list[_Process]) -> set[str]:
    known = set(numbers)
    while more := {one.number for one in found if one.parent in known} - known:
        known |= more
    return known
