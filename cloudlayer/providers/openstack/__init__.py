"""OpenStack: Nova, Neutron and Glance, Heat, Octavia and Cinder. openstacksdk is imported when a provider is connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Provider


def connect(region: str | None, options: Mapping[str, Any]) -> Provider:
    """OpenStack in one region; `options` are those of `cloudlayer.providers.openstack.options.Options`.

    Credentials and region are found as openstacksdk finds them (clouds.yaml, variables OS_*) where options name none.
    Raises InvalidSpec for wrong options or an unknown cloud, Unsupported where openstacksdk is not installed. Makes no call.
    """
    try:
        from cloudlayer.providers.openstack.provider import OpenStackProvider
    except ModuleNotFoundError as error:
        raise Unsupported(
            f"needs the package {error.name}: pip install 'cloudlayer[openstack]'", provider="openstack"
        ) from error
    from cloudlayer.providers.openstack.options import Options
    from cloudlayer.specs import checked

    return OpenStackProvider(region, checked(Options, dict(options), "openstack"))


def policy() -> str:
    """The roles that are needed, as commands for the operator. Needs neither openstacksdk nor credentials."""
    from cloudlayer.providers.openstack.roles import commands

    return commands()
