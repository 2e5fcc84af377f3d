"""AWS: EC2, Auto Scaling, Elastic Load Balancing, EBS. boto3 is imported when a provider is connected, not before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudlayer.errors import Unsupported
from cloudlayer.interfaces import Provider


def connect(region: str | None, options: Mapping[str, Any]) -> Provider:
    """AWS in one region; `options` are those of `cloudlayer.providers.aws.options.Options`.

    Credentials and region are found as boto3 finds them (environment, profile, instance role) where options name none.
    Raises InvalidSpec for wrong options or a missing region, Unsupported where boto3 is not installed. Makes no call.
    """
    try:
        from cloudlayer.providers.aws.provider import AwsProvider
    except ModuleNotFoundError as error:
        raise Unsupported(f"needs the package {error.name}: pip install 'cloudlayer[aws]'", provider="aws") from error
    from cloudlayer.providers.aws.options import Options
    from cloudlayer.specs import checked

    return AwsProvider(region, checked(Options, dict(options), "aws"))


def policy() -> str:
    """The least that IAM must allow, as a policy in JSON. Needs neither boto3 nor credentials."""
    from cloudlayer.providers.aws.permissions import policy as written

    return written()
