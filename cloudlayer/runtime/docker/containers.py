"""The form of a replica's container: all that it may do and see, in one place."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docker.types import DeviceRequest, LogConfig, Mount

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import ReplicaSpec
from cloudlayer.labels import MACHINE
from cloudlayer.runtime.docker.images import Image
from cloudlayer.runtime.docker.networks import NO_NAME_SERVER
from cloudlayer.runtime.gpu import multi_process

REPLICA: Final = "cloudlayer-replica"
"""The label with a replica's id."""
PORT: Final = 8080
GPU_DEVICES: Final = "cloudlayer-gpu-devices"
"""The label with the machine's indices of a replica's GPUs, between commas."""
GPU_MEMORY: Final = "cloudlayer-gpu-memory"
"""The label with a replica's share of each of its GPUs, in bytes; only one that has a share of memory carries it."""
MEMORY: Final = "cloudlayer-memory"
"""The label with a replica's own limit of memory, in bytes: that of its container is higher for some time."""
GATEWAY: Final = "/run/cloudlayer"
"""The folder that holds the gateway's socket, as a container sees it."""

MODELS: Final = "/models"
"""The folder with a replica's models, as its container sees it."""

NOBODY: Final = 65534
"""The user and group that replicas run as, where their image names none, or they have a share of a GPU's compute."""

_PROCESSES: Final = 512
_SMALLEST_CPU: Final = 0.01
_SMALLEST_MEMORY: Final = 6 * 1024**2
_DEFAULT_DISK: Final = 1024**3


def container_name(id: str) -> str:
    """The container of a replica; the engine gives a name once, so an id has one container at most."""
    return f"cloudlayer-{id}"


@dataclass(frozen=True, slots=True)
class Given:
    """What its machine gives a replica: a network, the UUIDs of the MIG instances that it gets in place of its devices, and the
    folder with its models. `here` is whether the machine is this host."""

    network: str
    here: bool = True
    instances: tuple[str, ...] = ()
    models: str | None = None


def creation(client: Any, spec: ReplicaSpec, image: Image, machine: str, given: Given) -> dict[str, Any]:
    """The arguments of the SDK's `create_container`. Raises EngineError for a gateway's socket that cannot be handed in."""
    return {
        "image": image.reference,
        "name": container_name(spec.id),
        "user": _user(spec, image),
        "environment": _environment(spec),
        "labels": {**spec.labels, **_gpu_labels(spec), MEMORY: str(_memory(spec)), MACHINE: machine, REPLICA: spec.id},
        "host_config": client.create_host_config(**_limits(spec, given)),
        # The SDK would add the proxies of the controller's own Docker settings, with their passwords.
        "use_config_proxy": False,
    }


def _limits(spec: ReplicaSpec, given: Given) -> dict[str, Any]:
    memory = _memory(spec)
    return {
        "network_mode": given.network,
        "dns": None if spec.internet else [NO_NAME_SERVER],
        "dns_opt": None if spec.internet else ["timeout:1", "attempts:1"],
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": math.ceil(max(spec.cpu, _SMALLEST_CPU) * 1_000_000_000),
        "pids_limit": _PROCESSES,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "tmpfs": {"/tmp": f"size={spec.disk or _DEFAULT_DISK},mode=1777,nosuid,nodev,exec"},  # noqa: S108
        "init": True,
        "restart_policy": {"Name": "no"},
        "log_config": LogConfig(type="json-file", config={"max-size": "10m", "max-file": "2"}),
        "device_requests": _devices(given.instances or tuple(str(index) for index in spec.devices)),
        "mounts": _mounts(spec, given),
    }


def _mounts(spec: ReplicaSpec, given: Given) -> list[Any]:
    gateway = [_gateway(spec.gateway_socket, given.here)] if spec.gateway_socket else []
    models = [Mount(target=MODELS, source=given.models, type="bind", read_only=True)] if given.models else []
    return [*gateway, *models, *_sharing(spec)]


def _memory(spec: ReplicaSpec) -> int:
    return max(spec.memory, _SMALLEST_MEMORY)


def _environment(spec: ReplicaSpec) -> dict[str, str]:
    environment = {"HOME": "/tmp", **spec.environment, "PORT": str(PORT), "CLOUDLAYER_CONCURRENCY": str(spec.concurrency)}  # noqa: S108
    if spec.gpu_compute is not None:
        environment |= multi_process.environment(spec.devices, spec.gpu_memory, spec.gpu_compute)
    if spec.models:
        environment["CLOUDLAYER_MODELS"] = MODELS
    if spec.gateway_socket:
        environment["CLOUDLAYER_GATEWAY_SOCKET"] = f"{GATEWAY}/{spec.gateway_socket.name}"
    return environment


def _devices(ids: tuple[str, ...]) -> list[Any]:
    return [DeviceRequest(device_ids=list(ids), capabilities=[["gpu"]])] if ids else []


def _gpu_labels(spec: ReplicaSpec) -> dict[str, str]:
    labels = {GPU_DEVICES: ",".join(str(index) for index in spec.devices)} if spec.devices else {}
    return labels | ({GPU_MEMORY: str(spec.gpu_memory)} if spec.gpu_memory is not None else {})


def _sharing(spec: ReplicaSpec) -> list[Any]:
    """What a client of the service for sharing needs. Only a share of compute needs the service: on it a fault of one client
    may end its neighbours, which memory alone, being watched, is not worth."""
    if spec.gpu_compute is None:
        return []
    places = {multi_process.FOLDER: multi_process.FOLDER, multi_process.SHARED: "/dev/shm"}  # noqa: S108
    return [Mount(target=target, source=source, type="bind", read_only=False) for source, target in places.items()]


def _gateway(socket: Path, here: bool) -> Any:
    """The folder of the gateway's socket: a gateway that starts anew makes a new socket, which a mounted one would not be."""
    folder = socket.absolute().parent
    if here:
        _check_folder(folder, socket)
    return Mount(target=GATEWAY, source=str(folder), type="bind", read_only=True)


def _check_folder(folder: Path, socket: Path) -> None:
    try:
        others = [entry.name for entry in os.scandir(folder) if entry.name != socket.name]
    except OSError as error:
        raise EngineError(f"{folder}, the folder of the gateway's socket, cannot be read: {error.strerror}") from None
    if others:
        raise EngineError(
            f"{folder} holds more than the gateway's socket, and containers would see it: give it a folder of its own"
        )


def _user(spec: ReplicaSpec, image: Image) -> str:
    """The image's own user, unless that is root. The service for sharing serves one user alone, so its clients are that one
    whatever their images name."""
    if spec.gpu_compute is None and _is_unprivileged(image.user):
        return image.user
    return f"{NOBODY}:{NOBODY}"


def _is_unprivileged(user: str) -> bool:
    return user.partition(":")[0] not in ("", "0", "root")
