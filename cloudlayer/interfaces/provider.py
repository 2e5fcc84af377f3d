"""What a provider owes. Synchronous, thread-safe; every method may raise the errors of `cloudlayer.errors`, and no others.

A call without a `deadline` ends within two minutes by itself. A call that raises TransientError may have taken effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from cloudlayer.errors import CloudError
from cloudlayer.interfaces.capabilities import Capabilities
from cloudlayer.interfaces.clock import Deadline
from cloudlayer.interfaces.engine import Engine
from cloudlayer.resources import (
    Image,
    Instance,
    InstanceSpec,
    InstanceState,
    LoadBalancer,
    LoadBalancerSpec,
    Offer,
    ScalingGroup,
    ScalingGroupSpec,
    Share,
    ShareSpec,
    Snapshot,
    TargetHealth,
    TargetSpec,
    Volume,
    VolumeSpec,
)


class Compute(Protocol):
    """Instances of one provider in one region."""

    def offers(self, *, deadline: Deadline | None = None) -> list[Offer]:
        """Everything on sale here, each machine type in each zone, whole: never one page of it."""
        ...

    def images(self, name: str | None = None, *, deadline: Deadline | None = None) -> list[Image]:
        """Images by friendly name or id, newest first; without a name, those that friendly names lead to."""
        ...

    def create(self, spec: InstanceSpec, *, token: str, deadline: Deadline | None = None) -> Instance:
        """`create_batch` of one spec: returns its instance or raises its error."""
        ...

    def create_batch(
        self, specs: Sequence[InstanceSpec], *, token: str, deadline: Deadline | None = None
    ) -> list[Instance | CloudError]:
        """One answer for each spec, in order: the instance, pending or better, or why there is none.

        Idempotent: the same specs under the same `token` (a UUID) give the same instances in the same order, however often
        it is called, by whom, and whatever became of an earlier call's answer. Other specs under a used token give
        Conflict, and so does a token whose instances are all deleted: a token never launches twice. Labels, name and token
        are on the instance and on its children from the moment they exist. A fault of the whole call (credentials,
        throttling, a broken connection) is raised; a lack of capacity or quota is an answer for the specs that it hit.
        """
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> Instance:
        """The instance as it is now. NotFound if it is not there; one that is deleted may still be reported as such."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Instance]:
        """Every instance that carries all of `labels`, pages flattened; deleted ones may still be among them."""
        ...

    def delete(self, ids: Iterable[str], *, deadline: Deadline | None = None) -> None:
        """Begin to delete the instances with all that was made for them. One that is not there is no error."""
        ...

    def start(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to start a stopped instance; no error if it runs."""
        ...

    def stop(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to stop a running instance, keeping its disks; no error if it is stopped."""
        ...

    def reboot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Restart the instance's system."""
        ...

    def resize(self, id: str, machine_type: str, *, deadline: Deadline | None = None) -> None:
        """Change the machine type of a stopped instance."""
        ...

    def console_log(self, id: str, *, deadline: Deadline | None = None) -> str:
        """What the machine wrote to its console, empty where nothing is there yet."""
        ...

    def wait(self, instance: Instance | str, state: InstanceState | str, *, timeout: float = 600) -> Instance:
        """The instance once it is in `state`. A state that can no longer lead there ends the wait at once, with its reason."""
        ...


class Autoscaling(Protocol):
    """Scaling groups. They are the user's own: no reconciler sizes them."""

    def create(self, spec: ScalingGroupSpec, *, token: str, deadline: Deadline | None = None) -> ScalingGroup:
        """Make the group, idempotent by `token`."""
        ...

    def update(self, id: str, spec: ScalingGroupSpec, *, deadline: Deadline | None = None) -> ScalingGroup:
        """Bring the group to `spec`; a changed template replaces the members one by one."""
        ...

    def set_desired(self, id: str, size: int, *, deadline: Deadline | None = None) -> None:
        """Ask for `size` members, within the group's bounds."""
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> ScalingGroup:
        """The group with its members and their health; NotFound if it is not there."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[ScalingGroup]:
        """Every group that carries all of `labels`."""
        ...

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the group, its members and all that was made for it."""
        ...


class LoadBalancing(Protocol):
    """Load balancers with their listeners, targets and health checks as one thing."""

    def create(self, spec: LoadBalancerSpec, *, token: str, deadline: Deadline | None = None) -> LoadBalancer:
        """Make the balancer, idempotent by `token`."""
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> LoadBalancer:
        """The balancer as it is now; NotFound if it is not there."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[LoadBalancer]:
        """Every balancer that carries all of `labels`."""
        ...

    def register(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Add targets; one that is there already is no error."""
        ...

    def deregister(self, id: str, targets: Sequence[TargetSpec], *, deadline: Deadline | None = None) -> None:
        """Drain and remove targets; one that is not there is no error."""
        ...

    def health(self, id: str, *, deadline: Deadline | None = None) -> Sequence[TargetHealth]:
        """Each target and its health."""
        ...

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the balancer with everything that was made for it."""
        ...


class Storage(Protocol):
    """Volumes, snapshots and shares."""

    def create(self, spec: VolumeSpec, *, token: str, deadline: Deadline | None = None) -> Volume:
        """Make a volume, idempotent by `token`."""
        ...

    def get(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """The volume as it is now; NotFound if it is not there."""
        ...

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Volume]:
        """Every volume that carries all of `labels`."""
        ...

    def attach(self, id: str, instance: str, *, deadline: Deadline | None = None) -> Volume:
        """Attach the volume to an instance of its zone."""
        ...

    def detach(self, id: str, *, deadline: Deadline | None = None) -> Volume:
        """Detach the volume; one that is attached nowhere is no error."""
        ...

    def grow(self, id: str, size: int, *, deadline: Deadline | None = None) -> Volume:
        """Make the volume `size` bytes large; smaller than it is gives InvalidSpec."""
        ...

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete the volume; one that is not there is no error."""
        ...

    def snapshot(self, id: str, *, token: str, deadline: Deadline | None = None) -> Snapshot:
        """Copy the volume as it is now, idempotent by `token`."""
        ...

    def snapshots(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Snapshot]:
        """Every snapshot that carries all of `labels`."""
        ...

    def delete_snapshot(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete a snapshot; one that is not there is no error."""
        ...

    def create_share(self, spec: ShareSpec, *, token: str, deadline: Deadline | None = None) -> Share:
        """Make a share, idempotent by `token`."""
        ...

    def shares(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> Sequence[Share]:
        """Every share that carries all of `labels`."""
        ...

    def delete_share(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Delete a share; one that is not there is no error."""
        ...


@runtime_checkable
class Provider(Protocol):
    """One cloud in one region, connected. An interface that it has not raises Unsupported, with the reason, on access."""

    @property
    def name(self) -> str:
        """Its name among the plug-ins, such as "aws"."""
        ...

    @property
    def region(self) -> str:
        """The region it is connected to."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do here."""
        ...

    @property
    def compute(self) -> Compute:
        """Instances."""
        ...

    @property
    def autoscaling(self) -> Autoscaling:
        """Scaling groups."""
        ...

    @property
    def load_balancing(self) -> LoadBalancing:
        """Load balancers."""
        ...

    @property
    def storage(self) -> Storage:
        """Volumes and shares."""
        ...

    @property
    def keeps_machines(self) -> bool:
        """Whether machines outlive the controller by their nature: true for clouds, false for this host."""
        ...

    def engine(self, name: str, instance: Instance) -> Engine:
        """The engine of that name on one of this provider's instances; Unsupported with the reason if it cannot be had."""
        ...

    def native(self, service: str) -> Any:
        """The SDK's own client for a service."""
        ...

    def check(self) -> list[str]:
        """What is wrong with the credentials, permissions or host, a line each with its mend; empty if all is well."""
        ...
