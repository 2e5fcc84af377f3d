"""How a managed instance group moves towards its size and its versions, within maxSurge and maxUnavailable."""

import math
from collections import Counter


def advance(group):
    """One step: as many members as wanted, and old ones replaced as far as the policy lets it."""
    old = outdated(group)
    rolls = bool(old) and is_proactive(group.document)
    _shrink(group, old, surge(group) if rolls else 0)
    _grow(group)
    if rolls:
        step = _recreate if group.document["updatePolicy"]["replacementMethod"] == "RECREATE" else _substitute
        step(group)


def outdated(group):
    """The members whose template is not, or not as often, wanted."""
    room = Counter(wanted(group, group.document["targetSize"]))
    found = []
    for member in sorted(group.active(), key=group.is_available, reverse=True):
        if room[member.version] > 0:
            room[member.version] -= 1
        else:
            found.append(member)
    return found


def wanted(group, size):
    """How many members of each template there should be."""
    counts, left = {}, size
    rest = None
    for version in group.document["versions"]:
        if "targetSize" in version:
            share = version["targetSize"]
            many = min(left, share["fixed"] if "fixed" in share else math.ceil(size * share["percent"] / 100))
            counts[version["instanceTemplate"]] = counts.get(version["instanceTemplate"], 0) + many
            left -= many
        else:
            rest = version["instanceTemplate"]
    if rest:
        counts[rest] = counts.get(rest, 0) + left
    return counts


def is_proactive(document):
    """Whether the group replaces old members of itself."""
    policy = document["updatePolicy"]
    return policy["type"] == "PROACTIVE" and policy.get("mostDisruptiveAllowedAction", "REPLACE") == "REPLACE"


def is_reached(group):
    """Whether every member has the version that it should have."""
    have = Counter(member.version for member in group.active())
    counts = wanted(group, group.document["targetSize"])
    is_short = any(have[version] < many for version, many in counts.items())
    return not is_short and have.keys() <= counts.keys() and not any(one.action == "RECREATING" for one in group.active())


def calculated(share, size, upward):
    """How many members a number or a percentage of the size is."""
    if "percent" in share:
        part = size * share["percent"] / 100
        return math.ceil(part) if upward else math.floor(part)
    return share.get("fixed", 0)


def surge(group):
    """How many members more than the size there may be."""
    return calculated(group.document["updatePolicy"]["maxSurge"], group.document["targetSize"], True)


def _least(group):
    size = group.document["targetSize"]
    missing = calculated(group.document["updatePolicy"]["maxUnavailable"], size, False)
    return size - missing


def _shrink(group, old, extra):
    too_many = len(group.active()) - group.document["targetSize"] - extra
    for _ in range(too_many):
        zones = Counter(member.link.zone for member in group.active())
        group.delete(max(group.active(), key=lambda member: _rank(group, member, old, zones)))


def _rank(group, member, old, zones):
    """Those go first that do not run, then the old ones, then those of the fullest zone, then the youngest."""
    place = list(group.members).index(member.link.name)
    return (not group.is_available(member), member in old, zones[member.link.zone], place)


def _grow(group):
    while len(group.active()) < group.document["targetSize"]:
        group.add(_missing(group))


def _missing(group):
    """The template of which there are too few."""
    have = Counter(member.version for member in group.active())
    counts = wanted(group, group.document["targetSize"])
    return next(
        (version for version, many in counts.items() if have[version] < many),
        group.document["versions"][-1]["instanceTemplate"],
    )


def _substitute(group):
    size = group.document["targetSize"]
    old = outdated(group)
    fresh = len(group.active()) - len(old)
    for _ in range(min(size - fresh, size + surge(group) - len(group.active()))):
        group.add(_missing(group))
    for member in _removable(group, old):
        group.delete(member)
    _grow(group)


def _recreate(group):
    for member in _removable(group, outdated(group)):
        if member.action == "NONE":
            group.recreate(member, _missing(group))


def _removable(group, old):
    """The old members that can go now, so that enough are left that run."""
    spare = sum(map(group.is_available, group.active())) - _least(group)
    idle = [member for member in old if not group.is_available(member)]
    return idle + [member for member in old if group.is_available(member)][: max(0, spare)]
