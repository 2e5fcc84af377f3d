"""The conformance suite's faults, brought about at the fake AWS."""

from cloudlayer.testing import Faults
from tests.fakes.aws.moto_gaps import SMALLEST_PAGE


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

    def lack_capacity(self, after=0):
        self._aws.options.room = after

    def exceed_quota(self):
        self._aws.fault(action="RunInstances", code="VcpuLimitExceeded")

    def throttle(self, times=None):
        self._aws.fault(code="RequestLimitExceeded", service="ec2", times=times)

    def break_calls(self, times=None):
        self._aws.fault(refuse=True, times=times)

    def lose_answer(self):
        self._aws.fault(action="RunInstances", lost_response=True, times=1)

    def fail_auth(self):
        self._aws.fault(code="AuthFailure", status=401)

    def deny(self):
        self._aws.fault(action="RunInstances", code="UnauthorizedOperation", status=403)

    def answer_unknown(self):
        self._aws.fault(action="RunInstances", code="NeverHeardOf", status=500, message="Insufficient capacity, perhaps.")

    def fail_instances(self):
        self._aws.options.failing = "Server.InternalError"

    def smallest_pages(self):
        self._aws.options.page = SMALLEST_PAGE
