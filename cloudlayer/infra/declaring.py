"""What all our resources have in common where a program declares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import Resource

from cloudlayer.infra import costs
from cloudlayer.infra.inputs import LOGICAL, OPTIONS, OWNER, PROVIDER
from cloudlayer.infra.life import DRIFTED, Life
from cloudlayer.infra.owner import stack_owner


class Declared(Resource):
    """A resource over a driver of ours. `told` names the outputs that are no inputs.

    Where it has to be replaced, the old thing is deleted first: two of a name are a conflict at most clouds, and two machines
    cost twice. `ResourceOptions(delete_before_replace=False)` is refused: a new one that is asked for in the same words
    would be the old one, by its token. To have the new one first, declare it under another name.
    """

    told: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        life: Life,
        name: str,
        *,
        provider: pulumi.Input[str],
        provider_options: pulumi.Input[Mapping[str, Any]] | None,
        asked: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        if opts is not None and opts.delete_before_replace is False:
            raise ValueError(f"{name}: delete_before_replace=False cannot be had: declare the new one under another name")
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(delete_before_replace=True), opts)
        kind = f"pulumi-python:{self._resource_type_name}"
        ours = {
            PROVIDER: provider,
            OPTIONS: provider_options,
            OWNER: stack_owner(),
            LOGICAL: urn_of(name, kind, options.parent),
        }
        outputs = dict.fromkeys((*self.told, DRIFTED))
        super().__init__(life, name, {**outputs, **asked, **ours}, options)
        costs.tell(self, life, {**asked, **ours})


def urn_of(name: str, kind: str, parent: pulumi.Resource | None) -> pulumi.Output[str]:
    """The URN that a resource will have. It does not depend on the parent: a component depends on all that is in it."""

    async def told() -> str:
        return str(await pulumi.resource.create_urn(name, kind, parent).future())

    urn: pulumi.Output[str] = pulumi.Output.from_input(told())
    return urn
