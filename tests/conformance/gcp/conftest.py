"""Google Cloud as the suite sees it: the fake that the driver's own tests use."""

import pytest

from cloudlayer.providers.gcp.permissions import METHODS
from tests.providers.gcp.conftest import TOKEN, clock, cloud, compute, connected, gce, no_other_google, server

__all__ = ["clock", "cloud", "compute", "connected", "gce", "no_other_google", "server"]


@pytest.fixture(autouse=True)
def within_the_role(gce):
    """Whatever the suite makes the driver do, the role that `cloudlayer iam` prints allows it."""
    yield
    made = {call.method for call in gce.calls if call.headers.get("authorization") == f"Bearer {TOKEN}"}
    assert made - METHODS.keys() == set()
