"""The providers and engines that a fleet uses, each connected once; and what is on sale, looked up now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from cloudlayer.errors import CloudLayerError, TransientError, Unsupported
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.reaching import Reach
from cloudlayer.fleet.store import MachineRow
from cloudlayer.fleet.view import Market
from cloudlayer.interfaces import Access, Clock, Deadline, Engine, Host, Provider, SystemClock
from cloudlayer.providers import registry
from cloudlayer.resources import Instance, InstanceState, MachineType, Offer

Connect = Callable[[str], Provider]

FRESH_FOR: Final = 300.0
"""Seconds for which a cloud's offers count as known."""
COUNTED_FOR: Final = 10.0
"""The same for offers that all tell how many there are left: others take of them."""
RETRY_AFTER: Final = 15.0
"""Seconds before a cloud whose offers could not be had is asked again."""
CALL_SECONDS: Final = 45.0
"""How long a call to a provider or engine may take: less than a lease lasts."""


def connected(key: str) -> Provider:
    """Connect "name:region". The simulated cloud runs on this host's clock then, as the rest of the fleet does."""
    fiction = registry.plug_in(key) == "simulated"
    return registry.connect(key, clock="real") if fiction else registry.connect(key)


class Clouds:
    """Thread-safe."""

    def __init__(
        self,
        connect: Connect = connected,
        clock: Clock | None = None,
        *,
        home: Home | None = None,
        changed: Callable[[], None] = lambda: None,
        serves: bool = False,
    ) -> None:
        """`home` is where keys and connections to machines lie; `changed` is called when a machine is cut off or is back.

        `serves` is whether machines are to reach the gateway: by whoever serves the fleet, and by nobody who looks at it.
        """
        self._connect = connect
        self.clock = clock or SystemClock()
        self.reach = Reach(self._access, home or Home.from_environment(), changed, serves=serves)
        self._providers: dict[str, Provider] = {}
        self._engines: dict[tuple[str, str, str], Engine] = {}
        self._types: dict[tuple[str, str], MachineType] = {}
        self._offers: dict[str, tuple[float, list[Offer]]] = {}
        self._cancelled = threading.Event()
        self._lock = threading.RLock()

    def deadline(self, seconds: float = CALL_SECONDS) -> Deadline:
        """A deadline for one call."""
        return Deadline(self.clock.monotonic() + seconds, self.clock, self._cancelled)

    def cancel(self) -> None:
        """End the calls that are under way as soon as they can; later ones are not touched."""
        cancelled, self._cancelled = self._cancelled, threading.Event()
        cancelled.set()

    def provider(self, key: str) -> Provider:
        """The provider of a key such as "aws:us-east-1" (or "aws", for its default region)."""
        with self._lock:
            if key not in self._providers:
                provider = self._connect(key)
                self._providers[key] = self._providers.setdefault(canonical(provider), provider)
            return self._providers[key]

    def engine(self, machine: MachineRow, name: str) -> Engine:
        """The engine of that name on a machine. Unsupported, with the reason, where there is none; TransientError at once while
        the machine does not answer."""
        if machine.id in self.unreachable():
            raise TransientError(f"machine {machine.id} does not answer", provider=machine.provider, code="unreachable")
        key = machine.fleet, machine.id, name
        with self._lock:
            known = self._engines.get(key)
        if known is not None:
            return known
        # Not under the lock: a machine that is far away takes its time, and others are not to wait for it.
        made = self.reach.engine(machine, name) or self.provider(machine.provider).engine(name, instance_of(machine))
        with self._lock:
            engine = self._engines.setdefault(key, made)
        if engine is not made:
            made.close()
        return engine

    def host(self, machine: MachineRow) -> Host | None:
        """How a machine is reached; None where its provider gives its engines itself. Never waits for the machine."""
        return self.reach.host(machine)

    def unreachable(self) -> frozenset[str]:
        """The ids of the machines that do not answer now."""
        return self.reach.unreachable()

    def forget(self, machine: MachineRow) -> None:
        """Let go of a machine that is no more."""
        with self._lock:
            gone = [self._engines.pop(key) for key in list(self._engines) if key[:2] == (machine.fleet, machine.id)]
        for engine in gone:
            engine.close()
        self.reach.forget(machine)

    def close(self) -> None:
        """Let go of all engines and machines."""
        with self._lock:
            engines, self._engines = list(self._engines.values()), {}
        for engine in engines:
            engine.close()
        self.reach.close()

    def _access(self, machine: MachineRow) -> Access | None:
        return None if machine.instance is None else self.provider(machine.provider).access(instance_of(machine))

    def market(self, keys: Iterable[str], complain: Callable[[str, CloudLayerError], None]) -> Market:
        """What the providers sell and can run. One that cannot be asked sells nothing, and `complain` hears why."""
        offers: list[Offer] = []
        engines: dict[str, tuple[str, ...]] = {}
        blocked: dict[str, str] = {}
        for key in keys:
            try:
                provider = self.provider(key)
                offers += map(self._as_learned, self._on_sale(provider))
            except CloudLayerError as error:
                complain(key, error)
                continue
            name, can = canonical(provider), provider.capabilities
            engines[name] = can.engines()
            if not engines[name]:
                blocked[name] = can["engine:docker"].reason
        return Market(tuple(offers), engines, blocked)

    def learn(self, offer: Offer) -> None:
        """What a machine of an offer's type can really give, as one has reported; later offers of the type say so too."""
        with self._lock:
            self._types[offer.provider, offer.machine_type.name] = offer.machine_type

    def _as_learned(self, offer: Offer) -> Offer:
        known = self._types.get((offer.provider, offer.machine_type.name))
        return offer if known is None else replace(offer, machine_type=known)

    def stale(self, key: str) -> None:
        """Ask for the offers of a provider anew the next time."""
        with self._lock:
            self._offers.pop(key, None)

    def _on_sale(self, provider: Provider) -> list[Offer]:
        key, now = canonical(provider), self.clock.monotonic()
        with self._lock:
            until, offers = self._offers.get(key, (0.0, []))
        if now >= until:
            try:
                offers = provider.compute.offers(deadline=self.deadline())
            except CloudLayerError:
                self._offers[key] = (now + RETRY_AFTER, offers)
                raise
            counted = COUNTED_FOR if all(offer.available is not None for offer in offers) else FRESH_FOR
            # This host's offers tell what other fleets have left of it, and are quickly had.
            self._offers[key] = (now + (counted if provider.keeps_machines else 1.0), offers)
        return offers


def canonical(provider: Provider) -> str:
    """name:region."""
    return f"{provider.name}:{provider.region}"


def instance_of(machine: MachineRow) -> Instance:
    """The instance of a machine that runs, as far as the store knows it."""
    if machine.instance is None:
        raise Unsupported(f"machine {machine.id} has no instance yet", provider=machine.provider)
    offer = machine.offer
    return Instance(
        id=machine.instance,
        provider=offer.provider,
        region=offer.region,
        zone=offer.zone,
        state=InstanceState.RUNNING,
        machine_type=offer.machine_type.name,
        purchase=offer.purchase,
        private_address=machine.address,
    )
