"""The conformance suite's faults, brought about at the fake AWS."""

from cloudlayer.testing import Faults
from tests.fakes.aws import holdings
from tests.fakes.aws.moto_gaps import SMALLEST_PAGE

CREATES = {
    "instance": "RunInstances",
    "group": "CreateAutoScalingGroup",
    "balancer": "CreateLoadBalancer",
    "volume": "CreateVolume",
    "snapshot": "CreateSnapshot",
}
"""The action that makes a thing of a kind."""

QUOTAS = {
    "instance": "VcpuLimitExceeded",
    "group": "LimitExceeded",
    "balancer": "TooManyLoadBalancers",
    "volume": "VolumeLimitExceeded",
    "snapshot": "SnapshotLimitExceeded",
}
"""What AWS says where there may be no more of a kind."""

EC2_ACTIONS = ("RunInstances", "CreateVolume", "CreateSnapshot")
"""The others are of services that deny in other words."""


class AwsFaults(Faults):
    """Faults as AWS has them: with its codes, and its HTTP status for each."""

    def __init__(self, aws):
        self._aws = aws

    def clear(self):
        self._aws.rules.clear()
        self._aws.options.room = None
        self._aws.options.failing = ""

    def launched(self):
        return self._aws.launched

    def holdings(self, labels):
        return holdings.count(labels)

    def leave_pieces(self, labels):
        return holdings.plant(self._aws.url, labels)

    def outlast_creates(self):
        """At AWS no piece is spared for being young."""

    def lack_capacity(self, after=0):
        self._aws.options.room = after

    def exceed_quota(self, kind="instance"):
        self._aws.fault(action=CREATES[kind], code=QUOTAS[kind])

    def throttle(self, times=None):
        self._aws.fault(code=lambda call: "RequestLimitExceeded" if call.service == "ec2" else "Throttling", times=times)

    def break_calls(self, times=None):
        self._aws.fault(refuse=True, times=times)

    def break_off(self, after):
        self._aws.fault(refuse=True, after=after)

    def lose_answer(self, kind="instance"):
        self._aws.fault(action=CREATES[kind], lost_response=True, times=1)

    def fail_auth(self):
        self._aws.fault(code=lambda call: "AuthFailure" if call.service == "ec2" else "InvalidClientTokenId", status=401)

    def deny(self, kind="instance"):
        code = "UnauthorizedOperation" if CREATES[kind] in EC2_ACTIONS else "AccessDenied"
        self._aws.fault(action=CREATES[kind], code=code, status=403)

    def answer_unknown(self, kind="instance"):
        message = "Insufficient capacity, perhaps."
        self._aws.fault(action=CREATES[kind], code="NeverHeardOf", status=500, message=message)

    def fail_instances(self):
        self._aws.options.failing = "Server.InternalError"

    def smallest_pages(self):
        self._aws.options.page = SMALLEST_PAGE
