"""What is done to a fleet for a stack: it is deployed, served on this host, waited for, and taken down."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cloudlayer.errors import CloudLayerError, Conflict, InvalidSpec, TransientError
from cloudlayer.fleet.addresses import free_port, url_of
from cloudlayer.fleet.desired import Desired
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from cloudlayer.fleet.supervisor import answers, last_words, started
from cloudlayer.functions.manifest import Manifest
from cloudlayer.infra.marks import Mark, claimed, mark_of, remark, unmark
from cloudlayer.infra.values import fingerprint

_POLL: Final = 0.1


@dataclass(frozen=True)
class Wish:
    """A fleet as a stack wants it; `mark` says whose it is, `timeout` is in seconds. A port of 0 is any that is free."""

    manifest: Manifest
    home: Home
    mark: Mark
    host: str
    port: int
    serve: bool
    key: str = field(repr=False)
    timeout: float

    @property
    def name(self) -> str:
        """The fleet's name."""
        return self.manifest.fleet.name


@dataclass(frozen=True)
class Served:
    """A fleet that is up: its URL, if it is served from here, and a fingerprint of what was deployed."""

    url: str | None
    deployed: str


def new_key() -> str:
    """A key for callers."""
    return secrets.token_urlsafe(24)


def bring_up(wish: Wish) -> Served:
    """Deploy a new fleet and serve it; returns once it is settled. What fails leaves nothing; what was broken off is gone on
    with."""
    with Fleets(wish.home) as fleets, claimed(fleets, wish.name, wish.mark, known=False):
        try:
            return _done(fleets, wish)
        except CloudLayerError as error:
            _abandon(fleets, wish.name, error)
            raise


def bring_to(wish: Wish) -> Served:
    """Bring a fleet to another manifest, address or key; returns once it is settled. What fails leaves it as far as it came."""
    with Fleets(wish.home) as fleets, claimed(fleets, wish.name, wish.mark, known=True):
        return _done(fleets, wish)


def take_down(home: Home, name: str, owner: str) -> None:
    """End a fleet of a stack, with all that it has. One that is not there, or not that stack's any more, is left alone."""
    if mark_of(home, name, owner) is not None:
        with Fleets(home) as fleets:
            _end(fleets, name)


def drifted(home: Home, name: str, owner: str, served: Mapping[str, Any]) -> list[str] | None:
    """The inputs that the fleet does not honour any more, as it is now; None where it is gone.

    `served` says whether it is to be served, its `key`, and what was `deployed`.
    """
    if mark_of(home, name, owner) is None:
        return None
    with Fleets(home) as fleets:
        document = fleets.store.desired(name).document
        if document is None:
            return None
        is_so = {
            "manifest": _print(Desired.load(document)) == served["deployed"],
            "serve": not served["serve"] or fleets.running(name) is not None,
            "key": home.hash(served["key"]) in fleets.store.keys().values(),
        }
    return [what for what, holds in is_so.items() if not holds]


def _done(fleets: Fleets, wish: Wish) -> Served:
    deployed = _deployed(fleets, wish.manifest)
    fleets.store.put_key(_key_name(wish.name), wish.home.hash(wish.key), fleets.clock.now())
    process, mark = _serving(fleets, wish) if wish.serve else (None, None)
    if not wish.serve:
        _leave(fleets, wish)
    _settle(fleets, wish, process, mark, deployed)
    return Served(url_of(mark.host, mark.port) if mark else None, deployed)


def _deployed(fleets: Fleets, manifest: Manifest) -> str:
    """Write down what is wanted; its fingerprint. Nothing is, where something of it finds no place."""
    preview = fleets.preview(manifest)
    groups = {demand.id: demand.group for demand in preview.demands}
    missing = sorted({f"no place for {groups[one.demand]}: {one.reason}" for one in preview.plan.unplaced})
    if missing:
        raise InvalidSpec("\n".join((*missing, *preview.warnings)))
    fleets.deploy(manifest, preview)
    return _print(preview.desired or Desired(manifest))


def _print(desired: Desired) -> str:
    return fingerprint([desired.manifest.model_dump(mode="json"), dict(desired.sources)], "deployed")


def _serving(fleets: Fleets, wish: Wish) -> tuple[subprocess.Popen[bytes] | None, Mark]:
    """The process that was begun to serve the fleet, if none did already where it should."""
    pid, known = fleets.running(wish.name), mark_of(wish.home, wish.name, wish.mark.owner) or wish.mark
    is_there = known.host == wish.host and wish.port in (0, known.port)
    if pid is not None and pid == known.pid and is_there:
        return None, known
    if pid is not None:
        fleets.stop(wish.name)
    mark = replace(wish.mark, host=wish.host, port=free_port(wish.host, known.port if is_there else wish.port))
    remark(wish.home, wish.name, mark)
    process = started(wish.home, wish.name, host=mark.host, port=mark.port)
    remark(wish.home, wish.name, replace(mark, pid=process.pid))
    return process, mark


def _leave(fleets: Fleets, wish: Wish) -> None:
    """Serve it no more from here; somebody else may."""
    known = mark_of(wish.home, wish.name, wish.mark.owner)
    if known is not None and known.pid and fleets.running(wish.name) == known.pid:
        fleets.stop(wish.name)
    remark(wish.home, wish.name, wish.mark)


def _settle(fleets: Fleets, wish: Wish, process: subprocess.Popen[bytes] | None, mark: Mark | None, deployed: str) -> None:
    """Return once the fleet is as wanted; at once if nobody serves it, and nobody is to."""
    until = time.monotonic() + wish.timeout
    while not _is_up(fleets, wish, mark):
        _check_wanted(fleets, wish.name, deployed)
        if process is not None and process.poll() is not None and fleets.running(wish.name) is None:
            raise CloudLayerError(f"fleet {wish.name} does not come up; {last_words(wish.home, wish.name)}")
        if time.monotonic() > until:
            why = "; ".join(fleets.status(wish.name).missing) or last_words(wish.home, wish.name)
            raise CloudLayerError(f"fleet {wish.name} is not up after {wish.timeout:g} s: {why}")
        time.sleep(_POLL)
    _check_wanted(fleets, wish.name, deployed)


def _is_up(fleets: Fleets, wish: Wish, mark: Mark | None) -> bool:
    is_served = fleets.running(wish.name) is not None
    if mark is None:
        return not is_served or fleets.status(wish.name).settled
    return is_served and answers(mark.host, mark.port) and fleets.status(wish.name).settled


def _check_wanted(fleets: Fleets, name: str, deployed: str) -> None:
    document = fleets.store.desired(name).document
    if document is None or _print(Desired.load(document)) != deployed:
        events = [event.message for event in fleets.events(name) if event.kind == "rolled back"]
        raise Conflict(f"fleet {name} is to be something else meanwhile: {events[-1] if events else 'somebody deployed it'}")


def _abandon(fleets: Fleets, name: str, error: CloudLayerError) -> None:
    try:
        _end(fleets, name)
    except CloudLayerError as second:
        raise TransientError(f"{error}; and what was begun cannot be taken down: {second}") from error


def _end(fleets: Fleets, name: str) -> None:
    fleets.down(name, progress=lambda event: None)
    fleets.store.forget_key(_key_name(name))
    unmark(fleets.home, name)


def _key_name(name: str) -> str:
    return f"pulumi/{name}"
