"""Google Cloud: Compute Engine with its groups, balancers and disks. The SDK is imported when a provider is connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Provider


def connect(region: str | None, options: Mapping[str, Any]) -> Provider:
    """Google Cloud in one region; `options` are those of `cloudlayer.providers.gcp.options.Options`.

    Credentials, project and region are found as Google's own tools find them (environment, gcloud's file, the machine's own
    account) where options name none. Raises InvalidSpec for wrong options or a missing region, Unsupported where
    google-cloud-compute is not installed. Makes no call.
    """
    try:
        from cloudlayer.providers.gcp.provider import GcpProvider
    except ModuleNotFoundError as error:
        raise Unsupported(f"needs the package {error.name}: pip install 'cloudlayer[gcp]'", provider="gcp") from error
    from cloudlayer.providers.gcp.options import Options
    from cloudlayer.specs import checked

    return GcpProvider(region, checked(Options, dict(options), "gcp"))


def policy() -> str:
    """The least that IAM must allow, as a custom role in YAML. Needs neither the SDK nor credentials."""
    from cloudlayer.providers.gcp.permissions import role

    return role()
