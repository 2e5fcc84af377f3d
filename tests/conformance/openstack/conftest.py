"""OpenStack as the suite sees it: the real services that the driver's own tests use."""

from tests.providers.openstack.conftest import cloud, compute, moved_clock, real

__all__ = ["cloud", "compute", "moved_clock", "real"]
