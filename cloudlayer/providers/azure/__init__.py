"""Azure: virtual machines, scale sets, load balancers, managed disks. The SDK is imported when a provider is connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Provider


def connect(region: str | None, options: Mapping[str, Any]) -> Provider:
    """Azure in one location; `options` are those of `cloudlayer.providers.azure.options.Options`.

    What options leave out is read from AZURE_SUBSCRIPTION_ID, AZURE_DEFAULTS_GROUP and AZURE_DEFAULTS_LOCATION, and credentials
    are found as `azure.identity.DefaultAzureCredential` finds them. Raises InvalidSpec for wrong options or missing ones,
    Unsupported where the SDK is not installed. Makes no call.
    """
    try:
        from cloudlayer.providers.azure.provider import AzureProvider
    except ModuleNotFoundError as error:
        raise Unsupported(f"needs the package {error.name}: pip install 'cloudlayer[azure]'", provider="azure") from error
    from cloudlayer.providers.azure.options import Options
    from cloudlayer.specs import checked

    return AzureProvider(region, checked(Options, dict(options), "azure"))


def policy() -> str:
    """The least that a role must allow, as a custom role in JSON. Needs neither the SDK nor credentials."""
    from cloudlayer.providers.azure.permissions import policy as written

    return written()
