"""When a replica counts as healthy, and a new version as proven, as the function's user writes it down."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from cloudlayer.specs import Duration, Spec


def _path(text: str) -> str:
    if not text.startswith("/") or any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError(f'"{text}" is not a path of a URL: write it with a slash in front, as in "/healthz"')
    return text


class Health(Spec):
    """A replica is ready once GET `path` answers 2xx within `timeout`, or, without a path, once its port accepts; one that is
    not healthy `within` some time of its port accepting has failed.

    In an update the new version is proven once its replicas were ready for `stable`; it is given up, and the old one comes
    back, after `tries` of them failed.
    """

    path: Annotated[str, AfterValidator(_path)] | None = None
    timeout: Duration = 5.0
    within: Duration = 60.0
    stable: Duration = 3.0
    tries: Annotated[int, Field(ge=1, le=8)] = 3
