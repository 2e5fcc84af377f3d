"""How a replica is to be confined: which user, what it may see of this machine. Decided where everything is visible."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import ReplicaSpec
from cloudlayer.labels import OWNER
from cloudlayer.runtime.process.users import user_of

_CAP_SYS_ADMIN: Final = 21
_SLACK: Final = 64 * 1024**2
_STACK: Final = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class Content:
    """The folders that a replica runs from: its source's snapshot, its requirements and its models (if any), our worker."""

    source: Path
    requirements: Path | None
    worker: Path
    models: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a warm parent is told, and which replicas it can fork: those of the same plan."""

    content: Content
    user: int | None
    internet: bool
    covers: tuple[str, ...]
    keep: tuple[str, ...]
    writable: tuple[str, ...]
    memory: int
    cpu: float
    threads: str

    def message(self, *, fork: bool, warm: bool) -> dict[str, Any]:
        """The plan as the other side reads it."""
        return {
            "user": self.user,
            "internet": self.internet,
            "covers": self.covers,
            "keep": self.keep,
            "writable": self.writable,
            "source": str(self.content.source),
            "requirements": str(self.content.requirements) if self.content.requirements else None,
            "fork": fork,
            "warm": warm,
        }

    def environment(self) -> dict[str, str]:
        """What a process of the plan is started with; a forked replica's own variables come on top of it."""
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": self.threads}


def plan_for(spec: ReplicaSpec, content: Content, folder: Path, cache: Path) -> Plan:
    """The confinement of a replica. Unsupported where this host cannot give what the manifest asks for."""
    if not spec.internet and not may_administer():
        raise Unsupported(
            f'{spec.function}: internet = false needs root with CAP_SYS_ADMIN; run as root, or use engine = "docker"',
            provider="process",
        )
    user = user_of(json.dumps([spec.labels.get(OWNER, ""), spec.function]), cache) if os.geteuid() == 0 else None
    keep = [*interpreter_folders(), content.source, content.worker]
    keep += [folder for folder in (content.requirements, content.models) if folder]
    writable = [folder, *([spec.gateway_socket.parent] if spec.gateway_socket else [])]
    hidden: list[Path] = []
    if user is not None:
        hidden = covers([*keep, *writable])
        if hidden and not may_administer():
            # Only a process that may mount can show another user what lies below folders closed to it.
            user, hidden = None, []
    return Plan(
        content=content,
        user=user,
        internet=spec.internet,
        covers=tuple(map(str, hidden)),
        keep=_below(keep, hidden),
        writable=_below(writable, hidden),
        memory=spec.memory,
        cpu=spec.cpu,
        threads=str(max(1, round(spec.cpu))),
    )


def weaknesses() -> list[str]:
    """What this host keeps the engine from doing, a line each with its mend; empty if nothing."""
    if os.geteuid() != 0:
        return ["process engine: functions run as this user and see its files; run as root, or use the docker engine"]
    if not may_administer() and covers(interpreter_folders()):
        return ["process engine: Python lies where only root can reach it, so functions run as root; use a Python in /usr"]
    return []


def may_administer() -> bool:
    """Whether this process may mount and make namespaces."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_ADMIN & 1)
    return False


def interpreter() -> Path:
    """The Python that replicas run: ours, without its virtual environment."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def interpreter_folders() -> list[Path]:
    """What Python needs to be found: its executable, its library and its shared library."""
    named = [sys.base_prefix, sys.base_exec_prefix, sysconfig.get_path("stdlib"), str(interpreter().parent)]
    folders = dict.fromkeys(Path(name).resolve() for name in named)
    return [path for path in folders if not any(path != other and path.is_relative_to(other) for other in folders)]


def covers(paths: Iterable[Path]) -> list[Path]:
    """The topmost folders on the way to `paths` that other users cannot pass through."""
    found = {ancestor for path in paths if (ancestor := _closed(path.resolve())) is not None}
    return sorted(path for path in found if not any(path != other and path.is_relative_to(other) for other in found))


def _closed(path: Path) -> Path | None:
    for ancestor in [*reversed(path.parents), path]:
        if not ancestor.stat().st_mode & 0o001:
            return ancestor
    return None


def _below(paths: Iterable[Path], hidden: Iterable[Path]) -> tuple[str, ...]:
    """Those of `paths` that lie in a hidden folder and have to be shown again."""
    resolved = dict.fromkeys(path.resolve() for path in paths)
    return tuple(str(path) for path in resolved if any(path.is_relative_to(cover) for cover in hidden))


def data_limit(spec: ReplicaSpec) -> int:
    """Bytes of private memory above which an allocation fails in Python, as MemoryError, before the kernel kills. 0 is none.

    Room is left for what is reserved and not used: thread stacks, allocators' arenas. CUDA reserves without measure.
    """
    return 0 if spec.devices else spec.memory + spec.memory // 4 + _SLACK + _STACK * spec.concurrency
