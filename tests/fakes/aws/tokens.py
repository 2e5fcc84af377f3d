"""EC2's client tokens, which moto takes no notice of.

The same token gives the first answer again; other parameters give IdempotentParameterMismatch, a token whose instances are
all terminated IdempotentInstanceTerminated. Successes alone are remembered, and the answer repeated is the one recorded.
What EC2 says to the token of a volume that is deleted is not documented: here it repeats its answer.
"""

import re
import threading
from dataclasses import dataclass

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends


@dataclass
class _Used:
    parameters: dict
    answer: tuple
    instances: list


class Tokens:
    """Remembers what was made under which token by which action, in each region."""

    def __init__(self):
        self._used = {}
        self._locks = {}
        self._guard = threading.Lock()

    def forget(self):
        """Forget all tokens, as EC2 does after some time."""
        self._used.clear()

    def run(self, call, execute):
        """Execute a call, once for each token however many ask at a time; a call without a token each time."""
        if "ClientToken" not in call.parameters:
            return execute()
        key = (call.region, call.action, call.parameters["ClientToken"])
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            known = self._used.get(key)
            return self._first(key, call, execute) if known is None else self._again(known, call)

    def _first(self, key, call, execute):
        answer = execute()
        if answer[0].startswith("2"):
            instances = re.findall(r"<instanceId>(i-[0-9a-f]+)</instanceId>", answer[2].decode())
            self._used[key] = _Used(call.parameters, answer, instances)
        return answer

    def _again(self, known, call):
        if known.parameters != call.parameters:
            return _error(call, "IdempotentParameterMismatch")
        if known.instances and _all_terminated(call.region, known.instances):
            return _error(call, "IdempotentInstanceTerminated")
        call.outcome = "replayed by ClientToken"
        return known.answer


def _error(call, code):
    status, kind, body = call.error(code)
    call.outcome = code
    return f"{status} Error", [("Content-Type", kind), ("Content-Length", str(len(body)))], body


def _all_terminated(region, ids):
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    return all(instance.state == "terminated" for instance in backend.all_instances() if instance.id in ids)
