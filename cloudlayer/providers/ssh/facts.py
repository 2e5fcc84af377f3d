"""What a machine told of itself: its figures, and whether it has what containers need. Pure functions."""

from __future__ import annotations

import base64
import binascii
import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from cloudlayer.errors import EngineError
from cloudlayer.providers.base.devices import model_name, sold_as
from cloudlayer.providers.ssh.inventory import Box
from cloudlayer.resources import Accelerator, MachineType
from cloudlayer.units import GIB, KIB, MIB

SYSTEM_SHARE: Final = 0.05
SYSTEM_MEMORY: Final = 256 * MIB
_ARCHITECTURES: Final = {"amd64": "x86_64", "aarch64": "arm64"}
_TOOLS: Final = {
    "bash": "install bash",
    "python3": "install python3",
    "flock": "install util-linux",
    "iptables": "install iptables: containers are kept from the metadata service and from each other by it",
    "docker": "install Docker Engine with its command line",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Cores, and bytes of memory and free disk; GPUs in the order of nvidia-smi. `engine` is the version of Docker Engine.

    `has` are the tools that are there, with "root" where root's rights are to be had, and "nvidia" where Docker Engine has that
    runtime; `cards` counts NVIDIA's devices on the bus, whether or not a driver shows them. `at` is when the machine told this.
    """

    cores: float
    memory: int
    disk: int
    architecture: str
    gpus: tuple[tuple[str, int], ...] = ()
    driver: str = ""
    engine: str = ""
    has: tuple[str, ...] = ()
    cards: int = 0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose a machine is, as it lies on the machine. `index` is its place in the batch of `token`."""

    id: str
    token: str
    digest: str
    index: int
    labels: dict[str, str]
    created_at: float
    name: str | None = None


def understood(output: bytes, name: str, at: float) -> tuple[Facts, Claim | None]:
    """What a survey printed. EngineError if a figure is missing."""
    told = _told(output)
    try:
        gpus = [_gpu(line) for line in told["gpu"]]
        facts = Facts(
            cores=float(_last(told["cores"])),
            memory=int(_last(told["memory"])) * KIB,
            disk=int(_last(told["disk"])) * KIB // GIB * GIB,
            architecture=_architecture(_last(told["architecture"])),
            gpus=tuple((model, memory) for model, memory, _ in gpus),
            driver=gpus[0][2] if gpus else "",
            engine=_last(told["engine"]),
            has=tuple(sorted(told["has"])),
            cards=len(told["card"]),
            at=at,
        )
    except (ValueError, IndexError):
        raise EngineError(
            f"{name} does not tell its cores, memory, disk and GPUs: it must be a Linux with getconf, sed and df"
        ) from None
    return facts, claim_in(output, name)


def claim_in(output: bytes, name: str) -> Claim | None:
    """The claim that a script printed, None if there is none. EngineError for one that cannot be read."""
    text = _last(_told(output)["claim"])
    if not text:
        return None
    try:
        return Claim(**json.loads(base64.b64decode(text, validate=True)))
    except (ValueError, TypeError, binascii.Error):
        raise EngineError(f"{name}: /var/lib/cloudlayer/claim.json is not ours: see whose it is, and remove it") from None


def machine_type(box: Box, facts: Facts) -> MachineType:
    """The form of a machine, its own name being that of the type. The system keeps a twentieth of it, and 256 MiB."""
    cores = facts.cores if box.cpu is None else box.cpu
    memory = facts.memory if box.memory is None else box.memory
    gpus = tuple(Accelerator(*gpu) for gpu in facts.gpus) if box.gpus is None else box.gpus
    return MachineType(
        name=box.name,
        cpu=cores,
        memory=memory,
        architecture=facts.architecture,
        accelerators=gpus,
        disk=facts.disk,
        allocatable_cpu=round(cores * (1 - SYSTEM_SHARE), 3),
        allocatable_memory=memory - max(round(memory * SYSTEM_SHARE), min(SYSTEM_MEMORY, memory // 4)),
    )


def faults(box: Box, facts: Facts) -> Iterator[str]:
    """What is wrong with a machine, each with its mend: what makes it useless, and what it could do better."""
    yield from lacks(box, facts)
    if facts.cards > len(facts.gpus):
        yield f"it has {facts.cards} GPUs and nvidia-smi shows {len(facts.gpus)}: install NVIDIA's driver, or mend it"


def lacks(box: Box, facts: Facts) -> Iterator[str]:
    """What a machine lacks without which it never becomes ready, each with its mend."""
    user = box.access.user
    if "root" not in facts.has:
        yield f"{user} has no root's rights: allow sudo without a password, or name another user"
    for tool, mend in _TOOLS.items():
        if tool not in facts.has:
            yield f"{tool} is not there: {mend}"
    if "docker" in facts.has and not facts.engine:
        yield f"Docker Engine does not answer {user}: start it, and put {user} into the group docker"
    if "docker" in facts.has and facts.engine and "nvidia" not in facts.has and (facts.gpus if box.gpus is None else box.gpus):
        yield "Docker Engine has no NVIDIA runtime: install nvidia-container-toolkit, and say so to the engine"
    if box.gpus is not None and len(box.gpus) > len(facts.gpus):
        yield f"the inventory says {len(box.gpus)} GPUs and nvidia-smi shows {len(facts.gpus)}: correct the inventory"


def from_json(content: dict[str, Any]) -> Facts:
    """The facts that were kept as JSON."""
    gpus = tuple((model, memory) for model, memory in content["gpus"])
    return Facts(**content | {"gpus": gpus, "has": tuple(content["has"])})


def _told(output: bytes) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in output.decode("utf-8", "replace").splitlines():
        word, _, value = line.partition(" ")
        found[word].append(value.strip())
    return found


def _last(values: list[str]) -> str:
    return values[-1] if values else ""


def _gpu(line: str) -> tuple[str, int, str]:
    """(model, memory, driver) of a line of nvidia-smi: index, uuid, name, MiB of memory, driver."""
    _, _, name, memory, driver = _cells(line)
    size = int(memory) * MIB
    return sold_as(model_name(name), size), size, driver


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]))]


def _architecture(text: str) -> str:
    return _ARCHITECTURES.get(text.lower(), text.lower())
