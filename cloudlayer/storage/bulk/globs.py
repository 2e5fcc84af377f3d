"""Which names of a tree are meant, by patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cloudlayer.storage.globs import expression


def pattern(glob: str) -> re.Pattern[str]:
    """What a glob matches; one without a slash any last part of a name, one that ends in a slash all below that folder."""
    anywhere = "/" not in glob.removesuffix("/")
    return re.compile(expression(("**/" if anywhere else "") + glob + ("**" if glob.endswith("/") else "")), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Globs:
    """A name is meant if it matches one of `include`, where there are any, and none of `exclude`."""

    include: Sequence[re.Pattern[str]] = ()
    exclude: Sequence[re.Pattern[str]] = ()

    @classmethod
    def of(cls, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Globs:
        """From texts."""
        return cls(tuple(map(pattern, include)), tuple(map(pattern, exclude)))

    def mean(self, name: str) -> bool:
        """Whether the name is meant."""
        if self.include and not any(glob.fullmatch(name) for glob in self.include):
            return False
        return not self.excludes(name)

    def excludes(self, name: str) -> bool:
        """Whether the name, or one that ends in a slash with all that is below it, is not meant whatever `include` says."""
        return any(glob.fullmatch(name) for glob in self.exclude)


ALL: Final = Globs()
"""Every name."""
