"""Lists: filtered, in order, and cut into pages."""

import base64

from tests.fakes.gce.errors import GceError, invalid
from tests.fakes.gce.filters import compiled

MOST = 500
ORDERS = ("name", "creationTimestamp desc")


def cut(items, query, fields, most=None):
    """One page of (key, document) pairs, and the token of the next page ("" on the last one).

    The order is that of the keys, or from the youngest on where `orderBy` wants it. `most` is the most a page has here.
    """
    wanted = compiled(query.get("filter"), fields)
    found = sorted((_rank(query, key, document), key, document) for key, document in items if wanted(document))
    after = _read(query.get("pageToken"))
    rest = [one for one in found if _mark(one[0]) > after] if after is not None else found
    size = min(_size(query), most or MOST)
    token = _written(_mark(rest[size - 1][0])) if len(rest) > size else ""
    return [(key, document) for _, key, document in rest[:size]], token


def _rank(query, key, document):
    order = query.get("orderBy") or "name"
    if order not in ORDERS:
        raise invalid("orderBy", order, f"It must be one of {', '.join(ORDERS)}.")
    return (*((_reversed(document["creationTimestamp"]),) if order != "name" else ()), *map(str, key))


def _reversed(text):
    return "".join(chr(0x10FFFF - ord(letter)) if ord(letter) < 128 else letter for letter in text)


def _size(query):
    size = int(query.get("maxResults", MOST))
    if not 0 <= size <= MOST:
        raise invalid("maxResults", size, f"It must be at least 0 and at most {MOST}.")
    return size or MOST


def _mark(rank):
    return "\n".join(rank)


def _written(mark):
    return base64.urlsafe_b64encode(mark.encode()).decode()


def _read(token):
    if not token:
        return None
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise GceError("invalid", f"Invalid value for field 'pageToken': '{token}'.") from None
