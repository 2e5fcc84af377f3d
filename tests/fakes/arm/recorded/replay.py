"""A server that gives the answers that Azure gave, to those who ask what was asked then."""

import re
from collections import Counter, defaultdict, deque

from tests.fakes.arm.recorded.cassettes import key, load
from tests.fakes.rest.server import Answer, RestFake

KEPT = ("azure-asyncoperation", "location", "content-type", "x-ms-request-id", "x-ms-error-code", "etag")
ADDRESSES = KEPT[:2]


class Replay(RestFake):
    """Azure as it was recorded, at `url`, for the interactions that are given.

    A request is matched by method and path; case, host, query and body count for nothing. Answers to one method and path come
    in the order in which they were recorded, and the last one stays. Anything else is a 404 NotRecorded, and in `misses`.
    Addresses to poll lead here, and nobody is told to wait.
    """

    def __init__(self, interactions):
        self._lines = defaultdict(deque)
        for interaction in interactions:
            self._lines[interaction.key].append(interaction)
        self._used = Counter()
        self.misses = []
        super().__init__()

    @classmethod
    def of(cls, name):
        """The replay of one cassette, by its name or any part of it that no other has."""
        return cls(load(name))

    @property
    def unused(self):
        """What was recorded and nobody has asked for."""
        return [asked for asked in self._lines if not self._used[asked]]

    def method(self, call):
        """The verb and the last part of the path."""
        return f"{call.verb} {call.path.rpartition('/')[2]}"

    def execute(self, call):
        """The next recorded answer."""
        asked = key(call.verb, call.url)
        line = self._lines.get(asked)
        if not line:
            self.misses.append(asked)
            return self.error(call, "NotRecorded", f"{call.verb} {call.path} was not recorded", 404)
        self._used[asked] += 1
        return self._told(line[0] if len(line) == 1 else line.popleft())

    def error(self, call, code, message, status):
        """An error in ARM's form."""
        return Answer(status or 400, {"error": {"code": code, "message": message}})

    def _told(self, interaction):
        headers = {name: value for name, value in interaction.headers.items() if name in KEPT} | {"retry-after": "0"}
        for name in ADDRESSES:
            if name in headers:
                headers[name] = re.sub(r"^https?://[^/]+", self.url, headers[name])
        return Answer(interaction.status, interaction.body, headers)
