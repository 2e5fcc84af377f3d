"""`Share`: a file system that many machines mount at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pulumi import Input, Output

from cloudlayer.fleet.kinds import SHARE
from cloudlayer.infra.declaring import Declared
from cloudlayer.infra.life import Life
from cloudlayer.infra.shapes import Shape
from cloudlayer.providers.base.storage import require_share
from cloudlayer.resources import Share as FileSystem


def _tell(share: FileSystem) -> dict[str, Any]:
    return {"name": share.name, "state": str(share.state), "bytes": share.size, "mount_command": share.mount_command}


class ShareLife(Life):
    """The life of a share."""

    shape = Shape(SHARE.noun, SHARE.capability, SHARE.ready, SHARE.spec, SHARE.verbs, _tell, require=require_share)


class Share(Declared, module="cloudlayer", name="Share"):
    """A share of at most `size`. Whatever changes replaces it, **with all that is in it**.

    `mount_command` is a line for the shell of a machine that may reach it; it holds no secret.
    """

    told = ("name", "state", "bytes", "mount_command")

    name: Output[str | None]
    state: Output[str]
    bytes: Output[int]
    mount_command: Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        provider: Input[str],
        size: Input[str | int],
        protocol: Input[Literal["nfs", "smb"]] | None = None,
        name: Input[str] | None = None,
        labels: Input[Mapping[str, Input[str]]] | None = None,
        overrides: Input[Mapping[str, Any]] | None = None,
        provider_options: Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        asked = {"size": size, "protocol": protocol, "name": name, "labels": labels, "overrides": overrides}
        super().__init__(
            ShareLife(), resource_name, provider=provider, provider_options=provider_options, asked=asked, opts=opts
        )
