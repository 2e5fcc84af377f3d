"""One project of Compute Engine: what is in it, what happens in it, and the collections that answer calls."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from tests.fakes.gce import catalogue
from tests.fakes.gce.errors import GceError, invalid, not_found
from tests.fakes.gce.kinds import COLLECTIONS
from tests.fakes.gce.links import parse
from tests.fakes.gce.operations import Operations
from tests.fakes.gce.options import Options
from tests.fakes.gce.schema import published
from tests.fakes.gce.store import Store
from tests.fakes.gce.timeline import Timeline

FIRST_NUMBER = 4_000_000_000_000_000_000


@dataclass
class Ask:
    """A request to a method: where, what, and with which words."""

    method: str
    answer_kind: str | None
    project: str
    scope: str
    collection: str
    name: str
    path: str
    address: str
    query: dict
    body: object
    parameters: dict

    @cached_property
    def verb(self):
        """The method's last word, as the functions here are named."""
        return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", self.method.rpartition(".")[2]).lower()


class Cloud:
    """The project, and the public ones beside it that hold images."""

    def __init__(self, clock):
        self.schema = published()
        self.timeline = Timeline(clock)
        self.options = Options()
        self.store = Store()
        self.launched = 0
        self.sick = set()
        self._numbers = count(FIRST_NUMBER)
        self.operations = Operations(self)
        self._collections = {kind.word: kind(self) for kind in COLLECTIONS}
        catalogue.stock(self)

    def __getitem__(self, word):
        """The collection under a word, such as "disks"."""
        return self._collections[word]

    def number(self):
        """A new numeric id."""
        return str(next(self._numbers))

    def scopes(self):
        """Every scope that a thing may be in."""
        return catalogue.SCOPES

    def link(self, url):
        """The Link that a URL of this project means."""
        return parse(url, catalogue.PROJECT)

    def there(self, link):
        """Whether what a link names can be used."""
        return self[link.collection].there(link) if link.collection in self._collections else False

    def forget_instance(self, link):
        """An instance is gone: what had it among its members has it no more."""
        self["instanceGroups"].forget(link)
        self["networkEndpointGroups"].forget(link)
        self["targetPools"].forget(link)
        for group in self["instanceGroupManagers"].all_groups():
            group.lost(link)

    def settle(self):
        """Let happen what is due, and let groups and autoscalers see to what has become of them."""
        self.timeline.settle()
        for group in self["instanceGroupManagers"].all_groups():
            group.watch()
        self["autoscalers"].watch()
        self.timeline.settle()

    def answer(self, ask):
        """What a request to a method is answered, as a document (None: no body); raises GceError."""
        self._check_place(ask)
        if known := self.operations.answered(ask):
            return known
        part = self.operations if ask.collection == "operations" else self._collections.get(ask.collection)
        serve = getattr(part, ask.verb, None) if part else None
        if serve is None:
            raise GceError("notImplemented", f"The fake does not serve {ask.method}.")
        return serve(ask)

    def _check_place(self, ask):
        if ask.project not in (catalogue.PROJECT, *catalogue.PUBLIC):
            raise not_found(f"projects/{ask.project}")
        is_public = ask.collection == "images" and ask.verb in ("get", "list", "get_from_family")
        if ask.project != catalogue.PROJECT and not is_public:
            message = f"Required '{ask.method}' permission for 'projects/{ask.project}'"
            raise GceError("forbidden", message)
        if ask.scope not in ("aggregated", *self.scopes()):
            kind, _, name = ask.scope.partition("/")
            raise invalid(kind.removesuffix("s"), name, f"Unknown {kind.removesuffix('s')}.")
