"""AWS's own price list. Moto has no such service: botocore's Stubber answers in its place, as the documentation has it."""

import json
from datetime import date

import pytest
from botocore.stub import ANY, Stubber

from cloudlayer.errors import PermissionDenied
from cloudlayer.providers.aws.options import Options
from cloudlayer.providers.aws.provider import AwsProvider
from cloudlayer.resources import Price
from cloudlayer.testing import SteppedClock
from tests.providers.aws.conftest import KEYS, TYPES


def product(name, *amounts, unit="Hrs", currency="USD"):
    terms = {
        f"SKU.{number}": {"priceDimensions": {f"SKU.{number}.1": {"unit": unit, "pricePerUnit": {currency: amount}}}}
        for number, amount in enumerate(amounts)
    }
    attributes = {"instanceType": name, "regionCode": "us-east-1"}
    return json.dumps(
        {"product": {"attributes": attributes}, "terms": {"OnDemand": terms}, "publicationDate": "2026-11-20T21:04:00Z"}
    )


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def live(aws, clock):
    options = Options(endpoint_url=aws.url, machine_types=TYPES, prices="live", **KEYS)
    return AwsProvider("us-west-2", options, clock=clock)


@pytest.fixture
def pricing(live):
    with Stubber(live.native("pricing")) as stub:
        yield stub


def asked(region="us-west-2", **more):
    return {"ServiceCode": "AmazonEC2", "MaxResults": 100, "Filters": ANY, **more}


def on_demand(cloud):
    return {offer.machine_type.name: offer.price for offer in cloud.compute.offers() if offer.purchase == "on_demand"}


def test_live_prices_are_read_whole_dated_and_kept_for_a_day(live, pricing, clock):
    first = {"PriceList": [product("c7g.large", "0.0725000000")], "NextToken": "more"}
    pricing.add_response("get_products", first, asked())
    pricing.add_response("get_products", {"PriceList": [product("m7i.large", "0.2000000000")]}, asked(NextToken="more"))
    prices = on_demand(live)
    assert prices["c7g.large"] == Price(0.0725, "USD", "AWS price list", date(2026, 11, 20))
    assert prices["m7i.large"].amount == 0.2
    clock.sleep(86000)
    assert on_demand(live)["c7g.large"] == prices["c7g.large"]
    pricing.assert_no_pending_responses()
    clock.sleep(86000)
    pricing.add_response("get_products", {"PriceList": [product("c7g.large", "0.08")]}, asked())
    assert on_demand(live)["c7g.large"].amount == 0.08


def test_the_list_that_comes_with_the_package_fills_the_gaps(live, pricing):
    pricing.add_response("get_products", {"PriceList": [product("m7i.large", "0.2")]}, asked())
    listed = on_demand(live)["p4d.24xlarge"]
    assert listed is not None
    assert listed.source != "AWS price list"


def test_what_is_not_priced_by_the_hour_in_dollars_is_left_out_and_the_dearer_of_two_counts(live, pricing):
    answer = [
        product("c7g.large", "5.0", unit="Quantity"),
        product("c7g.large", "5.0", currency="CNY"),
        product("c7g.large", "0.0"),
        product("m7i.large", "0.1", "0.3"),
        json.dumps({"product": {"attributes": {}}, "publicationDate": "2026-11-20T21:04:00Z"}),
    ]
    pricing.add_response("get_products", {"PriceList": answer}, asked())
    prices = on_demand(live)
    assert prices["c7g.large"] is None
    assert prices["m7i.large"].amount == 0.3


def test_the_region_and_the_plain_kind_of_instance_are_asked_for(live, pricing):
    wanted = {
        "regionCode": "us-west-2",
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "tenancy": "Shared",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
    }
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    pricing.add_response("get_products", {"PriceList": []}, {**asked(), "Filters": filters})
    live.compute.offers()
    pricing.assert_no_pending_responses()
    assert live.native("pricing").meta.region_name == "us-east-1"


def test_a_refusal_is_an_error_and_not_another_price(live, pricing):
    pricing.add_client_error("get_products", "AccessDeniedException", http_status_code=400)
    with pytest.raises(PermissionDenied):
        live.compute.offers()


def test_without_the_option_the_price_list_is_not_asked(aws, cloud):
    cloud.compute.offers()
    assert aws.count("GetProducts") == 0
