"""What mutants of Compute have in common."""

from cloudlayer.providers.base.attempts import fingerprint
from cloudlayer.providers.simulated import cloud
from cloudlayer.providers.simulated.compute import SimulatedCompute
from tests.mutants.base import REGION


class Blind(SimulatedCompute):
    """Launches on every call: neither the cloud nor the driver looks at the token."""

    def create_batch(self, specs, *, token, deadline=None):
        none = [None] * len(specs)

        def operation(document, now):
            return cloud.launch_missing(document, now, REGION, specs, token=token, ids=none, firewalls=none)

        return self._call("create", token, operation, deadline)


class AnotherDigest(SimulatedCompute):
    """Takes specs for the same that are not."""

    def digest(self, specs):
        return fingerprint(specs)

    def create_batch(self, specs, *, token, deadline=None):
        if not specs:
            return []
        none = [None] * len(specs)

        def operation(document, now):
            return cloud.launch(document, now, REGION, specs, token=token, digest=self.digest(specs), firewalls=none)

        return self._call("create", token, operation, deadline)
