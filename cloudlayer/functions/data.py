"""Which objects the gateway's data API serves; without a word of it, none.

[fleet.data]
open = ["blob://", "s3+team://bucket/shared/"]     # whoever has a key of the gateway reads what is below these
write = ["blob://uploads/"]                        # and reads, writes and deletes what is below these

The table `data` of a function has the same keys, and opens to its replicas' tokens what it names, and nothing else.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Strict

from cloudlayer.errors import InvalidSpec
from cloudlayer.specs import Spec
from cloudlayer.storage.paths import check_segments
from cloudlayer.storage.uri import parse


def _prefix(text: str) -> str:
    try:
        location = parse(text)
        check_segments(location.key)
    except InvalidSpec as error:
        raise ValueError(str(error)) from None
    return text


Prefixes = Annotated[tuple[Annotated[str, AfterValidator(_prefix)], ...], Strict(False)]


class DataSection(Spec):
    """URIs of objects and folders, each for itself and all that is below it. What is in `write` may be read too."""

    open: Prefixes = ()
    write: Prefixes = ()
