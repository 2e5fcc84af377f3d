"""For programs: our resources on the cloud that the configuration names, with its smallest machines and the test's labels."""

import json
from typing import Any

import pulumi

import cloudlayer.infra as infra

CLOUD = json.loads(pulumi.Config().require("cloud"))
WHERE = {"provider": CLOUD["provider"], "provider_options": CLOUD["options"]}
OTHER_TYPE = CLOUD["other_type"]


def _asked(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    labels = {**CLOUD["labels"], "made-as": kind, **given.pop("labels", {})}
    return {**WHERE, **CLOUD["defaults"][kind], "labels": labels, **given}


def instance(name: str, /, **given: Any) -> infra.Instance:
    """One machine."""
    return infra.Instance(name, **_asked("instance", given))


def volume(name: str, /, **given: Any) -> infra.Volume:
    """One volume of a GiB."""
    return infra.Volume(name, **_asked("volume", given))


def balancer(name: str, /, **given: Any) -> infra.LoadBalancer:
    """A balancer that listens for TCP."""
    return infra.LoadBalancer(name, **_asked("balancer", given))


def group(name: str, /, **given: Any) -> infra.ScalingGroup:
    """A group of one machine, which may become two."""
    return infra.ScalingGroup(name, **_asked("group", given))


def share(name: str, /, **given: Any) -> infra.Share:
    """A share of a GiB."""
    return infra.Share(name, **_asked("share", given))
