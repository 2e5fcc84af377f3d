"""Stubs of Google's price list and Resource Manager, written after their public documentation."""

from tests.fakes.rest.server import Answer, RestFake

PATH = "/v1/services/6F81-5844-456A/skus"


class PriceList(RestFake):
    """Some SKUs of Compute Engine, two a page."""

    def __init__(self, skus):
        super().__init__()
        self.skus = skus

    def method(self, call):
        return "services.skus.list" if call.path == PATH else ""

    def execute(self, call):
        start = int(call.query.get("pageToken") or 0)
        page = {"skus": self.skus[start : start + 2]}
        if start + 2 < len(self.skus):
            page["nextPageToken"] = str(start + 2)
        return Answer(200, page)

    def error(self, call, code, message, status):
        return Answer(status, {"error": {"code": status, "message": message, "status": code}})


class Permissions(RestFake):
    """What one caller may do in the project "proj"."""

    def __init__(self, held):
        super().__init__()
        self.held = held

    def method(self, call):
        return "projects.testIamPermissions" if call.path == "/v1/projects/proj:testIamPermissions" else ""

    def execute(self, call):
        held = [name for name in call.body["permissions"] if name in self.held]
        return Answer(200, {"permissions": held} if held else {})

    def error(self, call, code, message, status):
        return Answer(status, {"error": {"code": status, "message": message, "status": code}})


def sku(description, dollars, usage="OnDemand", regions=("us-central1",), unit="h"):
    """A SKU as the Cloud Billing Catalog tells it, with a free first tier."""
    units, nanos = int(dollars), round((dollars - int(dollars)) * 1e9)
    rates = [
        {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": 0}},
        {"startUsageAmount": 1, "unitPrice": {"currencyCode": "USD", "units": str(units), "nanos": nanos}},
    ]
    return {
        "name": f"services/6F81-5844-456A/skus/{abs(hash(description)):X}",
        "description": description,
        "category": {"resourceFamily": "Compute", "usageType": usage},
        "serviceRegions": list(regions),
        "pricingInfo": [
            {
                "effectiveTime": "2026-11-20T08:00:00.123456Z",
                "pricingExpression": {"usageUnit": unit, "tieredRates": rates},
            }
        ],
    }
