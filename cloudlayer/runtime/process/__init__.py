"""The process engine: each replica a process of this host, confined as far as the host allows. For trusted code.

A function shares this host's kernel, its processors' caches and its network, so it is no place for the code of strangers: the
docker engine keeps those apart better. What it does give, as root: an unprivileged user for each function, no view of root's
home, memory and processor limits by control group, an environment that holds the function's variables alone, no way to new
privileges. Not as root: the environment and Python's own memory limit alone. The disk limit cannot be held by either.

Replicas are forked from a warm parent, which has the function's modules loaded; CLOUDLAYER_FORK=0 starts each anew.
"""

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Engine, MachineContext

__all__ = ["connect"]


def connect(machine: MachineContext) -> Engine:
    """The process engine of a machine that is this host. Unsupported for another."""
    if machine.host is not None:
        reason = f"the process engine starts nothing on {machine.host.name}, which is another machine: use the docker engine"
        raise Unsupported(reason, code="other_machine")
    from cloudlayer.runtime.process.engine import ProcessEngine

    return ProcessEngine(machine)
