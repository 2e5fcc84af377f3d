"""The docker engine: each replica is a container of a Docker Engine on this host. The containers are the truth.

What a container may do: it runs as an unprivileged user, with no capability and no way to gain one, on a read-only root file
system with a /tmp in memory (it counts as the replica's memory), within its memory, processors and number of processes. Its
environment is its function's own; whoever may ask the engine (root) can read it there, secrets included. It reaches neither
other replicas nor the cloud's metadata service, and with `internet = false` nothing but the gateway, and that only
if it calls other functions.
"""

from __future__ import annotations

from cloudlayer.interfaces import Engine, MachineContext
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.engine import DockerEngine


def connect(machine: MachineContext) -> Engine:
    """The docker engine for a machine of this host, by DOCKER_HOST or the default socket. Unsupported if none answers."""
    return DockerEngine(machine, Daemon.connect())
