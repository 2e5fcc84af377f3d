"""The conformance suite's faults, brought about at real OpenStack services by the proxy before them."""

import json

from cloudlayer.interfaces import SystemClock
from cloudlayer.testing import Faults
from tests.fakes.openstack import answers, holdings

NO_HOST = "cloudlayer-tests-no-host"
"""A hidden image that asks for a trait that no host has: a server from it is one for which there is no room."""

_LISTS = (
    *("*/servers/detail", "*/flavors/detail", "*/images", "*/networks", "*/ports", "*/security-groups", "*/floatingips"),
    *("*/volumes/detail", "*/snapshots/detail", "*/stacks", "*/loadbalancers", "*/listeners", "*/pools", "*/members"),
)
_AGES = 3600.0
_LONGEST_PAUSE = 0.3


class MovedClock(SystemClock):
    """This machine's clock, which can be put forward, and whose pauses are short: what is waited for here comes soon."""

    def __init__(self):
        self.ahead = 0.0

    def now(self):
        return super().now() + self.ahead

    def sleep(self, seconds):
        super().sleep(min(seconds, _LONGEST_PAUSE))


class OpenstackFaults(Faults):
    """Faults as OpenStack has them: each service's own status and words."""

    def __init__(self, real, clock):
        self._real = real
        self._clock = clock
        self._proxy = real.proxy

    def clear(self):
        self._proxy.clear()
        self._clock.ahead = 0.0

    def launched(self):
        made = [call for call in self._proxy.calls if call.method == "POST" and call.path.endswith("/servers")]
        return sum(call.status == 202 and not call.tampered for call in made)

    def holdings(self, labels):
        return holdings.count(self._real.direct, labels)

    def leave_pieces(self, labels):
        return holdings.plant(self._real.direct, labels)

    def outlast_creates(self):
        self._clock.ahead += _AGES

    def lack_capacity(self, after=0):
        image = holdings.image_without_host(self._real.direct, NO_HOST)
        self._create("instance", after=after, request=lambda document: _from_image(document, image))
        self._create("group", request=lambda document: _members_from_image(document, image))

    def exceed_quota(self, kind="instance"):
        self._refuse(answers.QUOTA[kind], kind)

    def throttle(self, times=None):
        status, document = answers.THROTTLED
        self._proxy.fault(status=status, document=document, headers={"Retry-After": "0"}, times=times)

    def break_calls(self, times=None):
        status, document = answers.UNAVAILABLE
        self._proxy.fault(status=status, document=document, times=times)

    def break_off(self, after):
        self._proxy.fault(refuse=True, after=after)

    def lose_answer(self, kind="instance"):
        self._create(kind, lose=True, times=1)

    def fail_auth(self):
        status, document = answers.UNAUTHORIZED
        self._proxy.fault(status=status, document=document)

    def deny(self, kind="instance"):
        self._refuse(answers.DENIED[kind], kind)

    def answer_unknown(self, kind="instance"):
        self._refuse(answers.UNKNOWN, kind)

    def fail_instances(self):
        self._proxy.fault(service="compute", method="GET", path="*/servers/*", answer=_failed)

    def smallest_pages(self):
        for path in _LISTS:
            self._proxy.fault(method="GET", path=path, query={"limit": "1"})

    def _create(self, kind, **effect):
        service, path = answers.KINDS[kind]
        self._proxy.fault(service=service, method="POST", path=path, **effect)

    def _refuse(self, answer, kind):
        status, document = answer
        self._create(kind, status=status, document=document)


def _from_image(document, image):
    """The server from the image that no host can take; nothing else of it is another."""
    return {**document, "server": {**document["server"], "imageRef": image}}


def _members_from_image(document, image):
    """The stack whose members are from that image: Heat makes them past the proxy."""
    files = {}
    for name, text in document["files"].items():
        member = json.loads(text)
        for resource in member["resources"].values():
            if resource["type"] == "OS::Nova::Server":
                resource["properties"]["image"] = image
        files[name] = json.dumps(member)
    return {**document, "files": files}


def _failed(document):
    """Nova's answer with its servers in the state that a host which breaks leaves them in."""
    fault = {"code": 500, "created": "2026-01-01T00:00:00Z", "message": "Build of instance aborted: the host broke."}

    def broken(server):
        return {**server, "status": "ERROR", "fault": fault, "OS-EXT-STS:task_state": None, "OS-EXT-STS:vm_state": "error"}

    if "server" in document:
        return {**document, "server": broken(document["server"])}
    return {**document, "servers": [broken(server) for server in document.get("servers", ())]}
