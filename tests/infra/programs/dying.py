"""The SDK's plug-in, which kills itself at one call of a driver: the file of the environment's DEATH names the call.

"storage.create before" dies before the driver is asked, "storage.create after" once it has answered. The file is removed first,
so that it happens once.
"""

import os
import runpy
import signal
from functools import wraps
from pathlib import Path
from typing import Any

from cloudlayer.providers import registry

CALLS = {
    "compute": ("create_batch", "delete", "resize", "start", "stop", "wait"),
    "autoscaling": ("create", "delete", "update", "wait"),
    "load_balancing": ("create", "delete", "deregister", "register", "wait"),
    "storage": ("attach", "create", "delete", "detach", "grow", "wait"),
}
DEATH = Path(os.environ["DEATH"])


def dying_at(moment: str) -> None:
    """Die, if this is the moment."""
    if DEATH.exists() and DEATH.read_text() == moment:
        DEATH.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def dying(interface: Any, name: str, call: str) -> None:
    """Let a call of an interface be one to die at."""
    real = getattr(interface, call)

    @wraps(real)
    def perhaps_the_last(*arguments: Any, **named: Any) -> Any:
        dying_at(f"{name}.{call} before")
        answer = real(*arguments, **named)
        dying_at(f"{name}.{call} after")
        return answer

    setattr(interface, call, perhaps_the_last)


def connect(*arguments: Any, **named: Any) -> Any:
    """A provider, all of whose calls one may die at."""
    provider = really_connect(*arguments, **named)
    for name, calls in CALLS.items():
        for call in calls:
            dying(getattr(provider, name), name, call)
    return provider


really_connect, registry.connect = registry.connect, connect
runpy.run_module("pulumi.dynamic", run_name="__main__")
