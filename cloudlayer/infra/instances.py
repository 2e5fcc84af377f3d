"""`Instance`: one machine that a cloud runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pulumi
from pulumi import Input, Output

from cloudlayer.infra.arguments import DiskArgs, PortRuleArgs
from cloudlayer.infra.declaring import Declared
from cloudlayer.infra.life import STATE, Life
from cloudlayer.infra.making import PATIENCE
from cloudlayer.infra.shapes import Change, Document, Shape
from cloudlayer.interfaces import Capabilities, Compute, Deadline, Provider
from cloudlayer.providers.base.capabilities import require_for
from cloudlayer.resources import Instance as Machine
from cloudlayer.resources import InstanceSpec, InstanceState

TYPE: Final = "machine_type"


@dataclass(frozen=True)
class Instances:
    """The instances of a Compute, by the verbs of the other kinds."""

    compute: Compute

    def create(self, spec: InstanceSpec, *, token: str, deadline: Deadline | None = None) -> Machine:
        """Begin to make it."""
        return self.compute.create(spec, token=token, deadline=deadline)

    def get(self, id: str, *, deadline: Deadline | None = None) -> Machine:
        """The instance as it is now."""
        return self.compute.get(id, deadline=deadline)

    def list(self, labels: Mapping[str, str] | None = None, *, deadline: Deadline | None = None) -> list[Machine]:
        """All with the labels."""
        return self.compute.list(labels, deadline=deadline)

    def delete(self, id: str, *, deadline: Deadline | None = None) -> None:
        """Begin to delete it."""
        self.compute.delete([id], deadline=deadline)

    def wait(self, thing: Machine | str, state: str, /, *, timeout: float, deadline: Deadline | None = None) -> Machine:
        """The instance, once it is in a state."""
        return self.compute.wait(thing, state, timeout=timeout, deadline=deadline)


def _require(spec: InstanceSpec, capabilities: Capabilities) -> None:
    require_for([spec], capabilities)


def _in_place(provider: Provider, before: Document, now: Document) -> frozenset[str]:
    """A machine that can be stopped can be started again, and takes another machine type where the cloud lets it."""
    can = provider.capabilities
    if not can["stop_start"]:
        return frozenset()
    return frozenset({STATE, TYPE} if can["resize"] and now.get(TYPE) is not None else {STATE})


def _change(change: Change) -> None:
    compute = change.provider.compute
    if TYPE in change.changed and compute.get(change.id).machine_type != change.spec.machine_type:
        compute.stop(change.id)
        compute.wait(change.id, InstanceState.STOPPED, timeout=PATIENCE)
        compute.resize(change.id, change.spec.machine_type)
    compute.start(change.id)
    compute.wait(change.id, InstanceState.RUNNING, timeout=PATIENCE)


def _tracked(provider: Provider, instance: Machine, document: Document) -> Document:
    """Whether it runs, and its type where one was named: one that was chosen by figures is not asked for by itself."""
    named = {TYPE: instance.machine_type} if document.get(TYPE) is not None else {}
    return {STATE: str(instance.state), **named}


def _tell(instance: Machine) -> dict[str, Any]:
    return {
        TYPE: instance.machine_type,
        "name": instance.name,
        "zone": instance.zone,
        "state": str(instance.state),
        "private_address": instance.private_address,
        "public_address": instance.public_address,
    }


class InstanceLife(Life):
    """The life of an instance."""

    shape = Shape(
        "instance",
        "",
        "running",
        InstanceSpec,
        lambda provider: Instances(provider.compute),
        _tell,
        require=_require,
        in_place=_in_place,
        change=_change,
        tracked=_tracked,
    )


class Instance(Declared, module="cloudlayer", name="Instance"):
    """A machine. Name a `machine_type`, or give figures, and the cheapest type that has them is taken.

    Sizes are texts with a unit ("16GiB") or bytes. `provider` is "aws:us-east-1", "openstack", "local" or a profile of the
    configuration file; `provider_options` are its own, such as an endpoint. `overrides` reaches what one cloud alone knows.
    Another `machine_type` is taken in place where the cloud can stop and resize; everything else that changes replaces.
    """

    told = ("machine_type", "name", "zone", "state", "private_address", "public_address")

    machine_type: Output[str]
    name: Output[str | None]
    zone: Output[str]
    state: Output[str]
    private_address: Output[str | None]
    public_address: Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        provider: Input[str],
        machine_type: Input[str] | None = None,
        cpu: Input[float] | None = None,
        memory: Input[str | int] | None = None,
        gpu: Input[str] | None = None,
        gpu_count: Input[int] | None = None,
        gpu_memory: Input[str | int] | None = None,
        architecture: Input[Literal["x86_64", "arm64"]] | None = None,
        image: Input[str] | None = None,
        name: Input[str] | None = None,
        zone: Input[str] | None = None,
        purchase: Input[Literal["on_demand", "spot", "reserved"]] | None = None,
        reservation: Input[str] | None = None,
        labels: Input[Mapping[str, Input[str]]] | None = None,
        user_data: Input[str] | None = None,
        disks: Input[Sequence[Input[DiskArgs]]] | None = None,
        public_address: Input[bool] | None = None,
        delete_on_shutdown: Input[bool] | None = None,
        open_ports: Input[Sequence[Input[PortRuleArgs]]] | None = None,
        overrides: Input[Mapping[str, Any]] | None = None,
        provider_options: Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        asked = {
            "machine_type": machine_type,
            "cpu": cpu,
            "memory": memory,
            "gpu": gpu,
            "gpu_count": gpu_count,
            "gpu_memory": gpu_memory,
            "architecture": architecture,
            "image": image,
            "name": name,
            "zone": zone,
            "purchase": purchase,
            "reservation": reservation,
            "labels": labels,
            "user_data": user_data,
            "disks": disks,
            "public_address": public_address,
            "delete_on_shutdown": delete_on_shutdown,
            "open_ports": open_ports,
            "overrides": overrides,
        }
        super().__init__(
            InstanceLife(), resource_name, provider=provider, provider_options=provider_options, asked=asked, opts=opts
        )
