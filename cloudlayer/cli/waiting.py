"""Waiting for a thing to be in a state, telling meanwhile how it goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from cloudlayer.cli import values
from cloudlayer.cli.output import note
from cloudlayer.errors import TransientError

if TYPE_CHECKING:
    from cloudlayer.fleet.kinds import Verbs

_SLICE: Final = 5.0
"""Seconds of waiting between two looks that are told."""


def awaited(verbs: Verbs, thing: Any, state: str, timeout: str) -> Any:
    """The thing once it is in `state`; each change on the way is told on standard error. As the providers' own waits else."""
    until = time.monotonic() + values.duration(timeout, "--timeout")
    told = _line(thing)
    note(told)
    while True:
        left = until - time.monotonic()
        try:
            thing = verbs.wait(thing, state, timeout=max(0.0, min(_SLICE, left)))
        except TransientError as error:
            if error.code != "deadline" or left <= _SLICE:
                raise
            thing = verbs.get(thing.id)
            done = False
        else:
            done = True
        if _line(thing) != told:
            told = _line(thing)
            note(told)
        if done:
            return thing


def _line(thing: Any) -> str:
    reason = f": {thing.reason}" if thing.reason else ""
    members = getattr(thing, "members", None)
    size = "" if members is None else f", {sum(member.healthy for member in members)} of {thing.desired} members are well"
    return f"{getattr(thing, 'name', None) or thing.id} is {thing.state.value}{size}{reason}"
