"""The docker engine: each replica is a container of its machine's Docker Engine. The containers are the truth.

What a container may do: it runs as an unprivileged user, with no capability and no way to gain one, on a read-only root file
system with a /tmp in memory (it counts as the replica's memory), within its memory, processors and number of processes. Its
environment is its function's own; whoever may ask the engine (root) can read it there, secrets included. It reaches neither
other replicas nor the cloud's metadata service, and with `internet = false` nothing but the gateway, and that only
if it calls other functions.

One with a share of a GPU's compute gives up a part of this, since it and all others of its machine that have such a share are
clients of one Multi-Process Service. They run as one user, whatever their images name. They see and may write the machine's own
shared memory (/dev/shm), where what they leave outlives them. And each reaches the pipe by which the service is controlled, so
it can end the service, and with it the others' work on GPUs. Let only functions share compute that trust each other. Whole
devices, and shares of memory alone, take nothing from the above.
"""

from __future__ import annotations

from cloudlayer.interfaces import Engine, MachineContext
from cloudlayer.runtime.docker.daemon import Daemon
from cloudlayer.runtime.docker.engine import DockerEngine


def connect(machine: MachineContext) -> Engine:
    """The docker engine of a machine: of this host by DOCKER_HOST or the default socket. Unsupported if none answers."""
    return DockerEngine(machine, Daemon.connect(machine.host))
