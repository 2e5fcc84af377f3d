"""A call as Azure reads it: the operation, what its path names, and the body without what only Azure writes."""

from functools import cached_property

from tests.fakes.arm import schema
from tests.fakes.arm.swagger import plain


class Request:
    """One call of an operation of the swagger files (or of `uncovered`, which has operations of the same form)."""

    def __init__(self, call, operation):
        self.call = call
        self.operation = operation
        path = plain(call.url)
        self.parameters = operation.pattern.fullmatch(path).groupdict()
        self._given = path.strip("/").split("/")
        self._template = operation.template.strip("/").split("/")

    @property
    def query(self):
        """The query by its parameters' names in lower case."""
        return {name.lower(): value for name, value in self.call.query.items()}

    @property
    def headers(self):
        """The headers by their names in lower case."""
        return self.call.headers

    @cached_property
    def body(self):
        """The body, without what only Azure writes."""
        return schema.writable(self.operation, self.call.body or {})

    @property
    def subscription(self):
        """The subscription's id; empty where the path has none."""
        return self.parameters.get("subscriptionId", "")

    @property
    def group(self):
        """The resource group's name; empty where the path has none."""
        return self.parameters.get("resourceGroupName", "")

    @cached_property
    def named(self):
        """How many parts of the path lead to its last name: what a call acts on, or lists below."""
        return max(at for at, part in enumerate(self._template) if part.startswith("{")) + 1

    @property
    def id(self):
        """The id of what the call acts on, or lists below, with names as they were given."""
        return self.path(self.named)

    def path(self, parts):
        """The first parts of the path: types as the template has them, names as given."""
        pairs = zip(self._template[:parts], self._given[:parts], strict=True)
        return "/" + "/".join(given if part.startswith("{") else part for part, given in pairs)

    @property
    def name(self):
        """The last name of the path."""
        return self._given[self.named - 1]
