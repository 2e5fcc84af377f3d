"""Fields that name other resources."""

from dataclasses import dataclass

from tests.fakes.gce.errors import GceError, invalid, not_found
from tests.fakes.gce.links import parse


@dataclass(frozen=True)
class Reference:
    """A field by its path ("*" for each item), and the collections that what it names may be in.

    What a resource names cannot be deleted before it, unless `holds` is false. A name of nothing is told as `missing`.
    """

    path: str
    collections: tuple
    holds: bool = True
    missing: str = "notFound"

    def spots(self, document):
        """Where the field is in a document: (the container, the key or index) each."""
        spots = [({"": document}, "")]
        for step in self.path.split("."):
            spots = [spot for container, key in spots for spot in _steps(container[key], step)]
        return [(container, key) for container, key in spots if isinstance(container[key], str)]

    def urls(self, document):
        """What the field names, as URLs."""
        return [container[key] for container, key in self.spots(document)]


def _steps(value, step):
    if step == "*":
        places = range(len(value)) if isinstance(value, list) else ()
        return [(value, place) for place in places]
    return [(value, step)] if isinstance(value, dict) and step in value else []


def resolve(reference, document, link, there):
    """Make every name of a field a full URL. `there` tells whether a Link is of something, and raises if it is not ready."""
    for container, key in reference.spots(document):
        container[key] = resolved(reference, container[key], link, there).url


def resolved(reference, text, link, there):
    """The Link that one name means, seen from the resource at `link`."""
    field = f"resource.{reference.path}"
    target = parse(text, link.project)
    if target is None:
        raise invalid(field, text, "The URL is malformed.")
    if target.collection not in reference.collections:
        raise invalid(field, text, f"It must be a URL of one of: {', '.join(reference.collections)}.")
    if not _in_reach(link, target):
        raise invalid(field, text, f"It must be in the same place as the resource, {link.scope}.")
    if not there(target):
        if reference.missing == "notFound":
            raise not_found(target.path)
        raise GceError("invalid", f"Invalid value for field '{field}': '{text}'. The referenced resource does not exist.")
    return target


def _in_reach(link, target):
    if link.zone and target.zone:
        return link.zone == target.zone
    return not (link.region and target.region) or link.region == target.region
