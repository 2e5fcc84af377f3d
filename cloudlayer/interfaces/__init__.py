"""The verbs: what a provider and an engine owe. Each method's docstring is the contract; the conformance suite holds it."""

from cloudlayer.interfaces.autoscaling import Autoscaling
from cloudlayer.interfaces.capabilities import Capabilities, Capability
from cloudlayer.interfaces.clock import Clock, Deadline, SystemClock
from cloudlayer.interfaces.compute import Compute
from cloudlayer.interfaces.engine import (
    Engine,
    LogLine,
    MachineContext,
    Model,
    ReplicaExit,
    ReplicaSpec,
    ReplicaState,
    ReplicaStatus,
    ReplicaUsage,
    RouterSpec,
)
from cloudlayer.interfaces.host import Access, Host
from cloudlayer.interfaces.load_balancing import LoadBalancing
from cloudlayer.interfaces.provider import Provider
from cloudlayer.interfaces.storage import Storage

__all__ = [
    "Access",
    "Autoscaling",
    "Capabilities",
    "Capability",
    "Clock",
    "Compute",
    "Deadline",
    "Engine",
    "Host",
    "LoadBalancing",
    "LogLine",
    "MachineContext",
    "Model",
    "Provider",
    "ReplicaExit",
    "ReplicaSpec",
    "ReplicaState",
    "ReplicaStatus",
    "ReplicaUsage",
    "RouterSpec",
    "Storage",
    "SystemClock",
]
