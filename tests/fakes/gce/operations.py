"""Operations: what a call that changes something answers, and how that ends."""

import fnmatch
from uuid import UUID

from tests.fakes.gce.errors import GceError, LateError, invalid, late, not_found
from tests.fakes.gce.links import Link, scope_url
from tests.fakes.gce.pages import cut

USER = "tests@proj.iam.gserviceaccount.com"
LONG_NAMES = ("instanceGroupManagers", "regionInstanceGroupManagers")
"""Collections whose operations carry the method's whole name as their type."""


class Operations:
    """Every operation there was. The word of the collection in URLs is the same for zones, regions and the whole project."""

    def __init__(self, cloud):
        self._cloud = cloud
        self._all = {}
        self._asked = {}
        self._fields = set(cloud.schema.schemas["Operation"]["properties"])

    def answered(self, ask):
        """The operation that this very request began before; None where its `requestId` is new or missing."""
        token = ask.query.get("requestId")
        if not token:
            return None
        _check_token(token)
        known = self._asked.get((ask.project, token))
        if known and known[0] != _substance(ask):
            raise invalid("requestId", token, "It was used for another request.")
        return known and known[1]

    def begin(self, ask, link, start=None, finish=None):
        """Begin what a call asks for, and answer its operation.

        `start` happens now, `finish` when the operation's time is over; it may raise how the operation fails. Neither happens
        to an operation that `options.late` lets fail.
        """
        operation = self._made(ask, link)
        if token := ask.query.get("requestId"):
            self._asked[ask.project, token] = (_substance(ask), operation)
        code = next((code for method, code in self._cloud.options.late.items() if fnmatch.fnmatchcase(ask.method, method)), "")
        if code:
            start, finish = None, _failing(code)
        if start:
            start()
        document = self._cloud.store.get(link)
        if document and "id" in document:
            operation["targetId"] = document["id"]
        self._cloud.timeline.later(0.0, lambda: operation.update(status="RUNNING", startTime=self._cloud.timeline.stamp))
        self._cloud.timeline.later(self._cloud.options.delay, lambda: self._end(operation, finish))
        return operation

    def get(self, ask):
        """The operation as it is now."""
        return self._found(ask)

    def wait(self, ask):
        """The same: two minutes at most are promised, and no least time."""
        return self._found(ask)

    def delete(self, ask):
        """Forget an operation; the answer has no body."""
        del self._all[self._link(ask)]

    def list(self, ask):
        """A page of the operations of one scope."""
        items = [(link, one) for link, one in self._all.items() if link[:2] == (ask.project, ask.scope)]
        found, token = cut(items, ask.query, self._fields, self._cloud.options.page)
        page = {"kind": "compute#operationList", "items": [one for _, one in found]}
        return page | ({"nextPageToken": token} if token else {})

    def aggregated_list(self, ask):
        """A page of all operations, by scope."""
        items = [(link, one) for link, one in self._all.items() if link.project == ask.project]
        found, token = cut(items, ask.query, self._fields, self._cloud.options.page)
        scopes = {}
        for link, one in found:
            scopes.setdefault(link.scope, {"operations": []})["operations"].append(one)
        page = {"kind": "compute#operationAggregatedList", "items": scopes}
        return page | ({"nextPageToken": token} if token else {})

    def _link(self, ask):
        link = Link(ask.project, ask.scope, "operations", ask.name)
        if link not in self._all:
            raise not_found(link.path)
        return link

    def _found(self, ask):
        return self._all[self._link(ask)]

    def _made(self, ask, link):
        number = self._cloud.number()
        own = Link(ask.project, ask.scope, "operations", f"operation-{number}")
        group, verb = ask.method.split(".")[1:3]
        operation = {
            "kind": "compute#operation",
            "id": number,
            "name": own.name,
            "operationType": ask.method if group in LONG_NAMES else verb,
            "targetLink": link.url,
            "status": "PENDING",
            "progress": 0,
            "user": USER,
            "insertTime": self._cloud.timeline.stamp,
            "selfLink": own.url,
        }
        kind = ask.scope.partition("/")[0].removesuffix("s")
        if kind in ("zone", "region"):
            operation[kind] = scope_url(ask.project, ask.scope)
        self._all[own] = operation
        return operation

    def _end(self, operation, finish):
        try:
            if finish:
                finish()
        except (LateError, GceError) as error:
            status, words = late(error.code)
            operation["error"] = {"errors": [{"code": error.code, "message": error.message}]}
            operation |= {"httpErrorStatusCode": status, "httpErrorMessage": words}
        operation.setdefault("startTime", self._cloud.timeline.stamp)
        operation |= {"status": "DONE", "progress": 100, "endTime": self._cloud.timeline.stamp}


def _failing(code):
    def finish():
        raise LateError(code, f"injected {code}")

    return finish


def _substance(ask):
    return (ask.method, ask.path, ask.body, {name: one for name, one in ask.query.items() if name != "requestId"})


def _check_token(token):
    try:
        number = UUID(token)
    except ValueError:
        number = None
    if not number or not number.int or str(number) != token.lower():
        raise invalid("requestId", token, "It must be a UUID, and not the zero one.")
