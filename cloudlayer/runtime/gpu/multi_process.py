"""CUDA's Multi-Process Service: replicas that share a device run on it side by side, each within its memory and threads.

The service's own server holds the limits of its clients (CUDA_MPS_PINNED_DEVICE_MEM_LIMIT, CUDA_MPS_ACTIVE_THREAD_PERCENTAGE):
an allocation beyond the limit fails in the client that asks for it. One control daemon serves all devices of a machine, as the
user that replicas run as, since the service keeps the clients of different users apart in time. NVIDIA's documentation of
the service: https://docs.nvidia.com/deploy/mps/.

Clients and server share memory by files. They have a folder of their own for that, in memory, which lies over /dev/shm in each
client and in the daemon's own view of its machine: the machine's /dev/shm, and what its processes share by System V's means,
are out of the clients' reach. This was tried on a stand-in for the daemon, and not on hardware.

Its clients are not kept from each other as other replicas are: they are one user, share that folder, and reach the control
daemon's pipe, which takes orders (`quit` among them) from any of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from cloudlayer.errors import EngineError
from cloudlayer.interfaces import Deadline, Host
from cloudlayer.units import MIB

FOLDER: Final = "/run/cloudlayer-sharing"
"""Where clients find the service, on the machine and in containers."""
SHARED: Final = f"{FOLDER}-memory"
"""The folder in memory, on the machine, that is /dev/shm to the service and to its clients."""
EARLIER: Final = "/run/cloudlayer-mps"
"""The folder of a service that a former version started, whose clients share memory otherwise. It runs on beside this one."""

_DAEMON: Final = "nvidia-cuda-mps-control"
# Started once, and asked whether it serves: `get_server_list` fails where no daemon listens. It is started in a view of the
# machine's files of its own, where the shared folder is /dev/shm. Of several that come at once one starts it, and the daemon
# does not keep the lock.
_START: Final = f"""
set -e
user=$0 group=$1 folder=$2 shared=$3
export CUDA_MPS_PIPE_DIRECTORY="$folder" CUDA_MPS_LOG_DIRECTORY="$folder"
if ! command -v {_DAEMON} >/dev/null; then echo "there is no {_DAEMON}" >&2; exit 3; fi
exec 9>>"$folder.lock"
flock -w 20 9 || {{ echo "another start of {_DAEMON} takes too long" >&2; exit 4; }}
if ! echo get_server_list | timeout 5 {_DAEMON} >/dev/null 2>&1; then
  install -d -m 0700 -o "$user" -g "$group" "$folder" "$shared"
  if ! mountpoint -q "$shared"; then
    mount -t tmpfs -o "mode=0700,uid=$user,gid=$group,nosuid,nodev,noexec" tmpfs "$shared"
  fi
  unshare --mount sh -c 'mount --bind "$0" /dev/shm && exec "$@"' "$shared" \\
    setpriv --reuid "$user" --regid "$group" --clear-groups {_DAEMON} -d 9>&-
fi
"""
_START_SECONDS: Final = 30.0
_COMPUTE: Final = 1000


def ensure(host: Host, user: int, group: int, *, deadline: Deadline | None = None) -> None:
    """Start the service for that user if it does not serve. EngineError, with the mend, where there is none."""
    try:
        start = ["sh", "-c", _START, str(user), str(group), FOLDER, SHARED]
        host.run(start, root=True, deadline=deadline or Deadline.after(_START_SECONDS))
    except EngineError as error:
        mend = "install the driver's MPS (nvidia-cuda-mps-control), or ask for whole devices"
        raise EngineError(f"GPUs cannot be shared on {host.name}: {mend} ({error})") from error


def environment(devices: Sequence[int], memory: int | None, compute: int | None) -> dict[str, str]:
    """What makes a process a client with limits: `memory` in bytes of each device, `compute` in thousandths of one.

    A client counts its devices from 0, in the order of `devices`.
    """
    found = {"CUDA_MPS_PIPE_DIRECTORY": FOLDER, "CUDA_MPS_LOG_DIRECTORY": FOLDER}
    if memory is not None:
        limits = [f"{index}={memory // MIB}M" for index in range(len(devices))]
        found["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = ",".join(limits)
    if compute is not None:
        found["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = str(max(1, math.floor(100 * compute / _COMPUTE)))
    return found
