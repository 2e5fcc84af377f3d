"""What callers read: the envelopes of `runtime.router.envelope`, with a quicker parser of JSON."""

from __future__ import annotations

from functools import partial

from pydantic_core import from_json

from cloudlayer.runtime.router import envelope
from cloudlayer.runtime.router.envelope import (
    BAD_KEY,
    FORBIDDEN,
    JSON,
    UNKNOWN_FUNCTION,
    CallError,
    ReplicaAnswer,
    accepted,
    failure,
)

__all__ = [
    "BAD_KEY",
    "FORBIDDEN",
    "JSON",
    "UNKNOWN_FUNCTION",
    "CallError",
    "ReplicaAnswer",
    "accepted",
    "failure",
    "result_of",
    "success",
]

_parse = partial(from_json, allow_inf_nan=False)


def result_of(answer: ReplicaAnswer) -> ReplicaAnswer:
    """The answer itself if it is a result; else raises its CallError."""
    return envelope.result_of(answer, _parse)


def success(answer: ReplicaAnswer, duration: float) -> bytes:
    """The envelope around a result; `duration` is in seconds. CallError if the body is not what its content type says."""
    return envelope.success(answer, duration, _parse)
