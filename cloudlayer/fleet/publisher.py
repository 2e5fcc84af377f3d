"""Tells the gateway the routes, as soon as they change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.gateways import Gateways
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.routes import Exit, Routes
from cloudlayer.fleet.routing import routes
from cloudlayer.fleet.store import ReplicaRow, Store
from cloudlayer.functions.manifest import Manifest


class Publisher:
    """Thread-safe: the thread that made a replica ready publishes it without waiting for the next step."""

    def __init__(self, store: Store, home: Home, fleet: str, *, cut: Callable[[], frozenset[str]] = frozenset) -> None:
        """`cut` gives the machines whose connection is lost at this moment: no route leads to them."""
        self._store = store
        self._home = home
        self._fleet = fleet
        self._cut = cut
        self._lock = threading.Lock()
        self._last = Routes(0, "")
        self.gateways: Gateways | None = None
        self.failing: Mapping[str, str] = {}

    def publish(self, *, always: bool = False) -> None:
        """Send a snapshot of the store's rows if it differs from the last one, or `always`."""
        with self._lock:
            rows = self._store.read(self._fleet)
            desired = Desired.of_rows(rows)
            snapshot = routes(
                self._last.number,
                self._home,
                self._store.keys(),
                desired=desired or _NOTHING,
                replicas=rows.replicas,
                machines=rows.machines,
                cut=self._cut(),
                failing=self.failing,
            )
            if self.gateways is not None and (always or snapshot != self._last):
                self._last = replace(snapshot, number=snapshot.number + 1)
                self.gateways.publish(self._last)

    def tell(self, replica: ReplicaRow, how: str, message: str) -> None:
        """Tell how a replica ended."""
        if self.gateways is not None:
            self.gateways.tell(Exit(replica.id, how, message))


_NOTHING = Desired(Manifest.model_validate({"fleet": {"name": "none", "providers": ("none",)}}))
