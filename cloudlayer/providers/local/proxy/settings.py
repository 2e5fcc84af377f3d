"""What a balancer's process is told, and what it tells: two files, each written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

SETTINGS: Final = "proxy.json"
STATUS: Final = "status.json"
LOCK: Final = "lock"
LOG: Final = "log"


@dataclass(frozen=True)
class Listener:
    """What comes to `port` goes to `target_port` of a target."""

    port: int
    target_port: int


@dataclass(frozen=True)
class Check:
    """How a target shows that it is well; `interval` in seconds. Without a port it is each listener's target port."""

    protocol: str
    interval: float
    healthy_after: int
    unhealthy_after: int
    port: int | None = None
    path: str | None = None


@dataclass(frozen=True)
class Target:
    """One target. One that is being taken out has until `until`, in seconds since 1970, to finish."""

    address: str
    until: float | None = None


@dataclass(frozen=True)
class Settings:
    """All that the process needs. `version` grows with each change."""

    version: int
    address: str
    listeners: tuple[Listener, ...]
    check: Check
    targets: Mapping[str, Target] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Settings:
        """The settings from what `asdict` made of them."""
        return cls(
            version=content["version"],
            address=content["address"],
            listeners=tuple(Listener(**listener) for listener in content["listeners"]),
            check=Check(**content["check"]),
            targets={name: Target(**target) for name, target in content["targets"].items()},
        )


@dataclass(frozen=True)
class Seen:
    """What the process sees of a target: its state, why, and whether it still has connections."""

    state: str
    reason: str | None = None
    busy: bool = False


@dataclass(frozen=True)
class Status:
    """What the process sees of all targets, under the settings of that version."""

    version: int
    targets: Mapping[str, Seen] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Status:
        """The status from what `asdict` made of it."""
        return cls(content["version"], {name: Seen(**seen) for name, seen in content["targets"].items()})


def read_settings(folder: Path) -> Settings | None:
    """The settings; None when there are none any more."""
    try:
        return Settings.parse(json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def write_status(folder: Path, status: Status) -> None:
    """Let others see the status. It is of no use after a restart, so it is not synced."""
    draft = folder / f".{STATUS}.draft"
    draft.write_text(json.dumps(asdict(status)), encoding="utf-8")
    draft.replace(folder / STATUS)
