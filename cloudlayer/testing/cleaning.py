"""What a test made is deleted after it, in an order that every cloud accepts, and waited for where others depend on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cloudlayer.errors import Conflict, NotFound
from cloudlayer.interfaces import Provider

Cleaner = Callable[[Provider, Mapping[str, str], float], None]


def clean(provider: Provider, labels: Mapping[str, str], kinds: tuple[str, ...], patience: float) -> None:
    """Delete everything of these kinds that carries the labels, kind after kind."""
    for kind in kinds:
        if all(provider.capabilities[needed] for needed in _NEEDS[kind]):
            _CLEANERS[kind](provider, labels, patience)


def clean_leftovers(provider: Provider, labels: Mapping[str, str]) -> None:
    """Delete the pieces with these labels whose thing is not there."""
    for leftover in provider.leftovers(labels):
        provider.delete_leftover(leftover)


def _instances(provider: Provider, labels: Mapping[str, str], _patience: float) -> None:
    compute = provider.compute
    compute.delete([instance.id for instance in compute.list(labels) if not instance.state.gone])


def _groups(provider: Provider, labels: Mapping[str, str], patience: float) -> None:
    groups = provider.autoscaling
    doomed = [group.id for group in groups.list(labels) if group.state != "deleted"]
    for one in doomed:
        groups.delete(one)
    for one in doomed:
        groups.wait(one, "deleted", timeout=patience)


def _balancers(provider: Provider, labels: Mapping[str, str], patience: float) -> None:
    balancers = provider.load_balancing
    doomed = [balancer.id for balancer in balancers.list(labels) if balancer.state != "deleted"]
    for one in doomed:
        balancers.delete(one)
    for one in doomed:
        balancers.wait(one, "deleted", timeout=patience)


def _snapshots(provider: Provider, labels: Mapping[str, str], patience: float) -> None:
    storage = provider.storage
    doomed = [snapshot.id for snapshot in storage.snapshots(labels) if snapshot.state != "deleted"]
    for one in doomed:
        storage.delete_snapshot(one)
    for one in doomed:
        storage.wait_snapshot(one, "deleted", timeout=patience)


def _shares(provider: Provider, labels: Mapping[str, str], patience: float) -> None:
    storage = provider.storage
    doomed = [share.id for share in storage.shares(labels) if share.state != "deleted"]
    for one in doomed:
        storage.delete_share(one)
    for one in doomed:
        storage.wait_share(one, "deleted", timeout=patience)


def _volumes(provider: Provider, labels: Mapping[str, str], patience: float) -> None:
    storage = provider.storage
    doomed = [volume.id for volume in storage.list(labels) if volume.state not in ("deleting", "deleted")]
    for one in doomed:
        try:
            storage.delete(one)
        except Conflict:
            _detach(provider, one, patience)
    for one in doomed:
        storage.wait(one, "deleted", timeout=patience)


def _detach(provider: Provider, volume: str, patience: float) -> None:
    try:
        provider.storage.detach(volume)
        provider.storage.wait(volume, "available", timeout=patience)
    except NotFound:
        return  # it went with its instance
    provider.storage.delete(volume)


_CLEANERS: Final[Mapping[str, Cleaner]] = {
    "instance": _instances,
    "group": _groups,
    "balancer": _balancers,
    "snapshot": _snapshots,
    "volume": _volumes,
    "share": _shares,
}
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "instance": (),
    "group": ("autoscaling",),
    "balancer": ("load_balancing",),
    "snapshot": ("volumes", "volume_snapshots"),
    "volume": ("volumes",),
    "share": ("volumes", "shares"),
}
