"""The Retail Prices API, after its public documentation: each size on demand and spot, in Linux and in Windows."""

import re
import uuid
from urllib.parse import urlencode

from tests.fakes.arm.errors import Refusal
from tests.fakes.arm.sizes import DEARER, SIZES

LARGEST = 100
"""How many items a page has."""

WINDOWS = 0.046
"""What Windows costs a core, in US dollars an hour."""

_TOKEN = re.compile(r"\s*(\(|\)|,|contains|and|or|eq|ne|'(?:[^']|'')*'|\w+)", re.IGNORECASE)
_PRICE_TYPE = "type"


def page(cloud, query):
    """The document of one page."""
    matches = _parsed(query["$filter"]) if query.get("$filter") else lambda item: True
    items = [item for item in _items() if matches(item)]
    start, size = int(query.get("$skip", 0)), cloud.options.page or LARGEST
    rest = {name: value for name, value in query.items() if name != "$skip"}
    more = f"{cloud.url}/api/retail/prices?{urlencode(rest | {'$skip': start + size}, safe='$')}"
    told = items[start : start + size]
    return {
        "BillingCurrency": "USD",
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": told,
        "NextPageLink": more if items[start + size :] else None,
        "Count": len(told),
    }


def _items():
    for location, factor in DEARER.items():
        for size in SIZES.values():
            windows = size.price + WINDOWS * size.cores
            yield _item(location, size, "", "", size.price * factor)
            yield _item(location, size, " Spot", "", size.spot * factor)
            yield _item(location, size, " Low Priority", "", size.spot * factor)
            yield _item(location, size, "", " Windows", windows * factor)
            yield _item(location, size, " Spot", " Windows", windows * factor * 0.2)
            yearly = {"type": "Reservation", "reservationTerm": "1 Year"}
            yield _item(location, size, "", "", size.price * factor * 8760 * 0.6) | yearly


def _item(location, size, market, system, price):
    meter = size.name.removeprefix("Standard_").replace("_", " ")
    name = f"{location}/{size.name}{market}{system}"
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": round(price, 6),
        "unitPrice": round(price, 6),
        "armRegionName": location,
        "location": {"eastus": "US East", "westeurope": "EU West", "westus2": "US West 2"}[location],
        "effectiveStartDate": "2026-01-01T00:00:00Z",
        "meterId": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "meterName": f"{meter}{market}",
        "productId": "DZH318Z0BQ4W",
        "skuId": f"DZH318Z0BQ4W/{uuid.uuid5(uuid.NAMESPACE_URL, name).hex[:4].upper()}",
        "productName": f"Virtual Machines {size.series} Series{system}",
        "skuName": f"{meter}{market}",
        "serviceName": "Virtual Machines",
        "serviceId": "DZH313Z7MMC8",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": size.name,
    }


def _parsed(text):
    """A filter such as serviceName eq 'Virtual Machines' and (armSkuName eq 'a' or armSkuName eq 'b')."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", text):
        raise Refusal("BadRequest", f"Invalid OData parameters supplied: {text}")
    found = _either(tokens)
    if tokens:
        raise Refusal("BadRequest", f"Invalid OData parameters supplied: {text}")
    return found


def _either(tokens):
    parts = [_both(tokens)]
    while tokens and tokens[0].lower() == "or":
        tokens.pop(0)
        parts.append(_both(tokens))
    return lambda item: any(part(item) for part in parts)


def _both(tokens):
    parts = [_one(tokens)]
    while tokens and tokens[0].lower() == "and":
        tokens.pop(0)
        parts.append(_one(tokens))
    return lambda item: all(part(item) for part in parts)


def _one(tokens):
    if not tokens:
        raise Refusal("BadRequest", "Invalid OData parameters supplied")
    first = tokens.pop(0)
    if first == "(":
        inner = _either(tokens)
        _take(tokens, ")")
        return inner
    if first.lower() == "contains":
        _take(tokens, "(")
        field = _take(tokens)
        _take(tokens, ",")
        part = _text(_take(tokens))
        _take(tokens, ")")
        return lambda item: part in item.get(_field(field), "")
    relation, value = _take(tokens).lower(), _text(_take(tokens))
    return lambda item: (item.get(_field(first)) == value) == (relation == "eq")


def _take(tokens, wanted=None):
    if not tokens or (wanted and tokens[0] != wanted):
        raise Refusal("BadRequest", "Invalid OData parameters supplied")
    return tokens.pop(0)


def _field(name):
    return _PRICE_TYPE if name == "priceType" else name


def _text(token):
    return token.strip("'").replace("''", "'")
