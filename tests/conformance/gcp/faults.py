"""The conformance suite's faults, brought about at the fake Compute Engine."""

from cloudlayer.testing import Faults
from tests.conformance.gcp import holdings

CREATES = {
    "instance": "compute.instances.insert",
    "group": "compute.*nstanceGroupManagers.insert",
    "balancer": "compute.forwardingRules.insert",
    "volume": "compute.disks.insert",
    "snapshot": "compute.snapshots.insert",
}
"""The method that makes a thing of a kind."""


class GcpFaults(Faults):
    """Faults as Compute Engine has them: with its reasons and codes, and its HTTP status for each."""

    def __init__(self, gce):
        self._gce = gce

    def clear(self):
        self._gce.rules.clear()
        self._gce.options.room = None
        self._gce.options.failing = ""

    def launched(self):
        return self._gce.launched

    def holdings(self, labels):
        return holdings.count(self._gce, labels)

    def leave_pieces(self, labels):
        return holdings.plant(self._gce, labels)

    def outlast_creates(self):
        """At Google Cloud no piece is spared for being young."""

    def lack_capacity(self, after=0):
        self._gce.options.room = after

    def exceed_quota(self, kind="instance"):
        self._gce.fault(method=CREATES[kind], code="quotaExceeded", status=403)

    def throttle(self, times=None):
        self._gce.fault(code="rateLimitExceeded", status=403, times=times)

    def break_calls(self, times=None):
        self._gce.fault(refuse=True, times=times)

    def break_off(self, after):
        self._gce.fault(refuse=True, after=after)

    def lose_answer(self, kind="instance"):
        self._gce.fault(method=CREATES[kind], lost_response=True, times=1)

    def fail_auth(self):
        self._gce.fault(code="authError", status=401)

    def deny(self, kind="instance"):
        self._gce.fault(method=CREATES[kind], code="forbidden", status=403)

    def answer_unknown(self, kind="instance"):
        message = "Insufficient capacity, perhaps."
        self._gce.fault(method=CREATES[kind], code="neverHeardOf", status=500, message=message)

    def fail_instances(self):
        self._gce.options.failing = "INTERNAL_ERROR"

    def smallest_pages(self):
        self._gce.options.page = 1
