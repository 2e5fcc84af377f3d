"""The names of resources: as URLs, as the partial paths that requests may use, and as keys here."""

import re
from typing import NamedTuple

PROJECT = "proj"
NUMBER = "1234567890"
"""The project's own number, which may stand for its name."""

ROOT = "https://www.googleapis.com/compute/v1/"

_REFERENCE = re.compile(
    r"(?:https?://[^/]+/compute/(?:v1|beta)/|/)?(?:projects/(?P<project>[^/]+)/)?"
    r"(?P<scope>global|zones/[^/]+|regions/[^/]+)/(?P<collection>\w+)/(?P<name>(?:family/)?[^/]+)"
)


class Link(NamedTuple):
    """Where a resource is: its project, "global", "zones/Z" or "regions/R", the collection's word in URLs, and its name."""

    project: str
    scope: str
    collection: str
    name: str

    @property
    def path(self):
        """The relative name, as errors tell it."""
        return f"projects/{self.project}/{self.scope}/{self.collection}/{self.name}"

    @property
    def url(self):
        """The `selfLink`."""
        return ROOT + self.path

    @property
    def zone(self):
        """The zone's name; empty for what is in none."""
        return self.scope.removeprefix("zones/") if self.scope.startswith("zones/") else ""

    @property
    def region(self):
        """The region that it is in, or that its zone is in; empty for what is global."""
        return region_of(self.scope)


def region_of(scope):
    """The region's name of a scope; empty for "global"."""
    kind, _, name = scope.partition("/")
    return name.rpartition("-")[0] if kind == "zones" else name


def parse(text, project):
    """The Link that a full or partial URL means, seen from a project; None where it is malformed."""
    found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    return Link(project_of(found["project"] or project), found["scope"], found["collection"], found["name"])


def project_of(name):
    """A project's name, which its number stands for as well."""
    return PROJECT if name == NUMBER else name


def scope_url(project, scope):
    """The URL of a zone or a region."""
    return f"{ROOT}projects/{project}/{scope}"


def last(url):
    """The last part of a URL: a name."""
    return url.rpartition("/")[2]
