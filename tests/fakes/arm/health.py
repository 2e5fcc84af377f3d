"""Metrics of load balancers.

How its probes find each backend, and whether its frontends are reached. After the documentation.
"""

import re
from datetime import UTC, datetime, timedelta

from tests.fakes.arm.errors import Refusal
from tests.fakes.rest.server import Answer

FEWEST = 10
"""How many series of a metric are told unless `top` says otherwise; nothing tells of the others."""

NAMES = {"DipAvailability": "Health Probe Status", "VipAvailability": "Data Path Availability"}


def metrics(cloud, request):
    """GET of metrics, split by the dimensions that the filter names."""
    balancer = cloud.resources.get("/" + request.parameters["resourceUri"].strip("/"))
    if balancer is None or balancer.kind.type != "loadBalancers":
        raise Refusal("ResourceNotFound", f"The resource {request.parameters['resourceUri']} was not found.")
    wanted = request.query.get("metricnames", "").split(",")
    if not set(wanted) <= NAMES.keys():
        raise Refusal(
            "BadRequest", f"Failed to find metric configuration for {', '.join(wanted)}. Valid metrics: {', '.join(NAMES)}."
        )
    split = [name.lower() for name in re.findall(r"(\w+) eq '\*'", request.query.get("$filter", ""))]
    most = int(request.query.get("top") or FEWEST)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return Answer(
        200,
        {
            "cost": 0,
            "timespan": request.query.get("timespan") or f"{_told(now - timedelta(hours=1))}/{_told(now)}",
            "interval": request.query.get("interval", "PT1M"),
            "namespace": "Microsoft.Network/loadBalancers",
            "resourceregion": balancer.location,
            "value": [_metric(balancer, name, _series(cloud, balancer, name, split, now)[:most]) for name in wanted],
        },
    )


def _metric(balancer, name, series):
    return {
        "id": f"{balancer.id}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": NAMES[name]},
        "displayDescription": NAMES[name],
        "unit": "Count",
        "timeseries": series,
        "errorCode": "Success",
    }


def _series(cloud, balancer, name, split, now):
    """One series for each value of the dimensions that are split, in the order of the filter."""
    rows = _probed(cloud, balancer) if name == "DipAvailability" else _reached(cloud, balancer)
    grouped = {}
    for row, value in rows:
        grouped.setdefault(tuple((dimension, row.get(dimension, "")) for dimension in split), []).append(value)
    return [
        {
            "metadatavalues": [{"name": {"value": key, "localizedValue": key}, "value": value} for key, value in dimensions],
            "data": [{"timeStamp": _told(now), "average": sum(values) / len(values)}],
        }
        for dimensions, values in grouped.items()
    ]


def _probed(cloud, balancer):
    """Each backend of each rule that has a probe, by address and port, and how many per cent of the probes it answers."""
    for rule in balancer.properties.get("loadBalancingRules", []):
        properties = rule["properties"]
        pool = properties.get("backendAddressPool", {}).get("id")
        if not pool or not properties.get("probe"):
            continue
        for address in balancer.kind.addresses(balancer, pool):
            row = {
                "backendipaddress": address,
                "backendport": str(properties["backendPort"]),
                "protocoltype": properties["protocol"],
            }
            yield row, 100.0 if answers(cloud, address) else 0.0


def _reached(cloud, balancer):
    for rule in balancer.properties.get("loadBalancingRules", []):
        properties = rule["properties"]
        frontend = properties.get("frontendIPConfiguration", {}).get("id", "")
        row = {"frontendipaddress": frontend.rpartition("/")[2], "frontendport": str(properties["frontendPort"])}
        pool = properties.get("backendAddressPool", {}).get("id", "")
        yield row, 100.0 if any(answers(cloud, address) for address in balancer.kind.addresses(balancer, pool)) else 0.0


def answers(cloud, address):
    """Whether a running machine has the address, and is not said to be unhealthy."""
    if address in cloud.options.unhealthy:
        return False
    for kind in ("networkInterfaces", "virtualMachineScaleSets/virtualMachines/networkInterfaces"):
        for interface in cloud.resources.of(kind):
            if any(part["properties"].get("privateIPAddress") == address for part in interface.properties["ipConfigurations"]):
                machine = interface.kind.machine(interface)
                return machine is not None and machine.private.get("power") == "running"
    return False


def _told(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
