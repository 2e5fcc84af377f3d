"""Moves a replica's state off its GPU, into its machine's memory, and back: its device is free for others meanwhile.

NVIDIA's `cuda-checkpoint` does the work, for drivers from 555 on: it suspends the CUDA of one process, copies its device
memory to the host, and lets go of the device; the same command brings all back at the same addresses. It locks CUDA first, so
what a process asks of it in between waits. A process that uses no CUDA is left as it is.
"""

from __future__ import annotations

from typing import Final

from cloudlayer.errors import EngineError, Unsupported
from cloudlayer.interfaces import Deadline, Host

TOOL: Final = "cuda-checkpoint"
FIRST_DRIVER: Final = 555

# For each process, its state first: a try that was broken off in the middle is taken up where it was.
_TOGGLE: Final = f"""
set -e
wanted=$0
command -v {TOOL} >/dev/null || {{ echo "there is no {TOOL}" >&2; exit 3; }}
for pid in "$@"; do
  state=$({TOOL} --get-state --pid "$pid" 2>/dev/null) || continue
  if [ "$state" != "$wanted" ]; then {TOOL} --toggle --pid "$pid"; fi
done
"""
_OFF: Final = "checkpointed"
_ON: Final = "running"
_SECONDS: Final = 120.0


def move_off(host: Host, processes: tuple[int, ...], *, deadline: Deadline | None = None) -> None:
    """Move what these processes have on GPUs to the machine's memory. EngineError says why it cannot be."""
    _toggle(host, _OFF, processes, deadline)


def bring_back(host: Host, processes: tuple[int, ...], *, deadline: Deadline | None = None) -> None:
    """Bring it back; it fails, and nothing is changed, where the memory is not free."""
    _toggle(host, _ON, processes, deadline)


def require(driver: str) -> None:
    """Unsupported, with the mend, for a driver ("550.54.15") that cannot do it."""
    major = driver.partition(".")[0]
    if not major.isdigit() or int(major) < FIRST_DRIVER:
        raise Unsupported(
            f"the driver {driver or 'of this machine'} cannot move memory off a GPU: {FIRST_DRIVER} or newer can",
            provider="gpu",
        )


def _toggle(host: Host, wanted: str, processes: tuple[int, ...], deadline: Deadline | None) -> None:
    if not processes:
        return
    command = ["sh", "-c", _TOGGLE, wanted, *(str(pid) for pid in processes)]
    try:
        host.run(command, root=True, deadline=deadline or Deadline.after(_SECONDS))
    except EngineError as error:
        raise EngineError(f"GPU memory on {host.name} could not be moved: {error}; is {TOOL} installed there?") from error
