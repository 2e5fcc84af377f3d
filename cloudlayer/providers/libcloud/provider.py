"""One driver of Libcloud, connected: "libcloud:NAME" in everything that it answers."""

from __future__ import annotations

import inspect
from typing import Any

from libcloud.compute.base import NodeDriver

from cloudlayer.interfaces import Access, Capabilities, Clock, Deadline, SystemClock
from cloudlayer.providers.base.access import by_ssh
from cloudlayer.providers.base.capabilities import missing
from cloudlayer.providers.base.errors import Where
from cloudlayer.providers.base.provider import BaseProvider
from cloudlayer.providers.base.retries import Retries
from cloudlayer.providers.libcloud import checks, drivers
from cloudlayer.providers.libcloud.adapters import adapter
from cloudlayer.providers.libcloud.balancers import LibcloudLoadBalancing
from cloudlayer.providers.libcloud.calls import Calls
from cloudlayer.providers.libcloud.capabilities import declared
from cloudlayer.providers.libcloud.catalogue import GLOBAL, Catalogue
from cloudlayer.providers.libcloud.compute import LibcloudCompute
from cloudlayer.providers.libcloud.images import Images
from cloudlayer.providers.libcloud.launches import Launches
from cloudlayer.providers.libcloud.options import Options
from cloudlayer.providers.libcloud.prices import Prices
from cloudlayer.providers.libcloud.storage import LibcloudStorage
from cloudlayer.resources import Instance


class LibcloudProvider(BaseProvider):
    """One driver in one region. Making one makes no call and no driver; `clock` is for tests."""

    def __init__(self, region: str | None, options: Options, *, clock: Clock | None = None) -> None:
        clock, known = clock or SystemClock(), adapter(options.driver)
        cls = drivers.node_driver(options.driver)
        wanted = None if region == GLOBAL else region
        given = {known.key if name == "key" else name: value for name, value in options.arguments.items()}
        made = drivers.arguments(cls, {**known.defaults, **given}, wanted, options.driver)
        cls_made = drivers.resolved(cls, made)
        balancers = drivers.balancer_driver(options.driver)
        name, place = f"libcloud:{options.driver}", wanted or _default_region(cls)
        capabilities = declared(options.driver, cls_made, balancers, known, prices=options.prices is not None)
        super().__init__(place, Capabilities(name, capabilities))
        where, retries = Where(name, place), Retries(clock=clock)
        self._calls = Calls(
            lambda: drivers.made(cls_made, made),
            retries,
            where,
            secrets=options.secrets,
            most=1 if known.alone else 4,
            completed=known.wire,
        )
        prices = Prices(options.driver, place, known.money, options.prices, clock)
        self._catalogue = Catalogue(
            self._calls,
            options.driver,
            known,
            prices,
            clock,
            locations=drivers.overrides(cls_made, NodeDriver, "list_locations"),
            wanted=wanted,
            regional=drivers.region_argument(cls) is not None,
            patterns=options.machine_types,
        )
        images = Images(self._calls, known, options.image)
        launches = Launches(cls_made, known, self._catalogue, images, where)
        shared: dict[str, Any] = {"adapter": known, "catalogue": self._catalogue, "clock": clock}
        self._compute = LibcloudCompute(self._calls, self.capabilities, place, launches=launches, images=images, **shared)
        self._storage = LibcloudStorage(self._calls, self.capabilities, place, driver=cls_made, **shared)
        self._balancer_calls: Calls | None = None
        self._load_balancing: LibcloudLoadBalancing | None = None
        if balancers is not None:
            taken = drivers.balancer_arguments(balancers, made, options.driver)
            self._balancer_calls = Calls(lambda: balancers(**taken), retries, where, secrets=options.secrets)
            self._load_balancing = LibcloudLoadBalancing(
                self._balancer_calls,
                self.capabilities,
                place,
                driver=balancers,
                nodes=self._nodes,
                id_of=known.id_of,
                clock=clock,
            )

    @property
    def compute(self) -> LibcloudCompute:
        """Instances."""
        return self._compute

    @property
    def load_balancing(self) -> LibcloudLoadBalancing:
        """Balancers; Unsupported where Libcloud has none of this name."""
        if self._load_balancing is None or not self.capabilities["load_balancing"]:
            raise missing(self.capabilities, "load_balancing")
        return self._load_balancing

    @property
    def storage(self) -> LibcloudStorage:
        """Volumes; Unsupported where the driver has none."""
        if not self.capabilities["volumes"]:
            raise missing(self.capabilities, "volumes")
        return self._storage

    def access(self, instance: Instance) -> Access | None:
        """By SSH, at its public address where it has one."""
        return by_ssh(instance)

    def native(self, service: str) -> Any:
        """A driver of Libcloud for the caller's own use: "compute", or "load_balancing" where there are balancers."""
        if service == "load_balancing" and self._balancer_calls is not None:
            return self._balancer_calls.native()
        return self._calls.native()

    def check(self) -> list[str]:
        """Whether instances, sizes and locations can be listed."""
        return checks.check(self._calls, self._catalogue, self._calls.retries.deadline(None))

    def _nodes(self, deadline: Deadline) -> list[Any]:
        return self._calls.run(lambda held: list(held.driver.list_nodes()), doing="listing instances", deadline=deadline)


def _default_region(driver: type[Any]) -> str:
    """The region that the driver is for when none is named."""
    place = drivers.region_argument(driver)
    found = inspect.signature(driver.__init__).parameters.get(place or "")
    return str(found.default) if found is not None and isinstance(found.default, str) else GLOBAL
