"""Prices: the user's own list first, then what the driver tells; 0 is not known."""

from datetime import date

import pytest

from cloudlayer import connect
from cloudlayer.errors import InvalidSpec
from cloudlayer.interfaces import SystemClock
from cloudlayer.providers.libcloud.adapters import adapter
from cloudlayer.providers.libcloud.prices import Prices


@pytest.fixture
def listed(tmp_path):
    def listed(text):
        file = tmp_path / "prices.csv"
        file.write_text(text)
        return str(file)

    return listed


def prices(provider):
    return {offer.machine_type.name: offer.price for offer in provider.compute.offers()}


def test_ones_own_list_counts_before_the_driver(listed):
    file = listed(
        "region,size,price_h,currency,source,as_of\n"
        "global,Small,0.5,CHF,contract,2026-01-02\n"
        "elsewhere,Medium,9,CHF,contract,2026-01-02\n"
    )
    found = prices(connect("libcloud:dummy", prices=file))
    assert (str(found["Small"]), found["Small"].source, found["Small"].as_of) == ("0.5000 CHF/h", "contract", date(2026, 1, 2))
    assert found["Medium"].currency == "USD"


def test_a_list_that_is_wrong_is_a_fault_with_its_line(listed):
    with pytest.raises(InvalidSpec, match="line 2: needs the columns region, size"):
        connect("libcloud:dummy", prices=listed("region,size\nglobal,Small\n"))
    with pytest.raises(InvalidSpec, match="cannot be read"):
        connect("libcloud:dummy", prices="/nowhere/at/all.csv")


def test_libclouds_own_file_tells_its_day_and_a_price_of_0_is_not_known():
    provider = connect("libcloud:ec2", key="k", secret="s")
    sizes = {size.id: size for size in provider.native("compute").list_sizes()}
    told = Prices("ec2", "us-east-1", adapter("ec2").money, None, SystemClock())
    assert told.of(sizes["g5.12xlarge"], "g5.12xlarge") is None
    known = told.of(sizes["m7i.large"], "m7i.large")
    assert (known.currency, known.source) == ("USD", "libcloud pricing.json")
    assert date(2020, 1, 1) < known.as_of <= date.today()


def test_a_driver_whose_prices_have_no_known_unit_has_none():
    assert not connect("libcloud:upcloud", username="u", password="p").capabilities["prices"]
    assert connect("libcloud:vultr", key="k").capabilities["prices"]
