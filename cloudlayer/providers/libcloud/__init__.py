"""Any driver of Apache Libcloud, as "libcloud:NAME". Libcloud, and the driver's module alone, is imported on connecting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Provider

OPTION: Final = "driver"
"""What follows the name, as in "libcloud:vultr": the option that chooses the driver."""


def connect(region: str | None, options: Mapping[str, Any]) -> Provider:
    """One driver of Libcloud; `options` are those of `cloudlayer.providers.libcloud.options.Options`.

    `region` is the driver's own region where it has such, else one of its locations; without one, the driver's default or all
    of its locations. Raises InvalidSpec for a name that no driver has and for wrong options, Unsupported where Libcloud or
    what the driver needs is not installed. Makes no call.
    """
    try:
        from cloudlayer.providers.libcloud.provider import LibcloudProvider
    except ModuleNotFoundError as error:
        raise Unsupported(f"needs the package {error.name}: pip install 'cloudlayer[libcloud]'", provider="libcloud") from error
    from cloudlayer.providers.libcloud.options import read

    return LibcloudProvider(region, read(options))


def policy() -> str:
    """Raises Unsupported: the drivers are of many clouds, and none of them tells what it needs."""
    raise Unsupported("which permissions a driver needs stands in its cloud's own documentation", provider="libcloud")
