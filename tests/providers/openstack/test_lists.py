"""Lists are whole, whatever is deleted while they are read."""

from itertools import count

import pytest

from cloudlayer.errors import NotFound, UnknownCloudError
from cloudlayer.interfaces import Deadline
from cloudlayer.providers.openstack.client import Client


class Listing(Client):
    """A list in pages of one, each of which begins after the last item of the one before."""

    def __init__(self, names, loses):
        self.names = list(names)
        self.loses = loses

    def call(self, service, method, path, *, query=None, deadline=None, **_):
        marker = (query or {}).get("marker")
        if marker is not None and marker not in self.names:
            raise NotFound(f"Port {marker} could not be found.", code="PortNotFound")
        rest = self.names[self.names.index(marker) + 1 :] if marker else self.names
        answer = {"ports": [{"id": name} for name in rest[:1]]}
        if rest[1:]:
            answer["ports_links"] = [{"rel": "next", "href": f"http://cloud{path}?limit=1&marker={rest[0]}"}]
        self.loses(self.names)
        return answer


def listed(names, loses):
    return [item["id"] for item in Listing(names, loses).pages("network", "/ports", "ports", deadline=Deadline.after(5))]


def test_what_is_there_all_the_while_is_told_once_though_a_pages_place_is_lost():
    gone = iter(["a", "c"])

    def loses(names):
        if (name := next(gone, None)) in names:
            names.remove(name)

    assert [name for name in listed("abcde", loses) if name not in "ac"] == ["b", "d", "e"]


def test_a_list_whose_place_is_always_lost_is_an_error():
    fresh = iter(range(1000))

    def loses(names):
        names[:] = [f"new-{next(fresh)}", f"new-{next(fresh)}"]

    with pytest.raises(NotFound, match="could not be found"):
        listed("ab", loses)


def test_what_gets_another_place_while_the_list_is_read_is_told_once():
    calls = count(1)

    def loses(names):
        if next(calls) == 2:
            names.insert(2, names.pop(0))

    assert sorted(listed("abcde", loses)) == ["a", "b", "c", "d", "e"]
    assert next(calls) > 6, "the list was not read anew"


class Circle(Listing):
    """A list whose next page is always the first one."""

    def call(self, service, method, path, *, query=None, deadline=None, **_):
        return {"ports": [{"id": "a"}], "ports_links": [{"rel": "next", "href": f"http://cloud{path}?limit=1&marker=a"}]}


def test_a_list_that_never_ends_is_an_error():
    with pytest.raises(UnknownCloudError, match="read before"):
        list(Circle("a", None).pages("network", "/ports", "ports", deadline=Deadline.after(5)))
