"""How large the parts of an upload are."""

from __future__ import annotations

from cloudlayer.units import MIB


def sized(wanted: int, size: int | None, most: int) -> int:
    """So many bytes, in whole MiB where `wanted` is too few, that `most` parts are enough for `size`; `wanted` without one."""
    least = 0 if size is None else -(-size // most)
    return max(wanted, -(-least // MIB) * MIB)
