"""Which engines there are. An engine is a plug-in: an entry point of `cloudlayer.engines`.

An entry point leads to a function `connect(machine: MachineContext) -> Engine`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final

from cloudlayer.errors import InvalidSpec, Unsupported
from cloudlayer.interfaces import Engine, MachineContext

GROUP: Final = "cloudlayer.engines"


def engine_names() -> list[str]:
    """The names of all installed engines."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def connect_engine(name: str, machine: MachineContext) -> Engine:
    """The engine of that name on a machine. InvalidSpec for an unknown name, Unsupported where a package is missing."""
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        raise InvalidSpec(f'no engine is called "{name}"; installed: {", ".join(engine_names())}')
    try:
        connector: Callable[[MachineContext], Engine] = found[0].load()
    except ModuleNotFoundError as error:
        raise Unsupported(f"the {name} engine needs the package {error.name}: pip install 'cloudlayer[fleet]'") from error
    return connector(machine)
