"""Sizes, durations and prices: text with a unit outside, plain numbers inside.

Sizes are bytes (int), durations seconds (float), processors cores (float), prices an amount per hour in a currency.
"""

from __future__ import annotations

import re
from typing import Final

KIB: Final = 1024
MIB: Final = 1024**2
GIB: Final = 1024**3
TIB: Final = 1024**4

_SIZES: Final = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": TIB}
_DECIMAL: Final = {"K": "KiB", "M": "MiB", "G": "GiB", "T": "TiB"}
_DURATIONS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER_AND_UNIT: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ]*)\s*", re.ASCII)
_PRICE: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Z]{3})\s*/\s*h(?:our)?\s*", re.ASCII)


def parse_size(text: str) -> int:
    """Bytes from text such as "512MiB". Raises ValueError that says what to write instead."""
    match = _NUMBER_AND_UNIT.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a size: write a number and a unit, as in "512MiB" or "16GiB"')
    number, unit = match.groups()
    if unit in _SIZES:
        return round(float(number) * _SIZES[unit])
    binary = _DECIMAL.get(unit[:1].upper())
    if unit and binary:
        raise ValueError(f'"{text}" is ambiguous: sizes are powers of 1024 here, write "{number}{binary}"')
    raise ValueError(f'"{text}" has no unit that is known: write "{number}MiB" or "{number}GiB"')


def format_size(size: int) -> str:
    """The shortest exact or rounded text for a number of bytes, as in "1.5GiB"."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size >= _SIZES[unit]:
            return f"{size / _SIZES[unit]:.2f}".rstrip("0").rstrip(".") + unit
    return f"{size}B"


def parse_duration(text: str) -> float:
    """Seconds from text such as "30s", "5m" or "250ms". Raises ValueError that says what to write instead."""
    match = _NUMBER_AND_UNIT.fullmatch(text)
    if match is None or match.group(2) not in _DURATIONS:
        raise ValueError(f'"{text}" is not a duration: write a number and one of ms, s, m, h, d, as in "30s"')
    return float(match.group(1)) * _DURATIONS[match.group(2)]


def format_duration(seconds: float) -> str:
    """Text for a duration in its largest fitting unit, as in "5m" or "1.5h"."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= _DURATIONS[unit]:
            return f"{seconds / _DURATIONS[unit]:.1f}".removesuffix(".0") + unit
    return f"{seconds * 1000:.0f}ms"


def parse_price(text: str) -> tuple[float, str]:
    """(amount per hour, currency) from text such as "20 USD/h". Raises ValueError that says what to write instead."""
    match = _PRICE.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a price: write an amount, a currency and "/h", as in "20 USD/h"')
    return float(match.group(1)), match.group(2)
