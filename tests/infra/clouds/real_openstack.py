"""The real services of OpenStack, counted and tampered with by openstacksdk. Programs reach them through the proxy."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from openstack.exceptions import NotFoundException

from tests.fakes.openstack import holdings
from tests.fakes.openstack.cloud import NAME, RealCloud
from tests.infra.clouds.base import KINDS, Cloud

GOING = ("DELETED", "SOFT_DELETED", "deleting", "deleted")
PATIENCE = 240
PAUSE = 0.5


class RealOpenstack(Cloud):
    """OpenStack's own services."""

    provider: ClassVar[str] = "openstack"
    other_type: ClassVar[str] = "m1.small"
    timeout: ClassVar[float] = 300

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.real = RealCloud(folder)
        self.direct = self.real.direct
        self.options = {"cloud": NAME}
        self.environment = {"OS_CLIENT_CONFIG_FILE": str(self.real.file)}

    @property
    def defaults(self) -> Mapping[str, Mapping[str, Any]]:
        template = {"machine_type": "m1.tiny", "image": "tiny"}
        return {
            "instance": template,
            "group": {"template": template, "min": 1, "max": 2},
            "balancer": {"listeners": [{"port": 80, "protocol": "tcp", "target_port": 8080}], "drain": 1},
            "volume": {"size": "1GiB"},
            "share": {"size": "1GiB"},
        }

    def ids(self, kind: str) -> list[str]:
        wanted = {**self.labels, "made-as": kind}.items()
        if kind == "instance":
            servers = self.direct.compute.servers()
            alive = [server for server in servers if server.status not in GOING and server.task_state not in GOING]
            return [server.id for server in alive if wanted <= server.metadata.items()]
        if kind == "volume":
            volumes = self.direct.block_storage.volumes()
            return [each.id for each in volumes if each.status not in GOING and wanted <= each.metadata.items()]
        if kind == "balancer":
            balancers = self.direct.load_balancer.load_balancers()
            alive = [each for each in balancers if each.provisioning_status not in ("PENDING_DELETE", "DELETED")]
            return [each.id for each in alive if wanted <= _tagged(each.tags).items()]
        stacks = [each for each in self.direct.orchestration.stacks() if not each.status.startswith("DELETE")]
        return [each.id for each in stacks if wanted <= _tagged(self.direct.orchestration.get_stack(each.id).tags).items()]

    def pieces(self) -> dict[str, int]:
        return holdings.count(self.direct, self.labels)

    def delete(self, kind: str, id: str) -> None:
        if kind == "volume":
            self.detach(id)
        delete = {
            "instance": self.direct.compute.delete_server,
            "volume": self.direct.block_storage.delete_volume,
            "balancer": partial(self.direct.load_balancer.delete_load_balancer, cascade=True),
            "group": self.direct.orchestration.delete_stack,
        }
        with suppress(NotFoundException):
            delete[kind](id)
        _until(lambda: id not in self.ids(kind))

    def stop(self, instance: str) -> None:
        self.direct.compute.stop_server(instance)
        _until(lambda: self.state_of(instance) == "shutoff")

    def state_of(self, instance: str) -> str:
        return str(self.direct.compute.get_server(instance).status).lower()

    def type_of(self, instance: str) -> str:
        return str(self.direct.compute.get_server(instance).flavor["original_name"])

    def detach(self, volume: str) -> None:
        if (holder := self.holder_of(volume)) is not None:
            self.direct.compute.delete_volume_attachment(holder, volume)
            _until(lambda: self.direct.block_storage.get_volume(volume).status == "available")

    def holder_of(self, volume: str) -> str | None:
        return next((item["server_id"] for item in self.direct.block_storage.get_volume(volume).attachments), None)

    def gibibytes(self, volume: str) -> float:
        return float(self.direct.block_storage.get_volume(volume).size)

    def bounds_of(self, group: str) -> tuple[int, int]:
        record = json.loads(self.direct.orchestration.get_stack(group).parameters["record"])
        return record["spec"]["min"], record["spec"]["max"]

    def bound(self, group: str, most: int) -> None:
        stack = self.direct.orchestration.get_stack(group)
        record = json.loads(stack.parameters["record"])
        record["spec"]["max"] = most
        update = {"existing": True, "parameters": {"record": json.dumps(record)}}
        self.direct.orchestration.patch(f"/stacks/{stack.name}/{stack.id}", json=update).raise_for_status()
        _until(lambda: self.direct.orchestration.get_stack(group).status == "UPDATE_COMPLETE")

    def targets_of(self, balancer: str) -> set[str]:
        octavia = self.direct.load_balancer
        pools = list(octavia.pools(loadbalancer_id=balancer))
        return {member.address for pool in pools for member in octavia.members(pool) if member.weight != 0}

    def address_of(self, instance: str) -> str:
        found = self.direct.compute.get_server(instance).addresses
        return str(next(address["addr"] for network in found.values() for address in network))

    def drop_target(self, balancer: str, instance: str) -> None:
        octavia, address = self.direct.load_balancer, self.address_of(instance)
        for pool in octavia.pools(loadbalancer_id=balancer):
            for member in octavia.members(pool):
                if member.address == address:
                    octavia.delete_member(member, pool)
                    _until(lambda: octavia.get_load_balancer(balancer).provisioning_status == "ACTIVE")

    def clear(self) -> None:
        for kind in ("group", *(kind for kind in reversed(KINDS) if kind != "group")):
            for found in self.ids(kind):
                self.delete(kind, found)

    def close(self) -> None:
        """Leave nothing behind, and let go of the services."""
        self.clear()
        self.real.close()


def _tagged(tags: list[str] | None) -> dict[str, str]:
    return dict(tag.split("=", 1) for tag in tags or () if "=" in tag)


def _until(holds: Callable[[], bool]) -> None:
    """Wait until it holds, no longer than the services may take."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "OpenStack took too long"
        time.sleep(PAUSE)
