"""The example that names no cloud does the same on each: a group behind a balancer with a volume for each member, made,
grown, shrunk, deleted and swept."""

import importlib.util
from pathlib import Path

import pytest

from cloudlayer.fleet.clouds import Clouds
from cloudlayer.fleet.home import Home
from cloudlayer.fleet.service import Fleets
from cloudlayer.labels import OWNER
from cloudlayer.testing.base import Promises, changed

EXAMPLE = Path(__file__).parents[2] / "examples/web/web.py"
CLOUDS = ("aws", "amazon", "ec2", "gcp", "google", "gce", "azure", "openstack", "nova", "local", "libcloud", "simulated")


def example():
    spec = importlib.util.spec_from_file_location("example_web", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TourConformance(Promises):
    """Our own, not for authors of other providers: they get it with the four interfaces."""

    makes = ("group", "balancer", "instance", "volume")

    @pytest.fixture
    def fleets(self, provider, tmp_path):
        clock = provider.compute.clock
        with Fleets(Home(tmp_path / "home"), clouds=Clouds(lambda _: provider, clock), clock=clock) as fleets:
            yield fleets

    def test_the_example_leaves_nothing(self, provider, base_spec, run, faults, fleets):
        told = []
        template = changed(base_spec, labels=run)
        example().Tour(fleets, provider.name, template, told.append).run()
        sizes = [line.split(" has ")[1].split()[0] for line in told if line.startswith("group web has ")]
        behind = [line.split(" each, ")[1].split()[0] for line in told if line.startswith("group web has ")]
        assert sizes == ["2", "4", "1"]
        assert behind == sizes
        assert sum(line.startswith("sweep: volume ") for line in told) == 1
        assert told[-1] == "sweep: nothing is left"
        assert faults.holdings({OWNER: fleets.store.owner}) == {}

    def test_not_one_line_of_the_example_names_a_cloud(self):
        text = EXAMPLE.read_text().lower()
        assert [cloud for cloud in CLOUDS if cloud in text] == []
