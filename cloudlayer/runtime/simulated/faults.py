"""What goes wrong in a simulated world, by rules with counters that are part of the world."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Literal

from cloudlayer.errors import (
    AuthError,
    AvoidScope,
    CapacityError,
    CloudError,
    Conflict,
    NotFound,
    PermissionDenied,
    QuotaError,
    Throttled,
    TransientError,
    UnknownCloudError,
)
from cloudlayer.runtime.simulated.records import Document

CallEffect = Literal["refused", "lost", "slow"]
InstanceEffect = Literal["no_capacity", "failed_boot", "interrupted"]
ThingEffect = Literal["failed"]
ReplicaEffect = Literal["crashed", "out_of_memory", "failed_to_load", "hangs"]
Effect = CallEffect | InstanceEffect | ThingEffect | ReplicaEffect
Refusal = Literal["transient", "throttled", "auth", "denied", "capacity", "quota", "conflict", "not_found", "unknown"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, `times` times (None: always) after it would have `after` times.

    Of calls (`call` is a pattern: "create", "list", "group.update", "volume.*", "engine.start"): "refused" with `error`,
    nothing done; "lost": done, and then a TransientError; "slow": the answer takes `seconds`. A driver that tries again
    (`attempts` of the settings) hides one that passes.
    Of balancers, volumes, snapshots and shares, at their creation by `call`: "failed".
    Of instances, at their creation: "no_capacity"; "failed_boot"; "interrupted" `seconds` after it, if they are spot.
    Of replicas, at their start: "crashed", "out_of_memory" or "failed_to_load" `seconds` after it; "hangs": never ready.
    """

    effect: Effect
    call: str = "*"
    times: int | None = 1
    after: int = 0
    error: Refusal = "transient"
    seconds: float = 0.0
    zone: str = "*"
    machine_type: str = "*"
    function: str = "*"


def add(document: Document, fault: Fault) -> None:
    """Let the fault hold from now on."""
    document["faults"].append(asdict(fault))


def due(document: Document, effects: tuple[Effect, ...], **about: str) -> Fault | None:
    """The first fault of these effects that strikes now, counted. `about` tells the call, zone, machine type or function."""
    for record in document["faults"]:
        matches = record["effect"] in effects and all(fnmatchcase(text, record[key]) for key, text in about.items())
        if not matches:
            continue
        if record["after"] > 0:
            record["after"] -= 1
            continue
        fault = Fault(**record)
        if record["times"] is not None:
            record["times"] -= 1
        document["faults"] = [other for other in document["faults"] if other["times"] != 0]
        return fault
    return None


def refusal(fault: Fault, provider: str) -> CloudError:
    """The error of a refused call."""
    name = fault.error
    if name == "throttled":
        return Throttled("asked too often", retry_after=fault.seconds or 1.0, provider=provider, code="Throttled")
    if name == "capacity":
        return CapacityError("none left", scope=AvoidScope.REGION, provider=provider, code="NoCapacity")
    if name == "quota":
        return QuotaError("the quota is used up", name="instances", provider=provider, code="QuotaExceeded")
    kinds: dict[str, tuple[type[CloudError], str, str]] = {
        "transient": (TransientError, "the connection broke", "ConnectionReset"),
        "auth": (AuthError, "the credentials have expired: make new ones", "ExpiredCredentials"),
        "denied": (PermissionDenied, "the credentials do not allow this call", "AccessDenied"),
        "conflict": (Conflict, "the thing is in another state", "Conflict"),
        "not_found": (NotFound, "there is no such thing", "NotFound"),
        "unknown": (UnknownCloudError, "insufficient capacity to say what went wrong", "Unheard"),
    }
    kind, message, code = kinds[name]
    return kind(message, provider=provider, code=code)
