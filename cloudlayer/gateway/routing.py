"""Which version a reference names.

Every name that callers may use is worked out once a snapshot, so that a call costs one look-up; most snapshots change
replicas and no versions, and find the table of the one before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from cloudlayer.functions.versions import Version, select
from cloudlayer.gateway.envelope import UNKNOWN_FUNCTION, CallError


@lru_cache(maxsize=1)
def references(versions: frozenset[tuple[str, str]], unproven: frozenset[tuple[str, str]] = frozenset()) -> dict[str, str]:
    """From every reference to the key it names, for (function, version) pairs: "a/F", "a/F/1.*", "a/F/1.2.*", "a/F/1.2.3".

    Those that are `unproven` are named by what names no other.
    """
    table = _table(unproven)
    table |= _table(versions - unproven)
    return table


def _table(versions: Iterable[tuple[str, str]]) -> dict[str, str]:
    known = defaultdict(list)
    for function, version in versions:
        known[function].append(version)
    table = {}
    for function, there in known.items():
        for wanted in _names(there):
            reference = function if wanted is None else f"{function}/{wanted}"
            table[reference] = f"{function}/{select(wanted, there)}"
    return table


def unknown(reference: str, table: Iterable[str]) -> CallError:
    """Error 1001, which says what there is instead where that helps."""
    function = "/".join(reference.split("/")[:2])
    versions = sorted(name for name in table if name.startswith(f"{function}/") and not name.endswith("*"))
    hint = f"; there are {', '.join(versions[:10])}" if versions else ""
    return CallError("EntityNotFoundError", f"No such algorithm: {reference[:200]}{hint}", code=UNKNOWN_FUNCTION)


def _names(versions: Iterable[str]) -> set[str | None]:
    names: set[str | None] = {None}
    for text in versions:
        version = Version.parse(text)
        names |= {text, f"{version.major}.*", f"{version.major}.{version.minor}.*"}
    return names
