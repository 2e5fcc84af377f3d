"""Libcloud's drivers as these tests see them: one of the base interface alone, and recorded answers of real clouds."""

import pytest
from libcloud.compute import providers as compute_providers
from libcloud.loadbalancer import providers as balancer_providers

from cloudlayer.providers.libcloud.options import read
from cloudlayer.providers.libcloud.provider import LibcloudProvider
from cloudlayer.testing import SteppedClock
from tests.providers.libcloud import stand_ins


@pytest.fixture
def bare(monkeypatch):
    """The cloud of the driver "bare", empty at first."""
    where = stand_ins.__name__
    monkeypatch.setitem(compute_providers.DRIVERS, "bare", (where, "BareDriver"))
    monkeypatch.setitem(balancer_providers.DRIVERS, "bare", (where, "BareBalancers"))
    monkeypatch.setattr(stand_ins, "CLOUD", stand_ins.Cloud())
    return stand_ins.CLOUD


@pytest.fixture
def connected(bare):
    """Connects the driver "bare"; each call is as another process."""

    def connected(region=None, **options):
        given = read({"driver": "bare", "key": "hidden-secret", "image": "debian 12", **options})
        return LibcloudProvider(region, given, clock=SteppedClock())

    return connected


@pytest.fixture
def provider(connected):
    return connected()
