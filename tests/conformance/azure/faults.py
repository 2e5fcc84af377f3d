"""The conformance suite's faults, brought about at the fake Azure."""

from cloudlayer.providers.azure.marks import YOUNG
from cloudlayer.testing import Faults
from tests.conformance.azure import holdings

CREATES = {
    "instance": "VirtualMachines_CreateOrUpdate",
    "group": "VirtualMachineScaleSets_CreateOrUpdate",
    "balancer": "LoadBalancers_CreateOrUpdate",
    "volume": "Disks_CreateOrUpdate",
    "snapshot": "Snapshots_CreateOrUpdate",
    "share": "StorageAccounts_Create",
}
"""The operation that makes a thing of a kind."""

QUOTAS = {
    "balancer": "LoadBalancersCountLimitReached",
    "share": "MaxStorageAccountsCountPerSubscriptionExceeded",
}
"""What Azure says where there may be no more of a kind; of all that Microsoft.Compute makes it is one code."""


class AzureFaults(Faults):
    """Faults as Azure has them: with its codes, and its HTTP status for each."""

    def __init__(self, arm, clock):
        self._arm = arm
        self._clock = clock

    def clear(self):
        self._arm.rules.clear()
        self._arm.options.room = None
        self._arm.options.failing = ""

    def launched(self):
        return self._arm.launched

    def holdings(self, labels):
        return holdings.count(self._arm, labels)

    def leave_pieces(self, labels):
        return holdings.plant(self._arm, self._clock, labels)

    def outlast_creates(self):
        self._clock.sleep(YOUNG)

    def lack_capacity(self, after=0):
        self._arm.options.room = after

    def exceed_quota(self, kind="instance"):
        self._arm.fault(method=CREATES[kind], code=QUOTAS.get(kind, "OperationNotAllowed"), status=409)

    def throttle(self, times=None):
        self._arm.fault(code="TooManyRequests", status=429, retry_after=1, times=times)

    def break_calls(self, times=None):
        self._arm.fault(refuse=True, times=times)

    def break_off(self, after):
        self._arm.fault(refuse=True, after=after)

    def lose_answer(self, kind="instance"):
        self._arm.fault(method=CREATES[kind], lost_response=True, times=1)

    def fail_auth(self):
        self._arm.fault(code="ExpiredAuthenticationToken", status=401)

    def deny(self, kind="instance"):
        self._arm.fault(method=CREATES[kind], code="AuthorizationFailed", status=403)

    def answer_unknown(self, kind="instance"):
        self._arm.fault(method=CREATES[kind], code="NeverHeardOf", status=409, message="Insufficient capacity, perhaps.")

    def fail_instances(self):
        self._arm.options.failing = "OSProvisioningInternalError"

    def smallest_pages(self):
        self._arm.options.page = 1
