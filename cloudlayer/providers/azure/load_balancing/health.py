"""How a balancer's probes find its targets: by Azure Monitor's metric "Health Probe Status" (DipAvailability).

There is no other way to ask. The metric is of the last minutes, and comes some minutes after the balancer. No schema of it is
in our tests: it is read as its documentation has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from cloudlayer.interfaces import Clock, Deadline
from cloudlayer.providers.azure.client import Client
from cloudlayer.resources import TargetHealth

_METRIC: Final = "DipAvailability"
_ADDRESS: Final = "BackendIPAddress"
_PORT: Final = "BackendPort"
_LOOKED_BACK: Final = timedelta(minutes=5)
_MOST: Final = 10_000
"""Series, one for each target and port: unless it is told, Azure answers with ten and says nothing of the others."""
_HALF: Final = 50.0
"""Per cent of a minute's probes: a target that answers fewer is not well."""


class Health:
    """Reads probes' results."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def of(self, balancer: str, targets: Mapping[str, str | None], deadline: Deadline) -> list[TargetHealth]:
        """The health of targets, by their addresses: the worst of the listeners; `initial` before there is any figure."""
        figures = self._figures(balancer, deadline) if targets else {}
        return [_health(target, address, figures) for target, address in sorted(targets.items())]

    def _figures(self, balancer: str, deadline: Deadline) -> dict[str, float]:
        """Per cent of probes answered in the latest minute with a figure, the worst port's, by address."""
        now = datetime.fromtimestamp(self._clock.now(), UTC).replace(microsecond=0)
        document = self._client.call(
            *("metrics", "metrics.list", balancer),
            timespan=f"{_text(now - _LOOKED_BACK)}/{_text(now)}",
            interval="PT1M",
            metricnames=_METRIC,
            aggregation="Average",
            top=_MOST,
            filter=f"{_ADDRESS} eq '*' and {_PORT} eq '*'",
            deadline=deadline,
        )
        worst: dict[str, float] = {}
        for metric in document.get("value") or ():
            for series in metric.get("timeseries") or ():
                address, figure = _dimension(series, _ADDRESS), _latest(series)
                if address and figure is not None:
                    worst[address] = min(figure, worst.get(address, figure))
        return worst


def _health(target: str, address: str | None, figures: Mapping[str, float]) -> TargetHealth:
    if address is None:
        return TargetHealth(target, "unknown", "Azure tells the probes of a uniform scale set's members by no name of theirs")
    figure = figures.get(address)
    if figure is None:
        return TargetHealth(target, "initial", "Azure has no figure of its probes yet")
    state: Literal["healthy", "unhealthy"] = "healthy" if figure > _HALF else "unhealthy"
    return TargetHealth(target, state, None if state == "healthy" else f"{figure:g} % of the probes were answered")


def _dimension(series: Mapping[str, Any], name: str) -> str:
    for item in series.get("metadatavalues") or ():
        if str((item.get("name") or {}).get("value", "")).lower() == name.lower():
            return str(item.get("value") or "")
    return ""


def _latest(series: Mapping[str, Any]) -> float | None:
    figures = [point["average"] for point in series.get("data") or () if point.get("average") is not None]
    return float(figures[-1]) if figures else None


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
