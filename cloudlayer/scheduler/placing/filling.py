"""The dearest filling of one device, exactly: a knapsack over its parts, or over the places of MIG instances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cloudlayer.scheduler.placing.kinds import DeviceKind, Symbol

Filling = dict[Symbol, int]


def best_filling(device: DeviceKind, prices: Mapping[Symbol, float]) -> tuple[float, Filling]:
    """What can stand on the device at the highest sum of prices: that sum, and how many of each symbol."""
    usable = {symbol: price for symbol, price in prices.items() if price > 0 and device.most(symbol)}
    found: list[tuple[float, Filling]] = [(0.0, {})]
    found += [(price, {symbol: 1}) for symbol, price in usable.items() if symbol.whole]
    shares = {symbol: price for symbol, price in usable.items() if symbol.parts}
    sliced = {symbol: price for symbol, price in usable.items() if symbol.profile >= 0}
    if shares:
        found.append(_knapsack(device.parts, shares))
    if sliced:
        found.append(_instances(device, sliced))
    return max(found, key=lambda each: each[0])


def _knapsack(parts: int, prices: Mapping[Symbol, float]) -> tuple[float, Filling]:
    symbols = list(prices)
    sizes = np.array([symbol.parts for symbol in symbols])
    values = np.array([prices[symbol] for symbol in symbols])
    best, last = np.zeros(parts + 1), np.full(parts + 1, -1)
    for size in range(1, parts + 1):
        best[size] = best[size - 1]
        fitting = np.flatnonzero(sizes <= size)
        if len(fitting):
            sums = values[fitting] + best[size - sizes[fitting]]
            place = int(sums.argmax())
            if sums[place] > best[size]:
                best[size], last[size] = sums[place], fitting[place]
    filling, left = Filling(), parts
    while left > 0:
        if last[left] < 0:
            left -= 1
            continue
        symbol = symbols[last[left]]
        filling[symbol] = filling.get(symbol, 0) + 1
        left -= symbol.parts
    return float(best[parts]), filling


def _instances(device: DeviceKind, prices: Mapping[Symbol, float]) -> tuple[float, Filling]:
    """By the slices in use: the best from each state of them on."""
    known: dict[int, tuple[float, Filling]] = {}

    def from_on(used: int) -> tuple[float, Filling]:
        if used not in known:
            best: tuple[float, Filling] = (0.0, {})
            for symbol, price in prices.items():
                for place in device.places[symbol.profile].tolist():
                    if place and not place & used:
                        value, filling = from_on(used | place)
                        if value + price > best[0]:
                            best = (value + price, {**filling, symbol: filling.get(symbol, 0) + 1})
            known[used] = best
        return known[used]

    return from_on(device.slices)
