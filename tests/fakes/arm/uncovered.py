"""What the swagger files of this folder do not cover, written after Azure's public documentation and proven by no schema.

The catalogue of sizes (Microsoft.Compute/skus), metrics of balancers (microsoft.insights/metrics), resource groups, the
usages of Microsoft.Network, the Retail Prices API, the addresses that tell how an operation stands, and the logs behind
signed addresses. How an operation's document looks is checked against ARM's common types; of the others, the properties that
the documentation shows.
"""

import re

from tests.fakes.arm import health, prices, schema, sizes
from tests.fakes.arm.compute.usages import NETWORK, paged, usage, used_here
from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.operations import OVER
from tests.fakes.arm.swagger import Operation, plain
from tests.fakes.rest.server import Answer


def _operation(id, version, template, *query):
    names = ("api-version", *query)
    parts = re.split(r"\{(\w+)\}", template)
    # a metric's resource is a whole id, every other name a part of one
    names_of = {"resourceUri": ".+"}
    pattern = "".join(
        f"(?P<{part}>{names_of.get(part, '[^/]+')})" if at % 2 else re.escape(part) for at, part in enumerate(parts)
    )
    parameters = tuple(({"name": name, "in": "query"}, None) for name in names)
    return Operation(id, "GET", template, re.compile(pattern, re.IGNORECASE), version, None, parameters, {}, False)


PLACE = "/subscriptions/{subscriptionId}/providers/{namespace}/locations/{location}"
METRICS = (
    *("timespan", "interval", "metricnames", "aggregation", "top", "orderby", "$filter", "resultType", "metricnamespace"),
    *("AutoAdjustTimegrain", "ValidateDimensions", "rollupby"),
)
VERSIONS = ("2018-01-01", "2024-02-01")
OPERATIONS = (
    _operation("Operations_Get", "", f"{PLACE}/operations/{{operationId}}", "t", "c", "s", "h"),
    _operation("OperationResults_Get", "", f"{PLACE}/operationResults/{{operationId}}", "t", "c", "s", "h"),
    _operation("ResourceGroups_Get", "2021-04-01", "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"),
    _operation(
        "ResourceSkus_List",
        "2021-07-01",
        "/subscriptions/{subscriptionId}/providers/Microsoft.Compute/skus",
        "$filter",
        "includeExtendedLocations",
    ),
    _operation(
        "NetworkUsages_List",
        "2021-02-01",
        "/subscriptions/{subscriptionId}/providers/Microsoft.Network/locations/{location}/usages",
    ),
    *(
        _operation("Metrics_List", version, "/{resourceUri}/providers/microsoft.insights/metrics", *METRICS)
        for version in VERSIONS
    ),
    _operation("RetailPrices_List", "", "/api/retail/prices", "$filter", "$skip", "$top", "currencyCode", "meterRegion"),
    _operation("Blobs_Get", "", "/blobs/{container}/{blob}", "sv", "sr", "sp", "sig", "st", "se"),
)

OPEN = ("RetailPrices_List", "Blobs_Get")
"""What anybody may ask for, or whose address says that one may."""

UNVERSIONED = (*OPEN, "Operations_Get", "OperationResults_Get")
"""What answers under any version of the API."""


def find(verb, url):
    """The operation for a verb and a URL, in a list as `swagger.find` gives it."""
    path = plain(url)
    return [one for one in OPERATIONS if verb == "GET" and one.pattern.fullmatch(path)]


def handlers(cloud):
    """A function for each operation, by its id."""
    return {
        "Operations_Get": lambda request: _standing(cloud, request),
        "OperationResults_Get": lambda request: _result(cloud, request),
        "ResourceGroups_Get": lambda request: _group(cloud),
        "ResourceSkus_List": lambda request: _skus(cloud, request),
        "NetworkUsages_List": lambda request: _usages(cloud, request),
        "Metrics_List": lambda request: health.metrics(cloud, request),
        "RetailPrices_List": lambda request: Answer(200, prices.page(cloud, request.call.query)),
        "Blobs_Get": lambda request: _blob(cloud, request),
    }


def _known(cloud, request):
    operation = cloud.operations.get(request.parameters["operationId"])
    if operation is None:
        raise Refusal("NotFound", f"The operation {request.parameters['operationId']} was not found.")
    return operation


def _standing(cloud, request):
    operation = _known(cloud, request)
    headers = {} if operation.status in OVER else {"Retry-After": str(cloud.options.retry_after)}
    return Answer(200, operation.document, headers)


def _result(cloud, request):
    operation = _known(cloud, request)
    if operation.status not in OVER:
        address = cloud.operations.address(operation, "operationResults")
        return Answer(202, None, {"Location": address, "Retry-After": str(cloud.options.retry_after)})
    if operation.refusal:
        raise operation.refusal
    return Answer(200, operation.result()) if operation.result else Answer(204)


def _group(cloud):
    path = f"/subscriptions/{cloud.subscription}/resourceGroups/{cloud.group}"
    group = {"id": path, "name": cloud.group, "type": "Microsoft.Resources/resourceGroups", "location": cloud.location}
    return Answer(200, group | {"properties": {"provisioningState": "Succeeded"}})


def _skus(cloud, request):
    wanted = re.fullmatch(r"location eq '(.+)'", request.query.get("$filter", ""))
    places = [place for place in cloud.locations if wanted is None or place == wanted.group(1).lower().replace(" ", "")]
    rows = []
    for place in places:
        rows += [sizes.document(size, place, cloud.options.restricted.get(size.name)) for size in sizes.SIZES.values()]
        rows.append({"resourceType": "disks", "name": "Premium_LRS", "tier": "Premium", "size": "P10", "locations": [place]})
    return paged(cloud, request, rows)


def _usages(cloud, request):
    used = used_here(cloud, request.parameters["location"].lower())
    return paged(cloud, request, [usage(cloud, name, name, used[name]) for name in NETWORK])


def _blob(cloud, request):
    name = f"{request.parameters['container']}/{request.parameters['blob']}"
    if name not in cloud.blobs or "sig" not in request.query:
        raise Refusal("ResourceNotFound", "The specified resource does not exist.")
    return Answer(200, cloud.blobs[name], {"Content-Type": "text/plain"})


def _has(document, *names):
    return [f"body.{name}: missing" for name in names if not isinstance(document, dict) or name not in document]


def _rows(answer, *names):
    return _has(answer.document, "value") or [fault for row in answer.document["value"] for fault in _has(row, *names)]


def _metrics(answer):
    faults = _rows(answer, "id", "type", "name", "unit", "timeseries")
    return faults + _has(answer.document, "timespan")


CHECKS = {
    "Operations_Get": lambda answer: schema.check_status(answer.document),
    "OperationResults_Get": lambda answer: [] if (answer.document is None) == (answer.status != 200) else ["body: unexpected"],
    "ResourceGroups_Get": lambda answer: _has(answer.document, "id", "name", "type", "location", "properties"),
    "ResourceSkus_List": lambda answer: _rows(answer, "resourceType", "name", "locations"),
    "NetworkUsages_List": lambda answer: _rows(answer, "unit", "currentValue", "limit", "name"),
    "Metrics_List": _metrics,
    "RetailPrices_List": lambda answer: _has(answer.document, "BillingCurrency", "Items", "NextPageLink", "Count"),
    "Blobs_Get": lambda answer: [] if isinstance(answer.document, bytes) else ["body: not a blob"],
}
"""The faults of an answer, by the operation's id."""
