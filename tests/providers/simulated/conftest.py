"""A simulated cloud whose machines take some time to boot."""

import pytest

from cloudlayer.providers.simulated import World


@pytest.fixture
def world():
    return World(boot_seconds=20)


@pytest.fixture
def groups(world):
    return world.connect().autoscaling
