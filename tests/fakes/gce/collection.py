"""What all collections of resources have in common: get, list, insert, delete, patch, update, and labels."""

import base64
import hashlib
import json
import re
from copy import deepcopy

from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.links import Link, scope_url
from tests.fakes.gce.pages import cut
from tests.fakes.gce.references import resolve
from tests.fakes.gce.shapes import stored, without_nulls
from tests.fakes.gce.store import MAKING

KEPT = ("kind", "id", "name", "selfLink", "creationTimestamp", "zone", "region", "labels", "labelFingerprint", "status")
"""What a PUT leaves as it is."""

_KEY = re.compile(r"[^\W\d_A-Z][-\w]{0,62}")
_VALUE = re.compile(r"[-\w]{0,63}")
MOST_LABELS = 64


class Collection:
    """The resources under one word in URLs, in every zone, region or the whole project. Override the hooks.

    `prepare` completes or refuses what is inserted, `ready` and `release` are told when it is there and when it is gone,
    `revise` checks and takes a change.
    """

    word = ""
    schema = ""
    references = ()
    labelled = False
    fingerprinted = False

    def __init__(self, cloud):
        self.cloud = cloud
        self.store = cloud.store
        self.store.names(self.word, self.references)
        self._fields = set(cloud.schema.schemas[self.schema]["properties"])

    def get(self, ask):
        """One document."""
        return self.found(ask)[1]

    def list(self, ask):
        """A page of those in one zone, region or the whole project."""
        items = [(link, one) for link, one in self.store.of(self.word) if link[:2] == (ask.project, ask.scope)]
        found, token = self._page(ask, items)
        page = {"kind": ask.answer_kind, "id": ask.path.removeprefix("/compute/v1/"), "selfLink": ask.address}
        return page | ({"items": found} if found else {}) | token

    def aggregated_list(self, ask):
        """A page of all, by scope; a scope of which nothing is on the page says so."""
        away = self.cloud.options.unreachable
        here = [(link, one) for link, one in self.store.of(self.word) if link.project == ask.project]
        found, token = self._page(ask, [(link, one) for link, one in here if link.scope not in away], whole=True)
        scopes = {scope: {} for scope in self.cloud.scopes()}
        for link, document in found:
            scopes[link.scope].setdefault(self.word, []).append(document)
        for scope, content in scopes.items():
            if not content:
                content["warning"] = _unreachable(scope) if scope in away else _nothing(scope)
        page = {"kind": ask.answer_kind, "id": ask.path.removeprefix("/compute/v1/"), "selfLink": ask.address, "items": scopes}
        return page | token

    def insert(self, ask):
        """Make one; answers the operation."""
        link = Link(ask.project, ask.scope, self.word, ask.body["name"])
        document = self.new(link, ask.body)
        self.prepare(ask, link, document)
        return self.begin_insert(ask, link, document)

    def delete(self, ask):
        """Delete one; answers the operation."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        self.check_deletable(link, document)

        def finish():
            self.check_deletable(link, document)
            self.store.drop(link)
            self.release(link, document)

        return self.cloud.operations.begin(ask, link, lambda: self.store.leave(link), finish)

    def patch(self, ask):
        """Change some fields; null clears one."""
        return self._change(ask, lambda document: merged(document, self._stored(ask.body)))

    def update(self, ask):
        """Change all fields that can be."""
        return self._change(ask, lambda document: _kept(document) | self._stored(ask.body))

    def set_labels(self, ask):
        """Put other labels in the place of all; the fingerprint says of which."""
        link, document = self.found(ask)
        self.store.check_ready(link)
        labels = ask.body.get("labels", {})
        check_labels("labels", labels)

        def check():
            if ask.body.get("labelFingerprint") != document["labelFingerprint"]:
                raise GceError("conditionNotMet", "Labels fingerprint either invalid or resource labels have changed")

        def finish():
            check()
            document["labels"] = dict(labels)
            document["labelFingerprint"] = fingerprint(labels)

        check()
        return self.cloud.operations.begin(ask, link, None, finish)

    def prepare(self, ask, link, document):
        """Refuse or complete what is to be made."""

    def ready(self, link, document):
        """It is made."""

    def release(self, link, document):
        """It is gone."""

    def revise(self, link, document, new):
        """Refuse or complete a change."""

    def check_deletable(self, link, document):
        """Refuse to delete what is in use."""
        self.store.check_unused(link)

    def there(self, link):
        """Whether one can be used; what is on its way in or out is refused."""
        return self.store.there(link)

    def found(self, ask):
        """The link and the document that a request's path names."""
        return self.store.found(Link(ask.project, ask.scope, self.word, ask.name))

    def new(self, link, body):
        """A document as inserted, with what every resource has; names of others are resolved."""
        if self.store.get(link) is not None:
            raise GceError("alreadyExists", f"The resource '{link.path}' already exists")
        document = self._stored(body) | self.identity(link)
        if self.labelled:
            document.setdefault("labels", {})
            check_labels("resource.labels", document["labels"])
            document["labelFingerprint"] = fingerprint(document["labels"])
        self.resolve(link, document)
        self._stamp(document)
        return document

    def identity(self, link):
        """The fields by which a resource is known."""
        kind = self.cloud.schema.kind(self.schema)
        known = {"name": link.name, "id": self.cloud.number(), "selfLink": link.url}
        known |= {"creationTimestamp": self.cloud.timeline.stamp} | ({"kind": kind} if kind else {})
        word = link.scope.partition("/")[0].removesuffix("s")
        return known | ({word: scope_url(link.project, link.scope)} if word in self._fields else {})

    def begin_insert(self, ask, link, document):
        """Keep a document, and make it ready when its operation is over."""

        def finish():
            self.store.ready(link)
            self.ready(link, document)

        return self.cloud.operations.begin(ask, link, lambda: self.store.put(link, document, MAKING), finish)

    def resolve(self, link, document):
        """Make what a document names whole URLs, or refuse them."""
        for reference in self.references:
            resolve(reference, document, link, self.cloud.there)

    def _stored(self, body):
        document = stored(self.cloud.schema.schemas, {"$ref": self.schema}, deepcopy(body))
        return {name: value for name, value in document.items() if name not in ("fingerprint", "labelFingerprint")}

    def _page(self, ask, items, whole=False):
        keyed = [((link.scope, link.name) if whole else (link.name,), one) for link, one in items]
        by_key = {(link.scope, link.name) if whole else (link.name,): link for link, _ in items}
        found, token = cut(keyed, ask.query, self._fields, self.cloud.options.page)
        documents = [(by_key[key], one) for key, one in found] if whole else [one for _, one in found]
        return documents, ({"nextPageToken": token} if token else {})

    def _change(self, ask, change):
        link, document = self.found(ask)
        self.store.check_ready(link)
        self._check_fingerprint(ask, document)

        def changed():
            new = change(deepcopy(document))
            self.resolve(link, new)
            self.revise(link, document, new)
            return new

        def finish():
            new = changed()
            document.clear()
            document.update(new)
            self._stamp(document)
            self.ready(link, document)

        changed()
        return self.cloud.operations.begin(ask, link, None, finish)

    def _check_fingerprint(self, ask, document):
        if not self.fingerprinted:
            return
        given = ask.body.get("fingerprint")
        if given != document["fingerprint"] and (given is not None or ask.verb == "update"):
            raise GceError("conditionNotMet", "Invalid fingerprint.")

    def _stamp(self, document):
        if self.fingerprinted:
            document["fingerprint"] = fingerprint({name: one for name, one in document.items() if name != "fingerprint"})


def _kept(document):
    return {name: document[name] for name in KEPT if name in document}


def fingerprint(value):
    """A short text that changes whenever the value does."""
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def merged(document, changes):
    """A document with changes as a JSON merge patch has them."""
    new = dict(document)
    for name, value in changes.items():
        if value is None:
            new.pop(name, None)
        elif isinstance(value, dict) and isinstance(new.get(name), dict):
            new[name] = merged(new[name], value)
        else:
            new[name] = without_nulls(value)
    return new


def check_labels(field, labels):
    """Refuse labels that GCE does not take."""
    if len(labels) > MOST_LABELS:
        raise invalid(field, len(labels), f"There are at most {MOST_LABELS} labels.")
    for key, value in labels.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value) or value != value.lower():
            raise invalid(field, f"{key}: {value}", "Keys and values are lower case letters, digits, dashes and underscores.")


def _nothing(scope):
    message = f"There are no results for scope '{scope}' on this page."
    return {"code": "NO_RESULTS_ON_PAGE", "message": message, "data": [{"key": "scope", "value": scope}]}


def _unreachable(scope):
    data = [{"key": "scope", "value": scope}, {"key": "failure", "value": "RESOURCE_UNAVAILABLE"}]
    return {"code": "UNREACHABLE", "message": f"Scope '{scope}' cannot be reached.", "data": data}
