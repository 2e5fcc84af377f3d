"""The ssh provider: what an inventory's machines are together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cloudlayer.errors import CloudError, InvalidSpec, Unsupported
from cloudlayer.interfaces import Access, Clock, Engine, SystemClock
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.ssh.capabilities import capabilities
from cloudlayer.providers.ssh.compute import SshCompute
from cloudlayer.providers.ssh.facts import faults
from cloudlayer.providers.ssh.inventory import InventoryFile
from cloudlayer.providers.ssh.records import PROVIDER, Records
from cloudlayer.providers.ssh.site import Sight, Site
from cloudlayer.resources import Instance


class SshProvider(BaseProvider):
    """The machines of one inventory, which is also its region."""

    def __init__(self, inventory: Path, state: Path, *, clock: Clock | None = None) -> None:
        """`inventory` is an absolute path, `state` the folder of what this host knows of the machines."""
        can = capabilities()
        super().__init__(str(inventory), can)
        self._site = Site(InventoryFile(inventory), Records(state, inventory), clock or SystemClock())
        self._site.boxes()
        self._compute = SshCompute(can, self.region, self._site, clock=clock)

    @property
    def compute(self) -> SshCompute:
        """Its machines."""
        return self._compute

    def engine(self, name: str, instance: Instance) -> Engine:
        """None is had from here: Docker Engine is reached by `access`."""
        if self.capabilities[f"engine:{name}"]:
            raise Unsupported(f"the {name} engine of {instance.id} is reached by SSH alone: see access", provider=PROVIDER)
        return super().engine(name, instance)

    def access(self, instance: Instance) -> Access:
        """How the inventory says that the machine is reached. NotFound, with the mend, for one that it has no more."""
        record = self._site.records.claim(instance.id)
        return self._site.box(record.machine if record else instance.machine_type).access

    def check(self) -> list[str]:
        """What is wrong with the inventory, and with each of its machines."""
        try:
            self._site.look()
        except InvalidSpec as error:
            return [f"{PROVIDER}: {line}" for line in str(error).splitlines()]
        except CloudError:
            pass  # each machine tells its own
        found = [f"{PROVIDER}: {line}" for sight in self._site.last().values() for line in _lines(sight)]
        return found + [f"{PROVIDER}: {line}" for line in self._breakdowns()]

    def _breakdowns(self) -> Iterator[str]:
        records = self._site.records
        for name in self._site.boxes():
            if (breakdown := records.breakdown(name)) is not None:
                yield f"{name}: {breakdown}. Mend it, and remove {records.broken_file(name)} to have it tried at once"


def _lines(sight: Sight) -> list[str]:
    if sight.error is not None:
        return [sight.error.message]
    return [f"{sight.box.name}: {fault}" for fault in (faults(sight.box, sight.facts) if sight.facts else ())]
