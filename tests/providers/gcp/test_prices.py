"""Prices: of the dated list, and summed from the parts that Google's own list prices."""

from datetime import date

import pytest

from cloudlayer.errors import InvalidSpec, PermissionDenied, Throttled, TransientError
from cloudlayer.providers.gcp.compute.accelerators import Machine
from cloudlayer.providers.gcp.compute.prices import LIST, ListedPrices, Parts
from tests.providers.gcp.services import PriceList, sku

HEAD = ",".join(LIST.columns)
SKUS = [
    sku("N2 Instance Core running in Americas", 0.03),
    sku("N2 Instance Ram running in Americas", 0.004, unit="GiBy.h"),
    sku("Spot Preemptible N2 Instance Core running in Americas", 0.01, "Preemptible"),
    sku("Spot Preemptible N2 Instance Ram running in Americas", 0.001, "Preemptible", unit="GiBy.h"),
    sku("N2 Custom Instance Core running in Americas", 9.0),
    sku("Sole Tenancy Premium for N2 Instance Core running in Americas", 9.0),
    sku("Commitment v1: N2 Cpu in Americas for 1 Year", 9.0, "Commit1Yr"),
    sku("N2 Instance Core running in Frankfurt", 9.0, regions=("europe-west3",)),
    sku("N1 Predefined Instance Core running in Americas", 0.03),
    sku("N1 Predefined Instance Ram running in Americas", 0.004, unit="GiBy.h"),
    sku("Nvidia Tesla T4 GPU running in Americas", 0.35),
    sku("T2A Arm Instance Core running in Americas", 0.02),
    sku("T2A Arm Instance Ram running in Americas", 0.003, unit="GiBy.h"),
    sku("E2 Instance Core running in Americas", 0.02),
    sku("E2 Instance Ram running in Americas", 0.003, unit="GiBy.h"),
    sku("A2 Instance Core running in Americas", 0.03),
    sku("A2 Instance Ram running in Americas", 0.004, unit="GiBy.h"),
    sku("Nvidia Tesla A100 GPU running in Americas", 3.0),
    sku("Nvidia Tesla A100 80GB GPU running in Americas", 4.0),
    sku("SSD backed Local Storage", 0.073, unit="GiBy.mo"),
    sku("SSD backed Local Storage attached to Spot Preemptible VMs", 0.0365, "Preemptible", unit="GiBy.mo"),
]


@pytest.fixture
def price_list():
    listed = PriceList(SKUS)
    yield listed
    listed.close()


@pytest.fixture
def live(another, price_list):
    return another(prices="live", billing_endpoint=price_list.url).compute


def priced(compute, purchase="on_demand", zone="us-central1-a"):
    offers = [offer for offer in compute.offers() if (offer.purchase, offer.zone) == (purchase, zone)]
    return {offer.machine_type.name: offer.price for offer in offers}


def file(tmp_path, *rows):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join([HEAD, *rows]))
    return str(path)


def test_the_packages_list_has_prices_on_demand_and_spot_with_source_and_date(compute):
    on_demand, spot = priced(compute)["n2-standard-8"], priced(compute, "spot")["n2-standard-8"]
    assert (on_demand.amount, spot.amount, on_demand.currency) == (0.3885, 0.1842, "USD")
    assert (on_demand.source, on_demand.as_of) == ("karpenter-provider-gcp@417f047b", date(2026, 8, 3))


def test_what_is_not_on_the_list_is_unknown(compute):
    assert priced(compute)["e2-medium"] is None
    assert priced(compute)["n1-standard-8+nvidia-tesla-t4x1"] is None


def test_prices_are_those_of_the_region(another):
    assert priced(another(region="europe-west4").compute, zone="europe-west4-a")["n2-standard-8"].amount == 0.4277


def test_a_list_of_ones_own_may_price_devices_apart(tmp_path):
    path = file(tmp_path, "r,n1-standard-8,0.5,0.1,mine,2026-11-01", "r,nvidia-tesla-t4,0.25,,mine,2026-10-01")
    listed = ListedPrices("r", path)
    parts = Parts(Machine("n1-standard-8", "nvidia-tesla-t4", 2), 8, 30, "nvidia-tesla-t4", 2)
    assert (listed.of(parts, "on_demand").amount, listed.of(parts, "on_demand").as_of) == (1.0, date(2026, 10, 1))
    assert listed.of(parts, "spot") is None


@pytest.mark.parametrize("row", ["r,m,cheap,,s,2026-11-01", "r,m,1,,s,some day"])
def test_a_list_that_cannot_be_read_is_told_with_its_line(tmp_path, row):
    with pytest.raises(InvalidSpec, match="line 2: needs the columns region, instance_type"):
        ListedPrices("r", file(tmp_path, row))


def test_a_machine_is_the_sum_of_its_processors_and_memory(live, price_list):
    found = priced(live)
    assert found["n2-standard-8"].amount == pytest.approx(8 * 0.03 + 32 * 0.004)
    assert found["t2a-standard-1"].amount == pytest.approx(0.02 + 4 * 0.003)
    assert (found["n2-standard-8"].source, found["n2-standard-8"].as_of) == ("Cloud Billing Catalog", date(2026, 11, 20))
    assert len(price_list.calls) == 11


def test_a_machine_with_a_share_of_a_processor_pays_for_that(live):
    assert priced(live)["e2-small"].amount == pytest.approx(0.5 * 0.02 + 2 * 0.003)


def test_devices_count_whether_they_are_attached_or_a_part_of_the_type(live):
    found = priced(live)
    bare = 8 * 0.03 + 30 * 0.004
    assert found["n1-standard-8+nvidia-tesla-t4x2"].amount == pytest.approx(bare + 2 * 0.35)
    assert found["a2-highgpu-2g"].amount == pytest.approx(24 * 0.03 + 170 * 0.004 + 2 * 3.0)


def test_local_ssds_of_a_machine_are_priced_by_the_month(live):
    live.offers()
    bare, whole = (Parts(Machine("n2-standard-8"), 8, 32, ssd=ssd) for ssd in (0.0, 375.0))
    for purchase, amount in (("on_demand", 0.073), ("spot", 0.0365)):
        prices = live._catalogue._prices
        extra = prices.of(whole, purchase).amount - prices.of(bare, purchase).amount
        assert extra == pytest.approx(375 * amount / 730)


def test_spot_is_what_the_list_calls_preemptible(live):
    assert priced(live, "spot")["n2-standard-8"].amount == pytest.approx(8 * 0.01 + 32 * 0.001)


def test_what_the_list_has_not_is_that_of_the_dated_one(live):
    assert priced(live, "spot")["a2-highgpu-2g"].source.startswith("karpenter")
    assert priced(live)["g2-standard-4"].amount == 0.7068


def test_the_list_is_read_once_a_day(live, price_list, clock):
    live.offers()
    live.offers()
    assert len(price_list.calls) == 11
    clock.sleep(86500)
    live.offers()
    assert len(price_list.calls) == 22


def test_a_list_that_may_not_be_read_tells_how_it_is_enabled(live, price_list):
    price_list.fault(code="PERMISSION_DENIED", status=403)
    with pytest.raises(PermissionDenied, match="gcloud services enable cloudbilling"):
        live.offers()


@pytest.mark.parametrize(("status", "kind"), [(429, Throttled), (503, TransientError)])
def test_passing_faults_of_the_list_are_tried_again(live, price_list, status, kind):
    price_list.fault(code="FAULT", status=status, times=1)
    assert priced(live)["n2-standard-8"] is not None
    price_list.fault(code="FAULT", status=status)
    with pytest.raises(kind):
        live._catalogue._prices.load()


def test_a_broken_connection_to_the_list_is_a_passing_fault(live, price_list):
    price_list.fault(refuse=True)
    with pytest.raises(TransientError):
        live.offers()
