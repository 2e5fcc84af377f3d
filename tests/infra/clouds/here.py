"""This host, counted by the records that its provider keeps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from cloudlayer.providers import local
from cloudlayer.resources import ScalingGroupSpec, TargetSpec
from cloudlayer.units import GIB
from tests.infra.clouds.base import KINDS, Cloud
from tests.providers.local.servers import free_port

FOLDERS = {"instance": "machines", "group": "groups", "balancer": "balancers", "volume": "volumes"}
GONE = ("deleting", "deleted")


class Here(Cloud):
    """This host, with a folder of records of the test's own."""

    provider: ClassVar[str] = "local"
    other_type: ClassVar[str] = "eighth"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.options = {"state": str(folder)}
        self._folder, self._port = folder, free_port()
        self._other = local.connect(None, self.options)

    @property
    def defaults(self) -> Mapping[str, Mapping[str, Any]]:
        listener = {"port": self._port, "protocol": "tcp", "target_port": 80}
        return {
            "instance": {"machine_type": "sixteenth"},
            "group": {"template": {"machine_type": "sixteenth"}, "min": 1, "max": 2},
            "balancer": {"listeners": [listener], "drain": 0.5},
            "volume": {"size": "1GiB"},
            "share": {"size": "1GiB"},
        }

    def ids(self, kind: str) -> list[str]:
        wanted = {**self.labels, "made-as": kind}.items()
        found = [record for record in self._records(kind) if wanted <= record["labels"].items()]
        return [record["id"] for record in found if record.get("state") not in GONE and not record.get("deleting")]

    def pieces(self) -> dict[str, int]:
        found = {kind: len(list(self._folder.glob(f"{folder}/*"))) for kind, folder in FOLDERS.items()}
        return {kind: number for kind, number in found.items() if number}

    def delete(self, kind: str, id: str) -> None:
        if kind == "volume":
            self.detach(id)
        if kind == "instance":
            self._other.compute.delete([id])
        else:
            self._interface(kind).delete(id)

    def stop(self, instance: str) -> None:
        self._other.compute.stop(instance)

    def state_of(self, instance: str) -> str:
        return str(self._record("instance", instance)["state"])

    def type_of(self, instance: str) -> str:
        return str(self._record("instance", instance)["machine_type"])

    def detach(self, volume: str) -> None:
        self._other.storage.detach(volume)

    def holder_of(self, volume: str) -> str | None:
        found: str | None = self._record("volume", volume)["attached_to"]
        return found

    def gibibytes(self, volume: str) -> float:
        return float(self._record("volume", volume)["size"] / GIB)

    def bounds_of(self, group: str) -> tuple[int, int]:
        spec = self._record("group", group)["spec"]
        return spec["min"], spec["max"]

    def bound(self, group: str, most: int) -> None:
        spec = ScalingGroupSpec.model_validate_json(json.dumps(self._record("group", group)["spec"]))
        self._other.autoscaling.update(group, spec.model_copy(update={"max": most}))

    def targets_of(self, balancer: str) -> set[str]:
        return {target["id"] for target in self._record("balancer", balancer)["targets"]}

    def address_of(self, instance: str) -> str:
        return instance

    def drop_target(self, balancer: str, instance: str) -> None:
        self._other.load_balancing.deregister(balancer, [TargetSpec(instance=instance)])

    def clear(self) -> None:
        for kind in reversed(KINDS):
            for record in self._records(kind):
                self.delete(kind, record["id"])

    def _interface(self, kind: str) -> Any:
        interfaces = {"group": "autoscaling", "balancer": "load_balancing", "volume": "storage"}
        return getattr(self._other, interfaces[kind])

    def _record(self, kind: str, id: str) -> dict[str, Any]:
        return next(record for record in self._records(kind) if record["id"] == id)

    def _records(self, kind: str) -> list[dict[str, Any]]:
        name = "machine.json" if kind == "instance" else "record.json"
        return [json.loads(path.read_text()) for path in self._folder.glob(f"{FOLDERS[kind]}/*/{name}")]
