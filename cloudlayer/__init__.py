"""cloudlayer: AWS, GCP, Azure, OpenStack and this host look alike; fleets of functions run where it is cheapest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cloudlayer.interfaces import Provider
    from cloudlayer.resources import InstanceSpec, LoadBalancerSpec, ScalingGroupSpec, ShareSpec, VolumeSpec

__all__ = ["InstanceSpec", "LoadBalancerSpec", "ScalingGroupSpec", "ShareSpec", "VolumeSpec", "connect"]


def connect(name: str, *, region: str | None = None, **options: Any) -> Provider:
    """Connect a provider by name ("aws", "local", "simulated"), in a region; options are the provider's own."""
    from cloudlayer.providers import registry

    return registry.connect(name, region=region, **options)


def __getattr__(name: str) -> Any:
    if name in __all__:
        from cloudlayer import resources

        return getattr(resources, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
